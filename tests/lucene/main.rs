//! The reader of Elasticsearch 5 directories against directories that real nodes made (`tests/fixtures/lucene`).
//!
//! | module | subject |
//! |---|---|
//! | `golden` | unpacks a directory, and what its node said is in it |
//! | `canonical` | the form of JSON that both sides take the digest of |
//! | `equality` | the reader finds exactly what the node served |
//! | `corruption` | no damage goes unnoticed |

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod canonical;
mod corruption;
mod equality;
mod golden;
