//! Move the home: one rename, `/opt/trains` to `/opt/clearml`. The journal lies in it and moves along.

use super::{Done, Run};
use crate::error::Result;
use crate::files;
use crate::files::blocking;

pub(super) async fn apply(run: &Run) -> Result<Done> {
    let home = run.plan.home.clone();
    let Some(to) = home.to else { return Ok(Done::line("the home keeps its name")) };
    if !run.home_has_moved() {
        let (from, to) = (home.from, to.clone());
        blocking(move || files::rename(&from, &to)).await?;
    }
    tell_journal(run);
    Ok(Done::line(to.display().to_string()))
}

pub(super) async fn undo(run: &Run) -> Result<()> {
    let home = run.plan.home.clone();
    let Some(to) = home.to else { return Ok(()) };
    if !run.home_has_moved() {
        return Ok(());
    }
    blocking(move || {
        // Docker makes the old path anew when a container with a bind mount below it is started in between.
        if files::exists(&home.from)? {
            files::remove_empty_dir(&home.from)?;
        }
        files::rename(&to, &home.from)
    })
    .await?;
    tell_journal(run);
    Ok(())
}

/// The journal lies in the home.
fn tell_journal(run: &Run) {
    let file = run.now(&run.plan.journal_file());
    run.journal().moved_to(&file);
}
