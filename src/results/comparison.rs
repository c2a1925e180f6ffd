//! What `verify` finds.

use crate::mongo::ComparedMongo;
use crate::transfer::{Compared, Discrepancy};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The old data; none if they are gone, and the digests of the copy were compared instead.
    pub source: Option<PathBuf>,
    /// The new data.
    pub target: PathBuf,
    /// Index by index.
    pub indices: Vec<Compared>,
    /// What else does not fit between what was planned, copied, written and read.
    pub discrepancies: Vec<Discrepancy>,
    /// Indices that only the new data have.
    pub made_since: Vec<String>,
    /// Documents that were left out of the copy, as was accepted.
    pub left_out: u64,
    /// MongoDB's data, directory by directory; none where only Elasticsearch's were migrated.
    pub mongo: Vec<ComparedMongo>,
}

impl Comparison {
    /// Returns whether anything of the old data is not there as it was.
    pub fn differs(&self) -> bool {
        self.indices.iter().any(Compared::differs)
            || !self.discrepancies.is_empty()
            || self.mongo.iter().any(|one| one.found.differs())
    }
}
