//! Keep containers that hold the only copy of data: the stack is stopped, not brought down, and they get another name and
//! no restart policy until a rollback. They are never removed by us.
//!
//! All other containers of the project are removed as `down` would, so that their names are free and none of them comes
//! back with the machine. The project's networks stay: a container that is kept could not be started without them.

use super::stop_containers::{self, OfServer};
use super::{Run, containers};
use crate::docker::{Container, Restart};
use crate::error::{Error, Result};
use crate::plan::Rescue;
use std::collections::BTreeSet;

/// Stops the project, keeps the containers of the plan's rescues, and removes the others.
///
/// # Errors
/// Fails when one that is to be kept is gone, and when docker does not do what it is asked.
pub(super) async fn stop_and_keep(run: &Run, step: &str) -> Result<()> {
    for rescue in kept(run) {
        let container = require(run, rescue).await?;
        if run.noted::<Restart>(step, &restart_key(rescue))?.is_none() {
            run.note(step, &restart_key(rescue), &container.restart)?;
        }
        run.platform.set_restart(&container.id, &Restart::never()).await?;
    }
    let server = run.server()?;
    let all = stop_containers::of_project(run, &server.deployment.project.name, &server.deployment).await?;
    stop_containers::stop(run, &all).await?;
    for rescue in kept(run) {
        rename(run, rescue, &rescue.name, &rescue.kept_as).await?;
    }
    let is_kept = |one: &&OfServer| run.plan.rescues.iter().any(|rescue| rescue.container == one.container.id);
    for one in all.iter().filter(|one| !is_kept(one)) {
        run.platform.remove(&one.container.id).await?;
    }
    containers::require_stopped(run).await
}

/// Gives kept containers their names and restart policies back, and starts the old server with them in it, unless it is
/// to stay stopped.
///
/// # Errors
/// As [`stop_and_keep`].
pub(super) async fn bring_back(run: &Run, step: &str) -> Result<()> {
    for rescue in kept(run) {
        let container = require(run, rescue).await?;
        rename(run, rescue, &rescue.kept_as, &rescue.name).await?;
        if let Some(restart) = run.noted::<Restart>(step, &restart_key(rescue))? {
            run.platform.set_restart(&container.id, &restart).await?;
        }
    }
    if run.options.no_start {
        return Ok(());
    }
    for rescue in kept(run) {
        run.platform.start(&rescue.container).await?;
    }
    Ok(())
}

/// Makes sure that every container that holds old data is still there.
///
/// # Errors
/// Refused, naming the first that is not.
pub(super) async fn require_kept(run: &Run) -> Result<()> {
    for rescue in kept(run) {
        // Asked before anything is put back; elsewhere more may have been done by then.
        require(run, rescue).await.map_err(|error| error.hint("Nothing was changed by this command."))?;
    }
    Ok(())
}

/// Returns one rescue for each container that is kept.
fn kept(run: &Run) -> impl Iterator<Item = &Rescue> {
    let mut seen = BTreeSet::new();
    run.plan.rescues.iter().filter(move |rescue| seen.insert(rescue.container.as_str()))
}

/// Returns the container of a rescue.
///
/// # Errors
/// Refused when it is gone.
pub(super) async fn require(run: &Run, rescue: &Rescue) -> Result<Container> {
    run.platform.container(&rescue.container).await?.ok_or_else(|| {
        Error::refused(format!(
            "The container {} of the old server is not there any more, and with it went what it kept in {}.",
            rescue.name, rescue.path
        ))
        .hint(format!("If they were copied before, the copy is in {}.", run.now(&rescue.to).display()))
    })
}

/// Renames a container that has the name `from`; one that has the other name already is let be.
///
/// # Errors
/// Fails when somebody has given it a third name.
async fn rename(run: &Run, rescue: &Rescue, from: &str, to: &str) -> Result<()> {
    let container = require(run, rescue).await?;
    match container.name {
        name if name == to => Ok(()),
        name if name == from => run.platform.rename(&rescue.container, to).await,
        name => Err(Error::failed(format!("The container {from} is called {name} by now."))
            .hint(format!("Give it its name back: docker rename {name} {from}"))),
    }
}

fn restart_key(rescue: &Rescue) -> String {
    format!("restart policy of {}", rescue.container)
}
