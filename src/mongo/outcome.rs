//! What is known of a copy of MongoDB's files, at once and at any later time.

use super::comparison::CollectionCompared;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A copy of MongoDB's files, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedMongo {
    /// Documents by collection, such as `backend.task`; none where they could not be read.
    pub counts: BTreeMap<String, u64>,
    /// How that is known.
    pub known: Known,
}

/// How it is known that a copy has what the original has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Known {
    /// Every document was read in both and is equal.
    Comparison,
    /// The server had not been stopped cleanly. The old server's own image has recovered the copy.
    Recovery {
        /// That image.
        image: String,
        /// Why the log of the original could not be read; nothing where it was, and is equal to what the image has recovered.
        unread_log: Option<String>,
    },
    /// Every document was read in both and is equal. Some of them are in the log only, and what that has is known from this
    /// program alone, as the user wished.
    Replay,
    /// Nothing was read: the directory is of a kind that is copied byte for byte only, for this reason.
    Nothing {
        /// A sentence's second half.
        why: String,
    },
}

impl CopiedMongo {
    /// Returns how many documents there are in all collections.
    pub fn documents(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// What a comparison found at a later time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedMongo {
    /// The old data.
    pub source: PathBuf,
    /// The new data.
    pub target: PathBuf,
    /// What was compared.
    pub found: Later,
}

/// What was compared at a later time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Later {
    /// No server was started on the new data: files that are not the same, to the last byte.
    Bytes {
        /// Paths below the directory.
        different: Vec<PathBuf>,
        /// As [`Later::Documents`], where both sides can be read.
        collections: Vec<CollectionCompared>,
    },
    /// A server has worked on the new data: collection by collection.
    Documents(Vec<CollectionCompared>),
    /// Nothing, for this reason: a sentence's second half.
    Nothing(String),
}

impl Later {
    /// Returns what was found, collection by collection.
    pub fn collections(&self) -> &[CollectionCompared] {
        match self {
            Self::Bytes { collections, .. } | Self::Documents(collections) => collections,
            Self::Nothing(_) => &[],
        }
    }

    /// Returns whether anything of the old data is not there as it was.
    pub fn differs(&self) -> bool {
        let files = matches!(self, Self::Bytes { different, .. } if !different.is_empty());
        files || self.collections().iter().any(|one| one.found.differs())
    }
}
