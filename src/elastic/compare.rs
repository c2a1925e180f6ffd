//! What a target holds of an index, held against what it was copied from: at once, or at any later time.

use super::admin::read_mapping;
use super::copy_rules::CopyRules;
use super::index_plan::IndexPlan;
use super::mapping::field_paths;
use super::source::Source;
use super::target::Target;
use crate::error::Result;
use crate::events::Events;
use crate::transfer::{self, Compared, Digest, Sides, Verdict, compare, compare_with_digest, verify};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// The old data, to name the documents of a difference.
pub type SecondReading<'a> = transfer::SecondReading<'a, Source, CopyRules>;

/// Compares what a target holds of an index with the digest of its copy, as [`verify`] does.
///
/// # Errors
/// As [`verify`].
pub async fn verify_index(
    target: &Target,
    plan: &IndexPlan,
    expected: &Digest,
    source: Option<SecondReading<'_>>,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Verdict> {
    verify(target, plan, expected, source, events, cancel).await
}

/// Compares a target index with its source, as [`compare`] does, and its fields with those of the plan.
///
/// # Errors
/// As [`compare`], and when the mapping cannot be read.
pub async fn compare_index(
    source: &Source,
    target: &Target,
    plan: &IndexPlan,
    rules: &CopyRules,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Compared> {
    with_fields(compare(&Sides { source, target, plan, rules, events, cancel }).await?, target, plan).await
}

/// Compares a target index with the digest of its copy, as [`compare_with_digest`] does, and its fields with those of the
/// plan.
///
/// # Errors
/// As [`compare_index`].
pub async fn compare_index_with_digest(
    expected: &Digest,
    target: &Target,
    plan: &IndexPlan,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Compared> {
    with_fields(compare_with_digest(target, plan, expected, events, cancel).await?, target, plan).await
}

async fn with_fields(compared: Compared, target: &Target, plan: &IndexPlan) -> Result<Compared> {
    if !compared.there {
        return Ok(compared);
    }
    let covered = field_paths(&mapping(target, &plan.index).await?);
    Ok(Compared { uncovered: field_paths(&plan.mapping).difference(&covered).cloned().collect(), ..compared })
}

async fn mapping(target: &Target, index: &str) -> Result<Value> {
    match target {
        Target::Node(node) => read_mapping(node, index).await,
        Target::Files(files) => Ok(files.mapping(index).unwrap_or_default()),
    }
}
