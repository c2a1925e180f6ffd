//! Copy the files of MongoDB or Redis: the new server works on copies, the originals stay as they are.

use super::preserve::{note_copy, preserve};
use super::{Done, Run, containers, sources};
use crate::error::Result;
use crate::files::blocking;
use crate::files::{self, copy};
use crate::plan::Placement;
use crate::role::Role;
use crate::text::bytes;

pub(super) async fn apply(run: &Run, step: &str, role: Role) -> Result<Done> {
    let (mut total, mut shared) = (0, 0);
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
        drop(held);
        sources::require_unchanged(&before, &sources::take(run, one).await?, &one.source, "copied")?;
        note_copy(run, step, one).await?;
        total += copied.bytes;
        shared += copied.reflinked_bytes;
    }
    let how = if shared == total && total > 0 { ", sharing blocks with the original" } else { "" };
    Ok(Done::line(format!("{}{how}", bytes(total))))
}

pub(super) async fn undo(run: &Run, step: &str, role: Role) -> Result<()> {
    for one in run.plan.replacements_of(role) {
        preserve(run, step, one).await?;
    }
    Ok(())
}
