//! What collections there are, each read to its end: what is counted is there.

use super::{LogUse, is_meant, open, time_of};
use crate::error::{Error, Kind, Result};
use crate::export::Names;
use crate::wiredtiger::directory::{Extent, State};
use crate::wiredtiger::evidence::Evidence;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// What a directory holds.
#[derive(Debug)]
pub struct Listed {
    /// The collections whose names match, in the order in which they were made.
    pub lines: Vec<Line>,
    /// As of when that is, and what the log has: a sentence.
    pub state: String,
    /// The engine, such as `WiredTiger 3.1.1: (July 12, 2018)`.
    pub engine: String,
    /// Which servers have written it.
    pub evidence: Evidence,
}

/// A collection.
#[derive(Debug)]
pub struct Line {
    /// Such as `backend.task`.
    pub namespace: String,
    /// Its documents and their bytes, or why they cannot be read.
    pub extent: Result<Extent>,
    /// Its indexes.
    pub indexes: usize,
    /// Whether an export has it that names no collection.
    pub is_meant: bool,
}

/// Lists the collections whose names match, the server's own ones included. Blocks.
///
/// # Errors
/// Refuses what is in use, or no directory of MongoDB's that can be read. Fails on cancel.
pub fn list(source: &Path, names: &Names, log: LogUse, cancel: &CancellationToken) -> Result<Listed> {
    let opened = open(source, log.wanted(), cancel)?;
    let directory = &opened.directory;
    let mut lines = Vec::new();
    for collection in directory.collections().iter().filter(|collection| names.include(&collection.namespace)) {
        let extent = directory.documents(collection, |_| match cancel.is_cancelled() {
            true => Err(Error::cancelled()),
            false => Ok(()),
        });
        if cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        let is_meant = is_meant(collection, names);
        let (namespace, indexes) = (collection.namespace.clone(), collection.indexes.len());
        lines.push(Line { namespace, extent, indexes, is_meant });
    }
    let time = time_of(directory);
    let state = match directory.state() {
        State::Complete => format!("All that was ever written is in the checkpoint of {time}."),
        State::Replayed(changed) => format!(
            "The server was not stopped cleanly: its log has changes behind the checkpoint of {time}, of {}. They are in \
             these numbers; an export takes them with --replay.",
            changed.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
        ),
        State::LastCheckpoint(why) => format!(
            "As of the checkpoint of {time}: what was written later may be missing, as {why}. An export takes it with \
             --last-checkpoint."
        ),
    };
    // It is in collections of which not every one need be listed: where it cannot be read, it is told to be unknown.
    let evidence = match Evidence::read(directory) {
        Err(error) if error.kind() == Kind::Refused => Evidence::default(),
        evidence => evidence?,
    };
    Ok(Listed { lines, state, engine: directory.turtle().engine.clone(), evidence })
}
