//! Which files compose takes in a directory when none is named: what `COMPOSE_FILE` in the environment file says, else
//! those of the usual names, the override file included.
//!
//! The two generations of compose look for the same names in another order. Sources: compose-go `cli/options.go`
//! (`WithConfigFileEnv`, `DefaultFileNames`), compose 1.29.2 `compose/config/config.py` (`SUPPORTED_FILENAMES`) and
//! `compose/cli/command.py`. The shell's `COMPOSE_FILE` is no concern here: it names files, as `-f` does.

use super::label_paths::normal;
use crate::compose::dotenv;
use crate::compose::name::Generation;
use crate::error::{Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

impl Generation {
    /// Names of the compose file, the one that is preferred first.
    fn file_names(self) -> [&'static str; 4] {
        match self {
            Self::V1 => ["docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"],
            Self::V2 => ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"],
        }
    }

    /// Names of the file that is read behind it.
    fn override_names(self) -> [&'static str; 4] {
        match self {
            Self::V1 => [
                "docker-compose.override.yml",
                "docker-compose.override.yaml",
                "compose.override.yml",
                "compose.override.yaml",
            ],
            Self::V2 => [
                "compose.override.yml",
                "compose.override.yaml",
                "docker-compose.override.yml",
                "docker-compose.override.yaml",
            ],
        }
    }

    fn other(self) -> Self {
        match self {
            Self::V1 => Self::V2,
            Self::V2 => Self::V1,
        }
    }
}

/// What compose takes in a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DefaultFiles {
    /// The compose files, absolute, in order.
    pub(super) files: Vec<PathBuf>,
    /// The environment files that compose reads and would not read if the compose files were named.
    pub(super) env_files: Vec<PathBuf>,
    /// The environment file whose `COMPOSE_FILE` says so.
    pub(super) said_by: Option<PathBuf>,
    /// What else lies in the directory under names that a compose looks for: sets of files of which none is what is
    /// taken. The other generation's choice is the first of them.
    pub(super) others: Vec<Vec<PathBuf>>,
}

/// Where somebody calls compose: everything that decides on the files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    /// Which compose is called.
    pub(super) generation: Generation,
    /// `--env-file`, if any was named.
    pub(super) env_files: &'a [PathBuf],
    /// The shell's variables.
    pub(super) shell: &'a BTreeMap<String, String>,
}

impl Caller<'_> {
    /// Returns what compose takes when it is called in a directory; nothing where there is nothing to take.
    ///
    /// # Errors
    /// Fails when an environment file cannot be read.
    pub(super) fn takes_in(&self, directory: &Path) -> Result<Option<DefaultFiles>> {
        Ok(self.listed(directory)?.or_else(|| self.usual(directory)))
    }

    /// As [`Caller::takes_in`]; compose looks for its files in the directories above, too, but not for `.env`.
    ///
    /// # Errors
    /// As [`Caller::takes_in`].
    pub(super) fn takes_at_or_above(&self, directory: &Path) -> Result<Option<DefaultFiles>> {
        Ok(self.listed(directory)?.or_else(|| directory.ancestors().find_map(|directory| self.usual(directory))))
    }

    /// What the environment file lists.
    fn listed(&self, directory: &Path) -> Result<Option<DefaultFiles>> {
        let beside = directory.join(".env");
        let sources = if self.env_files.is_empty() { vec![beside.clone()] } else { self.env_files.to_vec() };
        let mut variables = BTreeMap::new();
        let mut said_by = None;
        for file in sources.iter().filter(|file| file.is_file()) {
            let text = std::fs::read(file).context(|| format!("{} cannot be read.", file.display()))?;
            let found = dotenv::values(&String::from_utf8_lossy(&text), self.shell);
            if found.contains_key("COMPOSE_FILE") {
                said_by = Some(file.clone());
            }
            variables.extend(found);
        }
        let usual = if cfg!(windows) { ";" } else { ":" };
        let get = |name: &str| self.shell.get(name).or_else(|| variables.get(name)).filter(|text| !text.is_empty());
        let separator = get("COMPOSE_PATH_SEPARATOR").map_or(usual, String::as_str);
        let Some(list) = variables.get("COMPOSE_FILE").filter(|text| !text.is_empty()) else { return Ok(None) };
        let files: Vec<PathBuf> = list.split(separator).map(|file| normal(&directory.join(file))).collect();
        let env_files = match files.first().and_then(|file| file.parent()) {
            Some(project) if self.env_files.is_empty() && project != directory => self.both(project, beside),
            _ => Vec::new(),
        };
        Ok(Some(DefaultFiles { files, env_files, said_by, others: Vec::new() }))
    }

    /// Version 2 reads the `.env` of the project as well, in which the files are that it was told of; what it has read
    /// first wins.
    fn both(&self, project: &Path, beside: PathBuf) -> Vec<PathBuf> {
        let of_project = Some(project.join(".env")).filter(|file| self.generation == Generation::V2 && file.is_file());
        of_project.into_iter().chain([beside]).collect()
    }

    /// What lies there under the usual names.
    fn usual(&self, directory: &Path) -> Option<DefaultFiles> {
        let files = choice(self.generation, directory)?;
        let mut others: Vec<Vec<PathBuf>> = choice(self.generation.other(), directory).into_iter().collect();
        let bases =
            self.generation.file_names().map(|name| directory.join(name)).into_iter().filter(|one| one.is_file());
        for base in bases {
            if !others.iter().any(|other| other.first() == Some(&base)) {
                others.push(vec![base]);
            }
        }
        others.retain(|other| *other != files && (other.first() != files.first() || other.len() > 1));
        Some(DefaultFiles { files, others, ..DefaultFiles::default() })
    }
}

/// Returns the compose file, and the override file if there is one, that a generation prefers.
fn choice(generation: Generation, directory: &Path) -> Option<Vec<PathBuf>> {
    let first = |names: [&str; 4]| names.iter().map(|name| directory.join(name)).find(|path| path.is_file());
    let mut files = vec![first(generation.file_names())?];
    files.extend(first(generation.override_names()));
    Some(files)
}

/// Returns every file of a directory that some compose might take, or that its `.env` lists.
///
/// # Errors
/// Fails when its `.env` cannot be read.
pub fn any_files_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let shell = BTreeMap::new();
    let caller = Caller { generation: Generation::V2, env_files: &[], shell: &shell };
    let listed = caller.listed(directory)?.map_or_else(Vec::new, |listed| listed.files);
    let usual = Generation::V2.file_names().into_iter().chain(Generation::V2.override_names());
    let usual = usual.map(|name| directory.join(name));
    Ok(listed.into_iter().chain(usual).filter(|file| file.is_file()).collect())
}

#[cfg(test)]
#[path = "default_files_tests.rs"]
mod tests;
