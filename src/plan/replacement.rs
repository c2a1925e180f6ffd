//! A data directory that is replaced by a new one.

use crate::role::Role;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How the new stack comes to data of its own, and what becomes of the old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Placement {
    /// The source is renamed to `retired`; the target keeps its own name. Elasticsearch's way.
    Retire {
        /// The source's new name.
        retired: PathBuf,
    },
    /// The source is renamed to `retired` and the target takes the source's name. MongoDB's and Redis' way.
    Swap {
        /// The source's new name.
        retired: PathBuf,
    },
    /// The source is a mount point and keeps its name; the compose file names the target.
    Stay,
    /// Source and target are named volumes; the compose file names the target's.
    Volume {
        /// The new volume's key in the compose file.
        key: String,
        /// The new volume's name in docker.
        name: String,
    },
}

/// One data directory that the new stack gets anew, the old one being kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The service that owns it.
    pub role: Role,
    /// Where it is mounted in the container.
    pub mounted_at: String,
    /// The old data.
    pub source: PathBuf,
    /// Where the new data are made.
    pub target: PathBuf,
    /// What happens at the switch.
    #[serde(rename = "switch")]
    pub placement: Placement,
    /// Size of the source in bytes.
    pub bytes: u64,
}

impl Replacement {
    /// Returns where the old data are after the switch (before the home moves).
    pub fn retired(&self) -> &Path {
        match &self.placement {
            Placement::Retire { retired } | Placement::Swap { retired } => retired,
            Placement::Stay | Placement::Volume { .. } => &self.source,
        }
    }

    /// Returns where the new data are after the switch (before the home moves).
    pub fn final_path(&self) -> &Path {
        match &self.placement {
            Placement::Swap { .. } => &self.source,
            Placement::Retire { .. } | Placement::Stay | Placement::Volume { .. } => &self.target,
        }
    }
}
