//! The plan as a whole.

use super::{Rescue, Step, Store};
use crate::deployment::{Deployment, Experiments};
use crate::docker::ComposeChoice;
use crate::docker::Project;
use crate::release::Facts;
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What becomes of the home directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeMove {
    /// The old server's root.
    pub from: PathBuf,
    /// Its new name, or none if it keeps the old one.
    pub to: Option<PathBuf>,
    /// Why it moves or stays, as a phrase.
    pub reason: String,
    /// The name that was asked for, which may not have been possible.
    #[serde(default)]
    pub wished: Option<PathBuf>,
}

impl HomeMove {
    /// Returns what `path` is called once the home has moved.
    pub fn after(&self, path: &Path) -> PathBuf {
        match (&self.to, path.strip_prefix(&self.from)) {
            // Joining an empty rest would add a trailing slash.
            (Some(to), Ok(rest)) if rest.as_os_str().is_empty() => to.clone(),
            (Some(to), Ok(rest)) => to.join(rest),
            _ => path.to_owned(),
        }
    }
}

/// One archive to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// What is in it, for people: "Elasticsearch data".
    pub what: String,
    /// The directory or file to archive.
    pub source: PathBuf,
    /// The archive to write.
    pub file: PathBuf,
    /// Size of the source in bytes.
    pub bytes: u64,
}

/// One text file to edit: a compose file or an env file. Paths are those before the home moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEdit {
    /// The file.
    pub path: PathBuf,
    /// Its text when the plan was made; the edit is refused if it has changed since.
    pub old: String,
    /// Its new text.
    pub new: String,
    /// Where the original is kept, byte for byte.
    pub kept_as: PathBuf,
}

/// What the files of a plan's server would become if the home kept its name: the same edits, in a form that compose can
/// read before anything has moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InPlace {
    /// Texts of the compose files, in their order.
    pub compose_files: Vec<String>,
    /// Texts of the environment files, in their order.
    pub env_files: Vec<String>,
}

/// A stopped container of somebody else's that has a name the new server needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InTheWay {
    /// Docker's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The name it gets until a rollback.
    pub aside: String,
}

/// What only the migration of a whole server has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerPlan {
    /// Target release, such as `1.1`.
    pub release: String,
    /// What the steps have to know of it.
    pub facts: Facts,
    /// The deployment as found.
    pub deployment: Deployment,
    /// The compose that takes the old server down and brings the new one up.
    #[serde(default)]
    pub compose: ComposeChoice,
    /// The old server's experiments when the plan was made.
    #[serde(default)]
    pub experiments: Experiments,
    /// Text files to edit.
    pub edits: Vec<FileEdit>,
    /// The compose project after the switch.
    pub new_project: Project,
    /// Names that the rewritten files fix for containers.
    #[serde(default)]
    pub container_names: Vec<String>,
    /// The directory of the Redis that the server gets, which had none, before the home moves.
    #[serde(default)]
    pub new_redis: Option<PathBuf>,
}

/// What is migrated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Migrated {
    /// A server with all that belongs to it.
    Server(Box<ServerPlan>),
    /// One Elasticsearch data directory, without regard to what uses it: the command `elastic`.
    Elastic {
        /// Version of the Elasticsearch that writes the new data, such as `7.6.2`.
        version: String,
    },
}

/// What a migration will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Identifies the run in labels, the journal and the index.
    pub run_id: String,
    /// Time stamp for every name that the run makes, local time, `2026-11-22_18-30-00`.
    pub stamp: String,
    /// What is migrated.
    pub migrated: Migrated,
    /// The home directory; for `elastic`, the directory that holds the data directory.
    pub home: HomeMove,
    /// The data that the new stack gets anew, Elasticsearch's first.
    pub stores: Vec<Store>,
    /// Archives, empty with `--no-backup`.
    pub archives: Vec<Archive>,
    /// Data that are copied out of containers, which are kept; empty without `--rescue`.
    #[serde(default)]
    pub rescues: Vec<Rescue>,
    /// Stopped containers that make room by taking another name.
    #[serde(default)]
    pub in_the_way: Vec<InTheWay>,
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// Images that must be present.
    pub images: Vec<String>,
    /// Everything the user should know, printed with the plan and repeated in the report.
    pub notes: Vec<String>,
    /// Estimated time in seconds, without pulling images.
    pub estimate_seconds: u64,
}

