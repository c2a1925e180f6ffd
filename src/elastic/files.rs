//! The indices of a data directory as a source: the same descriptions that a node gives, and documents to copy.

use super::indices::{SourceIndex, is_ours};
use super::json_text::without_surroundings;
use crate::error::{Error, Result};
use crate::lucene::data_dir::Openness;
use crate::lucene::directory::{self, DataDirectory, Shard, Unit};
use crate::lucene::index_metadata::IndexMetadata;
use crate::transfer::DocumentRef;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A running node replaces files while they are looked at: then they are looked at again.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// The server's indices in a data directory that no node can start on while this lives. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files {
    directory: Arc<DataDirectory>,
    indices: Arc<[SourceIndex]>,
}

impl Files {
    /// Opens a directory and makes sure that all the server's indices can be read. Blocks.
    ///
    /// # Errors
    /// Refuses what is in use, damaged or unknown, with the path. Fails if something cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let mut files = Self::beside(DataDirectory::open(path)?);
        let counted = files.indices.iter().map(|index| {
            let (_, live) = files.open_index(&index.name)?;
            Ok(SourceIndex { documents: live, ..index.clone() })
        });
        files.indices = counted.collect::<Result<_>>()?;
        Ok(files)
    }

    /// Returns the server's indices as their state files describe them, even while a node is running on the directory: no
    /// documents are counted, and nothing else is read. Blocks.
    ///
    /// # Errors
    /// Refuses what is damaged or unknown, with the path. Fails if something cannot be read.
    pub fn described(path: &Path) -> Result<Vec<SourceIndex>> {
        Ok(Self::beside_a_node(path)?.indices.to_vec())
    }

    /// Opens a directory on which a node may be running, to look at its documents as they are now. Nothing keeps the node
    /// from removing files meanwhile: what [`Files::units`] returns has its files open and can be read to the end, but
    /// that call may fail, and is then to be made again on a directory that is opened anew. Blocks.
    ///
    /// # Errors
    /// As [`Files::described`].
    pub fn beside_a_node(path: &Path) -> Result<Self> {
        look_again(|| DataDirectory::look(path)).map(Self::beside)
    }

    /// The server's indices, none of their documents counted.
    pub(super) fn beside(directory: DataDirectory) -> Self {
        let ours = directory.indices().iter().filter(|index| is_ours(&index.name));
        let indices = ours.map(|metadata| source_index(metadata, directory.bytes(metadata))).collect();
        Self { directory: Arc::new(directory), indices }
    }

    /// Opens every shard of the server's indices, and returns the bytes of their longest document; nothing if none has 8
    /// MiB. Blocks.
    ///
    /// # Errors
    /// As [`Files::open`].
    pub(super) fn longest_document(&self) -> Result<Option<u64>> {
        let mut longest = None;
        for metadata in self.directory.indices().iter().filter(|index| is_ours(&index.name)) {
            for shard in self.directory.shards(metadata)? {
                longest = longest.max(shard.longest_document()?);
            }
        }
        Ok(longest)
    }

    /// Returns the server's indices by name, closed ones too. Their numbers of documents are those that live, nested ones and
    /// what is in both commit and translog included: no fewer than come out.
    pub fn indices(&self) -> &[SourceIndex] {
        &self.indices
    }

    /// Returns the names of the indices that are not the server's.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        self.directory.indices().iter().map(|index| index.name.as_str()).filter(|name| !is_ours(name))
    }

    /// Returns all there is to read of an index. Blocks.
    ///
    /// # Errors
    /// As [`Files::open`].
    pub fn units(&self, index: &str) -> Result<Vec<Unit>> {
        self.open_index(index).map(|(units, _)| units)
    }

    /// Returns all there is to read of an index, and how many live documents Lucene counts there. Blocks.
    ///
    /// # Errors
    /// As [`Files::open`].
    pub(super) fn open_index(&self, index: &str) -> Result<(Vec<Unit>, u64)> {
        let metadata = self.directory.indices().iter().find(|metadata| metadata.name == index).ok_or_else(|| {
            Error::refused(format!("The old data have no index {index}."))
                .hint("Are they the data that the migration was begun with?")
        })?;
        let shards = self.directory.shards(metadata)?;
        let live = shards.iter().map(Shard::live_documents).sum();
        Ok((shards.iter().flat_map(|shard| shard.units()).collect(), live))
    }
}

