//! Stop the old server with its own compose command, project and files; start it again to undo that.
//!
//! The containers are stopped one kind after another, then `down` takes them away, so that nothing with
//! `restart: always` comes back, not even after a reboot. It never gets `-v`: volumes stay.

use super::{Done, Run, containers, keep, stop_containers};
use crate::docker::Project;
use crate::error::Result;
use crate::platform::Existing;
use std::collections::BTreeSet;
use std::time::Duration;

/// All is stopped when `down` comes; this is for what somebody has started since.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn apply(run: &Run, step: &str) -> Result<Done> {
    let project = &run.server()?.deployment.project;
    if !run.plan.rescues.is_empty() {
        keep::stop_and_keep(run, step).await?;
        return Ok(Done::line(format!("project {} is stopped, {}", project.name, kept(run))));
    }
    take_down(run, project).await?;
    containers::require_stopped(run).await?;
    Ok(Done::line(format!("project {} is down", project.name)))
}

/// Stops the containers of the old or of the new project, and takes them and their networks away.
///
/// # Errors
/// Cancelled; failed when the platform cannot.
pub(super) async fn take_down(run: &Run, project: &Project) -> Result<()> {
    let containers = stop_containers::of_project(run, &project.name, &run.server()?.deployment).await?;
    stop_containers::stop(run, &containers).await?;
    run.platform.take_down(project, STOP_TIMEOUT, &run.cancel).await
}

fn kept(run: &Run) -> String {
    let names: BTreeSet<&str> = run.plan.rescues.iter().map(|one| one.kept_as.as_str()).collect();
    format!("{} kept", names.into_iter().collect::<Vec<_>>().join(", "))
}

pub(super) async fn undo(run: &Run, step: &str) -> Result<()> {
    let project = &run.server()?.deployment.project;
    if !run.plan.rescues.is_empty() {
        keep::bring_back(run, step).await?;
    }
    match (run.options.no_start, run.plan.rescues.is_empty()) {
        (true, _) => Ok(()),
        (false, true) => run.platform.bring_up(project, Existing::Renewed, &run.cancel).await,
        // A container that compose would make anew would take the data with it.
        (false, false) => run.platform.bring_up(project, Existing::Kept, &run.cancel).await,
    }
}
