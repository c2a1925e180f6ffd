//! Every document in the data of an Elasticsearch 7 or 8 node, without asking the node: to verify what was written there.
//!
//! ```no_run
//! use clearml_migrate::lucene::target::TargetDirectory;
//!
//! // Ahead of this: `POST /_flush?force=true&wait_if_ongoing=true`, and nothing is written any more.
//! let directory = TargetDirectory::open("/opt/clearml/data/elastic_7".as_ref())?;
//! for index in directory.indices() {
//!     for shard in directory.shards(index)? {
//!         for unit in shard.units() {
//!             unit.read(|document| {
//!                 println!("{} {} bytes", document.id, document.source.len());
//!                 Ok(())
//!             })?;
//!         }
//!     }
//! }
//! # Ok::<(), clearml_migrate::Error>(())
//! ```
//!
//! * The node may run meanwhile: no lock is taken, nothing is written. What is opened stays readable whatever the node
//!   deletes later.
//! * Read is what the last commit of a shard holds. A shard with operations that are not in it is refused: flush it.
//! * Documents that were deleted or written again are left out (`.liv` and soft deletes), and nested objects come inside
//!   the document they belong to.
//! * Bytes are checked before they are given out, as in [`directory`](super::directory).
//! * Read are Elasticsearch 7.6 to 7.17, and 8.12 and later as long as it writes the same [codecs](super::codec). Refused
//!   by name are time series and synthetic sources, which are stored nowhere.

mod complete;
mod shard;
mod unit;

pub use shard::TargetShard;
pub use unit::{TargetDocument, TargetTally, TargetUnit};

use super::Corrupt;
use super::index_metadata::IndexMetadata;
use super::mapped::{names, refused};
use super::state;
use crate::error::{Error, Result};
use crate::files::problem::problem;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a node keeps its indices: since 8, and before.
const LAYOUTS: [&str; 2] = ["indices", "nodes/0/indices"];

/// The data of a node of Elasticsearch 7 or 8.
#[derive(Debug)]
pub struct TargetDirectory {
    indices_path: PathBuf,
    indices: Vec<Arc<IndexMetadata>>,
}

impl TargetDirectory {
    /// Opens the directory that Elasticsearch knows as `path.data`, and reads what indices there are.
    ///
    /// # Errors
    /// Refuses a directory without indices of Elasticsearch 7 or 8, and damaged metadata. Fails if something cannot be
    /// read.
    pub fn open(path: &Path) -> Result<Self> {
        let mut layouts = LAYOUTS.iter().map(|layout| path.join(layout));
        let Some(indices_path) = layouts.find(|indices| indices.is_dir()) else {
            return Err(Error::refused(format!("{} is not the data of an Elasticsearch 7 or 8 node.", path.display()))
                .hint("Give the directory that has `indices` or `nodes/0/indices` in it."));
        };
        let mut indices: Vec<Arc<IndexMetadata>> = Vec::new();
        for uuid in names(&indices_path)? {
            let Some(index) = read_index(&indices_path, &uuid)? else { continue };
            if let Some(twin) = indices.iter().find(|twin| twin.name == index.name) {
                let why = format!("the indices {} and {} are both called {}", twin.uuid, index.uuid, index.name);
                return Err(refused(&indices_path.join(uuid), Corrupt::new(why)));
            }
            indices.push(Arc::new(index));
        }
        indices.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { indices_path, indices })
    }

    /// Returns the indices by name, closed ones and those of the system too.
    pub fn indices(&self) -> &[Arc<IndexMetadata>] {
        &self.indices
    }

    /// Returns the directory of a shard of an index, which [`TargetShard::open`] takes.
    pub fn shard_path(&self, uuid: &str, shard: u32) -> PathBuf {
        self.indices_path.join(uuid).join(shard.to_string())
    }

    /// Opens all shards of an index of this directory.
    ///
    /// # Errors
    /// Refuses what is damaged, unknown or not flushed, with the file's path, and an index that does not keep documents
    /// as they were sent. Fails if something cannot be read.
    pub fn shards(&self, index: &IndexMetadata) -> Result<Vec<TargetShard>> {
        if let Some(why) = index.why_not_whole() {
            return Err(Error::refused(format!(
                "The index {} does not keep documents as they were sent: {why}.",
                index.name
            ))
            .hint("Such documents can only be compared through Elasticsearch."));
        }
        (0..index.shards).map(|number| TargetShard::open(&self.shard_path(&index.uuid, number), None)).collect()
    }
}

/// Reads the metadata of an index; nothing if there are none, as in what is left of a deleted one.
fn read_index(indices: &Path, uuid: &str) -> Result<Option<IndexMetadata>> {
    let states = indices.join(uuid).join("_state");
    let names = if states.is_dir() { names(&states)? } else { Vec::new() };
    let Some(newest) = state::newest(names.iter().map(String::as_str), "state-") else { return Ok(None) };
    let path = states.join(newest);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        // The node writes a new one and deletes the old one; or it deletes the index.
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && !path.exists() => {
            return if states.is_dir() { read_index(indices, uuid) } else { Ok(None) };
        }
        Err(cause) => return Err(problem("read", &path, cause)),
    };
    let content = state::parse(&bytes).map_err(|why| refused(&path, why))?.content;
    let metadata = IndexMetadata::parse(&content).filter(|metadata| metadata.uuid == uuid);
    let metadata =
        metadata.ok_or_else(|| refused(&path, Corrupt::new("it does not describe the index of its directory")));
    metadata.map(Some)
}
