//! Ports of this machine that the new server will listen at: whatever else listens there keeps it from starting, or, worse,
//! answers in its place. Elasticsearch takes the next port when its own is taken.

use super::Subject;
use super::listeners::{self, Listener};
use crate::deployment::{Deployment, Service};
use crate::docker::{Container, Network, PublishedPort};
use crate::error::Result;
use crate::findings::Finding;
use crate::message::{About, Code};
use crate::plan::ServerPlan;
use crate::role::Role;
use std::net::{IpAddr, Ipv4Addr};

const REDIS: u16 = 6379;
/// Docker's own process that listens at a published port.
const DOCKER_PROXY: &str = "docker-proxy";
/// Where the web server's ports are configured.
const NGINX: &str = "/etc/nginx";
/// Where those of the API and the file server are.
const CONFIG: [&str; 2] = ["/opt/trains/config", "/opt/clearml/config"];
/// Where Elasticsearch's is.
const ELASTIC_CONFIG: &str = "/usr/share/elasticsearch/config";

/// A port that a service of the new server needs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Need {
    /// Name of the service.
    service: String,
    port: u16,
    /// At which address; unspecified for all.
    at: IpAddr,
    /// The service is not there yet.
    added: bool,
}

/// Refuses ports at which something listens that is not the old server's.
pub(super) async fn taken(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let Some(server) = subject.plan.server() else { return Ok(Vec::new()) };
    let containers = subject.docker.containers(&[]).await?;
    let needs = needs(server, &containers);
    let info = subject.docker.info();
    // Elsewhere, the machine whose ports are taken is not this one.
    let listeners = match info.in_virtual_machine() || info.rootless {
        true => Vec::new(),
        false => listeners::at(&needs.iter().map(|need| need.port).collect()),
    };
    let projects = [&*server.deployment.project.name, &*server.new_project.name];
    let seen = Seen { projects, containers: &containers, listeners: &listeners };
    Ok(needs.iter().filter_map(|need| Some(finding(need, &seen.holder(need)?))).collect())
}

/// Ports in the machine's network, and published ones.
fn needs(server: &ServerPlan, containers: &[Container]) -> Vec<Need> {
    let deployment = &server.deployment;
    let mut needs = Vec::new();
    for service in &deployment.services {
        let need = |port: u16, at: IpAddr| Need { service: service.name.clone(), port, at, added: false };
        if service.host_network {
            let known = service.container.as_ref();
            let container = known.and_then(|known| containers.iter().find(|one| one.id == known.id));
            let command = container.map_or(&[][..], |one| &one.command);
            needs.extend(own_port(deployment, service, command).map(|port| need(port, Ipv4Addr::UNSPECIFIED.into())));
        } else if service.role != Role::Other {
            needs.extend(service.ports.iter().map(|published| need(published.host, address_of(published))));
        }
    }
    let in_machine = deployment.service(Role::Apiserver).is_some_and(|api| api.host_network);
    if server.new_redis.is_some() && in_machine {
        needs.push(Need { service: "Redis".into(), port: REDIS, at: Ipv4Addr::LOCALHOST.into(), added: true });
    }
    needs
}