/// Does what fails where a running node replaces a file meanwhile, up to [`LOOKS`] times.
pub(super) fn look_again<T>(mut look: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..LOOKS {
        match look() {
            Err(_) => std::thread::sleep(BETWEEN_LOOKS),
            done => return done,
        }
    }
    look()
}

fn source_index(metadata: &IndexMetadata, bytes: u64) -> SourceIndex {
    SourceIndex {
        name: metadata.name.clone(),
        documents: 0,
        bytes,
        shards: metadata.shards,
        mappings: Value::Object(metadata.mappings.clone()),
        settings: settings(metadata),
        aliases: Value::Object(metadata.aliases.clone()),
        closed: metadata.openness == Openness::Closed,
    }
}

/// Returns a document of a unit as the copy takes it: without white space and comments around its source, as answers of
/// nodes are taken.
pub(super) fn borrow<'a>(document: &directory::Document<'a>) -> DocumentRef<'a> {
    DocumentRef {
        id: document.id,
        kind: Some(document.kind),
        routing: document.routing,
        source: without_surroundings(document.source),
    }
}

/// Returns an index as a node answers `GET /<index>`: `{"<name>": {"aliases": …, "mappings": …, "settings": …}}`.
pub fn describe(index: &IndexMetadata) -> Value {
    json!({ index.name.as_str(): {
        "aliases": index.aliases,
        "mappings": index.mappings,
        "settings": { "index": settings(index) },
    }})
}

/// Returns the settings below `index`, as a node answers them: objects in place of dotted names, and lists in place of
/// objects whose names count from 0 (`org.elasticsearch.common.settings.Settings.getAsStructuredMap` of 5.6).
fn settings(index: &IndexMetadata) -> Value {
    let mut root = Map::new();
    for (name, value) in &index.settings {
        if let Some(name) = name.strip_prefix("index.") {
            put(&mut root, name, value.clone());
        }
    }
    Value::Object(root.into_iter().map(|(name, value)| (name, lists(value))).collect())
}

/// Puts a value in its place. Where the first part of its name is taken by a plain value, it keeps the dotted name.
fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    let Some((first, rest)) = name.split_once('.') else {
        object.insert(name.to_owned(), value);
        return;
    };
    match object.entry(first).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => put(inner, rest, value),
        _ => {
            object.insert(name.to_owned(), value);
        }
    }
}

fn lists(value: Value) -> Value {
    let Value::Object(object) = value else { return value };
    let counts = (0..object.len()).all(|number| object.contains_key(&number.to_string()));
    if object.is_empty() || !counts {
        return Value::Object(object.into_iter().map(|(name, value)| (name, lists(value))).collect());
    }
    let mut object = object;
    Value::Array((0..object.len()).filter_map(|number| object.shift_remove(&number.to_string()).map(lists)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::data_dir::{Openness, VersionId};
    use serde_json::json;

    #[test]
    fn settings_are_nested_as_a_node_answers_them() {
        let settings_of = |flat: Value| {
            settings(&IndexMetadata {
                name: "events-x".into(),
                uuid: "u".into(),
                openness: Openness::Open,
                created: VersionId(5_061_699),
                shards: 1,
                settings: flat.as_object().unwrap().clone(),
                mappings: Map::new(),
                aliases: Map::new(),
            })
        };
        let flat = json!({"index.number_of_shards": "1", "index.mapping.total_fields.limit": "2000",
            "index.mapping.single_type": "true", "index.analysis.filter.f.words.0": "a",
            "index.analysis.filter.f.words.1": "b", "index.refresh_interval": "7s", "other": "x"});
        let nested = json!({"number_of_shards": "1", "refresh_interval": "7s",
            "mapping": {"total_fields": {"limit": "2000"}, "single_type": "true"},
            "analysis": {"filter": {"f": {"words": ["a", "b"]}}}});
        assert_eq!(settings_of(flat), nested);
        let both = json!({"index.a": "1", "index.a.b": "2"});
        assert_eq!(settings_of(both), json!({"a": "1", "a.b": "2"}));
    }
}
