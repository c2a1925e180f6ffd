//! The connection to the daemon, and what the daemon says about itself.

use super::context::{Endpoint, Host};
use crate::error::{Error, Result};
use bollard::Docker;
use bollard::errors::Error as ApiError;
use std::path::PathBuf;
use std::time::Duration;

/// How long the daemon may take to begin its answer. Long, because `info` on a machine that is just being shut down
/// or swapping is slow, and giving up would look like a failed migration.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// The daemon of this machine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Daemon {
    pub(super) api: Docker,
    info: DaemonInfo,
}

/// What the daemon says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaemonInfo {
    /// Such as `20.10.24`.
    pub version: String,
    /// The API version that is spoken, such as `1.41`.
    pub api_version: String,
    /// Whether it is podman answering in docker's name.
    pub podman: bool,
    /// Memory of the machine (or of Docker Desktop's virtual machine), in bytes.
    pub memory: u64,
    /// Processors of the same.
    pub cpus: u32,
    /// Where the daemon keeps images and named volumes.
    pub root_dir: PathBuf,
    /// `linux` or `windows`: the kind of containers.
    pub os_type: String,
    /// Such as `Debian GNU/Linux 12 (bookworm)` or `Docker Desktop`.
    pub operating_system: String,
    /// Such as `x86_64`.
    pub architecture: String,
    /// Whether the daemon runs without root, so that owners of files are shifted.
    pub rootless: bool,
    /// Whether containers get user ids of their own (`userns-remap`).
    pub user_namespaces: bool,
    /// Whether SELinux separates containers from the files of the host.
    pub selinux: bool,
}

impl DaemonInfo {
    /// Returns whether containers run in a virtual machine, as in Docker Desktop: its memory, not this machine's, is
    /// what counts, and file locks do not cross its border.
    pub fn in_virtual_machine(&self) -> bool {
        self.operating_system.contains("Docker Desktop") || !cfg!(target_os = "linux")
    }

    /// Returns why the containers' network is not this machine's, as a clause; nothing where it is.
    pub fn is_elsewhere(&self) -> Option<&'static str> {
        match () {
            () if self.rootless => Some("docker runs without root here"),
            () if self.in_virtual_machine() => Some("containers run in a virtual machine here"),
            () => None,
        }
    }
}

impl Daemon {
    /// Connects, agrees on an API version, and asks the daemon about itself.
    ///
    /// # Errors
    /// Refused when the endpoint is not local; failed when nothing answers there.
    pub async fn connect(endpoint: &Endpoint) -> Result<Self> {
        endpoint.require_local()?;
        let api = open(&endpoint.host).map_err(|cause| unreachable(endpoint, cause))?;
        let api = api.with_timeout(ANSWER_TIMEOUT);
        let api = api.negotiate_version().await.map_err(|cause| unreachable(endpoint, cause))?;
        let version = api.version().await.map_err(|cause| unreachable(endpoint, cause))?;
        let system = api.info().await.map_err(|cause| unreachable(endpoint, cause))?;
        let options = system.security_options.unwrap_or_default();
        let secured =
            |name: &str| options.iter().any(|option| option.split(',').any(|part| part == format!("name={name}")));
        let components = version.components.unwrap_or_default();
        let info = DaemonInfo {
            version: version.version.unwrap_or_default(),
            api_version: api.client_version().to_string(),
            podman: components.iter().any(|component| component.name.to_lowercase().contains("podman")),
            memory: system.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
            cpus: system.ncpu.and_then(|cpus| u32::try_from(cpus).ok()).unwrap_or(1),
            root_dir: system.docker_root_dir.unwrap_or_default().into(),
            os_type: system.os_type.unwrap_or_default(),
            operating_system: system.operating_system.unwrap_or_default(),
            architecture: system.architecture.unwrap_or_default(),
            rootless: secured("rootless"),
            user_namespaces: secured("userns"),
            selinux: secured("selinux"),
        };
        Ok(Self { api, info })
    }

