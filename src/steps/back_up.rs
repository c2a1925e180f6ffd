//! Back up: archives that plain `tar` reads, each read back after writing.

use super::{Done, Run, sources};
use crate::engine::Change;
use crate::error::Result;
use crate::files::blocking;
use crate::files::{self, Fingerprint, archive};
use crate::plan::{Action, Archive};
use crate::text::bytes;
use crate::text::plural;
use std::path::PathBuf;

pub(super) async fn apply(run: &Run, step: &str) -> Result<Done> {
    let mut written = 0;
    for planned in &run.plan.archives {
        run.check_cancelled()?;
        let done_key = format!("archived {}", planned.file.display());
        let before = take(run, planned).await?;
        if let Some(archived) = run.noted::<archive::Archived>(step, &done_key)?
            && noted(run, step, planned)? == before
        {
            written += archived.bytes_out;
            continue;
        }
        let owned = run.claim(step, &planned.file)?;
        let (source, cancel, events) = (planned.source.clone(), run.cancel.clone(), run.events.clone());
        let archived = blocking(move || {
            // An earlier try of this very run wrote it and could not say so, or wrote what has changed since.
            files::remove_tree(&owned)?;
            owned.path().parent().map_or(Ok(()), files::create_private_dir)?;
            let name = source.file_name().map(PathBuf::from).unwrap_or_default();
            archive::write(owned.path(), &[archive::Root { source, name }], &cancel, &events)
        })
        .await?;
        if let (Some(before), Some(after)) = (&before, take(run, planned).await?) {
            sources::require_unchanged(before, &after, &planned.source, "backed up")?;
            run.note(step, &fingerprint_key(planned), before)?;
        }
        written += archived.bytes_out;
        run.note(step, &done_key, &archived)?;
    }
    Ok(Done::line(format!(
        "{}, {}, read back",
        plural(run.plan.archives.len() as u64, "archive", "archives"),
        bytes(written)
    )))
}

/// Returns the first of the data that were archived and are not any more what they were then.
///
/// # Errors
/// Fails when they cannot be read.
pub(super) async fn changes(run: &Run) -> Result<Option<Change>> {
    let archives = &run.plan.archives;
    let all = run.plan.steps_that(Action::BackUp).flat_map(|step| archives.iter().map(move |one| (step, one)));
    for (step, planned) in all {
        let Some(then) = noted(run, &step.id, planned)? else { continue };
        let Some(now) = take(run, planned).await? else { continue };
        let paths = then.compare(&now);
        if !paths.is_empty() {
            return Ok(Some(Change {
                what: format!("{} ({paths})", planned.source.display()),
                told: "changed since it was backed up, so it is backed up again",
                again: vec![step.id.clone()],
            }));
        }
    }
    Ok(None)
}

/// Takes the fingerprint of data that are migrated. What the servers share, such as artifacts, may go on changing.
async fn take(run: &Run, planned: &Archive) -> Result<Option<Fingerprint>> {
    match run.plan.replacements().find(|one| one.source == planned.source) {
        Some(one) => sources::take_of(run, one.role, &planned.source).await.map(Some),
        None => Ok(None),
    }
}

fn noted(run: &Run, step: &str, planned: &Archive) -> Result<Option<Fingerprint>> {
    run.noted(step, &fingerprint_key(planned))
}

fn fingerprint_key(planned: &Archive) -> String {
    format!("fingerprint {}", planned.file.display())
}

/// An archive of data that have changed since gives way to a new one; on the way back to the old server all are kept.
pub(super) async fn undo(run: &Run, step: &str) -> Result<()> {
    if run.is_going_back() {
        return Ok(());
    }
    for planned in &run.plan.archives {
        run.remove_claimed(step, &planned.file).await?;
    }
    Ok(())
}
