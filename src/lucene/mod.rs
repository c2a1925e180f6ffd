//! Elasticsearch data directories as files: what made them, and whether they are whole.
//!
//! | module | subject |
//! |---|---|
//! | [`input`] | integers and strings as Lucene writes them |
//! | [`header`] | headers, footers and checksums |
//! | [`commit`] | `segments_N`: the segments of a shard, and what Elasticsearch noted with them |
//! | [`segment_info`] | `.si`: how many documents a segment has |
//! | [`translog`] | checkpoints: how many operations are not in a commit yet |
//! | [`state`] | `*.st`: metadata of nodes, indices and shards |
//! | [`data_dir`] | all of it together: which Elasticsearch wrote a directory, and what is in it |
//!
//! Formats: the sources of `lucene-core` 6.6.1 and `elasticsearch` 5.6.16. Nothing here writes, and nothing that is
//! read can make it panic: a file that is not as it should be gives [`Corrupt`], with the place.

pub mod commit;
pub mod data_dir;
pub mod header;
pub mod input;
pub mod segment_info;
pub mod state;
#[cfg(test)]
pub(crate) mod testing;
pub mod translog;

use std::fmt;

/// Why a file's content cannot be what it should be. Whoever knows the path names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrupt(String);

impl Corrupt {
    /// Returns the reason `what`, a phrase without a period.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Corrupt {}
