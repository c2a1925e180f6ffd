//! Elasticsearch over HTTP: mappings and templates, and what [`crate::transfer`] copies from and to. The old documents come
//! out of the files of a data directory ([`Files`]), out of a node by scrolls, or out of an export ([`Exported`]); the new
//! ones go into bulk requests ([`BulkSink`]).
//!
//! ```text
//! old files ─ Files::indices ──────┐
//! export ─ Exported ───────────────┤
//! old node ─ indices::list, describe ─ IndexPlan ─┐
//!    │                                            │
//!    └─ Source ─ IndexUnit ─ CopyRules ─ BulkSink ─ new node, or its files ─ Target
//! ```
//!
//! A document is copied as the bytes that the old side holds; Elasticsearch stores the bytes that it is sent, so that
//! a copy can be compared byte for byte. Everything that changes a node goes through [`Client`] and has a failpoint
//! named `elastic.<operation>`.

mod account;
mod admin;
mod answers;
mod backoff;
mod bulk;
mod bulk_lines;
mod client;
mod collisions;
mod compare;
mod copy_rules;
mod difference;
mod document;
mod exported;
mod failure;
mod fetch;
mod files;
mod index_plan;
pub mod indices;
mod json_text;
mod left_out;
mod mapping;
mod mark;
mod node;
mod outcome;
mod page;
mod repair;
mod routing;
mod scroll;
mod sink;
mod source;
mod splitter;
mod spot_check;
mod survey;
mod target;
mod templates;
mod unindexed;
mod units;
mod values;
mod whole_index;

pub use account::{Extent, require_all, settle};
pub use admin::delete_index;
pub use backoff::Backoff;
pub use client::Client;
pub use collisions::{Collisions, NewIdList, NewIds, Search};
pub use compare::{SecondReading, compare_index, compare_index_with_digest, verify_index};
pub use copy_rules::CopyRules;
pub use document::{Document, put_on_one_line};
pub use exported::{Exported, ExportedFile};
pub use failure::{Failure, Refusal};
pub use files::{Files, describe};
pub use index_plan::IndexPlan;
pub use indices::{Listed, SourceIndex};
pub use json_text::without_surroundings;
pub use mapping::{FieldChange, TargetMapping, field_paths, target_mapping};
pub use mark::{Mark, Occupant};
pub use node::{Version, paths_of_stats};
pub use outcome::require_complete;
pub use repair::without_duplicate_keys;
pub use sink::BulkSink;
pub use source::Source;
pub use spot_check::check_served;
pub use survey::Survey;
pub use target::{Target, TargetFiles};
pub use templates::Templates;
pub use unindexed::{How as Kept, Unindexed};
pub use values::{Look, Looked, RefusedField, count_ignored, look_at, look_at_all, require_none_refused};
pub use whole_index::{flush, refresh};

/// What copies indices.
pub type Copier = crate::transfer::Copier<Source, BulkSink, CopyRules>;
/// How indices are copied.
pub type CopyOptions = crate::transfer::Options<CopyRules>;

#[cfg(test)]
mod copy_tests;
