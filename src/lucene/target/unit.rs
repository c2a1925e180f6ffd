//! Pieces of work: some chunks of a segment.

use super::super::Corrupt;
use super::super::id;
use super::super::mapped::refused;
use super::super::segment::{Segment, Slot};
use super::super::stored::fields::Fields;
use super::super::stored::index::Part;
use crate::error::{Error, Result};
use std::sync::Arc;

/// A document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetDocument<'a> {
    /// Id within the index.
    pub id: &'a str,
    /// Routing, if it was given.
    pub routing: Option<&'a str>,
    /// The body, byte for byte as it was sent.
    pub source: &'a [u8],
}

/// What was found in a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TargetTally {
    /// Documents that were given out.
    pub documents: u64,
    /// Bytes of their sources.
    pub source_bytes: u64,
    /// Left out: deleted or written again, nested ones and Elasticsearch's notes of deletions included.
    pub deleted: u64,
    /// Left out: nested objects, which are inside the source of the document they belong to.
    pub nested: u64,
}

/// What is open of a shard.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) commit: String,
    pub(super) segments: Vec<Segment>,
}

/// A piece of work of some megabytes. It can be read on any thread, several times, while others are read.
#[derive(Debug, Clone)]
pub struct TargetUnit {
    shard: Arc<Opened>,
    segment: usize,
    part: Part,
}

impl TargetUnit {
    pub(super) fn new(shard: Arc<Opened>, segment: usize, part: Part) -> Self {
        Self { shard, segment, part }
    }

    /// Returns how many documents there are at most: deleted and nested ones count here.
    pub fn documents(&self) -> u64 {
        u64::from(self.part.end_doc - self.part.first_doc)
    }

    /// Returns how many bytes are read from disk.
    pub fn bytes(&self) -> u64 {
        (self.part.end - self.part.start) as u64
    }

    /// Gives out every document of this unit that is neither deleted nor written again, in a fixed order. The bytes last
    /// as long as the call. Blocks: it reads from disk and computes.
    ///
    /// # Errors
    /// Refuses what is damaged or unknown, with the file's path; no document that comes after has been given out then.
    /// Stops with the error of `each` if that fails.
    pub fn read(&self, mut each: impl FnMut(TargetDocument<'_>) -> Result<()>) -> Result<TargetTally> {
        let Some(segment) = self.shard.segments.get(self.segment) else {
            return Err(Error::internal("A unit is of no segment of its shard."));
        };
        let refuse = |why: Corrupt| refused(segment.path(), why);
        let mut tally = TargetTally::default();
        let mut buffer = String::new();
        let mut last_is_nested = false;
        segment.read(&self.part, |slot| {
            let Slot::Live(fields) = slot else {
                tally.deleted += 1;
                return Ok(());
            };
            let document = document(&fields, &mut buffer).map_err(refuse)?;
            last_is_nested = document.is_none();
            let Some(document) = document else {
                tally.nested += 1;
                return Ok(());
            };
            tally.documents += 1;
            tally.source_bytes += document.source.len() as u64;
            each(document)
        })?;
        // Nested objects stand ahead of their document, in the same segment.
        if last_is_nested && self.part.end_doc == segment.max_doc() {
            return Err(refuse(Corrupt::new("its last document is part of another one, which is not there")));
        }
        Ok(tally)
    }
}

/// Returns the document; nothing if it is a nested object, which has no name.
fn document<'a>(fields: &Fields<'a>, buffer: &'a mut String) -> Result<Option<TargetDocument<'a>>, Corrupt> {
    let Some(encoded) = fields.encoded_id else {
        return if fields.source.is_some() || fields.id.is_some() || fields.uid.is_some() {
            Err(Corrupt::new("a document has no id as Elasticsearch 7 and 8 write it"))
        } else {
            Ok(None)
        };
    };
    let id = id::decode(encoded, buffer)?;
    let Some(source) = fields.source else {
        return Err(Corrupt::new(format!(
            "the document {id:?} has no source: it is switched off in its index, or synthetic"
        )));
    };
    Ok(Some(TargetDocument { id, routing: fields.routing, source }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_nested_objects_and_what_is_neither_are_told_apart() {
        let mut buffer = String::new();
        let whole = Fields { encoded_id: Some(&[0xFE, 0x42]), source: Some(b"{}"), ..Fields::default() };
        let found = document(&whole, &mut buffer).unwrap();
        assert_eq!(found, Some(TargetDocument { id: "42", routing: None, source: b"{}" }));
        assert_eq!(document(&Fields::default(), &mut buffer), Ok(None));
        let told = |fields: Fields<'static>| document(&fields, &mut String::new()).unwrap_err().to_string();
        assert!(told(Fields { source: None, ..whole }).contains("\"42\" has no source"));
        assert!(told(Fields { encoded_id: None, ..whole }).contains("no id"));
        assert!(told(Fields { encoded_id: None, source: None, id: Some("a"), ..whole }).contains("no id"));
    }
}