    /// Returns what the daemon said about itself when it was connected.
    pub fn info(&self) -> &DaemonInfo {
        &self.info
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// Failed when the daemon does not answer.
    pub async fn ping(&self) -> Result<()> {
        self.api.ping().await.map(drop).map_err(|cause| failed("The docker daemon does not answer.", cause))
    }
}

#[cfg(unix)]
fn open(host: &Host) -> Result<Docker, ApiError> {
    match host {
        Host::Unix(path) => {
            Docker::connect_with_unix(&path.to_string_lossy(), ANSWER_TIMEOUT.as_secs(), bollard::API_DEFAULT_VERSION)
        }
        Host::NamedPipe(url) | Host::Network(url) => Err(ApiError::UnsupportedURISchemeError { uri: url.clone() }),
    }
}

#[cfg(windows)]
fn open(host: &Host) -> Result<Docker, ApiError> {
    match host {
        Host::NamedPipe(path) => {
            Docker::connect_with_named_pipe(path, ANSWER_TIMEOUT.as_secs(), bollard::API_DEFAULT_VERSION)
        }
        Host::Unix(_) | Host::Network(_) => Err(ApiError::UnsupportedURISchemeError { uri: host.url() }),
    }
}

fn unreachable(endpoint: &Endpoint, cause: ApiError) -> Error {
    let denied = whole_chain(&cause).to_lowercase().contains("permission denied");
    let place = format!("{} ({})", endpoint.host.url(), endpoint.why);
    if denied {
        return Error::failed(format!("This user may not use the docker daemon at {place}."))
            .hint("Run the same command with sudo, or as a user of the group `docker`.");
    }
    let error = failed(&format!("The docker daemon at {place} does not answer."), cause);
    error
        .hint("Start docker (on most systems: sudo systemctl start docker) and run the command again.")
        .hint("If docker listens elsewhere, say where and run it again: export DOCKER_HOST=unix:///path/to/docker.sock")
}

/// Returns an error in our words with the API's as its cause.
pub(super) fn failed(message: &str, cause: ApiError) -> Error {
    match cause {
        // The daemon's own sentence says more than a status code in front of it.
        ApiError::DockerResponseServerError { message: said, .. } => {
            Error::failed(message).because(anyhow::anyhow!(said))
        }
        ApiError::DockerStreamError { error } => Error::failed(message).because(anyhow::anyhow!(error)),
        other => Error::failed(message).because(other),
    }
}

/// Returns whether the API says that the thing does not exist.
pub(super) fn is_missing(error: &ApiError) -> bool {
    matches!(error, ApiError::DockerResponseServerError { status_code: 404, .. })
}

/// Returns an id of 64 digits as docker shows it, and a name as it is.
pub(super) fn shown(id: &str) -> &str {
    let is_id = id.len() == 64 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    id.get(..12).filter(|_| is_id).unwrap_or(id)
}

fn whole_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn endpoint(host: Host) -> Endpoint {
        Endpoint { host, config_dir: "/".into(), context: "default".into(), why: "from DOCKER_HOST".into() }
    }

    #[tokio::test]
    async fn a_daemon_that_does_not_answer_is_named_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let silent = dir.path().join("silent.sock");
        drop(std::os::unix::net::UnixListener::bind(&silent).unwrap());
        for path in [dir.path().join("gone.sock"), silent] {
            let error = Daemon::connect(&endpoint(Host::Unix(path.clone()))).await.unwrap_err();
            assert!(error.message().contains(&*path.to_string_lossy()), "{error}");
            assert!(!error.causes().is_empty() && error.hints()[0].contains("Start docker"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_remote_daemon_is_refused_before_it_is_asked() {
        let error = Daemon::connect(&endpoint(Host::Network("tcp://192.0.2.1:2375".into()))).await.unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Refused);
    }
}
