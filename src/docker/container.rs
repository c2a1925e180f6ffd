//! Containers as they are: listing, inspecting, logs, and stopping and removing by id.

mod view;

use super::daemon::{Daemon, failed, is_missing, shown};
use super::keeping::Restart;
use crate::error::{Error, Result};
use crate::failpoints;
use bollard::container::LogOutput;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder, RenameContainerOptionsBuilder,
    StopContainerOptionsBuilder,
};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use view::view;

/// A container that docker has started again so often does not stay up.
const OFTEN: u64 = 3;
/// One that has run for longer may have had its cause put right.
const YOUNG: Duration = Duration::from_secs(120);

/// A port of the container that is published on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// Port in the container.
    pub container: u16,
    /// Port on the host.
    pub host: u16,
    /// Host address, empty for all.
    pub host_ip: String,
}

/// A container, running or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Container {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Name without the leading slash.
    pub name: String,
    /// The image as it was named when the container was created.
    pub image: String,
    /// The image's id, `sha256:…`.
    pub image_id: String,
    /// Command line, entry point included.
    pub command: Vec<String>,
    /// Working directory of its process; empty for the root.
    pub directory: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Environment, the image's included.
    pub environment: BTreeMap<String, String>,
    /// What it does now.
    pub state: ContainerState,
    /// What is mounted where, anonymous volumes included.
    pub mounts: Vec<ContainerMount>,
    /// Published ports of a running container.
    pub ports: Vec<PublishedPort>,
    /// Address in each network it is in, of a running container.
    pub addresses: BTreeMap<String, IpAddr>,
    /// Whose network it uses.
    pub network: Network,
    /// When docker starts it by itself.
    pub restart: Restart,
    /// Runs privileged.
    pub privileged: bool,
    /// The directory on the machine of the daemon that holds what the container has written beside its mounts, where the
    /// storage driver has one (`overlay2`).
    pub layer: Option<PathBuf>,
    /// Time between the stop signal and SIGKILL, where its owner has said one (`stop_grace_period`).
    pub stop_timeout: Option<Duration>,
}

/// What a container does now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerState {
    /// Docker's word: `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    pub status: String,
    /// Whether its process lives, be it paused or restarting.
    pub running: bool,
    /// Exit code of the last process, if it has ended.
    pub exit_code: Option<i64>,
    /// Whether the kernel killed it for want of memory.
    pub out_of_memory: bool,
    /// The id of its process on the machine of the daemon, of a running container.
    pub process: Option<i64>,
    /// When its process began, as docker writes it; empty if none ever did.
    pub started_at: String,
    /// When its last process ended, as docker writes it; empty if none ever did.
    pub finished_at: String,
    /// How often docker has started it again by itself since somebody started it.
    pub restarts: u64,
}

/// Whose network a container uses (`network_mode`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Network {
    /// Its own, joined to docker's networks.
    #[default]
    Own,
    /// The machine's: what it listens on, the machine listens on.
    Host,
    /// That of the container with this id or name.
    Of(String),
}

/// A mount as docker carries it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerMount {
    /// What kind of mount it is.
    pub kind: MountKind,
    /// Where the bytes are on the machine of the daemon; empty for `tmpfs`.
    pub source: PathBuf,
    /// Absolute path in the container.
    pub target: String,
    /// Mounted read-only.
    pub read_only: bool,
}

/// The kinds of mounts that docker reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountKind {
    /// A directory or file of the host.
    Bind,
    /// A volume and its name. Anonymous ones are named by 64 hexadecimal digits.
    Volume(String),
    /// Anything else, such as `tmpfs`.
    Other(String),
}

impl ContainerState {
    /// Returns whether it ends and is started again and again: it waits for docker to start it, or docker has done so
    /// several times, the last time just now.
    pub fn falls(&self) -> bool {
        self.status == "restarting" || (self.running && self.restarts >= OFTEN && self.is_young(Timestamp::now()))
    }

    fn is_young(&self, now: Timestamp) -> bool {
        let started: Option<Timestamp> = self.started_at.parse().ok();
        started.is_some_and(|started| now.duration_since(started).unsigned_abs() < YOUNG)
    }
}

impl Container {
    /// Returns a label's value.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// Returns whether `compose run` has made it, which gives it the label of a service too.
    pub fn is_one_off(&self) -> bool {
        self.label("com.docker.compose.oneoff").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Returns the service that compose runs it for.
    pub fn service(&self) -> Option<&str> {
        self.label("com.docker.compose.service").filter(|_| !self.is_one_off())
    }

    /// Returns whether the container has a directory mounted, or may write to something in it.
    pub fn uses(&self, path: &Path) -> bool {
        self.mounts.iter().any(|mount| mount.source == path || (mount.source.starts_with(path) && !mount.read_only))
    }

    /// Returns where Elasticsearch in it can be reached from this machine. In the host's network, where a port can be had
    /// only once, people choose another one.
    pub fn elasticsearch(&self) -> Option<String> {
        self.address(self.environment.get("http.port").and_then(|port| port.parse().ok()).unwrap_or(9200))
    }

    /// Returns where a port of it can be reached from this machine, `HOST:PORT`: the machine's own in the host's network,
    /// else published, else in its network. Nothing if it does not run.
    pub fn address(&self, port: u16) -> Option<String> {
        if self.network == Network::Host && self.state.running {
            return Some(format!("127.0.0.1:{port}"));
        }
        let published = self.ports.iter().find(|one| one.container == port);
        let published = published.map(|one| match one.host_ip.as_str() {
            "" | "0.0.0.0" | "::" => format!("127.0.0.1:{}", one.host),
            ip if ip.contains(':') => format!("[{ip}]:{}", one.host),
            ip => format!("{ip}:{}", one.host),
        });
        published.or_else(|| self.addresses.values().next().map(|ip| format!("{ip}:{port}")))
    }
}

impl Daemon {
    /// Lists containers, stopped ones too, that carry all of these labels (`name` or `name=value`); all containers
    /// if there are none. A container that vanishes meanwhile is left out.
    ///
    /// # Errors
    /// Failed when the daemon does not answer.
    pub async fn containers(&self, labels: &[String]) -> Result<Vec<Container>> {
        let mut options = ListContainersOptionsBuilder::default().all(true);
        if !labels.is_empty() {
            options = options.filters(&HashMap::from([("label", labels.to_vec())]));
        }
        let summaries = self
            .api
            .list_containers(Some(options.build()))
            .await
            .map_err(|cause| failed("The containers cannot be listed.", cause))?;
        let mut containers = Vec::with_capacity(summaries.len());
        for id in summaries.into_iter().filter_map(|summary| summary.id) {
            containers.extend(self.container(&id).await?);
        }
        Ok(containers)
    }

