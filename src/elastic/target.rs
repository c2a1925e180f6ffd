//! What a target holds, to be read back: the files of its data directory, or what its node gives.

use super::client::Client;
use super::index_plan::IndexPlan;
use super::indices::{self, is_ours};
use super::units::{IndexUnit, NodeSlice};
use super::whole_index::refresh;
use crate::error::Result;
use crate::files::blocking;
use crate::lucene::target::{TargetDirectory, TargetShard, TargetUnit};
use crate::transfer::{Source, Units};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The new data, to be read back. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Target {
    /// A node, by a scroll.
    Node(Client),
    /// The files of a data directory, whether a node runs on it or not.
    Files(TargetFiles),
}

impl From<Client> for Target {
    fn from(node: Client) -> Self {
        Self::Node(node)
    }
}

impl From<TargetFiles> for Target {
    fn from(files: TargetFiles) -> Self {
        Self::Files(files)
    }
}

impl Source for Target {
    type Plan = IndexPlan;
    type Unit = IndexUnit;

    async fn open(&self, plan: &IndexPlan) -> Result<Option<Units<IndexUnit>>> {
        let parts = match self {
            Self::Node(node) => {
                if !indices::list(node).await?.iter().any(|listed| listed.name == plan.index) {
                    return Ok(None);
                }
                refresh(node, &plan.index).await?;
                NodeSlice::all(node, plan, 1)
            }
            Self::Files(files) => {
                let (files, index) = (files.clone(), plan.index.clone());
                let Some(units) = blocking(move || files.units(&index)).await? else { return Ok(None) };
                units.into_iter().map(IndexUnit::New).collect()
            }
        };
        Ok(Some(Units { parts, documents: None, at_once: 1, waits: true }))
    }
}

/// The indices of a data directory of Elasticsearch 7 or 8. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TargetFiles(Arc<TargetDirectory>);

impl TargetFiles {
    /// Opens a directory. Blocks.
    ///
    /// # Errors
    /// As [`TargetDirectory::open`].
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self(Arc::new(TargetDirectory::open(path)?)))
    }

    /// Returns the names of the server's indices, closed ones too.
    pub fn indices(&self) -> impl Iterator<Item = &str> {
        self.0.indices().iter().map(|index| index.name.as_str()).filter(|name| is_ours(name))
    }

    /// Returns the mapping of an index, without types; none if there is no such index.
    pub(super) fn mapping(&self, index: &str) -> Option<Value> {
        let metadata = self.0.indices().iter().find(|metadata| metadata.name == index)?;
        Some(metadata.mappings.values().next().cloned().unwrap_or_else(|| json!({})))
    }

    /// Counts the documents of the server's indices, as a node would: read are only those of an index that may have nested
    /// objects. Blocks.
    ///
    /// # Errors
    /// As [`TargetFiles::units`].
    pub fn counts(&self) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        for metadata in self.0.indices().iter().filter(|metadata| is_ours(&metadata.name)) {
            let shards = self.0.shards(metadata)?;
            let documents = match metadata.mappings.values().any(has_nested) {
                false => shards.iter().map(TargetShard::documents).sum(),
                true => {
                    let units = shards.iter().flat_map(TargetShard::units);
                    units.map(|unit| Ok(unit.read(|_| Ok(()))?.documents)).sum::<Result<u64>>()?
                }
            };
            counts.insert(metadata.name.clone(), documents);
        }
        Ok(counts)
    }

    /// Returns all there is to read of an index; none if there is no such index. Blocks.
    ///
    /// # Errors
    /// Refuses what is damaged, unknown or not flushed, with the file's path. Fails if something cannot be read.
    pub fn units(&self, index: &str) -> Result<Option<Vec<TargetUnit>>> {
        let Some(metadata) = self.0.indices().iter().find(|metadata| metadata.name == index) else { return Ok(None) };
        let shards = self.0.shards(metadata)?;
        Ok(Some(shards.iter().flat_map(|shard| shard.units()).collect()))
    }
}

/// Returns whether any field of a mapping keeps its objects as documents of their own.
fn has_nested(mapping: &Value) -> bool {
    match mapping {
        Value::Object(entries) => {
            entries.get("type").is_some_and(|kind| kind == "nested") || entries.values().any(has_nested)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_objects_are_known_from_the_mapping() {
        assert!(has_nested(&json!({"properties": {"a": {"properties": {"b": {"type": "nested"}}}}})));
        assert!(!has_nested(&json!({"properties": {"nested": {"type": "keyword"}}})));
    }
}
