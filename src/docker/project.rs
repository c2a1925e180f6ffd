//! Which compose project is meant: its name and the files that it is made of, and the options that say so.

use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

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

/// Which project a command is about: the options that docker compose takes. All paths are absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectArgs {
    /// `-f`, in order.
    pub files: Vec<PathBuf>,
    /// `-p`.
    pub name: Option<String>,
    /// `--project-directory`.
    pub directory: Option<PathBuf>,
    /// `--env-file`, in order.
    pub env_files: Vec<PathBuf>,
}

impl ProjectArgs {
    /// Returns the arguments that mean a project: always its name, so that a moved directory cannot change it.
    pub fn of(project: &Project) -> Self {
        Self {
            files: project.files.clone(),
            name: Some(project.name.clone()),
            directory: project.directory_named.then(|| project.directory.clone()),
            env_files: if project.env_files_named { project.env_files.clone() } else { Vec::new() },
        }
    }

    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        self.files.iter().for_each(|file| arguments.extend(["--file".into(), file.into()]));
        if let Some(name) = &self.name {
            arguments.extend(["--project-name".into(), name.into()]);
        }
        if let Some(directory) = &self.directory {
            arguments.extend(["--project-directory".into(), directory.into()]);
        }
        self.env_files.iter().for_each(|file| arguments.extend(["--env-file".into(), file.into()]));
        arguments
    }

    /// Returns the project directory: the named one, else that of the first file.
    pub fn project_directory(&self) -> Option<&Path> {
        self.directory.as_deref().or_else(|| self.files.first()?.parent())
    }
}
