//! Which compose project is meant: its name and the files that it is made of.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The compose project, so that every later command means the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Project name, always passed with `-p`.
    pub name: String,
    /// True if the name only follows from the directory's name.
    pub name_from_directory: bool,
    /// Compose files in order, absolute.
    pub files: Vec<PathBuf>,
    /// Project directory, absolute.
    pub directory: PathBuf,
    /// Environment files in use (`.env` or `--env-file`), absolute, existing.
    pub env_files: Vec<PathBuf>,
    /// True if `env_files` were named with `--env-file`, so that they must be passed on.
    pub env_files_named: bool,
    /// True if `directory` was named with `--project-directory`, so that it must be passed on.
    pub directory_named: bool,
}
