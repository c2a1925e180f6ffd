//! What `verify` finds.

use crate::mongo::ComparedMongo;
use crate::transfer::Compared;
use std::path::PathBuf;

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The old data; none if they are gone, and the digests of the copy were compared instead.
    pub source: Option<PathBuf>,
    /// The new data.
    pub target: PathBuf,
    /// Index by index.
    pub indices: Vec<Compared>,
    /// Indices that only the new data have.
    pub made_since: Vec<String>,
    /// Documents that were left out of the copy, as was accepted.
    pub left_out: u64,
    /// MongoDB's data, directory by directory; none where only Elasticsearch's were migrated.
    pub mongo: Vec<ComparedMongo>,
}
