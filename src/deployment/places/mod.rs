//! Where the process of a service keeps its data, as it is told: by its command, its environment and the configuration
//! files that are mounted. Each store has rules of its own.

mod ask;
mod elasticsearch;
mod files;
mod fileserver;
mod mongo;
mod process;
mod redis;
mod settle;
mod yaml;

pub use files::{Read, Reader, mounted};
pub use process::Process;
pub use settle::{Doubt, Seen, Settled, settle};

use super::Role;
use std::path::{Component, Path, PathBuf};

/// A directory in a container, and what says that it is the one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Absolute path in the container.
    pub path: String,
    /// The setting, as a phrase: "`path.data` in its environment", "the image's default".
    pub setting: String,
}

/// Why it cannot be told where a process would keep its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unclear {
    /// It is started by something else than the database's own program: a script of the user's.
    Wrapper(String),
    /// Its configuration is a file of the image, which only a container could be asked for.
    OfTheImage(String),
    /// Something that is read says nothing that could be relied on: what, as a clause, and what to do about it.
    Said {
        /// Such as "its configuration /etc/mongod.conf cannot be read".
        what: String,
        /// What the user can do.
        remedy: String,
    },
}

impl Unclear {
    fn said(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Said { what: what.into(), remedy: remedy.into() }
    }

    fn unreadable(file: &str, why: &str) -> Self {
        Self::said(
            format!("its configuration {file} cannot be read here ({why})"),
            "Make the file readable for this user (or run as root), then run the same command again.",
        )
    }
}

/// Returns the directory in which a service's process keeps its data, as far as it is told.
///
/// # Errors
/// What stands in the way of telling.
pub fn told(role: Role, process: &Process, read: Reader<'_>) -> Result<Option<Place>, Unclear> {
    match role {
        Role::Elasticsearch => elasticsearch::place(process, read).map(Some),
        Role::Mongo => mongo::place(process, read).map(Some),
        Role::Redis => redis::place(process, read).map(Some),
        Role::Fileserver => fileserver::place(process).map(Some),
        Role::Apiserver | Role::Webserver | Role::AgentServices | Role::Other => Ok(None),
    }
}

/// Returns all data paths of a service whose process keeps its data in a directory.
pub(super) fn all(role: Role, path: &str) -> Vec<String> {
    let mut paths = vec![path.to_owned()];
    // Mounted by the stock files, whatever `dbPath` is.
    if role == Role::Mongo && path != Role::MONGO_CONFIGDB {
        paths.push(Role::MONGO_CONFIGDB.to_owned());
    }
    paths
}

/// Returns an absolute path without `.`, `..` and doubled slashes. A relative one begins in `directory`.
fn absolute(path: &str, directory: &str) -> String {
    let mut clean = PathBuf::from("/");
    for part in Path::new("/").join(directory).join(path).components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => drop(clean.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    clean.to_string_lossy().into_owned()
}

/// The image's own choice.
fn by_default(path: &str) -> Place {
    Place { path: path.to_owned(), setting: "the image's default".to_owned() }
}
