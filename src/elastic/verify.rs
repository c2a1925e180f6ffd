//! Reads a target index back and compares it with what was meant to be written: every document, byte for byte.

use super::copy_rules::CopyRules;
use super::difference::Difference;
use super::digest::Digest;
use super::document::DocumentRef;
use super::fold::{Side, Task, fold, until_cancelled};
use super::index_plan::IndexPlan;
use super::source::Source;
use super::spot_check::SpotChecks;
use super::target::Target;
use super::tell_apart::{Sides, tell_apart};
use crate::error::Result;
use crate::events::Events;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// A target index that holds exactly what it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The index.
    pub index: String,
    /// Its documents.
    pub documents: u64,
    /// Short form of its digest; none where documents were only counted.
    pub fingerprint: Option<String>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All is there and nothing else; some of it, to ask a node for.
    Equal(Verified, SpotChecks),
    /// Something is missing, extra or altered.
    Different(Difference),
}

impl Verdict {
    /// Returns the good result, or the difference as an error that names documents.
    ///
    /// # Errors
    /// See above.
    pub fn require_equal(self) -> Result<Verified> {
        match self {
            Self::Equal(verified, _) => Ok(verified),
            Self::Different(difference) => Err(difference.into_error()),
        }
    }
}

/// The source, to name the documents of a difference.
#[derive(Debug, Clone, Copy)]
pub struct SecondReading<'a> {
    /// What was copied from.
    pub source: &'a Source,
    /// What became of documents that were not copied as they are.
    pub rules: &'a CopyRules,
}

/// Compares what a target holds of an index with the digest of its copy.
///
/// Progress goes to the task `verify INDEX`, in documents. With `source`, a difference names documents; without, only
/// how many buckets differ.
///
/// # Errors
/// Fails when a side cannot be read, or on cancel. A difference is no error but a [`Verdict`].
pub async fn verify_index(
    target: &Target,
    plan: &IndexPlan,
    expected: &Digest,
    source: Option<SecondReading<'_>>,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Verdict> {
    let work = async {
        let task = Task::new(format!("verify {}", plan.index), Some(expected.documents()), events, cancel);
        let (found, checks) = read_back(target, plan, task).await?;
        let buckets = expected.differing_buckets(&found).len();
        let documents = found.documents();
        if buckets == 0 {
            let fingerprint = Some(found.fingerprint());
            return Ok(Verdict::Equal(Verified { index: plan.index.clone(), documents, fingerprint }, checks));
        }
        let mut named = Vec::new();
        if let Some(SecondReading { source, rules }) = source {
            let sides = Sides { source, target, plan, rules, events, cancel };
            let apart = tell_apart(sides, expected, &found, Some(Difference::NAMED)).await?;
            named = apart.named;
            named.extend(apart.named_extra);
            named.truncate(Difference::NAMED);
        }
        let (index, expected) = (plan.index.clone(), expected.documents());
        Ok(Verdict::Different(Difference { index, expected, found: documents, buckets, named, uncovered: Vec::new() }))
    };
    until_cancelled(cancel, work).await
}

/// Returns the digest of what a target holds, and documents of it that were chosen at random.
async fn read_back(target: &Target, plan: &IndexPlan, task: Task) -> Result<(Digest, SpotChecks)> {
    let seed = fastrand::u64(..);
    let each = |(digest, checks): &mut (Digest, SpotChecks), document: &DocumentRef<'_>| {
        digest.add(document.id, document.routing, document.source);
        checks.add(document.id, document.routing, document.source);
    };
    let start = move || (Digest::new(), SpotChecks::new(seed));
    let lanes = fold(Side::New(target), plan, task, start, each).await?;
    Ok(lanes.into_iter().fold(start(), |(mut digest, mut checks), lane| {
        digest.merge(&lane.0);
        checks.merge(lane.1);
        (digest, checks)
    }))
}

/// Returns the digest of what a target holds of an index; none if it has no such index.
pub(super) async fn target_digest(target: &Target, plan: &IndexPlan, task: Task) -> Result<Option<Digest>> {
    let each = |digest: &mut Digest, document: &DocumentRef<'_>| {
        digest.add(document.id, document.routing, document.source);
    };
    let lanes = fold(Side::New(target), plan, task, Digest::new, each).await?;
    Ok((!lanes.is_empty()).then(|| Digest::sum(lanes)))
}
