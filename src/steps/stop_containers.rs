//! Stops the containers of a server: first those that only serve, then those that hold data, when nothing writes to
//! them any more.
//!
//! The API, web and file servers of the released images never hear the stop signal: their first process is a shell that
//! does not pass it on (clearml-server `docker/build/internal_files/entrypoint.sh`). Time does not help them, so they get
//! docker's own. A database needs its time: it writes what is in memory.

use super::Run;
use crate::deployment::{Deployment, Service};
use crate::docker::{Container, MountKind, ToStop};
use crate::error::Result;
use crate::events::Unit;
use crate::message::{About, Code, Message};
use crate::role::Role;
use std::time::Duration;

/// What docker gives a container for which nothing is said.
const DOCKERS_OWN: Duration = Duration::from_secs(10);
/// Elasticsearch flushes and MongoDB checkpoints on stop; on a slow disk that takes minutes.
const FOR_DATA: Duration = Duration::from_secs(180);
/// What ends within this needs no line.
const WORTH_TELLING: Duration = Duration::from_secs(3);
/// Exit code of a process that SIGKILL has ended.
const KILLED: i64 = 137;

/// A container of a server, and which service it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OfServer {
    /// Name of the service in the compose file.
    pub service: String,
    /// What the service is for.
    pub role: Role,
    /// The container.
    pub container: Container,
}

/// Returns the containers of a compose project that belong to a service of the deployment, one-off ones too, running or
/// not. Others that carry the project's name are not compose's to take down either.
///
/// # Errors
/// Fails when docker does not answer.
pub(super) async fn of_project(run: &Run, project: &str, deployment: &Deployment) -> Result<Vec<OfServer>> {
    let containers = run.platform.containers_of(project).await?;
    Ok(containers.into_iter().filter_map(|container| of_service(container, &deployment.services)).collect())
}

fn of_service(container: Container, services: &[Service]) -> Option<OfServer> {
    let name = container.label("com.docker.compose.service")?;
    let service = services.iter().find(|service| service.name == name)?;
    Some(OfServer { service: service.name.clone(), role: service.role, container })
}

/// Stops what runs of these containers. Whoever was killed with data in memory is told in a warning.
///
/// # Errors
/// Cancelled, while containers may still be ending; failed when docker cannot stop one.
pub(super) async fn stop(run: &Run, containers: &[OfServer]) -> Result<()> {
    let running = || containers.iter().filter(|one| one.container.state.running);
    let (data, rest): (Vec<_>, Vec<_>) = running().partition(|one| holds_data(one, containers));
    for stage in [rest, data] {
        stop_stage(run, containers, &stage).await?;
    }
    Ok(())
}

async fn stop_stage(run: &Run, all: &[OfServer], stage: &[&OfServer]) -> Result<()> {
    let wanted: Vec<ToStop> = stage
        .iter()
        .map(|one| ToStop { id: one.container.id.clone(), patience: patience(one, holds_data(one, all)) })
        .collect();
    let tasks: Vec<String> = stage.iter().zip(&wanted).map(|(one, stop)| task(one, all, stop.patience)).collect();
    let tell = |id: &str, since: Duration| {
        let task = wanted.iter().zip(&tasks).find(|(stop, _)| stop.id == id).map(|(_, task)| task);
        if let Some(task) = task.filter(|_| since >= WORTH_TELLING) {
            run.events.progress(task, since.as_secs(), None, Unit::Seconds);
        }
    };
    let stopped = run.platform.stop(&wanted, &tell, &run.cancel).await;
    tasks.iter().for_each(|task| run.events.progress_ended(task));
    stopped?;
    for (one, stop) in stage.iter().zip(&wanted) {
        if holds_data(one, all) {
            warn_if_killed(run, one, stop.patience).await?;
        }
    }
    Ok(())
}

fn task(one: &OfServer, all: &[OfServer], patience: Duration) -> String {
    let what = if holds_data(one, all) { "write its data" } else { "end" };
    format!("waiting for {} to {what} (at most {} s)", one.service, patience.as_secs())
}

/// A database, or a service of the user's own that may write to something lasting. The server's helpers, of the API
/// server's own image, only keep logs.
fn holds_data(one: &OfServer, all: &[OfServer]) -> bool {
    match one.role {
        Role::Elasticsearch | Role::Mongo | Role::Redis => true,
        Role::Apiserver | Role::Webserver | Role::Fileserver | Role::AgentServices => false,
        Role::Other => {
            let servers_image = || {
                all.iter().any(|other| other.role == Role::Apiserver && other.container.image == one.container.image)
            };
            let lasting = one.container.mounts.iter().any(|mount| {
                let kept = matches!(mount.kind, MountKind::Bind | MountKind::Volume(_));
                kept && !mount.read_only && mount.source.extension().is_none_or(|end| end != "sock")
            });
            lasting && !servers_image()
        }
    }
}

