//! Which Elasticsearch wrote a data directory, by its own files, and what is in it.
//!
//! ```text
//! <data>/nodes/0/                       Elasticsearch 5 to 7; 2 has a directory named by the cluster above it,
//!   node.lock                           8 has no nodes/0 at all
//!   _state/global-<n>.st node-<n>.st
//!   indices/<index uuid>/
//!     _state/state-<n>.st               name, settings, mappings
//!     <shard>/_state/state-<n>.st
//!     <shard>/index/                    segments_<n>, segments, perhaps corrupted_<uuid>
//!     <shard>/translog/                 translog-<g>.tlog, translog-<g>.ckp, translog.ckp
//! ```
//!
//! Indices outlive upgrades. So no single file tells the version of the node that wrote last: everything that tells a
//! version counts, and the newest wins.

mod entry;
mod evidence;
mod identify;
mod index;
mod list;
mod nothing;
mod states;

pub use crate::lucene::index_metadata::Openness;
pub use crate::lucene::version::VersionId;
pub use identify::identify;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// What a directory is, and why we think so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// What it is.
    pub kind: Kind,
    /// The evidence as a sentence for the user, without its period.
    pub reason: String,
    /// The data directory that must have been meant, where another one was named.
    pub instead: Option<PathBuf>,
}

impl Identified {
    fn new(kind: Kind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), instead: None }
    }

    /// Returns what `path` is, as a sentence without its period. More is said than that it is not Elasticsearch 5 only where
    /// more is known.
    pub fn told(&self, path: &Path) -> String {
        let place = path.display();
        match &self.kind {
            Kind::Elastic5(_) => format!("{place} holds Elasticsearch 5 data"),
            Kind::Elastic(2) => format!("{place} holds Elasticsearch 2 (or older) data, not 5"),
            Kind::Elastic(major) => format!("{place} holds Elasticsearch {major} data, not 5"),
            Kind::SeveralNodes(ordinals) => format!("{place} holds the data of {} nodes", ordinals.len()),
            Kind::Missing => format!("{place} is not there"),
            Kind::Empty => format!("{place} holds no data"),
            Kind::NotADataDir => format!("{place} is no data directory of Elasticsearch"),
            Kind::Unknown => format!("Nothing in {place} tells which Elasticsearch wrote it"),
        }
    }
}

/// What a directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Data of Elasticsearch 5: what we migrate.
    Elastic5(Box<DataDir>),
    /// Data of another Elasticsearch, by its major version: 1, 2, 6, 7, 8 or later.
    Elastic(u32),
    /// Data of several nodes that shared the directory, by their ordinals.
    SeveralNodes(Vec<u32>),
    /// There is no such directory.
    Missing,
    /// A directory without anything in it.
    Empty,
    /// Something else than Elasticsearch data.
    NotADataDir,
    /// Elasticsearch data of which the version cannot be told.
    Unknown,
}

/// Data of one Elasticsearch 5 node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataDir {
    /// Id of the cluster, if its state can be read.
    pub cluster_uuid: Option<String>,
    /// Names of the index templates, if the cluster's state can be read.
    #[serde(default)]
    pub templates: Vec<String>,
    /// The indices by name, without those that were deleted.
    pub indices: Vec<Index>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl DataDir {
    /// Returns the oldest and the newest Elasticsearch that created an index here.
    pub fn created(&self) -> Option<(VersionId, VersionId)> {
        let versions = || self.indices.iter().map(|index| index.created);
        Some((versions().min()?, versions().max()?))
    }

    /// Returns the bytes of all shards.
    pub fn bytes(&self) -> u64 {
        self.indices.iter().map(Index::bytes).sum()
    }

    /// Returns the bytes of all shards that live, see [`Shard::live_bytes`].
    pub fn live_bytes(&self) -> u64 {
        self.indices.iter().map(Index::live_bytes).sum()
    }

    /// Returns the operations that are in a translog and perhaps in no commit: more than 0 only after a crash.
    pub fn translog_operations(&self) -> u64 {
        self.indices.iter().flat_map(|index| &index.shards).map(|shard| shard.translog_operations).sum()
    }

    /// Returns the findings that forbid to read the data as if they were whole.
    pub fn blocking(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !matches!(finding.problem, Problem::Leftover | Problem::Foreign))
    }

    /// Returns what lies among the indices and is none, so that it is left out: worth a warning.
    pub fn foreign(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.problem == Problem::Foreign)
    }
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Name.
    pub name: String,
    /// Id, which is the name of its directory.
    pub uuid: String,
    /// Open or closed.
    pub openness: Openness,
    /// The Elasticsearch that created it.
    pub created: VersionId,
    /// The mapping types by name, without `_default_`.
    pub types: Vec<String>,
    /// Its shards that are here, by number.
    pub shards: Vec<Shard>,
}

