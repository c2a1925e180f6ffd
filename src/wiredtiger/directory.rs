//! All of it together: the collections of a directory that a mongod has left, with every document in them.
//!
//! What is checked before a document is given out: that it is WiredTiger's and not encrypted, that the metadata are whole to
//! their last page, that no server but a standalone one has written it, and what the log has behind the newest checkpoint.
//! When a collection is read: every checksum, that keys ascend, that each value is a document, and that there are as many
//! as its `_id_` index has entries.

use super::bson::Document;
use super::catalog::{self, CATALOG, Collection};
use super::integers::Reader;
use super::metadata::Metadata;
use super::replay::{Behind, Replay};
use super::turtle::Turtle;
use super::{Corrupt, ours, refused};
use crate::error::{Error, Kind, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Bytes of the log that are kept in memory.
const MEMORY: usize = 16 << 20;

/// A directory on which no mongod runs.
#[derive(Debug)]
pub struct MongoDirectory {
    path: PathBuf,
    turtle: Turtle,
    metadata: Metadata,
    collections: Vec<Collection>,
    replay: Option<Replay>,
    state: State,
}

/// What is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadUpTo {
    /// All that was ever committed, as far as it is there.
    Newest,
    /// What the newest checkpoint has, whatever the log has behind it.
    LastCheckpoint,
}

/// What is given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// All that was ever committed: it is in the newest checkpoint.
    Complete,
    /// All that was ever committed: these collections have changed behind the newest checkpoint, so many times, and the log
    /// was put over it.
    Replayed(BTreeMap<String, u64>),
    /// What the newest checkpoint has. Documents may be missing, for this reason: a sentence's second half.
    LastCheckpoint(String),
}

/// How much there is of a collection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Documents.
    pub documents: u64,
    /// Bytes of their BSON.
    pub bytes: u64,
}

impl MongoDirectory {
    /// Returns whether a directory is one of a mongod, of whatever kind.
    pub fn is_one(path: &Path) -> bool {
        ["WiredTiger.turtle", "WiredTiger", "storage.bson", "mongod.lock"].iter().any(|name| path.join(name).is_file())
    }

    /// Reads what there is in a directory on which no mongod runs: whoever calls this makes sure that none does, and that
    /// none starts. What does not fit into memory is kept in a file without a name in `temporary`.
    ///
    /// # Errors
    /// Refuses what is damaged, unknown, or of another kind. Fails if something cannot be read.
    pub fn read(path: &Path, wanted: ReadUpTo, temporary: &Path) -> Result<Self> {
        ours::require_wiredtiger(path)?;
        let turtle = Turtle::read(path)?;
        let (replay, unknown) = match Behind::read(path, turtle.log_place(), temporary, MEMORY) {
            Ok(Behind::Known(replay)) => (Some(replay), None),
            Ok(Behind::Unknown(why)) => (None, Some(why)),
            // Of a log that is left out, nothing need be understood.
            Err(refusal) if wanted == ReadUpTo::LastCheckpoint && refusal.kind() == Kind::Refused => {
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
        ours::require_standalone(&directory)?;
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

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what is given out.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns when the newest checkpoint was taken, in seconds since 1970, if that is noted.
    pub fn checkpoint_time(&self) -> Option<u64> {
        self.turtle.metadata.checkpoint.and_then(|checkpoint| checkpoint.time)
    }

    /// Returns the collections, in the order in which they were made.
    pub fn collections(&self) -> &[Collection] {
        &self.collections
    }

    /// Returns the collection of a namespace, such as `backend.task`.
    pub fn collection(&self, namespace: &str) -> Option<&Collection> {
        self.collections.iter().find(|collection| collection.namespace == namespace)
    }

    /// Returns what the turtle says of the engine.
    pub fn turtle(&self) -> &Turtle {
        &self.turtle
    }

    /// Gives every document of a collection to `each`, in the order in which they were inserted.
    ///
    /// # Errors
    /// Refuses what is damaged or unknown, and a collection that has not as many documents as its `_id_` index has entries;
    /// returns the first error of `each`.
    pub fn documents(
        &self,
        collection: &Collection,
        mut each: impl FnMut(Document<'_>) -> Result<()>,
    ) -> Result<Extent> {
        let table = self.metadata.table(&collection.table)?;
        let mut bytes = 0;
        let counted = table.rows(self.replay.as_ref(), |key, value| {
            bytes += value.len() as u64;
            let document = Document::new(value).map_err(|why| why.within(&format!("the document {}", record(key))))?;
            each(document)?;
            Ok(())
        })?;
        if let Some(index) = collection.id_table() {
            let entries = self.metadata.table(index)?.rows(self.replay.as_ref(), |_, _| Ok(()))?.rows;
            if entries != counted.rows {
                let counts = format!(
                    "{} documents of {}, and {entries} in {index}.wt, its index _id_",
                    counted.rows, collection.namespace
                );
                return Err(refused(table.path(), Corrupt::new(counts)));
            }
        }
        Ok(Extent { documents: counted.rows, bytes })
    }
}

/// Names a record by its key.
fn record(key: &[u8]) -> String {
    match Reader::new(key).packed_signed() {
        Ok(number) => format!("of the record {number}"),
        Err(_) => format!("of the key {key:02x?}"),
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
