//! What is checked before a document is given out: that a directory is WiredTiger's and not encrypted, that the metadata are
//! whole to their last page, that no server but a standalone one has written it, and what the log has behind the newest
//! checkpoint.

use super::Corrupt;
use super::catalog::{self, CATALOG, Collection};
use super::directory::{MongoDirectory, ReadUpTo, State};
use super::kind::Kind;
use super::metadata::Metadata;
use super::replay::{Behind, Replay};
use super::standalone::require_standalone;
use super::turtle::Turtle;
use crate::error::{self, Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// Bytes of the log that are kept in memory.
const MEMORY: usize = 16 << 20;

impl MongoDirectory {
    /// Reads what there is in a directory on which no mongod runs: whoever calls this makes sure that none does, and that
    /// none starts. What does not fit into memory is kept in a file without a name in `temporary`.
    ///
    /// # Errors
    /// Refuses what is damaged, unknown, or of another kind. Fails if something cannot be read.
    pub fn read(path: &Path, wanted: ReadUpTo, temporary: &Path) -> Result<Self> {
        if let Some(refusal) = Kind::of(path)?.refusal(path) {
            return Err(refusal);
        }
        let turtle = Turtle::read(path)?;
        let (replay, unknown) = match Behind::read(path, turtle.log_place(), temporary, MEMORY) {
            Ok(Behind::Known(replay)) => (Some(replay), None),
            Ok(Behind::Unknown(why)) => (None, Some(why)),
            // Of a log that is left out, nothing need be understood.
            Err(refusal) if wanted == ReadUpTo::LastCheckpoint && refusal.kind() == error::Kind::Refused => {
                (None, Some(refusal.phrase()))
            }
            Err(error) => return Err(error),
        };
        let metadata = Metadata::read(path, &turtle, replay.as_ref())?;
        let collections = catalog::read(&metadata, replay.as_ref())?;
        let changed = replay.as_ref().map(|replay| changed(&metadata, &collections, replay)).unwrap_or_default();
        let state = match unknown {
            Some(why) => State::LastCheckpoint(why),
            None if changed.is_empty() => State::Complete,
            None => State::Replayed(changed),
        };
        let directory = Self { path: path.to_owned(), turtle, metadata, collections, replay, state };
        let directory = if wanted == ReadUpTo::LastCheckpoint { directory.at_last_checkpoint()? } else { directory };
        require_standalone(&directory)?;
        directory.require_settled()?;
        Ok(directory)
    }

    /// Leaves out what the log has.
    fn at_last_checkpoint(self) -> Result<Self> {
        let State::Replayed(changed) = &self.state else { return Ok(self) };
        let operations: u64 = changed.values().sum();
        let why = format!("the log has {operations} operations behind it, which are left out");
        let metadata = Metadata::read(&self.path, &self.turtle, None)?;
        let collections = catalog::read(&metadata, None)?;
        Ok(Self { metadata, collections, replay: None, state: State::LastCheckpoint(why), ..self })
    }

    /// Refuses a checkpoint that has parts of transactions, unless the log has the rest of them.
    fn require_settled(&self) -> Result<()> {
        match (&self.state, self.metadata.open_transactions) {
            (State::LastCheckpoint(_), open @ 1..) => Err(Error::refused(format!("{} cannot be read without its log.", self.path.display()))
                .because(Corrupt::new(format!("{open} transactions had not ended when the newest checkpoint was taken")))
                .hint("Copy the directory with all that is in it, or let the mongod that wrote it start on a copy once more and stop it cleanly.")),
            _ => Ok(()),
        }
    }
}

/// Returns what has changed behind the newest checkpoint, with the operations on each: collections, and the catalog.
fn changed(metadata: &Metadata, collections: &[Collection], replay: &Replay) -> BTreeMap<String, u64> {
    let tables = collections.iter().map(|collection| (collection.namespace.as_str(), collection.table.as_str()));
    let operations = tables.chain([(CATALOG, CATALOG)]).filter_map(|(name, table)| {
        let entry = metadata.entry(table)?;
        let operations = replay.operations(entry.number, entry.log_place);
        (operations > 0).then(|| (name.to_owned(), operations))
    });
    operations.collect()
}