/// What the container's owner has said counts, but no database gets less than it may need.
fn patience(one: &OfServer, holds_data: bool) -> Duration {
    let said = one.container.stop_timeout;
    if holds_data { said.unwrap_or_default().max(FOR_DATA) } else { said.unwrap_or(DOCKERS_OWN) }
}

async fn warn_if_killed(run: &Run, one: &OfServer, patience: Duration) -> Result<()> {
    let now = run.platform.container(&one.container.id).await?;
    if now.is_some_and(|now| now.state.exit_code == Some(KILLED)) {
        run.events.warn(
            Message::new(Code::ContainerKilled, killed(one, patience))
                .about(About::service(&one.service))
                .about(About::container(&one.container.name)),
        );
    }
    Ok(())
}

fn killed(one: &OfServer, patience: Duration) -> String {
    let then = match one.role {
        Role::Elasticsearch => {
            "What it had not written to its indices yet is in its log of operations, which is read too."
        }
        Role::Mongo => "What it had not written to its collections yet is in its journal, which is copied too.",
        Role::Redis => "What it had not saved yet is lost: states of workers, and of logins, of the last minutes.",
        _ => "Look at its data before you start it again.",
    };
    format!("{} did not end by itself within {} s and was killed. {then}", one.service, patience.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::ContainerMount;
    use std::collections::BTreeMap;

    fn of(role: Role, image: &str, mounts: &[(&str, bool)]) -> OfServer {
        let mount = |(source, read_only): &(&str, bool)| ContainerMount {
            kind: MountKind::Bind,
            source: (*source).into(),
            target: "/in/it".into(),
            read_only: *read_only,
        };
        let mounts = mounts.iter().map(mount).collect();
        let container = Container { image: image.into(), mounts, ..Container::default() };
        OfServer { service: "one".into(), role, container }
    }

    #[test]
    fn databases_and_what_may_write_something_lasting_are_given_time_and_the_rest_is_not() {
        let api = of(Role::Apiserver, "allegroai/trains:latest", &[("/opt/trains/logs", false)]);
        let helper = of(Role::Other, "allegroai/trains:latest", &[("/opt/trains/logs", false)]);
        let proxy = of(Role::Other, "traefik", &[("/var/run/docker.sock", false), ("/etc/traefik", true)]);
        let grafana = of(Role::Other, "grafana", &[("/srv/grafana", false)]);
        let redis = of(Role::Redis, "redis", &[]);
        let all = [api, helper, proxy, grafana, redis];
        assert_eq!(all.each_ref().map(|one| holds_data(one, &all)), [false, false, false, true, true]);
    }

    #[test]
    fn what_the_owner_has_said_counts_but_no_database_gets_less_than_it_may_need() {
        let said = |seconds: Option<u64>| {
            let mut one = of(Role::Mongo, "mongo", &[]);
            one.container.stop_timeout = seconds.map(Duration::from_secs);
            [true, false].map(|data| patience(&one, data).as_secs())
        };
        assert_eq!(said(None), [180, 10]);
        assert_eq!(said(Some(1)), [180, 1]);
        assert_eq!(said(Some(600)), [600, 600]);
    }

    #[test]
    fn only_containers_of_the_services_are_stopped() {
        let deployment = crate::plan::sample::plan().server().unwrap().deployment.clone();
        let container = |service: &str| {
            let labels = BTreeMap::from([("com.docker.compose.service".to_owned(), service.to_owned())]);
            Container { labels, ..Container::default() }
        };
        let found = |service: &str| of_service(container(service), &deployment.services).map(|one| one.role);
        assert_eq!(found("elasticsearch"), Some(Role::Elasticsearch));
        assert_eq!(found("taken-out-of-the-file"), None);
        assert_eq!(of_service(Container::default(), &deployment.services), None);
    }

    #[test]
    fn that_a_database_was_killed_is_told_with_what_becomes_of_its_data() {
        let told = |role| killed(&of(role, "", &[]), FOR_DATA);
        assert!(told(Role::Elasticsearch).contains("within 180 s and was killed. What it had not written"));
        assert!(told(Role::Mongo).contains("journal") && told(Role::Redis).contains("lost"));
    }
}