impl Plan {
    /// Returns what only the migration of a server has.
    pub fn server(&self) -> Option<&ServerPlan> {
        match &self.migrated {
            Migrated::Server(server) => Some(server),
            Migrated::Elastic { .. } => None,
        }
    }

    /// Returns the text files to edit: none where there is no server.
    pub fn edits(&self) -> &[FileEdit] {
        self.server().map_or(&[], |server| &server.edits)
    }

    /// Returns the directory that the migration is known by: the server's home before it moves, or the old data.
    pub fn subject(&self) -> &Path {
        match &self.migrated {
            Migrated::Server(_) => &self.home.from,
            Migrated::Elastic { .. } => self.replacements().next().map_or(&self.home.from, |one| &one.source),
        }
    }

    /// Returns where the user has named the old data, as a phrase.
    pub fn source_named_in(&self) -> &'static str {
        match &self.migrated {
            Migrated::Server(_) => "the path in the compose file",
            Migrated::Elastic { .. } => "--source",
        }
    }

    /// Returns what it is migrated to, for people: "release 1.1", "Elasticsearch 7.6.2".
    pub fn goal(&self) -> String {
        match &self.migrated {
            Migrated::Server(server) => format!("release {}", server.release),
            Migrated::Elastic { version } => format!("Elasticsearch {version}"),
        }
    }

    /// Returns the directory of journal, backups and logs, below the home as it is called before the move.
    pub fn work_dir(&self) -> PathBuf {
        work_dir(&self.home.from)
    }

    /// Returns the journal's file: in a directory that holds several data directories, each has its own.
    pub fn journal_file(&self) -> PathBuf {
        let data = match &self.migrated {
            Migrated::Server(_) => None,
            Migrated::Elastic { .. } => self.subject().file_name(),
        };
        journal_file(&self.home.from, data)
    }

    /// Returns the file that lists the documents that get a new `_id`.
    pub fn new_ids_file(&self) -> PathBuf {
        self.work_dir().join(format!("new-ids-{}.ndjson", self.stamp))
    }

    /// Returns the rescue that a source directory comes from, if it is made by one.
    pub fn rescue_to(&self, source: &Path) -> Option<&Rescue> {
        self.rescues.iter().find(|one| one.to == source)
    }

    /// Returns where old data can be looked at while the plan is made: data that are yet to be rescued lie in their
    /// container, and perhaps cannot be looked at.
    pub fn seen_at<'a>(&'a self, source: &'a Path) -> Option<&'a Path> {
        match self.rescue_to(source) {
            Some(rescue) => rescue.seen_at.as_deref(),
            None => Some(source),
        }
    }

    /// Returns the home as it is called after the switch.
    pub fn new_home(&self) -> &Path {
        self.home.to.as_deref().unwrap_or(&self.home.from)
    }
}

/// Returns the directory of journal, backups and logs of a home.
pub fn work_dir(home: &Path) -> PathBuf {
    home.join(".clearml-migrate")
}

/// Returns the journal's file of a home, or of a data directory in it that was migrated by itself.
pub fn journal_file(home: &Path, data: Option<&OsStr>) -> PathBuf {
    let mut name = OsString::new();
    if let Some(data) = data {
        name.push(data);
        name.push(".");
    }
    name.push("journal");
    work_dir(home).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_the_home_move_with_it_and_others_stay() {
        let home = HomeMove {
            from: "/opt/trains".into(),
            to: Some("/opt/clearml".into()),
            reason: "the stock name".into(),
            wished: None,
        };
        let after = |path: &str| home.after(Path::new(path)).display().to_string();
        assert_eq!(after("/opt/trains/data/elastic"), "/opt/clearml/data/elastic");
        assert_eq!(after("/opt/trains"), "/opt/clearml");
        assert_eq!(after("/opt/trains2/data"), "/opt/trains2/data");
    }
}
