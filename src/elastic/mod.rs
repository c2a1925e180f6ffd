//! Elasticsearch over HTTP: mappings and templates, scroll in, bulk out, digests, copy and verification.
//!
//! ```text
//! old node ─ indices::list, describe ─ IndexPlan ─┐
//!    │                                            │
//!    └─ scroll ─ one line, routing ─ digest ─ batch ─ bulk ─ new node
//!                                      │                        │
//!                                  CopyOutcome ── verify ───────┘
//! ```
//!
//! A document is copied as the bytes that the old node holds; Elasticsearch stores the bytes that it is sent, so that
//! a copy can be compared byte for byte. Everything that changes a node goes through [`Client`] and has a failpoint
//! named `elastic.<operation>`.

mod admin;
mod answers;
mod backoff;
mod batch;
mod bulk;
mod client;
mod compare;
mod copy;
mod difference;
pub mod digest;
mod document;
mod failure;
mod fetch;
mod fields;
mod index_plan;
pub mod indices;
mod mapping;
mod node;
mod outcome;
mod page;
mod rejects;
mod routing;
mod sample;
mod scroll;
mod splitter;
mod templates;
mod verify;

pub use admin::{delete_index, flush, refresh};
pub use backoff::Backoff;
pub use client::Client;
pub use compare::{Compared, compare_index, compare_with_digest};
pub use copy::{Copier, CopyOptions};
pub use difference::{Difference, How, Named};
pub use digest::Digest;
pub use document::{Document, Key, on_one_line};
pub use failure::{Failure, Refusal};
pub use index_plan::IndexPlan;
pub use indices::{Listed, SourceIndex};
pub use mapping::{field_paths, target_mapping, uncovered_fields};
pub use node::Version;
pub use outcome::{Checkpoints, CopyOutcome, Rejected, require_complete};
pub use rejects::{Accepted, Reject, RejectLog};
pub use routing::intended;
pub use sample::sample_tasks;
pub use templates::Templates;
pub use verify::{SecondReading, Verdict, Verified, verify_index};
