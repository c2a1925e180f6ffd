//! Which service does what, by evidence: what it runs, then what it is made of, and its name last.
//!
//! Users rename services and containers, re-brand images, use mirrors, and add their own Redis or Elasticsearch. So a
//! service is first a *candidate* for a role; among several databases of one kind the one counts that the API server
//! is told to use (`*_ELASTIC_SERVICE_HOST`, `*_MONGODB_SERVICE_HOST`, `*_REDIS_SERVICE_HOST`).

use super::model::{Project, Service};
use crate::role::Role;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// Roles of which a server has exactly one service.
const DATABASES: [(Role, &str, &str, &str); 3] = [
    (Role::Elasticsearch, "ELASTIC_SERVICE_HOST", "ELASTIC_SERVICE_SERVICE_HOST", "elasticsearch"),
    (Role::Mongo, "MONGODB_SERVICE_HOST", "MONGODB_SERVICE_SERVICE_HOST", "mongo"),
    (Role::Redis, "REDIS_SERVICE_HOST", "REDIS_SERVICE_SERVICE_HOST", "redis"),
];

/// Gives every service of a project its role.
///
/// # Errors
/// A refusal that names the services, for the unified container and where two services could be the same one.
pub fn assign(project: &Project) -> Result<BTreeMap<String, Role>> {
    if let Some((name, _)) = project.services.iter().find(|(_, service)| is_unified(service)) {
        return Err(Error::refused(format!(
            "The service {name:?} runs the API, web and file servers in one container, a layout that upstream gave up after ClearML Server 0.17.0."
        ))
        .hint("ClearML Server 1.1 has no such layout. Put the three servers into services of their own first (upstream's docker-compose.yml of the same version), start that, and migrate then."));
    }
    let mut roles: BTreeMap<String, Role> = project
        .services
        .iter()
        .map(|(name, service)| (name.clone(), candidate(name, service).unwrap_or(Role::Other)))
        .collect();
    for role in [Role::Apiserver, Role::Webserver, Role::Fileserver] {
        settle_server(project, &mut roles, role)?;
    }
    for (role, variable, oldest_variable, default) in DATABASES {
        let told = told_host(project, &roles, &[variable, oldest_variable]);
        settle_database(project, &mut roles, role, told.as_deref().unwrap_or(default), told.is_some())?;
    }
    Ok(roles)
}

/// Returns the role that a service looks like on its own.
fn candidate(name: &str, service: &Service) -> Option<Role> {
    by_command(service)
        .or_else(|| by_image(service))
        .or_else(|| by_mounts(service))
        .or_else(|| by_server_image(name, service))
}

/// The entry point of the server image takes the role as its first word.
fn by_command(service: &Service) -> Option<Role> {
    match service.command.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["apiserver", ..] => Some(Role::Apiserver),
        ["webserver", ..] => Some(Role::Webserver),
        ["fileserver", ..] => Some(Role::Fileserver),
        _ => None,
    }
}

/// Databases and the agent under any registry: the last component of the image's name decides.
fn by_image(service: &Service) -> Option<Role> {
    match image_name(service.image.as_deref()?) {
        "elasticsearch" | "elasticsearch-oss" => Some(Role::Elasticsearch),
        "mongo" | "mongodb" | "percona-server-mongodb" => Some(Role::Mongo),
        "redis" => Some(Role::Redis),
        "trains-agent-services" | "clearml-agent-services" | "trains-agent" => Some(Role::AgentServices),
        _ => None,
    }
}

/// Re-branded databases: nobody else has these directories.
fn by_mounts(service: &Service) -> Option<Role> {
    if service.mount(Role::ELASTICSEARCH_DATA).is_some() {
        return Some(Role::Elasticsearch);
    }
    if service.mount(Role::MONGO_DATA).is_some() && service.mount(Role::MONGO_CONFIGDB).is_some() {
        return Some(Role::Mongo);
    }
    let variable = |suffix: &str| names_variable(service, suffix);
    let has_docker = service.mount("/var/run/docker.sock").is_some();
    (has_docker && variable("API_HOST") && (variable("WORKER_ID") || variable("AGENT_DOCKER_HOST_MOUNT")))
        .then_some(Role::AgentServices)
}

/// A server image without any command: port, then what it is told, then its name. With another command it is one of the
/// server's later helpers, such as 1.7's `async_delete`.
fn by_server_image(name: &str, service: &Service) -> Option<Role> {
    let image = image_name(service.image.as_deref()?);
    let starts_something = !service.command.is_empty() || !service.entrypoint.is_empty();
    if starts_something || !matches!(image, "trains" | "clearml" | "trains-server" | "clearml-server") {
        return None;
    }
    let names = [Some(name), service.container_name.as_deref()];
    let called = |part: &str| names.iter().flatten().any(|name| name.contains(part));
    let port = |number: u16| service.ports.iter().any(|port| port.target == number);
    if port(8008) || names_variable(service, "MONGODB_SERVICE_HOST") || called("api") {
        Some(Role::Apiserver)
    } else if port(8081) || called("file") {
        Some(Role::Fileserver)
    } else if port(80) || called("web") {
        Some(Role::Webserver)
    } else {
        None
    }
}

