//! Elasticsearch over HTTP: mappings and templates, bulk out, digests, copy and verification. The old documents come
//! out of the files of a data directory ([`Files`]), out of a node by scrolls, or out of an export ([`Exported`]).
//!
//! ```text
//! old files ─ Files::indices ──────┐
//! export ─ Exported ───────────────┤
//! old node ─ indices::list, describe ─ IndexPlan ─┐
//!    │                                            │
//!    └─ units | scroll ─ one line, routing ─ digest ─ batch ─ bulk ─ new node
//!                                              │                        │
//!                                          CopyOutcome ── verify ───────┘
//! ```
//!
//! A document is copied as the bytes that the old side holds; Elasticsearch stores the bytes that it is sent, so that
//! a copy can be compared byte for byte. Everything that changes a node goes through [`Client`] and has a failpoint
//! named `elastic.<operation>`.

mod account;
mod adaptive;
mod admin;
mod answers;
mod backoff;
mod batch;
mod buffers;
mod bulk;
mod client;
mod collisions;
mod compare;
mod copy;
mod copy_rules;
mod difference;
pub mod digest;
mod document;
mod exported;
mod failure;
mod fetch;
mod files;
mod fold;
mod index_plan;
pub mod indices;
mod json_text;
mod mapping;
mod mark;
mod node;
mod outcome;
mod page;
mod rejects;
mod repair;
mod routing;
mod sample;
mod scroll;
mod source;
mod splitter;
mod spot_check;
mod survey;
mod target;
mod tell_apart;
mod templates;
mod values;
mod verify;

pub use account::{Account, Extent, require_all, settle};
pub use admin::{delete_index, flush, refresh};
pub use backoff::Backoff;
pub use client::Client;
pub use collisions::{Collisions, NewIdList, NewIds, Search};
pub use compare::{Compared, compare_index, compare_with_digest};
pub use copy::{Copier, CopyOptions, Partial};
pub use copy_rules::CopyRules;
pub use difference::{Difference, How, Named};
pub use digest::Digest;
pub use document::{Document, Key, on_one_line, put_on_one_line};
pub use exported::{Exported, ExportedFile};
pub use failure::{Failure, Refusal};
pub use files::{Files, describe};
pub use index_plan::IndexPlan;
pub use indices::{Listed, SourceIndex};
pub use json_text::without_surroundings;
pub use mapping::{FieldChange, TargetMapping, field_paths, target_mapping};
pub use mark::{Mark, Occupant};
pub use node::{Version, paths_of_stats};
pub use outcome::{Checkpoints, CopyOutcome, Rejected, require_complete};
pub use rejects::{Accepted, Reject, RejectLog};
pub use repair::without_duplicate_keys;
pub use routing::intended;
pub use sample::TaskSample;
pub use source::Source;
pub use spot_check::{SpotChecks, check_served};
pub use survey::Survey;
pub use target::{Target, TargetFiles};
pub use templates::Templates;
pub use values::{
    How as Kept, Look, Looked, RefusedField, Unindexed, count_ignored, look_at, look_at_all, require_none_refused,
};
pub use verify::{SecondReading, Verdict, Verified, verify_index};
