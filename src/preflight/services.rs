//! Services: where their data are, and what stands in the way of their containers.

use super::{Finding, Subject};
use crate::deployment::{Deployment, Disagreement, Role, Service, Storage};
use crate::error::Result;
use crate::planner::DATA_PATHS;

/// Every stateful service has its data in a bind mount or a named volume: anything else dies with `down`.
pub fn unsafe_storage(deployment: &Deployment) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (role, targets) in DATA_PATHS.into_iter().chain([(Role::Fileserver, &["/mnt/fileserver"][..])]) {
        let Some(service) = deployment.service(role) else { continue };
        let mounts = targets.iter().filter_map(|target| service.mount(target));
        let mut unsafe_mounts = mounts.filter(|mount| mount.storage.path().is_none());
        if let Some(mount) = unsafe_mounts.find(|mount| is_precious(role, &mount.target)) {
            findings.push(would_be_lost(service, &mount.target, &mount.storage));
        }
    }
    findings
}

/// MongoDB's `/data/configdb` is empty on a server of its own; stock files of some versions leave it anonymous.
fn is_precious(role: Role, target: &str) -> bool {
    role != Role::Mongo || target.trim_end_matches('/') != "/data/configdb"
}

fn would_be_lost(service: &Service, target: &str, storage: &Storage) -> Finding {
    let place = match storage {
        Storage::Anonymous => "an anonymous volume",
        _ => "its container itself",
    };
    let container = service.container.as_ref().map_or("CONTAINER", |one| one.name.as_str());
    Finding::refusal(
        format!("The service {} keeps {target} in {place}: taking the stack down would lose it.", service.name),
        format!(
            "Rescue it into a directory: docker stop {container} && docker cp -a {container}:{target} /opt/trains/data/{0}; \
             then mount that directory at {target} in the compose file, start the stack, see that all is there, and run again.",
            service.name
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
    let of_data = |subject: &str| DATA_PATHS.iter().any(|(_, targets)| targets.contains(&subject));
    let about_data = deployment.disagreements.iter().filter(|one| of_data(one.subject.trim_end_matches('/')));
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

/// The new containers' names must be free; only the project's own containers are ever removed.
pub(super) async fn container_names(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let own = &subject.plan.deployment.project.name;
    for name in subject.plan.new_container_names() {
        let Some(container) = subject.docker.container(&name).await? else { continue };
        if container.label("com.docker.compose.project") == Some(own.as_str()) {
            continue;
        }
        findings.push(Finding::refusal(
            format!("A container named {name} exists that is not of this project ({}).", container.state.status),
            format!("The new server needs the name. If nothing needs that container: docker rm -f {name}"),
        ));
    }
    Ok(findings)
}