/// Whether the container of 0.11 to 0.16's unified layout: server image, all three ports.
fn is_unified(service: &Service) -> bool {
    let ports = [8008, 80, 8081];
    let all_ports = ports.iter().all(|number| service.ports.iter().any(|port| port.target == *number));
    let starts_all = service.entrypoint.iter().chain(&service.command).any(|word| word.contains("apiserver"))
        && service.entrypoint.iter().chain(&service.command).any(|word| word.contains("webserver"))
        && by_command(service).is_none();
    all_ports || starts_all
}

/// Keeps one service per server role, or says that there are two.
fn settle_server(project: &Project, roles: &mut BTreeMap<String, Role>, role: Role) -> Result<()> {
    let all = holders(roles, role);
    if all.len() < 2 {
        return Ok(());
    }
    // A neighbour whose command happens to be the same word runs another image.
    let sure: Vec<String> = all
        .iter()
        .filter(|name| {
            project.services.get(*name).and_then(|service| service.image.as_deref()).is_some_and(|image| {
                matches!(image_name(image), "trains" | "clearml" | "trains-server" | "clearml-server")
            })
        })
        .cloned()
        .collect();
    match sure.as_slice() {
        [one] => {
            all.iter().filter(|name| *name != one).for_each(|name| {
                roles.insert(name.clone(), Role::Other);
            });
            Ok(())
        }
        _ => Err(ambiguous(&all, role)),
    }
}

/// Keeps the database that the API server uses; the others are the user's own.
fn settle_database(
    project: &Project,
    roles: &mut BTreeMap<String, Role>,
    role: Role,
    host: &str,
    told: bool,
) -> Result<()> {
    let all = holders(roles, role);
    let called: Vec<&String> = all.iter().filter(|name| answers_to(project, name, host)).collect();
    let keep = match (called.as_slice(), all.as_slice()) {
        ([one], _) => Some((*one).clone()),
        // The API server's host is none of ours: the database is outside of this project.
        ([], _) if told => None,
        ([], [one]) => Some(one.clone()),
        ([], []) => None,
        _ => return Err(ambiguous(&all, role)),
    };
    for name in all {
        if keep.as_ref() != Some(&name) {
            roles.insert(name, Role::Other);
        }
    }
    Ok(())
}

/// Whether a service is found under `host` by its neighbours. In the host's network every service is `localhost`.
fn answers_to(project: &Project, name: &str, host: &str) -> bool {
    let Some(service) = project.services.get(name) else { return false };
    let linked = project
        .services
        .values()
        .flat_map(|other| &other.links)
        .any(|link| link.split_once(':').is_some_and(|(target, alias)| target == name && alias == host));
    name == host
        || linked
        || service.container_name.as_deref() == Some(host)
        || service.hostname.as_deref() == Some(host)
        || service.networks.values().flatten().any(|alias| alias == host)
        || (matches!(host, "localhost" | "127.0.0.1" | "host.docker.internal")
            && (service.network_mode.as_deref() == Some("host") || !service.ports.is_empty()))
}

/// Returns the host that the API server is told to use.
fn told_host(project: &Project, roles: &BTreeMap<String, Role>, suffixes: &[&str]) -> Option<String> {
    let api = holders(roles, Role::Apiserver);
    let environment = &project.services.get(api.first()?)?.environment;
    let prefixes = ["CLEARML_", "TRAINS_", ""];
    suffixes
        .iter()
        .flat_map(|suffix| prefixes.map(|prefix| format!("{prefix}{suffix}")))
        .find_map(|name| environment.get(&name).cloned().flatten())
        .filter(|host| !host.is_empty())
}

fn holders(roles: &BTreeMap<String, Role>, role: Role) -> Vec<String> {
    roles.iter().filter(|(_, held)| **held == role).map(|(name, _)| name.clone()).collect()
}

fn names_variable(service: &Service, suffix: &str) -> bool {
    ["TRAINS_", "CLEARML_"].iter().any(|prefix| service.environment.contains_key(&format!("{prefix}{suffix}")))
}

fn ambiguous(names: &[String], role: Role) -> Error {
    Error::refused(format!("Several services could be the server's {}: {}.", role.title(), names.join(", "))).hint(
        "Name the databases in the API server's environment (TRAINS_ELASTIC_SERVICE_HOST, TRAINS_MONGODB_SERVICE_HOST, TRAINS_REDIS_SERVICE_HOST), or pass with -f only the files of one server.",
    )
}

/// Returns the last component of an image's name, without registry, tag and digest.
pub fn image_name(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split(':').next().unwrap_or(last)
}

#[cfg(test)]
#[path = "roles_tests.rs"]
mod tests;
