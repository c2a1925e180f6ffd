//! Containers that a run brings up: described whole, created, started, and found again by their labels.

use super::daemon::{Daemon, failed, shown};
use super::labels::RunLabels;
use crate::error::{Error, Result};
use crate::failpoints;
use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, Mount, MountType, NetworkingConfig, PortBinding,
    ResourcesUlimits,
};
use bollard::query_parameters::CreateContainerOptionsBuilder;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A container to be created. It gets no restart policy: when it ends, somebody has to look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSpec {
    /// Image with tag; it must be present.
    pub image: String,
    /// Name, which must be free.
    pub name: String,
    /// Labels of the run.
    pub labels: RunLabels,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// Environment beyond the image's.
    pub environment: BTreeMap<String, String>,
    /// What to mount.
    pub mounts: Vec<SpecMount>,
    /// Name or id of the network to join; docker's own bridge if none.
    pub network: Option<String>,
    /// Further names in that network.
    pub aliases: Vec<String>,
    /// TCP ports to publish on 127.0.0.1, each at a port that docker chooses.
    pub publish: Vec<u16>,
    /// `user[:group]`; the image's own if none.
    pub user: Option<String>,
    /// Limit of memory in bytes.
    pub memory: Option<u64>,
    /// Limits of the process.
    pub ulimits: Vec<Ulimit>,
    /// Time between the stop signal and SIGKILL, also when somebody else stops it.
    pub stop_timeout: Duration,
}

impl ContainerSpec {
    /// Returns a container with nothing but its image, its name and its labels.
    pub fn new(image: impl Into<String>, name: impl Into<String>, labels: RunLabels) -> Self {
        Self {
            image: image.into(),
            name: name.into(),
            labels,
            command: None,
            environment: BTreeMap::new(),
            mounts: Vec::new(),
            network: None,
            aliases: Vec::new(),
            publish: Vec::new(),
            user: None,
            memory: None,
            ulimits: Vec::new(),
            stop_timeout: Duration::from_secs(120),
        }
    }
}

/// A mount of a container to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecMount {
    /// What to mount.
    pub source: MountSource,
    /// Absolute path in the container.
    pub target: String,
    /// Mount read-only.
    pub read_only: bool,
}

/// What can be mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    /// An existing directory or file of the host, absolute. Docker refuses one that does not exist, rather than
    /// create it.
    Bind(PathBuf),
    /// A volume by its name.
    Volume(String),
}

/// A limit of a process, as in `ulimits:`; -1 for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    /// Such as `nofile`.
    pub name: String,
    /// Soft limit.
    pub soft: i64,
    /// Hard limit.
    pub hard: i64,
}

/// A container that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningContainer {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Port on 127.0.0.1 by port of the container.
    pub host_ports: BTreeMap<u16, u16>,
    /// Address in its network.
    pub ip: Option<IpAddr>,
}

impl Daemon {
    /// Creates a container without starting it, and returns its id.
    ///
    /// # Errors
    /// Failed when the image is missing, the name is taken, or a bind does not exist; docker says which.
    pub async fn create(&self, spec: &ContainerSpec) -> Result<String> {
        failpoints::reach("docker.create")?;
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        let response = self.api.create_container(Some(options), self.body(spec)).await.map_err(|cause| {
            failed(&format!("The container {} ({}) cannot be created.", spec.name, spec.image), cause)
        })?;
        Ok(response.id)
    }

    /// Starts a container that exists; one that runs already stays as it is.
    ///
    /// # Errors
    /// Failed when docker cannot start it, such as when a port is taken.
    pub async fn start(&self, id: &str) -> Result<()> {
        failpoints::reach("docker.start")?;
        self.api
            .start_container(id, None)
            .await
            .map_err(|cause| failed(&format!("The container {} cannot be started.", shown(id)), cause))
    }

    /// Creates and starts a container, and returns where it can be reached. One that cannot be started is removed.
    ///
    /// # Errors
    /// As [`Daemon::create`] and [`Daemon::start`]; failed when it ends before its ports are known.
    pub async fn run(&self, spec: &ContainerSpec) -> Result<RunningContainer> {
        let id = self.create(spec).await?;
        if let Err(error) = self.start(&id).await {
            if let Err(second) = self.destroy(&id).await {
                tracing::warn!("the container {} that did not start is left: {second}", spec.name);
            }
            return Err(error);
        }
        let container = self.container(&id).await?;
        let Some(container) = container else {
            return Err(Error::failed(format!("The container {} was removed while it started.", spec.name)));
        };
        let host_ports: BTreeMap<u16, u16> = container.ports.iter().map(|port| (port.container, port.host)).collect();
        let missing = spec.publish.iter().find(|port| !host_ports.contains_key(port));
        if let (Some(port), true) = (missing, container.state.running) {
            return Err(Error::failed(format!("Docker published no port {port} for the container {}.", spec.name)));
        }
        Ok(RunningContainer { id, name: container.name, host_ports, ip: container.addresses.into_values().next() })
    }

    fn body(&self, spec: &ContainerSpec) -> ContainerCreateBody {
        let loopback = |port: &u16| {
            let binding = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some("0".to_owned()) };
            (format!("{port}/tcp"), Some(vec![binding]))
        };
        let host_config = HostConfig {
            mounts: Some(spec.mounts.iter().map(api_mount).collect()),
            port_bindings: Some(spec.publish.iter().map(loopback).collect()),
            network_mode: spec.network.clone(),
            memory: spec.memory.and_then(|bytes| i64::try_from(bytes).ok()),
            ulimits: Some(spec.ulimits.iter().map(api_ulimit).collect()),
            // Under SELinux a container may not read the user's files unless they are relabelled for good, which
            // would change what is not ours; so the separation is left out for this container instead.
            security_opt: self.info().selinux.then(|| vec!["label=disable".to_owned()]),
            ..Default::default()
        };
        let endpoint = EndpointSettings { aliases: Some(spec.aliases.clone()), ..Default::default() };
        let networking =
            spec.network.as_ref().filter(|_| !spec.aliases.is_empty()).map(|network| NetworkingConfig {
                endpoints_config: Some(HashMap::from([(network.clone(), endpoint)])),
            });
        ContainerCreateBody {
            image: Some(spec.image.clone()),
            cmd: spec.command.clone(),
            env: Some(spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            user: spec.user.clone(),
            labels: Some(spec.labels.to_map()),
            exposed_ports: Some(spec.publish.iter().map(|port| format!("{port}/tcp")).collect()),
            stop_timeout: i64::try_from(spec.stop_timeout.as_secs()).ok(),
            host_config: Some(host_config),
            networking_config: networking,
            ..Default::default()
        }
    }
}

fn api_mount(mount: &SpecMount) -> Mount {
    let (typ, source) = match &mount.source {
        MountSource::Bind(path) => (MountType::BIND, path.to_string_lossy().into_owned()),
        MountSource::Volume(name) => (MountType::VOLUME, name.clone()),
    };
    Mount {
        target: Some(mount.target.clone()),
        source: Some(source),
        typ: Some(typ),
        read_only: Some(mount.read_only),
        ..Default::default()
    }
}

fn api_ulimit(limit: &Ulimit) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(limit.name.clone()), soft: Some(limit.soft), hard: Some(limit.hard) }
}
