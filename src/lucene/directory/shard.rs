//! A shard: its last commit, and the translog on top of it.

use super::super::Corrupt;
use super::super::codec::Codec;
use super::super::commit::{self, Commit};
use super::super::index_metadata::IndexMetadata;
use super::super::mapped::{names, refused};
use super::super::segment::Segment;
use super::super::stored::index::LONG;
use super::super::translog::replay::Replay;

use super::unit::{Opened, Unit, Work};
use crate::error::Result;
use crate::files::locks::HeldLocks;
use crate::files::problem::problem;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// A shard that is ready to be read. Clones are cheap and the same shard.
#[derive(Debug, Clone)]
pub struct Shard(Arc<Opened>);

impl Shard {
    /// Opens the shard in `dir`.
    pub(super) fn open(
        dir: &Path,
        number: u32,
        index: &Arc<IndexMetadata>,
        locks: Option<&Arc<HeldLocks>>,
    ) -> Result<Self> {
        let lucene = dir.join("index");
        let names = names(&lucene)?;
        let newest = commit::newest(names.iter().map(String::as_str));
        let (name, generation) = newest.ok_or_else(|| refused(&lucene, Corrupt::new("it has no file segments_N")))?;
        let path = lucene.join(name);
        let refuse = |why: &str| refused(&path, Corrupt::new(why));
        let bytes = fs::read(&path).map_err(|cause| problem("read", &path, cause))?;
        let Commit { id, contents, .. } =
            commit::parse(&bytes, generation, &commit::OF_ELASTICSEARCH_5).map_err(|why| refused(&path, why))?;
        let contents = contents.ok_or_else(|| refuse("a Lucene newer than that of Elasticsearch 5 wrote it"))?;
        let uuid = contents.user_data.get("translog_uuid").ok_or_else(|| refuse("it names no translog"))?;
        let first = contents.translog_generation().ok_or_else(|| refuse("it names no generation of the translog"))?;
        // The translog first: what it says of a document counts more than the segments.
        let translog = Replay::open(&dir.join("translog"), uuid, first)?;
        let mut segments = Vec::new();
        for named in &contents.segments {
            segments.push(Segment::open(&lucene, named, Codec::of_elasticsearch5)?);
        }
        let (index, _locks) = (Arc::clone(index), locks.map(Arc::clone));
        let commit = hexadecimal(&id);
        Ok(Self(Arc::new(Opened { index, number, commit, segments, translog, _locks })))
    }

    /// Returns the index.
    pub fn index(&self) -> &IndexMetadata {
        &self.0.index
    }

    /// Returns the number of the shard, from 0.
    pub fn number(&self) -> u32 {
        self.0.number
    }

    /// Returns all there is to read, in the order in which Lucene numbers documents; the translog comes last.
    pub fn units(&self) -> Vec<Unit> {
        let mut units = Vec::new();
        for (number, segment) in self.0.segments.iter().enumerate() {
            let parts = segment.parts().iter();
            units.extend(
                parts.map(|part| Unit::new(Arc::clone(&self.0), Work::Chunks { segment: number, part: *part })),
            );
        }
        let (documents, bytes) = self.0.translog.size();
        if documents > 0 {
            units.push(Unit::new(Arc::clone(&self.0), Work::Translog { documents, bytes }));
        }
        units
    }

    /// Returns how many live documents there are as Lucene counts them, nested ones included, by the commit and by the
    /// translog on top of it; those that are in both count twice.
    pub fn live_documents(&self) -> u64 {
        let committed: u64 = self.0.segments.iter().map(Segment::live_documents).sum();
        committed + self.0.translog.size().0
    }

    /// Returns the bytes of the longest document; nothing if none has 8 MiB ([`LONG`]). No document is read for that.
    ///
    /// # Errors
    /// Refuses what is damaged, as far as that shows.
    pub fn longest_document(&self) -> Result<Option<u64>> {
        let mut longest = Some(self.0.translog.longest_document()).filter(|bytes| *bytes >= LONG);
        for segment in &self.0.segments {
            longest = longest.max(segment.longest_document()?);
        }
        Ok(longest)
    }

    /// Returns whether there are operations behind the commit.
    pub(super) fn has_operations(&self) -> bool {
        !self.0.translog.is_empty()
    }
}

fn hexadecimal(id: &[u8]) -> String {
    id.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