    /// Lists the containers of a compose project, stopped ones too.
    ///
    /// # Errors
    /// As [`Daemon::containers`].
    pub async fn project_containers(&self, project: &str) -> Result<Vec<Container>> {
        self.containers(&[format!("com.docker.compose.project={project}")]).await
    }

    /// Returns a container by its id or name, if it exists. One that uses another's network is found at that one's ports and
    /// addresses.
    ///
    /// # Errors
    /// Failed when the daemon does not answer.
    pub async fn container(&self, id_or_name: &str) -> Result<Option<Container>> {
        let found = self.inspected(id_or_name).await?;
        let Some(Container { network: Network::Of(other), .. }) = &found else { return Ok(found) };
        let host = self.inspected(other).await?;
        Ok(found.map(|container| match host {
            Some(host) if host.network == Network::Host => Container { network: Network::Host, ..container },
            Some(host) => Container { ports: host.ports, addresses: host.addresses, ..container },
            None => container,
        }))
    }

    async fn inspected(&self, id_or_name: &str) -> Result<Option<Container>> {
        match self.api.inspect_container(id_or_name, None).await {
            Ok(response) => Ok(Some(view(response))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(cause) => Err(failed(&format!("The container {id_or_name} cannot be inspected."), cause)),
        }
    }

    /// Returns the last `lines` of what a container wrote, both streams in order.
    ///
    /// # Errors
    /// Failed when there is no such container.
    pub async fn log_tail(&self, id: &str, lines: usize) -> Result<Vec<String>> {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(&lines.to_string()).build();
        let parts: Vec<LogOutput> = self
            .api
            .logs(id, Some(options))
            .try_collect()
            .await
            .map_err(|cause| failed(&format!("The log of the container {} cannot be read.", shown(id)), cause))?;
        let bytes: Vec<u8> = parts.into_iter().flat_map(|part| part.into_bytes()).collect();
        Ok(String::from_utf8_lossy(&bytes).lines().map(|line| line.trim_end().to_owned()).collect())
    }

    /// Stops a container: its stop signal, then SIGKILL after `timeout`. One that does not run, or does not exist,
    /// is stopped already.
    ///
    /// # Errors
    /// Failed when docker cannot stop it.
    pub async fn stop(&self, id: &str, timeout: Duration) -> Result<()> {
        failpoints::reach("docker.stop")?;
        let seconds = i32::try_from(timeout.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        // The daemon answers when the container has stopped, so the answer may take longer than the stop timeout.
        let patient = self.api.clone().with_timeout(timeout.saturating_add(Duration::from_secs(120)));
        match patient.stop_container(id, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(cause) => Err(failed(&format!("The container {} cannot be stopped.", shown(id)), cause)),
        }
    }

    /// Gives a container another name, which must be free.
    ///
    /// # Errors
    /// Failed when the name is taken or the container is gone.
    pub async fn rename(&self, id: &str, name: &str) -> Result<()> {
        failpoints::reach("docker.rename")?;
        let options = RenameContainerOptionsBuilder::default().name(name).build();
        let renamed = self.api.rename_container(id, options).await;
        renamed.map_err(|cause| failed(&format!("The container {} cannot be renamed to {name}.", shown(id)), cause))
    }

    /// Removes a container that is stopped, and leaves all its volumes.
    ///
    /// # Errors
    /// Internal unless `id` is a whole id: a name may mean another container by now. Failed when it still runs.
    pub async fn remove(&self, id: &str) -> Result<()> {
        self.remove_by_id(id, RemoveContainerOptionsBuilder::default().v(false).force(false)).await
    }

    /// Removes a container in any state together with its anonymous volumes. For the containers of a run only.
    pub(super) async fn destroy(&self, id: &str) -> Result<()> {
        self.remove_by_id(id, RemoveContainerOptionsBuilder::default().v(true).force(true)).await
    }

    async fn remove_by_id(&self, id: &str, options: RemoveContainerOptionsBuilder) -> Result<()> {
        failpoints::reach("docker.remove")?;
        if !is_whole_id(id) {
            return Err(Error::internal(format!("`{id}` is no container id, so nothing is removed.")));
        }
        match self.api.remove_container(id, Some(options.build())).await {
            Ok(()) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(cause) => Err(failed(&format!("The container {} cannot be removed.", shown(id)), cause)),
        }
    }
}

/// Returns whether a text is what docker gives to containers and anonymous volumes: 64 hexadecimal digits.
pub(crate) fn is_whole_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
