//! What is on this machine: the old server as a value. Finding it reads files and asks docker, and changes nothing.
//!
//! ```text
//! -f, journal, labels of containers, directories ─ candidates ─ find ─ compose model ─┐
//!                        containers, volumes, images ─ inspect ─ home, storage, version ─┼─ Deployment
//!                     commands, files and the processes themselves ─ places ─────────────┘
//! ```

mod candidates;
mod data;
mod default_files;
mod experiments;
pub mod find;
mod home;
mod inspect;
mod label_paths;
mod lasting;
mod load;
mod memory;
pub mod places;
mod renamed;
mod rivals;
#[cfg(test)]
pub(crate) mod sample;
mod search;
mod storage;
mod unclear;
mod version;
mod would_keep;

pub use default_files::any_files_in;
pub use experiments::{Experiments, count as count_experiments, how_to_count as how_to_count_experiments};
pub use find::find;
pub use lasting::{deeper, lost_with_down, without_a_place};
pub use memory::is_in_memory;
pub use places::Doubt;
pub use search::Search;
pub use would_keep::{WouldKeep, would_keep};

use crate::docker::{Project, PublishedPort};
use crate::role::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the bytes below a container path really are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Storage {
    /// A directory (or file) of the host.
    Bind {
        /// Absolute path on the host.
        path: PathBuf,
    },
    /// A named volume.
    Volume {
        /// Docker's name of the volume, project prefix included.
        name: String,
        /// Name in the compose file's `volumes:`.
        key: String,
        /// Where its files are on this host; for a directory inside of the volume, that directory.
        mountpoint: PathBuf,
    },
    /// A volume without a name: `down` followed by `prune` destroys it.
    Anonymous,
    /// No mount at all: the data are in the container's own layer and die with it.
    ContainerLayer,
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { path } => path.display().fmt(f),
            Self::Volume { name, .. } => write!(f, "the volume {name}"),
            Self::Anonymous => f.write_str("an anonymous volume"),
            Self::ContainerLayer => f.write_str("nothing"),
        }
    }
}

impl Storage {
    /// Returns the directory on this host, if the storage outlives its container.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Bind { path } => Some(path),
            Self::Volume { mountpoint, .. } => Some(mountpoint),
            Self::Anonymous | Self::ContainerLayer => None,
        }
    }

    /// Returns the storage of a directory inside of this one.
    fn inside(&self, rest: &str) -> Self {
        let mut inner = self.clone();
        if let Self::Bind { path } | Self::Volume { mountpoint: path, .. } = &mut inner
            && !rest.is_empty()
        {
            *path = path.join(rest);
        }
        inner
    }
}

/// One mount of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute path in the container.
    pub target: String,
    /// Where the bytes are.
    pub storage: Storage,
    /// Mounted read-only.
    pub read_only: bool,
}

impl Mount {
    /// Returns whether the container path is the directory, or below it.
    pub fn is_inside(&self, directory: &str) -> bool {
        below(&self.target, directory).is_some()
    }
}

/// The container of a service, if one exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceContainer {
    /// Docker's id.
    pub id: String,
    /// Name without the leading slash.
    pub name: String,
    /// Whether it runs now.
    pub running: bool,
    /// Whether it did not stay up by itself: it is started again and again, or has ended with an error.
    #[serde(default)]
    pub fell: bool,
}

/// A service of the compose project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Name in the compose file.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Image with tag, as resolved.
    pub image: String,
    /// `container_name`, if set.
    pub container_name: Option<String>,
    /// The container that exists now.
    pub container: Option<ServiceContainer>,
    /// Mounts, by evidence of the container where one exists, else of the compose model. A data directory of the
    /// service that nothing is mounted at is listed too, with the storage that its bytes really are in: a directory of
    /// a wider mount, [`Storage::Anonymous`] or [`Storage::ContainerLayer`].
    pub mounts: Vec<Mount>,
    /// Absolute container paths at which the service's process keeps what must not be lost. For each of them there is
    /// one of the mounts. Empty in plans of earlier versions: [`Service::data_mounts`] knows what these meant.
    #[serde(default)]
    pub data_paths: Vec<String>,
    /// Published ports of the compose model.
    pub ports: Vec<PublishedPort>,
    /// Environment of the compose model, resolved.
    pub environment: BTreeMap<String, String>,
    /// Runs privileged.
    pub privileged: bool,
    /// Restart policy of the compose model, such as `unless-stopped`.
    pub restart: Option<String>,
    /// Whether it uses the machine's network, so that its ports are the machine's.
    #[serde(default)]
    pub host_network: bool,
}

/// The old server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The root directory, such as `/opt/trains`.
    pub home: PathBuf,
    /// The compose project.
    pub project: Project,
    /// All services, in the order of the compose model.
    pub services: Vec<Service>,
    /// What the version is believed to be, and why: "0.15.1 (compose file sets …)".
    pub version: VersionEvidence,
    /// How the deployment was found, as a phrase for the user.
    pub found_by: String,
    /// Version of the compose that created the containers, where there are any: `1.29.2`.
    #[serde(default)]
    pub created_with: Option<String>,
    /// Where containers are not what the compose file says by now: it was edited and they were not created anew.
    pub disagreements: Vec<Disagreement>,
    /// What could not be settled about where the data are.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
    /// What else its owner should know: sentences.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A container that is not what the compose file says. The container is the truth about where the data are; the next
/// `up` would make what the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    /// Name of the service.
    pub service: String,
    /// What it is about: `image`, [`Disagreement::DATA`], or the container path of a mount.
    pub subject: String,
    /// What the container has.
    pub container: String,
    /// What the compose file says.
    pub file: String,
}

impl Disagreement {
    /// The directory in which the process keeps its data.
    pub const DATA: &str = "data";
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, subject, container, file } = self;
        match subject.as_str() {
            "image" => write!(f, "The container of {service} runs {container}; the compose file now says {file}."),
            Self::DATA => {
                write!(
                    f,
                    "The container of {service} keeps its data at {container}; by the compose file it would keep them at {file}."
                )
            }
            path => {
                write!(f, "The container of {service} has {container} at {path}; the compose file now says {file}.")
            }
        }
    }
}

/// A version and what it is concluded from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionEvidence {
    /// Such as `0.15.1` or `0.12 to 0.15`.
    pub version: String,
    /// What it is concluded from.
    pub evidence: String,
}

impl Deployment {
    /// Returns the first service of a role.
    pub fn service(&self, role: Role) -> Option<&Service> {
        self.services.iter().find(|service| service.role == role)
    }

    /// Returns whether any container of the project runs.
    pub fn is_running(&self) -> bool {
        self.services.iter().any(|service| service.container.as_ref().is_some_and(|container| container.running))
    }
}

impl Service {
    /// Returns the mount at a container path.
    pub fn mount(&self, target: &str) -> Option<&Mount> {
        self.mounts.iter().find(|mount| mount.target.trim_end_matches('/') == target)
    }
}

/// Returns what a container path is called inside of another, if it is below it: `db` for `/data/db` in `/data`.
fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(directory.trim_end_matches('/'))?;
    match rest.trim_end_matches('/') {
        "" => Some(""),
        rest => rest.strip_prefix('/').map(|rest| rest.trim_start_matches('/')),
    }
}
