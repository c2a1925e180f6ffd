//! Services: which of them there must be, and what stands in the way of their containers.

use super::{Subject, places};
use crate::deployment::Deployment;
use crate::docker::{Container, Daemon};
use crate::error::Result;
use crate::findings::Finding;
use crate::message::{About, Code};
use crate::plan::{InTheWay, Plan};
use crate::role::Role;

/// What this release of the program has a way for.
pub(super) fn supported(deployment: &Deployment) -> Vec<Finding> {
    let mut findings = places::disagreements(deployment);
    findings.extend(places::doubts(deployment));
    if deployment.service(Role::Elasticsearch).is_none() {
        findings.push(Finding::refusal(
            Code::NoElasticsearch,
            "The compose project has no Elasticsearch service.",
            "If Elasticsearch runs elsewhere, its data cannot be moved from here. If this is the wrong project, name the right file with -f.",
        ));
    }
    if deployment.service(Role::Mongo).is_none() {
        findings.push(Finding::refusal(
            Code::NoMongo,
            "The compose project has no MongoDB service, so its data cannot be kept safe during the migration.",
            "If the database runs elsewhere, this tool cannot migrate the server. If this is the wrong project, name the right file with -f.",
        ));
    }
    if deployment.service(Role::Apiserver).is_none() {
        findings.push(Finding::refusal(
            Code::NoApiserver,
            "The compose project has no API server service, so the new server could not be checked.",
            "If this is the wrong project, name the right file with -f.",
        ));
    }
    findings
}

/// The new containers' names must be free: stopped containers make room (see [`in_the_way`]), running ones do not.
pub(super) async fn container_names(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let taken = with_new_names(subject.plan, subject.docker).await?;
    let running = taken.iter().filter(|container| container.state.running);
    let finding = |container: &Container| {
        Finding::refusal(
            Code::ContainerNameTaken,
            format!("A container named {} runs that is not of this project.", container.name),
            format!("The new server needs the name. If nothing needs that container: docker stop {}", container.name),
        )
        .about(About::container(&container.name))
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
    let Some(server) = plan.server() else { return Ok(taken) };
    for name in &server.container_names {
        let container = docker.container(name).await?;
        let own = Some(server.deployment.project.name.as_str());
        taken.extend(container.filter(|one| one.label("com.docker.compose.project") != own));
    }
    Ok(taken)
}
