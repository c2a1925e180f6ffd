//! Verify Elasticsearch: every document is read back from the new node and compared with what was sent.

use super::copy_elastic::{copied_indices, replacement};
use super::node::{self, Node};
use super::run::blocking;
use super::{Done, Run, old_data};
use crate::display::format;
use crate::elastic::{SecondReading, Verdict, Verified, indices, verify_index};
use crate::error::{Error, Result};
use crate::files::{self, Fingerprint, fingerprint};
use crate::plan::Step;
use serde_json::json;

pub(super) async fn apply(run: &Run) -> Result<Done> {
    node::remove_leftovers(run).await?;
    let one = replacement(run)?;
    let target = node::start_target(run, &one.target).await?;
    let verified = target.while_alive(run, verify(run, &target)).await;
    let verified = match verified {
        Ok(Ok(verified)) => verified,
        // Only a difference is worth another look at the old data: it names the documents.
        Ok(Err(())) => name_differences(run, &target).await?,
        Err(error) => return Err(error),
    };
    target.stop(run).await?;
    let documents: u64 = verified.iter().map(|one| one.documents).sum();
    Ok(Done {
        summary: format!("{} equal, byte for byte", format::documents(documents)),
        output: json!({ "verified": verified, VERIFIED_DATA: target_now(run).await? }),
    })
}

/// The key of the new data's fingerprint in the step's output.
const VERIFIED_DATA: &str = "data";
/// The note that says that the new data were found unused and are being removed.
const REMOVING: &str = "removing the unused new data";

async fn target_now(run: &Run) -> Result<Fingerprint> {
    let (path, cancel) = (replacement(run)?.target.clone(), run.cancel.clone());
    blocking(move || Fingerprint::take(fingerprint::Source::Elastic, &path, &cancel)).await
}

/// New data that no server was started on since they were verified hold nothing of their own: they are removed. A
/// migrated server has worked on its own; those are set aside where the copy is taken back.
///
/// # Errors
/// Fails when they cannot be read or removed.
pub(super) async fn undo(run: &Run) -> Result<()> {
    if run.plan.server().is_some() || !run.journal().state().was_completed() {
        return Ok(());
    }
    let target = &replacement(run)?.target;
    if run.noted::<bool>(Step::VerifyElastic, REMOVING) != Some(true) {
        let output = run.output::<serde_json::Value>(Step::VerifyElastic);
        let verified = output.and_then(|output| serde_json::from_value(output.get(VERIFIED_DATA)?.clone()).ok());
        let Some(verified): Option<Fingerprint> = verified else { return Ok(()) };
        if !files::exists(target)? || !verified.compare(&target_now(run).await?).is_empty() {
            return Ok(());
        }
        // Cut off half-way, they would look as if they had been used.
        run.note(Step::VerifyElastic, REMOVING, &true)?;
    }
    run.remove_claimed(Step::CopyElastic, target).await
}

/// Compares all indices; the inner error says that at least one differs.
async fn verify(run: &Run, target: &Node) -> Result<Result<Vec<Verified>, ()>> {
    let mut all = Vec::new();
    let copied_indices = copied_indices(run);
    let closed = || copied_indices.iter().map(|copied| &copied.plan).filter(|plan| plan.closed);
    for plan in closed() {
        // It is open after the copy, and closed where an earlier try came to its end.
        indices::open(&target.client, &plan.index).await?;
    }
    for copied in &copied_indices {
        run.check_cancelled()?;
        let verdict =
            verify_index(&target.client, &copied.plan, &copied.outcome.digest, None, &run.events, &run.cancel).await?;
        match verdict {
            Verdict::Equal(verified) => all.push(verified),
            Verdict::Different(_) => return Ok(Err(())),
        }
    }
    for plan in closed() {
        indices::close(&target.client, &plan.index).await?;
    }
    Ok(Ok(all))
}

/// Reads source and target once more to name what differs.
async fn name_differences(run: &Run, target: &Node) -> Result<Vec<Verified>> {
    let one = replacement(run)?;
    let old = old_data::open(run, &one.source, run.claim(Step::CopyElastic, &run.plan.elastic.clone)?).await?;
    let source = old.source();
    let second = SecondReading { source: &source, accepted: &run.options.accepted_rejects };
    for copied in copied_indices(run) {
        let verdict =
            verify_index(&target.client, &copied.plan, &copied.outcome.digest, Some(second), &run.events, &run.cancel);
        verdict.await?.require_equal()?;
    }
    Err(Error::difference("The new data differed when they were read first, and not when they were read again.")
        .hint("That should not be: check the disk and the memory of this machine before you go on."))
}
