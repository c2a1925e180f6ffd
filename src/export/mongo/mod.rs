//! The documents of a MongoDB data directory: a dump as `mongodump` writes it, or lines of Extended JSON.
//!
//! Needs the files and nothing else: no mongod, no docker.
//!
//! ```text
//! DIR/<database>/<collection>.bson            documents, one behind the other, in the order of insertion
//! DIR/<database>/<collection>.metadata.json   options and indexes: both as mongorestore takes them
//! DIR/manifest.json                           collections with counts and checksums, and what may be missing
//! DIR/SHA256SUMS
//! ```

mod into_directory;
mod into_stream;
mod list;
mod manifest;
mod metadata;
mod names;
mod writing;

pub use into_directory::into_directory;
pub use into_stream::into_stream;
pub use list::{Line, Listed, list};
pub use manifest::Manifest;

use super::{Encoding, Names};
use crate::error::{Error, Result};
use crate::files::locks::{HeldLocks, Holding, hold};
use crate::files::temporary::large_temporary_directory;
use crate::text::count;
use crate::wiredtiger::catalog::Collection;
use crate::wiredtiger::directory::{MongoDirectory, ReadUpTo, State};
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// Databases of the server itself. They are only meant where a pattern names them.
const OWN: [&str; 3] = ["admin", "config", "local"];

/// What is to be written.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The directory that mongod knows as `--dbpath`.
    pub source: PathBuf,
    /// Which collections, by namespaces such as `backend.task`.
    pub names: Names,
    /// How documents are written.
    pub form: Form,
    /// What of the log may be done.
    pub log: LogUse,
}

/// How documents are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As they lie there.
    Bson,
    /// As canonical Extended JSON, a line for each.
    Json(Encoding),
}

/// What of the log behind the newest checkpoint may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogUse {
    /// Nothing: it must not have anything.
    Unneeded,
    /// It may be put over the checkpoint.
    Replay,
    /// It may be left out, or be missing.
    LeftOut,
}

impl LogUse {
    fn wanted(self) -> ReadUpTo {
        match self {
            Self::LeftOut => ReadUpTo::LastCheckpoint,
            Self::Unneeded | Self::Replay => ReadUpTo::Newest,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Collections.
    pub collections: u64,
    /// Documents.
    pub documents: u64,
    /// Bytes of their BSON.
    pub bytes: u64,
    /// Texts that are no UTF-8, of which the JSON has something near them.
    pub changed_texts: u64,
    /// What is not in the export, a sentence for each.
    pub warnings: Vec<String>,
}

/// A directory on which no mongod can start while this lives.
struct Opened {
    directory: MongoDirectory,
    warnings: Vec<String>,
    _locks: HeldLocks,
}

/// Opens the directory for reading.
fn open(source: &Path, wanted: ReadUpTo, cancel: &CancellationToken) -> Result<Opened> {
    match hold(source, cancel)? {
        Holding::Held(locks) => {
            let directory = MongoDirectory::read(source, wanted, &large_temporary_directory())?;
            Ok(Opened { directory, warnings: Vec::new(), _locks: locks })
        }
        Holding::InUse(by) => Err(Error::refused(format!("{} is in use: {by}.", source.display()))
            .hint("Stop the mongod that runs on it, then run the same command again.")),
    }
}

/// Opens the directory for an export of all that is meant.
fn open_for(selection: &Selection, cancel: &CancellationToken) -> Result<Opened> {
    let mut opened = open(&selection.source, selection.log.wanted(), cancel)?;
    require_permitted(&opened.directory, selection.log)?;
    let time = time_of(&opened.directory);
    match opened.directory.state() {
        State::Complete => {}
        State::Replayed(changed) => opened.warnings.push(format!(
            "The server was not stopped cleanly: {} changes after the checkpoint of {time} were taken from its log \
             (--replay), of {}.",
            count(changed.values().sum()),
            changed.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
        )),
        State::LastCheckpoint(why) => {
            opened.warnings.push(format!("What was written after the checkpoint of {time} may be missing: {why}."));
        }
    }
    if opened.directory.collections().iter().all(|collection| !is_meant(collection, &selection.names)) {
        return Err(Error::refused(format!(
            "No collection in {} matches {:?}.",
            selection.source.display(),
            selection.names.text()
        ))
        .hint("--list shows what is there.")
        .hint("The server's own databases are exported by their names: --index 'admin.*'"));
    }
    Ok(opened)
}

/// Refuses to export less, or on less evidence, than was said to be enough.
fn require_permitted(directory: &MongoDirectory, log: LogUse) -> Result<()> {
    let path = directory.path().display();
    let start = "Or let the mongod that wrote it start on a copy of the directory, and stop it with time enough \
                 (docker stop --time 180); then nothing is in the log only.";
    match (directory.state(), log) {
        (State::Complete, _) | (State::Replayed(_), LogUse::Replay) | (State::LastCheckpoint(_), LogUse::LeftOut) => {
            Ok(())
        }
        (State::Replayed(changed), _) => {
            let names: Vec<&str> = changed.keys().map(String::as_str).collect();
            Err(Error::refused(format!("{path} was not stopped cleanly: its newest documents are in its log only."))
                .because(anyhow::anyhow!("the log has changes of {}", names.join(", ")))
                .hint("To put the log over the last checkpoint, as the server would at its next start: --replay")
                .hint("To leave out what the log has: --last-checkpoint")
                .hint(start))
        }
        (State::LastCheckpoint(why), _) => Err(Error::refused(format!("Whether {path} is complete cannot be told."))
            .because(anyhow::Error::msg(why.clone()))
            .hint(format!("To export it as of the checkpoint of {}: --last-checkpoint", time_of(directory)))
            .hint("If the directory is a copy, copy it again, with all that is in journal/.")
            .hint(start)),
    }
}

/// Returns when the newest checkpoint was taken, in words.
fn time_of(directory: &MongoDirectory) -> String {
    let time = directory.checkpoint_time().and_then(|time| jiff::Timestamp::from_second(time.try_into().ok()?).ok());
    time.map_or_else(|| "an unknown time".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Returns whether a collection is to be exported.
fn is_meant(collection: &Collection, names: &Names) -> bool {
    let named = || names.text().split_once('.').is_some_and(|(database, _)| database == collection.database());
    names.include(&collection.namespace) && (!OWN.contains(&collection.database()) || named())
}
