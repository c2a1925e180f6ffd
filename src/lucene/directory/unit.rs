//! Pieces of work: some chunks of a segment, or the documents in a translog.

use super::super::Corrupt;
use super::super::index_metadata::IndexMetadata;
use super::super::mapped::refused;
use super::super::segment::{Segment, Slot};
use super::super::source::{Format, to_json};
use super::super::stored::fields::Fields;
use super::super::stored::index::Part;
use super::super::translog::replay::{Position, Replay};
use crate::error::{Error, Result};
use crate::files::locks::HeldLocks;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// A document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// Mapping type.
    pub kind: &'a str,
    /// Id: within the type, not the index.
    pub id: &'a str,
    /// Routing, if it has one of its own or a parent.
    pub routing: Option<&'a str>,
    /// JSON text, byte for byte as it was sent if that was JSON: perhaps of several lines, with comments, or with keys
    /// that are there twice, of which the last counts.
    pub source: &'a [u8],
    /// The format it was sent in. If that is not JSON, the source was turned into JSON.
    pub sent_as: Format,
}

/// What was found in a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Documents that were given out.
    pub documents: u64,
    /// Bytes of their sources.
    pub source_bytes: u64,
    /// Of these documents, those that were not sent as JSON.
    pub converted: u64,
    /// Left out: deleted, nested ones included.
    pub deleted: u64,
    /// Left out: nested objects, which are inside the source of the document they belong to.
    pub nested: u64,
    /// Left out: the translog has written them again or deleted them.
    pub superseded: u64,
}

/// What a unit is, in a form to be kept: a unit with the same key holds the same documents, whenever it is opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitKey {
    /// Id of the index.
    pub index: String,
    /// Number of the shard.
    pub shard: u32,
    /// Id of the commit, which is random.
    pub commit: String,
    /// Newest generation of the translog.
    pub translog_generation: i64,
    /// Bytes of it that count.
    pub translog_offset: u64,
    /// Name of the segment; nothing for the documents in the translog.
    pub segment: Option<String>,
    /// First chunk.
    pub first_chunk: u32,
    /// The chunk behind the last one.
    pub end_chunk: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    Chunks { segment: usize, part: Part },
    Translog { documents: u64, bytes: u64 },
}

/// What is open of a shard.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) index: Arc<IndexMetadata>,
    pub(super) number: u32,
    /// Id of the commit in hexadecimal digits.
    pub(super) commit: String,
    pub(super) segments: Vec<Segment>,
    pub(super) translog: Replay,
    pub(super) _locks: Option<Arc<HeldLocks>>,
}

/// A piece of work. It can be read on any thread, several times, while others are read.
#[derive(Debug, Clone)]
pub struct Unit {
    shard: Arc<Opened>,
    work: Work,
}

impl Unit {
    pub(super) fn new(shard: Arc<Opened>, work: Work) -> Self {
        Self { shard, work }
    }

    /// Returns the index that the documents are in.
    pub fn index(&self) -> &IndexMetadata {
        &self.shard.index
    }

    /// Returns how many documents there are at most: deleted and nested ones count here.
    pub fn documents(&self) -> u64 {
        match self.work {
            Work::Chunks { part, .. } => u64::from(part.end_doc - part.first_doc),
            Work::Translog { documents, .. } => documents,
        }
    }

    /// Returns how many bytes are read from disk.
    pub fn bytes(&self) -> u64 {
        match self.work {
            Work::Chunks { part, .. } => (part.end - part.start) as u64,
            Work::Translog { bytes, .. } => bytes,
        }
    }

    /// Returns what unit this is.
    pub fn key(&self) -> UnitKey {
        let shard = &self.shard;
        let Position { generation, offset } = shard.translog.position();
        let (segment, chunks) = match self.work {
            Work::Chunks { segment, part } => {
                let name = shard.segments.get(segment).map(|segment| segment.name().to_owned());
                (name, (part.first_chunk, part.end_chunk))
            }
            Work::Translog { .. } => (None, (0, 0)),
        };
        UnitKey {
            index: shard.index.uuid.clone(),
            shard: shard.number,
            commit: shard.commit.clone(),
            translog_generation: generation,
            translog_offset: offset,
            segment,
            first_chunk: chunks.0,
            end_chunk: chunks.1,
        }
    }

    /// Gives out every document of this unit that is neither deleted nor superseded, in a fixed order. The bytes last
    /// as long as the call. Blocks: it reads from disk and computes.
    ///
    /// # Errors
    /// Refuses what is damaged or unknown, with the file's path; no document that comes after has been given out then.
    /// Stops with the error of `each` if that fails.
    pub fn read(&self, mut each: impl FnMut(Document<'_>) -> Result<()>) -> Result<Tally> {
        let shard = &self.shard;
        let mut tally = Tally::default();
        match self.work {
            Work::Chunks { segment, part } => {
                let Some(segment) = shard.segments.get(segment) else {
                    return Err(Error::internal("A unit is of no segment of its shard."));
                };
                let single_type = shard.index.single_type();
                segment.read(&part, |slot| {
                    let Slot::Live(fields) = slot else {
                        tally.deleted += 1;
                        return Ok(());
                    };
                    let name = name(&fields, single_type).map_err(|why| refused(segment.path(), why))?;
                    let Some((kind, id)) = name else {
                        tally.nested += 1;
                        return Ok(());
                    };
                    if shard.translog.supersedes(kind, id) {
                        tally.superseded += 1;
                        return Ok(());
                    }
                    let source = fields.source.ok_or_else(|| {
                        refused(segment.path(), Corrupt::new(format!("the document {kind}/{id} has no source")))
                    })?;
                    give(&mut tally, segment.path(), kind, id, fields.routing, source, &mut each)
                })?;
            }
            Work::Translog { .. } => shard.translog.for_each(|path, kind, id, written| {
                give(&mut tally, path, kind, id, written.routing.as_deref(), written.source, &mut each)
            })?,
        }
        Ok(tally)
    }
}

/// Returns type and id of a document; nothing if it is a nested object, which has no name.
fn name<'a>(fields: &Fields<'a>, single_type: Option<&'a str>) -> Result<Option<(&'a str, &'a str)>, Corrupt> {
    match (fields.uid, fields.id, single_type) {
        (Some(uid), ..) => {
            // Types cannot contain the separator, ids can.
            uid.split_once('#').map(Some).ok_or_else(|| Corrupt::new(format!("the document {uid:?} names no type")))
        }
        (None, Some(id), Some(kind)) => Ok(Some((kind, id))),
        (None, Some(id), None) => Err(Corrupt::new(format!("the document {id:?} is of no known type"))),
        (None, None, _) if fields.source.is_some() => Err(Corrupt::new("a document has no id")),
        (None, None, _) => Ok(None),
    }
}

fn give(
    tally: &mut Tally,
    path: &Path,
    kind: &str,
    id: &str,
    routing: Option<&str>,
    source: &[u8],
    each: &mut impl FnMut(Document<'_>) -> Result<()>,
) -> Result<()> {
    let refuse = |why: &str| refused(path, Corrupt::new(format!("the document {kind}/{id}: {why}")));
    let sent_as = Format::of(source).ok_or_else(|| refuse("its source is neither JSON, SMILE, CBOR nor YAML"))?;
    let converted = match sent_as {
        Format::Json => None,
        other => Some(to_json(source, other).map_err(|why| refuse(&why.to_string()))?),
    };
    let source = converted.as_deref().unwrap_or(source);
    tally.documents += 1;
    tally.source_bytes += source.len() as u64;
    tally.converted += u64::from(converted.is_some());
    each(Document { kind, id, routing, source, sent_as })
}
