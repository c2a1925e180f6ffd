//! A place that was told, or why none was.

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
    pub(super) fn said(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Said { what: what.into(), remedy: remedy.into() }
    }

    pub(super) fn unreadable(file: &str, why: &str) -> Self {
        Self::said(
            format!("its configuration {file} cannot be read here ({why})"),
            "Make the file readable for this user (or run as root), then run the same command again.",
        )
    }
}

/// Returns an absolute path without `.`, `..` and doubled slashes. A relative one begins in `directory`.
pub(super) fn absolute(path: &str, directory: &str) -> String {
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
pub(super) fn by_default(path: &str) -> Place {
    Place { path: path.to_owned(), setting: "the image's default".to_owned() }
}

/// The refusal of data that are spread over several directories.
pub(super) fn several(origin: &str) -> Unclear {
    Unclear::said(
        format!("{origin} names several data directories"),
        "This program moves the data of one. Bring the node down to one directory that holds everything, and run the same command again.",
    )
}
