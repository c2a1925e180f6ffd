//! Services: where their data are, and what stands in the way of their containers.

use super::{Finding, Subject};
use crate::deployment::{Deployment, Disagreement, Mount, Role, Service, Storage};
use crate::docker::{Container, Daemon};
use crate::error::Result;
use crate::plan::{InTheWay, Plan};

/// Every stateful service has its data in a bind mount or a named volume: anything else dies with `down`.
pub fn unsafe_storage(deployment: &Deployment) -> Vec<Finding> {
    let lost = lost_with_down(deployment).into_iter();
    lost.map(|(service, mount)| would_be_lost(deployment, service, &mount.target, &mount.storage)).collect()
}

/// Returns what `down` would lose: the mounts of services whose data are in an anonymous volume or in the container.
pub fn lost_with_down(deployment: &Deployment) -> Vec<(&Service, &Mount)> {
    let mut lost = Vec::new();
    for service in Role::WITH_DATA.into_iter().filter_map(|role| deployment.service(role)) {
        let mounts = service.data_mounts().into_iter();
        let is_lost = |mount: &&Mount| mount.storage.path().is_none() && service.is_precious(&mount.target);
        lost.extend(mounts.filter(is_lost).map(|mount| (service, mount)));
    }
    lost
}

fn would_be_lost(deployment: &Deployment, service: &Service, target: &str, storage: &Storage) -> Finding {
    let place = match storage {
        Storage::Anonymous => "an anonymous volume",
        _ => "its container itself",
    };
    let directory = deployment.home.join("data").join(&service.name);
    let directory = directory.display();
    let rescue = match &service.container {
        Some(container) => format!(
            "Rescue it into a directory: docker stop {0} && docker cp -a {0}:{target} {directory}; then mount",
            container.name
        ),
        None => "There is no container any more that could hold data. Make a directory for them and mount".to_owned(),
    };
    Finding::refusal(
        format!("The service {} keeps {target} in {place}: taking the stack down would lose it.", service.name),
        format!(
            "{rescue} {directory} at {target} in the compose file, start the stack, see that all is there, and run again."
        ),
    )
}

/// What this release of the program has a way for.
pub(super) fn supported(deployment: &Deployment) -> Vec<Finding> {
    let mut findings = disagreements(deployment);
    if deployment.service(Role::Elasticsearch).is_none() {
        findings.push(Finding::refusal(
            "The compose project has no Elasticsearch service.",
            "If Elasticsearch runs elsewhere, its data cannot be moved from here. If this is the wrong project, name the right file with -f.",
        ));
    }
    if deployment.service(Role::Mongo).is_none() {
        findings.push(Finding::refusal(
            "The compose project has no MongoDB service, so its data cannot be kept safe during the migration.",
            "If the database runs elsewhere, this tool cannot migrate the server. If this is the wrong project, name the right file with -f.",
        ));
    }
    if deployment.service(Role::Apiserver).is_none() {
        findings.push(Finding::refusal(
            "The compose project has no API server service, so the new server could not be checked.",
            "If this is the wrong project, name the right file with -f.",
        ));
    }
    findings
}

/// Where a container has other data mounted than the compose file names, nobody can say which are meant.
fn disagreements(deployment: &Deployment) -> Vec<Finding> {
    let about_data = deployment.disagreements.iter().filter(|one| {
        let service = deployment.services.iter().find(|service| service.name == one.service);
        service.is_some_and(|service| service.data_mounts().iter().any(|mount| mount.is_inside(&one.subject)))
    });
    let finding = |one: &Disagreement| {
        Finding::refusal(
            one.to_string(),
            format!(
                "Make them agree: put {} back into the compose file if that is where your data are, or let compose create {} anew.",
                one.container, one.service
            ),
        )
    };
    about_data.map(finding).collect()
}

/// The new containers' names must be free: stopped containers make room (see [`in_the_way`]), running ones do not.
pub(super) async fn container_names(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let taken = with_new_names(subject.plan, subject.docker).await?;
    let running = taken.iter().filter(|container| container.state.running);
    let finding = |container: &Container| {
        Finding::refusal(
            format!("A container named {} runs that is not of this project.", container.name),
            format!("The new server needs the name. If nothing needs that container: docker stop {}", container.name),
        )
    };
    Ok(running.map(finding).collect())
}

/// Returns the stopped containers of others that have a name the new server needs, each with the name it gets. They
/// are never removed: a rollback gives them their names back.
///
/// # Errors
/// Fails when docker does not answer.
pub async fn in_the_way(plan: &Plan, docker: &Daemon) -> Result<Vec<InTheWay>> {
    let taken = with_new_names(plan, docker).await?;
    let stopped = taken.into_iter().filter(|container| !container.state.running);
    let make_room = |container: Container| InTheWay {
        aside: format!("{}_before_{}", container.name, plan.stamp),
        id: container.id,
        name: container.name,
    };
    Ok(stopped.map(make_room).collect())
}

/// Returns the containers that have a name of the new server's and are not the old server's own, which its `down`
/// removes.
async fn with_new_names(plan: &Plan, docker: &Daemon) -> Result<Vec<Container>> {
    let mut taken = Vec::new();
    for name in plan.new_container_names() {
        let container = docker.container(&name).await?;
        let own = plan.server().map(|server| server.deployment.project.name.as_str());
        taken.extend(container.filter(|one| one.label("com.docker.compose.project") != own));
    }
    Ok(taken)
}
