//! The readers of Elasticsearch 5, 7 and 8 directories against directories that real nodes made
//! (`tests/fixtures/lucene`).
//!
//! | module | subject |
//! |---|---|
//! | `golden` | unpacks a directory, and what its node said is in it |
//! | `canonical` | the form of JSON that both sides take the digest of |
//! | `canonical_form` | it is what the nodes' side writes |
//! | `equality` | the reader of Elasticsearch 5 finds exactly what the node served |
//! | `target` | that of Elasticsearch 7 and 8 does so too |
//! | `corruption` | no damage goes unnoticed |
//! | `missing` | nothing that is missing does, and what was named by mistake is told |

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod canonical;
mod canonical_form;
mod corruption;
mod equality;
mod golden;
mod missing;
mod target;
