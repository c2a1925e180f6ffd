//! Compares a collection at any later time with what it was copied from. Its server has gone on working: documents that
//! were added are only counted; one that is missing or changed is a difference.

use super::change::{DocumentRef, Rules};
use super::diff::{Sides, diff};
use super::difference::Named;
use super::digest::Digest;
use super::scan::{Task, scan};
use super::source::{Collection, Source};
use super::tasks::until_cancelled;
use crate::error::Result;
use crate::events::Events;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// What a comparison found in one collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The collection.
    pub collection: String,
    /// Whether the target has it.
    pub there: bool,
    /// Documents that the old data hold.
    pub documents: u64,
    /// Documents that only the new data hold.
    pub added: u64,
    /// Documents that only the old data hold.
    pub missing: u64,
    /// Documents whose content or routing is another.
    pub changed: u64,
    /// Some of the documents that differ, at most [`super::Difference::NAMED`].
    pub named: Vec<Named>,
    /// Fields that the target does not know.
    pub uncovered: Vec<String>,
}

impl Compared {
    /// Returns whether anything of the old data is not there as it was.
    pub fn differs(&self) -> bool {
        self.missing + self.changed > 0 || !self.uncovered.is_empty()
    }
}

/// Compares a collection of the target with its source.
///
/// # Errors
/// Fails when a side cannot be read, or on cancel. What differs is no error but in the result.
pub async fn compare<S: Source, T: Source<Plan = S::Plan>, R: Rules>(sides: &Sides<'_, S, T, R>) -> Result<Compared> {
    let work = async {
        let expected = source_digest(sides).await?;
        let name = sides.plan.name();
        let Some(found) = target_digest(sides.target, sides.plan, sides.events, sides.cancel).await? else {
            return Ok(judge(name, &expected, None));
        };
        let apart = diff(sides, &expected, &found, None).await?;
        Ok(Compared {
            collection: name.to_owned(),
            there: true,
            documents: expected.documents(),
            added: apart.extra,
            missing: apart.missing,
            changed: apart.changed,
            named: apart.named,
            uncovered: Vec::new(),
        })
    };
    until_cancelled(sides.cancel, work).await
}

/// Compares a collection of the target with the digest of its copy, where the source is gone: as many documents as are fewer in a
/// group of the digest are missing, and where a group has as many but others, one is changed at least. Where documents
/// were added, a change in the same group cannot be told.
///
/// # Errors
/// Fails when the target cannot be read, or on cancel.
pub async fn compare_with_digest<T: Source>(
    target: &T,
    plan: &T::Plan,
    expected: &Digest,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Compared> {
    let found = until_cancelled(cancel, target_digest(target, plan, events, cancel)).await?;
    Ok(judge(plan.name(), expected, found.as_ref()))
}

fn judge(collection: &str, expected: &Digest, found: Option<&Digest>) -> Compared {
    let (collection, documents) = (collection.to_owned(), expected.documents());
    let mut compared = Compared { collection, there: found.is_some(), documents, ..Compared::default() };
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

async fn source_digest<S: Source, T, R: Rules>(sides: &Sides<'_, S, T, R>) -> Result<Digest> {
    let (rules, name) = (sides.rules.clone(), sides.plan.name().to_owned());
    let each = move |digest: &mut Digest, document: &DocumentRef<'_>| {
        if let Some(written) = rules.written(&name, document) {
            digest.add(&written.id, written.routing(document), &written.source);
        }
    };
    let task = format!("old {}", sides.plan.name());
    let task = Task::new(task, Some(sides.plan.documents()), sides.events, sides.cancel);
    Ok(Digest::sum(scan(sides.source, sides.plan, task, Digest::new, each).await?))
}

/// Returns the digest of what a target holds of a collection; none if it has no such collection.
async fn target_digest<T: Source>(
    target: &T,
    plan: &T::Plan,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Option<Digest>> {
    let each = |digest: &mut Digest, document: &DocumentRef<'_>| {
        digest.add(document.id, document.routing, document.source);
    };
    let task = Task::new(format!("new {}", plan.name()), None, events, cancel);
    let parts = scan(target, plan, task, Digest::new, each).await?;
    Ok((!parts.is_empty()).then(|| Digest::sum(parts)))
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
