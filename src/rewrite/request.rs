//! What is rewritten, for what, and what comes of it.

use crate::compose::{diff, dotenv};
use crate::release::Release;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A compose file as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is, absolute.
    pub path: PathBuf,
    /// All of its text.
    pub text: String,
}

/// What the rewritten files are for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The release to come.
    pub release: &'static Release,
    /// The project directory before the migration, absolute: relative paths in the files begin here.
    pub project_directory: PathBuf,
    /// Host directories (or files) that a mount names, with the ones that take their place: exact paths, absolute.
    pub paths: Vec<(PathBuf, PathBuf)>,
    /// Directories that a service gets mounted where it had nothing that lasts: service, absolute path on the host after
    /// the migration, absolute path in the container.
    pub mounts: Vec<(String, PathBuf, String)>,
    /// The old and new root directory, if it moves. Every other host path at or below the old one follows.
    pub home: Option<(PathBuf, PathBuf)>,
    /// Keys of named volumes with the keys of new ones that take their place, and are added to `volumes:`.
    pub volumes: Vec<(String, String)>,
    /// Keys of named volumes that stay, with docker's names of them: written down as `name:`, so that the project's
    /// name may change.
    pub pinned_volumes: Vec<(String, String)>,
    /// The variables that compose fills in.
    pub variables: Variables,
    /// The server lets in only the users that its configuration names.
    pub fixed_users: bool,
    /// Where Redis keeps its data if the server has none yet: absolute path on the host after the migration.
    pub redis: PathBuf,
    /// Something besides these files tells the API server where Redis is: its resolved environment, or its configuration.
    pub redis_told: bool,
    /// Names of containers that files other than these refer to, each with such a place, in words.
    pub mentions: BTreeMap<String, String>,
}

/// Variables as compose sees them: shell and environment file together, the shell winning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    /// With the environment file as it is.
    pub before: BTreeMap<String, String>,
    /// With the environment file as it will be.
    pub after: BTreeMap<String, String>,
    /// Names that are not changed: those that come from the user's shell, which we do not edit.
    pub kept: BTreeSet<String>,
}

/// All files after the rewriting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// In the order in which they were given.
    pub files: Vec<RewrittenFile>,
    /// What the user should know: sentences.
    pub notes: Vec<String>,
    /// Names of services that none of the files had before.
    pub added: Vec<String>,
}

/// One file, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewrittenFile {
    /// Where the file is before the migration.
    pub path: PathBuf,
    /// Its text as it was.
    pub old: String,
    /// Its text for the release.
    pub new: String,
}

impl Variables {
    /// Returns the names that keep their form: what the user's shell sets under its old name only.
    ///
    /// We cannot edit a shell. Whatever is kept is kept in the environment file too (see [`dotenv::Request`]).
    pub fn kept_by(shell: &BTreeMap<String, String>) -> BTreeSet<String> {
        let only_old = |name: &&String| {
            name.strip_prefix("TRAINS_").is_some_and(|rest| !shell.contains_key(&format!("CLEARML_{rest}")))
        };
        shell.keys().filter(only_old).cloned().collect()
    }

    /// Returns the variables as compose sees them with an environment file before and after it is rewritten.
    pub fn new(shell: &BTreeMap<String, String>, env_file_before: &str, env_file_after: &str) -> Self {
        let seen = |text: &str| {
            let mut all = dotenv::values(text, shell);
            all.extend(shell.clone());
            all
        };
        Self { before: seen(env_file_before), after: seen(env_file_after), kept: Self::kept_by(shell) }
    }

    /// Returns the name that a variable has from now on, if it changes.
    pub fn new_name(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix("TRAINS_").filter(|_| !self.is_kept(name))?;
        Some(format!("CLEARML_{rest}"))
    }

    /// Whether a variable keeps its name.
    pub fn is_kept(&self, name: &str) -> bool {
        self.kept.contains(name)
    }
}

impl RewrittenFile {
    /// Returns a unified diff; `new_path` is where the file will be.
    pub fn diff(&self, new_path: &Path) -> String {
        diff::unified(&self.path, &self.old, new_path, &self.new)
    }
}

impl Request {
    /// Returns the request as it is for files that are already rewritten.
    pub(super) fn after(&self) -> Self {
        let variables = Variables { before: self.variables.after.clone(), ..self.variables.clone() };
        Self { project_directory: self.moved(&self.project_directory), variables, ..self.clone() }
    }
}
