//! Data that only a container holds, and where they are rescued to.

use crate::role::Role;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Data in a container's own layer or in an anonymous volume. They are copied out of the stopped container, which is kept
/// until its owner deletes it: it holds the original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescue {
    /// The service whose data they are.
    pub service: String,
    /// What it is for.
    pub role: Role,
    /// Docker's id of the container.
    pub container: String,
    /// The container's name.
    pub name: String,
    /// The name that it is kept under until a rollback.
    pub kept_as: String,
    /// Absolute path of the data in the container.
    pub path: String,
    /// The directory on this machine that they are copied to; nothing was there when the plan was made.
    pub to: PathBuf,
    /// Bytes of the data when the plan was made; nothing if that could not be told.
    pub bytes: Option<u64>,
    /// Where the data could be looked at on this machine when the plan was made, without the container's help.
    #[serde(skip)]
    pub seen_at: Option<PathBuf>,
}

impl Rescue {
    /// Returns where the data are, for people: `trains-elastic:/var/tmp/es`, as `docker cp` takes it.
    pub fn place(&self) -> String {
        format!("{}:{}", self.name, self.path)
    }

    /// Returns whether the new server uses the rescued directory itself: artifacts are never copied once more.
    pub fn is_used_directly(&self) -> bool {
        self.role == Role::Fileserver
    }
}
