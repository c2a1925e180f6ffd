//! Back up: archives that plain `tar` reads, each read back after writing.

use super::run::blocking;
use super::{Done, Run};
use crate::display::format::{bytes, plural};
use crate::error::Result;
use crate::files::{self, archive};
use crate::journal::Phase;
use crate::plan::Step;
use std::path::PathBuf;

pub(super) async fn apply(run: &Run) -> Result<Done> {
    let mut written = 0;
    for planned in &run.plan.archives {
        run.check_cancelled()?;
        let done_key = format!("archived {}", planned.file.display());
        if let Some(archived) = run.noted::<archive::Archived>(Step::BackUp, &done_key) {
            written += archived.bytes_out;
            continue;
        }
        let owned = run.claim(Step::BackUp, &planned.file)?;
        let (source, cancel, events) = (planned.source.clone(), run.cancel.clone(), run.events.clone());
        let archived = blocking(move || {
            // An earlier try of this very run wrote it and could not say so.
            files::remove_tree(&owned)?;
            owned.path().parent().map_or(Ok(()), files::create_private_dir)?;
            let name = source.file_name().map(PathBuf::from).unwrap_or_default();
            archive::write(owned.path(), &[archive::Root { source, name }], &cancel, &events)
        })
        .await?;
        written += archived.bytes_out;
        run.note(Step::BackUp, &done_key, &archived)?;
    }
    Ok(Done::line(format!(
        "{}, {}, read back",
        plural(run.plan.archives.len() as u64, "archive", "archives"),
        bytes(written)
    )))
}

/// An archive of data that have changed since gives way to a new one; on the way back to the old server all are kept.
pub(super) async fn undo(run: &Run) -> Result<()> {
    if run.journal().state().phase != Phase::Preparing {
        return Ok(());
    }
    for planned in &run.plan.archives {
        run.remove_claimed(Step::BackUp, &planned.file).await?;
    }
    Ok(())
}
