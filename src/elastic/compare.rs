//! Compares an index at any later time with what it was copied from. The new server has gone on working: documents
//! that were added are only counted; one that is missing or changed is a difference.

use super::admin::read_mapping;
use super::copy_rules::CopyRules;
use super::difference::Named;
use super::digest::Digest;
use super::document::{DocumentRef, on_one_line};
use super::fold::{Side, Task, fold, until_cancelled};
use super::index_plan::IndexPlan;
use super::mapping::field_paths;
use super::routing::intended;
use super::source::Source;
use super::target::Target;
use super::tell_apart::{Sides, tell_apart};
use super::verify::target_digest;
use crate::error::Result;
use crate::events::Events;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// What a comparison found in one index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// The index.
    pub index: String,
    /// Documents that the old data hold.
    pub documents: u64,
    /// Documents that only the new data hold.
    pub added: u64,
    /// Documents that only the old data hold.
    pub missing: u64,
    /// Documents whose content or routing is another.
    pub changed: u64,
    /// Some of the documents that differ, at most [`Difference::NAMED`](super::Difference::NAMED).
    pub named: Vec<Named>,
    /// Fields that the new mapping lacks.
    pub uncovered: Vec<String>,
}

impl Compared {
    /// Returns whether anything of the old data is not there as it was.
    pub fn differs(&self) -> bool {
        self.missing + self.changed > 0 || !self.uncovered.is_empty()
    }
}

/// Compares a target index with its source.
///
/// # Errors
/// Fails when a side cannot be read, or on cancel. What differs is no error but in the result.
pub async fn compare_index(
    source: &Source,
    target: &Target,
    plan: &IndexPlan,
    rules: &CopyRules,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Compared> {
    let sides = Sides { source, target, plan, rules, events, cancel };
    until_cancelled(cancel, compare(sides)).await
}

/// Compares a target index with the digest of its copy, where the source is gone: as many documents as are fewer in a
/// group of the digest are missing, and where a group has as many but others, one is changed at least. Where documents
/// were added, a change in the same group cannot be told.
///
/// # Errors
/// Fails when the target cannot be read, or on cancel.
pub async fn compare_with_digest(
    target: &Target,
    plan: &IndexPlan,
    expected: &Digest,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Compared> {
    let task = Task::new(format!("new {}", plan.index), None, events, cancel);
    let found = until_cancelled(cancel, target_digest(target, plan, task)).await?;
    Ok(judge(&plan.index, expected, found.as_ref()))
}

fn judge(index: &str, expected: &Digest, found: Option<&Digest>) -> Compared {
    let mut compared = Compared { index: index.to_owned(), documents: expected.documents(), ..Compared::default() };
    let Some(found) = found else {
        compared.missing = compared.documents;
        return compared;
    };
    for bucket in expected.differing_buckets(found) {
        let (wanted, there) = (expected.documents_in(bucket), found.documents_in(bucket));
        compared.missing += wanted.saturating_sub(there);
        compared.added += there.saturating_sub(wanted);
        compared.changed += u64::from(wanted == there);
    }
    compared
}

async fn compare(sides: Sides<'_>) -> Result<Compared> {
    let Sides { target, plan, events, cancel, .. } = sides;
    let expected = source_digest(sides).await?;
    let task = Task::new(format!("new {}", plan.index), None, events, cancel);
    let Some(found) = target_digest(target, plan, task).await? else {
        return Ok(judge(&plan.index, &expected, None));
    };
    let covered = field_paths(&mapping(target, &plan.index).await?);
    let apart = tell_apart(sides, &expected, &found, None).await?;
    Ok(Compared {
        index: plan.index.clone(),
        documents: expected.documents(),
        added: apart.extra,
        missing: apart.missing,
        changed: apart.changed,
        named: apart.named,
        uncovered: field_paths(&plan.mapping).difference(&covered).cloned().collect(),
    })
}

async fn source_digest(sides: Sides<'_>) -> Result<Digest> {
    let Sides { source, plan, events, cancel, .. } = sides;
    let (rules, index) = (sides.rules.clone(), plan.index.clone());
    let each = move |digest: &mut Digest, document: &DocumentRef<'_>| {
        if let Some(id) = rules.written_id(&index, document) {
            let text = on_one_line(document.source);
            digest.add(&id, intended(document.routing, &text), &text);
        }
    };
    let task = Task::new(format!("old {}", plan.index), Some(plan.documents), events, cancel);
    let lanes = fold(Side::Old(source), plan, task, Digest::new, each).await?;
    Ok(Digest::sum(lanes))
}

async fn mapping(target: &Target, index: &str) -> Result<Value> {
    match target {
        Target::Node(node) => read_mapping(node, index).await,
        Target::Files(files) => Ok(files.mapping(index).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_source_the_digest_tells_what_it_can() {
        let digest = |ids: &[(&str, &str)]| {
            let mut digest = Digest::new();
            ids.iter().for_each(|(id, text)| digest.add(id, None, text.as_bytes()));
            digest
        };
        let old = digest(&[("a", "1"), ("b", "2"), ("c", "3")]);
        assert!(!judge("x", &old, Some(&old)).differs());
        let new = digest(&[("a", "1"), ("b", "9"), ("d", "4"), ("e", "5")]);
        let compared = judge("x", &old, Some(&new));
        assert_eq!((compared.missing, compared.changed, compared.added), (1, 1, 2));
        assert_eq!(judge("x", &old, None).missing, 3);
    }
}