fn address_of(published: &PublishedPort) -> IpAddr {
    published.host_ip.parse().unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

/// The port at which a service listens of itself, or at which the API server is told that it does. None where a
/// configuration of the user's own may say another.
fn own_port(deployment: &Deployment, service: &Service, command: &[String]) -> Option<u16> {
    if is_configured(service, command) {
        return None;
    }
    if let Some(port) = port_in(command) {
        return Some(port);
    }
    let told = |name: &str| {
        let api = deployment.service(Role::Apiserver)?;
        let names = ["TRAINS_", "CLEARML_", ""].map(|prefix| format!("{prefix}{name}_SERVICE_PORT"));
        names.iter().find_map(|name| api.environment.get(name)?.parse().ok())
    };
    match service.role {
        Role::Apiserver => Some(8008),
        Role::Webserver => Some(80),
        Role::Fileserver => Some(8081),
        Role::Elasticsearch => {
            let own = service.environment.get("http.port").and_then(|port| port.parse().ok());
            own.or_else(|| told("ELASTIC")).or(Some(9200))
        }
        Role::Mongo => told("MONGODB").or(Some(27017)),
        Role::Redis => told("REDIS").or(Some(REDIS)),
        Role::AgentServices | Role::Other => None,
    }
}

/// Whether a file or a variable of the user's own may say at which port a service listens.
fn is_configured(service: &Service, command: &[String]) -> bool {
    let mounted = |place: &str| service.mounts.iter().any(|mount| mount.is_inside(place));
    let in_file = |name: &str| {
        let configured = service.mounts.iter().filter(|mount| CONFIG.contains(&mount.target.trim_end_matches('/')));
        let mut texts = configured.filter_map(|mount| std::fs::read(mount.storage.path()?.join(name)).ok());
        texts.any(|text| String::from_utf8_lossy(&text).contains("port"))
    };
    let in_variable = || service.environment.keys().any(|name| name.to_lowercase().ends_with("__listen__port"));
    match service.role {
        Role::Apiserver => in_variable() || in_file("apiserver.conf"),
        Role::Fileserver => in_variable() || in_file("fileserver.conf"),
        Role::Webserver => mounted(NGINX),
        Role::Elasticsearch => {
            let told = |word: &String| word.starts_with("-Ehttp.port");
            !service.environment.contains_key("http.port") && (mounted(ELASTIC_CONFIG) || command.iter().any(told))
        }
        Role::Mongo | Role::Redis => {
            let is_file = |word: &String| word.ends_with(".conf") || word.starts_with("--config") || word == "-f";
            command.iter().any(is_file)
        }
        Role::AgentServices | Role::Other => false,
    }
}

/// The port that a command names, as those of MongoDB and Redis do.
fn port_in(command: &[String]) -> Option<u16> {
    let words: Vec<&str> = command.iter().flat_map(|word| word.split([' ', '='])).collect();
    words.windows(2).find_map(|pair| match pair {
        ["--port", port] => port.parse().ok(),
        _ => None,
    })
}

/// Who has a port.
#[derive(Debug, PartialEq, Eq)]
enum Holder {
    Container(String),
    Process(i64, String),
    /// Root would be told.
    Unknown,
}

/// What there is on this machine.
struct Seen<'a> {
    /// The old server's compose project and the new one's.
    projects: [&'a str; 2],
    containers: &'a [Container],
    listeners: &'a [Listener],
}

impl Seen<'_> {
    /// Returns who keeps the new server from a port.
    fn holder(&self, need: &Need) -> Option<Holder> {
        let mut publishing = self.containers.iter().filter(|one| !self.is_own(one) && publishes(one, need));
        if let Some(container) = publishing.next() {
            return Some(Holder::Container(container.name.clone()));
        }
        let mut listening = self.listeners.iter().filter(|one| one.port == need.port && meet(one.ip, need.at));
        listening.find_map(|listener| self.stranger(need, listener))
    }

    /// Returns who listens, unless it is the old server.
    fn stranger(&self, need: &Need, listener: &Listener) -> Option<Holder> {
        let own = || self.containers.iter().filter(|one| self.is_own(one));
        let Some(process) = &listener.process else {
            let is_of_service = |one: &Container| one.network == Network::Host && one.service() == Some(&need.service);
            let has_it = own().any(|one| one.state.running && (is_of_service(one) || publishes(one, need)));
            return (!has_it).then_some(Holder::Unknown);
        };
        if process.name == DOCKER_PROXY && own().any(|one| publishes(one, need)) {
            return None;
        }
        let runs_it = |one: &&Container| one.state.process.is_some_and(|id| process.line.contains(&id));
        match self.containers.iter().find(runs_it) {
            Some(container) if self.is_own(container) => None,
            Some(container) => Some(Holder::Container(container.name.clone())),
            None => Some(Holder::Process(process.id, process.name.clone())),
        }
    }

    fn is_own(&self, container: &Container) -> bool {
        container.label("com.docker.compose.project").is_some_and(|project| self.projects.contains(&project))
    }
}

fn publishes(container: &Container, need: &Need) -> bool {
    container.ports.iter().any(|port| port.host == need.port && meet(address_of(port), need.at))
}

/// Whether two cannot listen at the same port at these addresses.
fn meet(one: IpAddr, other: IpAddr) -> bool {
    one == other || one.is_unspecified() || other.is_unspecified()
}

fn finding(need: &Need, holder: &Holder) -> Finding {
    let Need { service, port, .. } = need;
    let (who, remedy) = match holder {
        Holder::Container(name) => (
            format!("The container {name} listens"),
            format!("If nothing needs it: docker stop {name}. Else let it listen at another port."),
        ),
        Holder::Process(id, name) => (
            format!("{name} (process {id}) listens"),
            format!("Stop it, or let it listen at another port (ps -fp {id} shows what it is)."),
        ),
        Holder::Unknown => (
            "Something of another user listens".to_owned(),
            format!("Stop it, or let it listen at another port (sudo ss -ltnp 'sport = :{port}' shows what it is)."),
        ),
    };
    let (needing, or_use) = match need.added {
        true => (
            "the Redis that is added".to_owned(),
            " If that is a Redis for this server, name it in the environment of the API server, TRAINS_REDIS_SERVICE_HOST: 127.0.0.1, and none is added.",
        ),
        false => (format!("{service} of the new server"), ""),
    };
    Finding::refusal(
        Code::PortTaken,
        format!("{who} at port {port} of this machine, where {needing} is to listen."),
        remedy + or_use,
    )
    .about(About::Port(*port))
}

#[cfg(test)]
#[path = "ports_tests.rs"]
mod tests;
