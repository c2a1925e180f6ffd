//! Verify Elasticsearch: every document is read back from the new node and compared with what was sent.

use super::copy_elastic::{copied_indices, replacement};
use super::node::{self, Node};
use super::{Done, Run};
use crate::display::format;
use crate::elastic::{SecondReading, Verdict, Verified, verify_index};
use crate::error::{Error, Result};
use serde_json::json;

pub(super) async fn apply(run: &Run) -> Result<Done> {
    node::remove_leftovers(run).await?;
    let one = replacement(run)?;
    let target = node::start_target(run, &one.target).await?;
    let verified = target.while_alive(run, verify(run, &target)).await;
    let verified = match verified {
        Ok(Ok(verified)) => verified,
        // Only a difference is worth a second node: it names the documents.
        Ok(Err(())) => name_differences(run, &target).await?,
        Err(error) => return Err(error),
    };
    target.stop(run).await?;
    let documents: u64 = verified.iter().map(|one| one.documents).sum();
    Ok(Done {
        summary: format!("{} equal, byte for byte", format::documents(documents)),
        output: json!({ "verified": verified }),
    })
}

/// Compares all indices; the inner error says that at least one differs.
async fn verify(run: &Run, target: &Node) -> Result<Result<Vec<Verified>, ()>> {
    let mut all = Vec::new();
    for copied in copied_indices(run) {
        run.check_cancelled()?;
        let verdict =
            verify_index(&target.client, &copied.plan, &copied.outcome.digest, None, &run.events, &run.cancel).await?;
        match verdict {
            Verdict::Equal(verified) => all.push(verified),
            Verdict::Different(_) => return Ok(Err(())),
        }
    }
    Ok(Ok(all))
}

/// Reads source and target once more to name what differs.
async fn name_differences(run: &Run, target: &Node) -> Result<Vec<Verified>> {
    let source = node::start_source(run, replacement(run)?).await?;
    let second = SecondReading { source: &source.client, accepted: &run.options.accepted_rejects };
    for copied in copied_indices(run) {
        let verdict =
            verify_index(&target.client, &copied.plan, &copied.outcome.digest, Some(second), &run.events, &run.cancel);
        verdict.await?.require_equal()?;
    }
    Err(Error::difference("The new data differed when they were read first, and not when they were read again.")
        .hint("That should not be: check the disk and the memory of this machine before you go on."))
}
