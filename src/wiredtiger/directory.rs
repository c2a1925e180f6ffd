//! All of it together: the collections of a directory that a mongod has left, with every document in them.
//!
//! When a collection is read, this is checked: every checksum, that keys ascend, that each value is a document, and that
//! there are as many as its `_id_` index has entries.

use super::Corrupt;
use super::bson::Document;
use super::catalog::Collection;
use super::corrupt::refused;
use super::integers::Reader;
use super::metadata::Metadata;
use super::replay::Replay;
use super::turtle::Turtle;
use crate::error::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A directory on which no mongod runs.
#[derive(Debug)]
pub struct MongoDirectory {
    pub(super) path: PathBuf,
    pub(super) turtle: Turtle,
    pub(super) metadata: Metadata,
    pub(super) collections: Vec<Collection>,
    pub(super) replay: Option<Replay>,
    pub(super) state: State,
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

    /// Returns whether changes of a collection are in the log.
    pub fn is_logged(&self, collection: &Collection) -> bool {
        self.metadata.entry(&collection.table).is_none_or(|entry| entry.is_logged)
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