impl Index {
    /// Returns the bytes of its shards.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.bytes).sum()
    }

    /// Returns the bytes of its shards that live, see [`Shard::live_bytes`].
    pub fn live_bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.live_bytes).sum()
    }

    /// Returns the live documents in its commits as Lucene counts them, nested ones included; nothing if a shard's
    /// number is not known.
    pub fn lucene_documents(&self) -> Option<u64> {
        self.shards.iter().map(|shard| shard.lucene_documents).sum()
    }
}

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Number, from 0.
    pub number: u32,
    /// Bytes of its files.
    pub bytes: u64,
    /// Bytes that its live documents have: of each segment of the commit the share of the documents that are not
    /// deleted, and the operations of the translog.
    #[serde(default)]
    pub live_bytes: u64,
    /// Live documents in the commit as Lucene counts them; nothing if that cannot be read.
    pub lucene_documents: Option<u64>,
    /// Operations in translog generations from the commit's on.
    pub translog_operations: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// File or directory, absolute.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// Elasticsearch found the shard corrupt and left this marker.
    MarkedCorrupt,
    /// A file is damaged.
    Damaged(String),
    /// A file or directory that must be there is not.
    Missing,
    /// The index keeps its data elsewhere, by a setting of this name.
    Elsewhere(String),
    /// The directory of an index that was deleted: it is ignored, as Elasticsearch does.
    Leftover,
    /// Something else than an index, which does not look like one either: it is ignored, as Elasticsearch does.
    Foreign,
    /// A link behind which there is nothing.
    LeadsNowhere,
    /// An empty directory with the name of an index, such as the place of a disk that is not mounted.
    Vacant,
    /// Shards of an index of which there is no state: nothing says which one it is. Elasticsearch ignores them.
    Nameless,
    /// A directory with the name of an index that has neither a state nor a shard. Elasticsearch ignores it.
    Stateless,
    /// A file with the name of an index, as a link becomes where it is copied as a file. Elasticsearch ignores it.
    NoDirectory,
    /// A copy of a shard that was away while another one was written to.
    Stale,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::MarkedCorrupt => write!(f, "Elasticsearch marked a shard as corrupt: {path}"),
            Problem::Damaged(why) => write!(f, "{path} is damaged: {why}"),
            Problem::Missing => write!(f, "{path} is missing"),
            Problem::Elsewhere(setting) => write!(f, "{path} keeps its data elsewhere ({setting})"),
            Problem::Leftover => write!(f, "{path} is of a deleted index and is ignored"),
            Problem::Foreign => write!(f, "{path} is no index and is left out"),
            Problem::LeadsNowhere => write!(f, "{path} is a link that leads nowhere (is a disk not mounted?)"),
            Problem::Vacant => write!(f, "{path} has the name of an index and is empty (is a disk not mounted?)"),
            Problem::Stateless => {
                write!(f, "{path} has the name of an index, but neither a state nor a shard: Elasticsearch ignores it")
            }
            Problem::NoDirectory => {
                write!(f, "{path} has the name of an index, but is a file: Elasticsearch ignores it")
            }
            Problem::Nameless => {
                write!(f, "{path} holds a shard, but no state that says of which index: Elasticsearch ignores it")
            }
            Problem::Stale => {
                write!(f, "{path} is of an old copy of the shard: its index knows of another that was written to since")
            }
        }
    }
}

#[cfg(test)]
mod tests;
