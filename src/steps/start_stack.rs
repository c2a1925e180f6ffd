//! Start the new server from the rewritten files; take it down again to undo that.
//!
//! Stopped containers of others that have a name of the new server's make room first: they are renamed, never removed.

use super::{Done, Run, new_redis, stop_stack};
use crate::error::{Error, Result};
use crate::platform::Existing;

pub(super) async fn apply(run: &Run, step: &str) -> Result<Done> {
    let project = &run.server()?.new_project;
    // The last moment at which an empty database can be kept from coming up in the place of a full one.
    let lost = run.platform.would_miss_its_data(&run.plan, &run.cancel).await?;
    if let Some(finding) = lost.into_iter().next() {
        return Err(Error::failed(finding.what).hint(finding.remedy));
    }
    for one in &run.plan.in_the_way {
        rename(run, &one.id, &one.name, &one.aside).await?;
    }
    new_redis::make_room(run, step).await?;
    run.platform.bring_up(project, Existing::Renewed, &run.cancel).await?;
    Ok(Done::line(format!("project {}", project.name)))
}

pub(super) async fn undo(run: &Run, step: &str) -> Result<()> {
    stop_stack::take_down(run, &run.server()?.new_project).await?;
    for one in &run.plan.in_the_way {
        rename(run, &one.id, &one.aside, &one.name).await?;
    }
    new_redis::preserve(run, step).await
}

/// Renames a container that still has the name `from`; one that somebody renamed or removed meanwhile is let be.
async fn rename(run: &Run, id: &str, from: &str, to: &str) -> Result<()> {
    match run.platform.container(id).await? {
        Some(container) if container.name == from => run.platform.rename(id, to).await,
        _ => Ok(()),
    }
}
