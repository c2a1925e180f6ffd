//! Containers of the old and of the new server.

use super::Run;
use crate::docker::Container;
use crate::error::{Error, Result};
use crate::role::Role;

/// Refuses to go on while anything of the old server runs, or, where no server is known, anything that uses the data.
///
/// # Errors
/// Fails, naming the containers.
pub(super) async fn require_stopped(run: &Run) -> Result<()> {
    let running = running(run).await?;
    if running.is_empty() {
        return Ok(());
    }
    let names = running.join(", ");
    let message = match run.plan.server() {
        Some(server) => format!("The project {} still runs {names}.", server.deployment.project.name),
        None => format!("{} is used by the container {names}.", run.plan.subject().display()),
    };
    Err(Error::failed(message)
        .hint(format!("Stop them (docker stop {}), then run the same command again.", running.join(" "))))
}

/// Returns the names of the containers that run and are the old server's; where no server is known, that use the data.
///
/// # Errors
/// Fails when the platform does not answer.
pub(super) async fn running(run: &Run) -> Result<Vec<String>> {
    let containers = match run.plan.server() {
        Some(server) => run.platform.containers_of(&server.deployment.project.name).await?,
        None => {
            let all = run.platform.containers().await?;
            let uses = |one: &Container| run.plan.replacements().any(|data| one.uses(&data.source));
            all.into_iter().filter(uses).collect()
        }
    };
    Ok(containers.into_iter().filter(|one| one.state.running).map(|one| one.name).collect())
}

/// Returns the container of the role's service in the new project.
///
/// # Errors
/// Fails, naming the service, when it has none.
pub(super) async fn container_of(run: &Run, role: Role) -> Result<Container> {
    let server = run.server()?;
    let name = server.deployment.service(role).map(|service| service.name.clone());
    let name = name.ok_or_else(|| Error::internal(format!("The plan has no {role:?} service.")))?;
    let containers = run.platform.containers_of(&server.new_project.name).await?;
    let mut of_service = containers.into_iter().filter(|one| one.service() == Some(name.as_str()));
    let compose = run.platform.typed(&server.new_project)?;
    of_service.next().ok_or_else(|| {
        Error::failed(format!("The new server has no container for the service {name}."))
            .hint(format!("See what compose says: {compose} ps"))
    })
}
