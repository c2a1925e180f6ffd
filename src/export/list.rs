//! What indices there are, without reading a document.

use super::{Names, require_some};
use crate::error::{Error, Result};
use crate::lucene::data_dir::{Finding, Index, Kind, Openness, identify};
use crate::lucene::directory::not_elasticsearch_5;
use std::path::Path;

/// What a directory holds.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The indices that are meant, by name.
    pub indices: Vec<Index>,
    /// What forbids to read the data as if they were whole, other indices' too.
    pub findings: Vec<Finding>,
    /// What is no index and looks like none, which is not read.
    pub foreign: Vec<Finding>,
}

impl Listed {
    /// Returns the numbers of an index: its documents at most, nested ones included, if that can be told.
    pub fn documents(index: &Index) -> Option<u64> {
        let translog: u64 = index.shards.iter().map(|shard| shard.translog_operations).sum();
        Some(index.lucene_documents()? + translog)
    }

    /// Returns whether an index is closed.
    pub fn is_closed(index: &Index) -> bool {
        index.openness == Openness::Closed
    }
}

/// Lists the indices that are meant. A node may be running on the directory. Blocks.
///
/// # Errors
/// Refuses a directory that is no Elasticsearch 5's, and one without any index unless it was said that it is `empty`.
/// Fails if something cannot be read.
pub fn list(source: &Path, names: &Names, empty: bool) -> Result<Listed> {
    if !crate::files::exists(source)? {
        return Err(Error::refused(format!("{} does not exist.", source.display()))
            .hint("Name the data directory of Elasticsearch: --source DIR"));
    }
    let identified = identify(source)?;
    let Kind::Elastic5(data) = identified.kind else { return Err(not_elasticsearch_5(source, &identified)) };
    let (findings, foreign): (Vec<_>, _) = (data.blocking().cloned().collect(), data.foreign().cloned().collect());
    if findings.is_empty() {
        // What cannot be told to be an index is worse news than that there is none.
        require_some(source, &data, empty)?;
    }
    let indices = data.indices.into_iter().filter(|index| names.include(&index.name)).collect();
    Ok(Listed { indices, findings, foreign })
}
