//! JSON as Elasticsearch keeps it, which need not be all Unicode: Java's strings, and the parser that Elasticsearch reads
//! with, take halves of surrogate pairs, as bytes and as escapes (elastic/elasticsearch#9538). Python sends such for what
//! a console printed that was no UTF-8.
//!
//! | module | subject |
//! |---|---|
//! | `scan` | where the parts of a text are: what its strings hold is not looked at |
//! | `unicode` | words of a node, and mappings, as far as Unicode has them |

mod scan;
mod unicode;

pub use scan::{Malformed, Part, Parts};
pub use unicode::{Named, Text, is_named, lossy, name};
