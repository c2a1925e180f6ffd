//! Elasticsearch data directories as files: what made them, whether they are whole, and every document in them.
//!
//! | module | subject |
//! |---|---|
//! | [`input`] | integers and strings as Lucene writes them |
//! | [`header`] | headers, footers and checksums |
//! | [`commit`] | `segments_N`: the segments of a shard, and what Elasticsearch noted with them |
//! | [`codec`] | which formats the files of a segment have |
//! | [`segment_info`] | `.si`: what a segment is |
//! | [`compound`] | `.cfs`, `.cfe`: files within a file |
//! | [`field_infos`] | `.fnm`: names of fields |
//! | [`live_docs`] | `.liv`: which documents are not deleted |
//! | [`doc_values`], [`documents_set`] | `.dvm`, `.dvd`: which documents are marked as deleted |
//! | [`stored`] | `.fdt`, `.fdx`, `.fdm`: stored fields, with [`lz4`] and [`packed`] |
//! | [`segment`] | the documents of a segment, with all of the above |
//! | [`translog`] | operations that are not in a commit yet |
//! | [`id`] | ids of documents |
//! | [`source`] | bodies of documents: JSON, or what must become JSON |
//! | [`state`] | `*.st`: metadata of nodes, indices and shards |
//! | [`index_metadata`] | what an index is |
//! | [`mapped`] | files in memory maps |
//! | [`data_dir`] | which Elasticsearch wrote a directory, and whether what is in it looks whole |
//! | [`directory`] | all of it together: every document in a directory of Elasticsearch 5 |
//! | [`target`] | the same for Elasticsearch 7 and 8, to verify what was written there |
//!
//! Formats: the sources of `lucene-core` 6.6.1, 8.4.0, 8.11.3 and 9.12.0, and `elasticsearch` 5.6.16, 7.6.2, 7.17.29
//! and 8.17.0. Nothing here writes, and nothing that is
//! read can make it panic, or allocate more than there is: a file that is not as it should be gives [`Corrupt`], with
//! the place. What is unknown is refused, never guessed or skipped.

pub mod codec;
pub mod commit;
pub mod compound;
pub mod data_dir;
pub mod directory;
pub mod doc_values;
pub mod documents_set;
pub mod field_infos;
pub mod header;
pub mod id;
pub mod index_metadata;
pub mod input;
pub mod live_docs;
pub mod lz4;
pub mod mapped;
pub mod packed;
pub mod segment;
pub mod segment_info;
pub mod source;
pub mod state;
pub mod stored;
pub mod target;
#[cfg(test)]
pub(crate) mod testing;
pub mod translog;
pub mod version;

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
