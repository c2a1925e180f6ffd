//! How the Elasticsearch data are copied.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Memory for the temporary nodes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heaps {
    /// Heap of the 5.6 node that reads; 0 where none does.
    pub source: u64,
    /// Heap of the node that writes.
    pub target: u64,
}

/// What reads the old Elasticsearch data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Reader {
    /// This program, from their files.
    Segments {
        /// What it refuses once the old server has stopped is read by a node.
        fallback: bool,
    },
    /// A temporary 5.6 node that works on a clone.
    Scroll {
        /// The user asked for it.
        #[serde(default)]
        asked: bool,
        /// Why, as a phrase.
        why: String,
    },
}

/// How the new data are compared with what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Verification {
    /// Every document, read from the new data's files; and some of them as the new node gives them.
    Full {
        /// If the files are refused, as with [`Verification::Api`].
        fallback: bool,
    },
    /// Every document, as the new node gives it.
    Api,
    /// How many documents there are.
    Counts,
}

impl Default for Verification {
    fn default() -> Self {
        Self::Full { fallback: true }
    }
}

impl Default for Reader {
    /// Plans of the time when there was no other way.
    fn default() -> Self {
        Self::Scroll { asked: false, why: String::new() }
    }
}

/// What becomes of documents that have one `_id` in one index, which Elasticsearch 7 cannot hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnIdCollision {
    /// Nothing is copied.
    #[default]
    Refuse,
    /// All but one of each `_id` get a new one that begins with their type.
    PrefixType,
}

impl OnIdCollision {
    /// Returns the value as it is typed.
    pub fn typed(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::PrefixType => "prefix-type",
        }
    }
}

/// The copy of the Elasticsearch data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticPlan {
    /// What reads the old data.
    #[serde(default)]
    pub reader: Reader,
    /// How the new data are compared.
    #[serde(default)]
    pub verification: Verification,
    /// What becomes of documents that share their `_id`.
    #[serde(default)]
    pub on_id_collision: OnIdCollision,
    /// Image of the node that reads, if one does.
    pub source_image: String,
    /// Image of the node that writes: the release's own.
    pub target_image: String,
    /// The clone that the reading node works on, if one does.
    pub clone: PathBuf,
    /// Heaps of both.
    pub heaps: Heaps,
    /// Indices that will be copied, by the data directory's own state files.
    pub indices: Vec<String>,
    /// Indices that are left, such as `.monitoring-*`.
    pub left: Vec<String>,
    /// It was said that the server is empty: no index of it is no error then.
    #[serde(default)]
    pub empty: bool,
    /// What the checks found of the data that the report says again, a sentence for each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Bytes on disk of the live documents that will be copied, where that could be told.
    #[serde(default)]
    pub live_bytes: Option<u64>,
    /// Bytes of the longest document, if one has 8 MiB or more and that could be told.
    #[serde(default)]
    pub longest_document: Option<u64>,
    /// The release's index templates, name by name, as `PUT /_template` takes them. Plans of the first programs have none:
    /// they knew release 1.1 alone.
    #[serde(default)]
    pub templates: BTreeMap<String, Value>,
}
