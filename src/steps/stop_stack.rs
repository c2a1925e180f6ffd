//! Stop the old server with its own compose command, project and files; start it again to undo that.
//!
//! `down` takes the containers away, so that nothing with `restart: always` comes back, not even after a reboot. It
//! never gets `-v`: volumes stay.

use super::{Done, Run};
use crate::error::{Error, Result};
use std::time::Duration;

/// Elasticsearch flushes and MongoDB checkpoints on stop; on a slow disk that takes more than docker's 10 seconds.
const STOP_TIMEOUT: Duration = Duration::from_secs(180);

pub(super) async fn apply(run: &Run) -> Result<Done> {
    run.compose.down(&run.old_project(), STOP_TIMEOUT, &run.cancel).await?;
    require_stopped(run).await?;
    Ok(Done::line(format!("project {} is down", run.plan.deployment.project.name)))
}

/// Refuses to go on while anything of the old server runs.
///
/// # Errors
/// Fails, naming the containers.
pub(super) async fn require_stopped(run: &Run) -> Result<()> {
    let running = running(run).await?;
    if running.is_empty() {
        return Ok(());
    }
    let project = &run.plan.deployment.project.name;
    Err(Error::failed(format!("The project {project} still runs {}.", running.join(", ")))
        .hint(format!("Stop them (docker stop {}), then run the same command again.", running.join(" "))))
}

/// Returns the names of the old server's containers that run.
///
/// # Errors
/// Fails when docker does not answer.
pub(super) async fn running(run: &Run) -> Result<Vec<String>> {
    let all = run.docker.project_containers(&run.plan.deployment.project.name).await?;
    Ok(all.into_iter().filter(|one| one.state.running).map(|one| one.name).collect())
}

pub(super) async fn undo(run: &Run) -> Result<()> {
    if run.options.no_start {
        return Ok(());
    }
    run.compose.up(&run.old_project(), &run.cancel).await
}
