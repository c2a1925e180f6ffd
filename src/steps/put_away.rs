//! What becomes of new data when the migration is undone: a copy that no one has worked with is removed; what the
//! new server has recorded since is set aside.

use super::Run;
use super::run::blocking;
use crate::docker::RunLabels;
use crate::error::Result;
use crate::files;
use crate::plan::{Replacement, Step, Switch};
use std::path::PathBuf;

/// Removes or sets aside the new data of one replacement.
///
/// # Errors
/// Fails when they cannot be removed or renamed.
pub(super) async fn put_away(run: &Run, step: Step, one: &Replacement) -> Result<()> {
    let worked_with = run.journal().state().was_completed();
    match (&one.switch, worked_with) {
        // A volume of its own name is in nobody's way, and the next attempt finds its claim gone and says so.
        (Switch::Volume { .. }, true) => Ok(()),
        (Switch::Volume { name, .. }, false) => run.docker.remove_volume(name, &RunLabels::new(&run.plan.run_id)).await,
        (_, true) => {
            let (from, to) = (one.target.clone(), set_aside_path(run, one));
            blocking(move || if files::exists(&from)? { files::rename(&from, &to) } else { Ok(()) }).await
        }
        (_, false) => run.remove_claimed(step, &one.target).await,
    }
}

/// Returns where a rollback will keep what the new server recorded, if it came to work.
pub fn set_aside(run: &Run) -> Vec<PathBuf> {
    if !run.journal().state().was_completed() {
        return Vec::new();
    }
    let in_directories = run.plan.replacements.iter().filter(|one| !matches!(one.switch, Switch::Volume { .. }));
    in_directories.map(|one| set_aside_path(run, one)).collect()
}

fn set_aside_path(run: &Run, one: &Replacement) -> PathBuf {
    let mut name = one.source.as_os_str().to_owned();
    name.push(format!("_clearml_{}", run.plan.stamp));
    name.into()
}
