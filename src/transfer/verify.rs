//! Reads a collection of the target back and compares it with what was meant to be written: every document, byte for byte.

use super::change::{DocumentRef, Rules};
use super::diff::{Sides, diff};
use super::difference::Difference;
use super::digest::Digest;
use super::outcome::Verified;
use super::places::{Proof, ReadBack, Stored};
use super::scan::{Task, scan};
use super::source::{Collection, Source};
use super::spot_checks::SpotChecks;
use super::tasks::until_cancelled;
use crate::error::Result;
use crate::events::Events;
use tokio_util::sync::CancellationToken;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All is there and nothing else; some of it, to ask a server for.
    Equal(Verified, SpotChecks),
    /// Something is missing, extra or altered.
    Different(Difference),
}

/// The source, to name the documents of a difference.
#[derive(Debug, Clone, Copy)]
pub struct SecondReading<'a, S, R> {
    /// What was copied from.
    pub source: &'a S,
    /// What became of documents on their way.
    pub rules: &'a R,
}

/// Compares what a target holds of a collection with the digest of its copy.
///
/// Progress goes to the task `verify NAME`, in documents. With `source`, a difference names documents; without, only
/// how many buckets differ.
///
/// # Errors
/// Fails when a side cannot be read, or on cancel. A difference is no error but a [`Verdict`].
pub async fn verify<S: Source, T: Source<Plan = S::Plan>, R: Rules>(
    target: &T,
    plan: &T::Plan,
    expected: &Digest,
    source: Option<SecondReading<'_, S, R>>,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Verdict> {
    let work = async {
        let task = Task::new(format!("verify {}", plan.name()), Some(expected.documents()), events, cancel);
        let (found, checks) = read_back(target, plan, task).await?;
        let buckets = expected.differing_buckets(&found).len();
        let documents = found.documents();
        if Stored::from(expected).unlike(&ReadBack::from(&found), Proof::Documents).is_none() {
            let fingerprint = Some(found.fingerprint());
            return Ok(Verdict::Equal(Verified { collection: plan.name().to_owned(), documents, fingerprint }, checks));
        }
        let mut named = Vec::new();
        if let Some(SecondReading { source, rules }) = source {
            let sides = Sides { source, target, plan, rules, events, cancel };
            let apart = diff(&sides, expected, &found, Some(Difference::NAMED)).await?;
            named = apart.named;
            named.extend(apart.named_extra);
            named.truncate(Difference::NAMED);
        }
        let (collection, expected) = (plan.name().to_owned(), expected.documents());
        Ok(Verdict::Different(Difference {
            collection,
            expected,
            found: documents,
            buckets,
            named,
            uncovered: Vec::new(),
        }))
    };
    until_cancelled(cancel, work).await
}

/// Returns the digest of what a target holds, and documents of it that were chosen at random.
async fn read_back<T: Source>(target: &T, plan: &T::Plan, task: Task) -> Result<(Digest, SpotChecks)> {
    let seed = fastrand::u64(..);
    let each = |(digest, checks): &mut (Digest, SpotChecks), document: &DocumentRef<'_>| {
        digest.add(document.id, document.routing, document.source);
        checks.add(document.id, document.routing, document.source);
    };
    let start = move || (Digest::new(), SpotChecks::new(seed));
    let parts = scan(target, plan, task, start, each).await?;
    Ok(parts.into_iter().fold(start(), |(mut digest, mut checks), part| {
        digest.merge(&part.0);
        checks.merge(part.1);
        (digest, checks)
    }))
}
