//! Copy the files of MongoDB or Redis: the new server works on copies, the originals stay as they are. Every document of
//! MongoDB's is read in both.

use super::preserve::{note_copy, preserve};
use super::{Done, Run, containers, sources, verify_mongo};
use crate::error::{Error, Result};
use crate::files::blocking;
use crate::files::{self, copy};
use crate::message::{Code, Message};
use crate::plan::Placement;
use crate::role::Role;
use crate::text::bytes;

pub(super) async fn apply(run: &Run, step: &str, role: Role) -> Result<Done> {
    let (mut total, mut shared) = (0, 0);
    let mut known = None;
    // One that an earlier try has left may still write to the copy.
    run.platform.remove_leftovers(&run.plan.run_id).await?;
    for one in run.plan.replacements_of(role) {
        run.check_cancelled()?;
        containers::require_stopped(run).await?;
        let held = sources::hold(run, one).await?;
        let before = sources::note(run, step, one).await?;
        if let Placement::Volume { name, .. } = &one.placement {
            run.ensure_volume(name).await?;
        }
        let owned = run.claim(step, &one.target)?;
        let (source, cancel, events) = (one.source.clone(), run.cancel.clone(), run.events.clone());
        let copied = blocking(move || {
            files::remove_tree(&owned)?;
            copy::copy_tree(&source, &owned, &cancel, &events)
        })
        .await?;
        if role == Role::Mongo
            && let Some(found) = verify_mongo::verify(run, one).await?
        {
            // What is known of the data is not forgotten for a directory beside them of which nothing is.
            known = known.filter(|_| found.counts.is_empty()).or(Some(found));
        }
        drop(held);
        sources::require_unchanged(&before, &sources::take(run, one).await?, &one.source, "copied")?;
        note_copy(run, step, one).await?;
        total += copied.bytes;
        shared += copied.reflinked_bytes;
    }
    let how = if shared == total && total > 0 { ", sharing blocks with the original" } else { "" };
    let summary = format!("{}{how}", bytes(total));
    let Some(known) = known else {
        if role == Role::Mongo {
            run.events.warn(Message::new(Code::NotCompared, "MongoDB's files are copied byte for byte, and no documents are compared: none of its directories is one that a mongod has had for its data."));
        }
        return Ok(Done::line(summary));
    };
    let output = serde_json::to_value(&known)
        .map_err(|cause| Error::internal("What was found in the copy cannot be written.").because(cause))?;
    Ok(Done { summary: format!("{summary}; {}", verify_mongo::summary(&known)), output })
}

pub(super) async fn undo(run: &Run, step: &str, role: Role) -> Result<()> {
    for one in run.plan.replacements_of(role) {
        preserve(run, step, one).await?;
    }
    Ok(())
}
