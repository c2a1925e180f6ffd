//! What the journal has of the copy of Elasticsearch and of its comparison: the steps' results, the notes on indices, and
//! what was decided on the way.

use super::Run;
use crate::elastic::IndexPlan;
use crate::error::{Error, Result};
use crate::files::Fingerprint;
use crate::journal::State;
use crate::plan::{Action, OnIdCollision, Reader, Replacement};
use crate::role::Role;
use crate::transfer::{CopyOutcome, Partial, Verified};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the copy leaves for verification and health check.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CopiedElastic {
    /// Documents by index.
    pub counts: BTreeMap<String, u64>,
    /// Tasks to ask the new server for.
    pub samples: Vec<Sample>,
}

/// A task and how many events of a type it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The server's name of the event type, such as `training_stats_scalar`.
    pub event_type: String,
    /// Task id.
    pub task: String,
    /// Number of events.
    pub events: u64,
    /// Id of the company that the task is of, from the index's name; of journals of earlier versions, nothing.
    #[serde(default)]
    pub company: Option<String>,
}

/// An index that is copied, flushed, and worth keeping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CopiedIndex {
    pub plan: IndexPlan,
    pub outcome: CopyOutcome,
}

/// An index of which a part is copied, flushed, and worth keeping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct HalfCopied {
    pub partial: Partial,
}

/// What is noted of an index.
enum IndexNote {
    Half(Box<HalfCopied>),
    Whole(Box<CopiedIndex>),
}

/// By the field that only one of them has, so that what is wrong with it is told.
impl<'de> Deserialize<'de> for IndexNote {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let note = match value.get("partial") {
            Some(_) => serde_json::from_value(value).map(|half| Self::Half(Box::new(half))),
            None => serde_json::from_value(value).map(|whole| Self::Whole(Box::new(whole))),
        };
        note.map_err(D::Error::custom)
    }
}

/// What the verification leaves for the report, for `rollback`, and for `verify`.
#[derive(Debug, Serialize, Deserialize)]
pub struct VerifiedElastic {
    /// Index by index.
    pub verified: Vec<Verified>,
    /// The fingerprint of the new data, on which no server has been started yet.
    pub(super) data: Fingerprint,
}

pub(super) fn replacement(run: &Run) -> Result<&Replacement> {
    run.plan
        .replacements_of(Role::Elasticsearch)
        .next()
        .ok_or_else(|| Error::internal("The plan has no Elasticsearch data."))
}

/// Returns the result of the copy.
///
/// # Errors
/// An internal one where the copy has not come to its end.
pub(super) fn copy_result(run: &Run) -> Result<CopiedElastic> {
    run.output(run.id_of(Action::COPY_ELASTIC)?)?
        .ok_or_else(|| Error::internal("The journal holds no result of the copy."))
}

/// Returns the indices that are copied, with what is needed to verify them.
///
/// # Errors
/// Fails, naming it, when a note on an index cannot be read.
pub(super) fn copied_indices(run: &Run) -> Result<Vec<CopiedIndex>> {
    copied_by(run.journal().state(), run.id_of(Action::COPY_ELASTIC)?)
}

pub(super) fn copied_by(state: &State, step: &str) -> Result<Vec<CopiedIndex>> {
    let noted = state.all_noted(step, INDEX)?;
    let whole = noted.into_iter().filter_map(|(_, note)| match note {
        IndexNote::Whole(copied) => Some(*copied),
        IndexNote::Half(_) => None,
    });
    Ok(whole.collect())
}

/// Returns how far an index is copied, if it is not as a whole.
///
/// # Errors
/// Fails, naming it, when the note on it cannot be read.
pub(super) fn partly_copied(state: &State, step: &str, index: &str) -> Result<Option<Partial>> {
    Ok(match state.noted(step, &index_key(index))? {
        Some(IndexNote::Half(half)) => Some(half.partial),
        Some(IndexNote::Whole(_)) | None => None,
    })
}

/// Returns whether a part of any index is copied and kept.
///
/// # Errors
/// An internal one where the plan copies none.
pub(super) fn has_copied(run: &Run) -> Result<bool> {
    let step = run.id_of(Action::COPY_ELASTIC)?;
    Ok(run.journal().state().step(step).notes.keys().any(|key| key.starts_with(INDEX)))
}

/// The beginning of the notes on indices.
const INDEX: &str = "index ";

pub(super) fn index_key(index: &str) -> String {
    format!("{INDEX}{index}")
}

/// The note that says what reads the old data, where that is not what the plan says.
pub(super) const READER: &str = "reader";

/// Returns what reads the old data of this run.
///
/// # Errors
/// Fails when the note on it cannot be read.
pub(super) fn reader(run: &Run) -> Result<Reader> {
    let planned = &run.elastic()?.reader;
    Ok(run.noted(run.id_of(Action::COPY_ELASTIC)?, READER)?.unwrap_or_else(|| planned.clone()))
}

/// The note that says what becomes of documents that share their `_id`, where that is not what the plan says.
pub(super) const CHOICE: &str = "on id collision";

/// Returns what becomes of documents that share their `_id`: as planned, or as said in a later run before anything was copied.
///
/// # Errors
/// Fails when the note on it cannot be read.
pub(super) fn choice(run: &Run) -> Result<OnIdCollision> {
    Ok(run.noted(run.id_of(Action::COPY_ELASTIC)?, CHOICE)?.unwrap_or(run.elastic()?.on_id_collision))
}
