//! What the operations of a translog come to, on top of the commit that they follow.
//!
//! For each document, by type and id, the last operation in the order of the files wins. Operations that are in the
//! commit already do no harm: they say the same again. (Elasticsearch itself also compares versions. That makes a
//! difference only if a crash lost a newer operation that a commit had taken. It was never acknowledged, but where the
//! translog is brought to disk now and then only, which `IndexMetadata::may_lose_operations` tells.)
//!
//! A generation is `translog-<generation>.tlog`:
//!
//! ```text
//! Header "translog" version 2, Int32 length, id of the translog, operations
//! ```
//!
//! Its checkpoint says how many operations and bytes count. What follows was never acknowledged, and is ignored. No
//! content is in memory: that stays in the map of the file.

use super::super::Corrupt;
use super::super::header::header;
use super::super::input::Input;
use super::super::mapped::{MappedFile, refused};
use super::last::{LastOperations, Operations, Record};
use super::operation::{self, Operation, Written};
use super::{CURRENT, Checkpoint, checkpoint, closed_name, operations_name};
use crate::error::Result;
use crate::files::problem::problem;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// More generations than this between a commit and the newest are no number that a node would write.
const MAX_GENERATIONS: i64 = 1_000_000;

/// The last operation on each document.
#[derive(Debug, Default)]
pub struct Replay {
    generations: Vec<Generation>,
    last: LastOperations,
    position: Position,
    /// Bytes of the longest document, be it written again later or not.
    longest: u64,
}

/// The operations of one generation that count.
#[derive(Debug)]
struct Generation {
    file: MappedFile,
    /// Where the first one begins.
    start: usize,
    /// Where the last one ends.
    end: usize,
    operations: u64,
}

/// How far a translog reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The newest generation.
    pub generation: i64,
    /// Its bytes that count.
    pub offset: u64,
}

impl Replay {
    /// Reads the translog in `dir` from the generation of the commit to the newest. `uuid` is the translog's id as the
    /// commit has it.
    ///
    /// # Errors
    /// Fails if a file is missing or cannot be read. Refuses what is damaged or of another translog.
    pub fn open(dir: &Path, uuid: &str, first: i64) -> Result<Self> {
        let path = dir.join(CURRENT);
        let newest = read_checkpoint(&path)?;
        let generations = newest.generation.checked_sub(first);
        if !generations.is_some_and(|count| (0..MAX_GENERATIONS).contains(&count)) {
            let why = format!("the commit wants generations from {first} on, and this is {}", newest.generation);
            return Err(refused(&path, Corrupt::new(why)));
        }
        let position = Position { generation: newest.generation, offset: newest.offset };
        let (mut generations, mut operations, mut longest) = (Vec::new(), Operations::new(), 0);
        for (number, generation) in (0..).zip(first..=newest.generation) {
            let checkpoint = if generation == newest.generation {
                newest
            } else {
                let path = dir.join(closed_name(generation));
                let closed = read_checkpoint(&path)?;
                if closed.generation != generation {
                    return Err(refused(&path, Corrupt::new(format!("it is of generation {}", closed.generation))));
                }
                closed
            };
            let file = MappedFile::open(dir.join(operations_name(generation)))?;
            let generation = Generation::open(file, uuid, checkpoint)?;
            generation.for_each(number, |record, operation| {
                longest = longest.max(operation.document.map_or(0, |document| document.source.len() as u64));
                operations.add(record)
            })?;
            generations.push(generation);
        }
        let last = operations.last(|a, b| same_document(&generations, a, b))?;
        Ok(Self { generations, last, position, longest })
    }

    /// Tells whether there is anything at all.
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// Returns how far the translog reaches.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Tells whether a document of the commit is no longer what it was: written again or deleted.
    #[inline]
    pub fn supersedes(&self, kind: &str, id: &str) -> bool {
        !self.last.is_empty() && self.last.any(hash(kind, id), |record| is(&self.generations, record, kind, id))
    }

    /// Returns the bytes of the longest document that was written, at most.
    pub fn longest_document(&self) -> u64 {
        self.longest
    }

    /// Returns the number of documents that were written and not deleted, and their bytes at most.
    pub fn size(&self) -> (u64, u64) {
        let bytes = self.generations.iter().map(|generation| generation.file.bytes().len() as u64).sum();
        (self.last.written(), bytes)
    }

    /// Gives out all documents that were written and not deleted, in the order of the files: file, type, id, document.
    ///
    /// # Errors
    /// Fails if `each` does.
    pub fn for_each(&self, mut each: impl FnMut(&Path, &str, &str, Written<'_>) -> Result<()>) -> Result<()> {
        for (number, generation) in (0..).zip(&self.generations) {
            generation.for_each(number, |record, operation| match operation.document {
                Some(document) if self.last.contains(record) => {
                    each(generation.file.path(), &operation.kind, &operation.id, document)
                }
                _ => Ok(()),
            })?;
        }
        Ok(())
    }
}

impl Generation {
    fn open(file: MappedFile, uuid: &str, checkpoint: Checkpoint) -> Result<Self> {
        let bounds = Self::bounds(file.bytes(), uuid, checkpoint).map_err(|why| refused(file.path(), why))?;
        Ok(Self { start: bounds.start, end: bounds.end, operations: checkpoint.operations, file })
    }

    /// Returns where the operations that count are.
    fn bounds(bytes: &[u8], uuid: &str, checkpoint: Checkpoint) -> Result<Range<usize>, Corrupt> {
        let counted =
            usize::try_from(checkpoint.offset).ok().and_then(|offset| bytes.get(..offset)).ok_or_else(|| {
                Corrupt::new(format!("it has {} of the {} bytes in its checkpoint", bytes.len(), checkpoint.offset))
            })?;
        let mut input = Input::new(counted);
        header(&mut input, "translog", 2..=2)?;
        let length = input.count32()?;
        if input.bytes(length)? != uuid.as_bytes() {
            return Err(Corrupt::new("it is not the translog of the commit"));
        }
        Ok(input.position()..counted.len())
    }

    /// Gives out all operations in order, each with its record in the generation of this number.
    fn for_each(&self, number: u32, mut each: impl FnMut(Record, Operation<'_>) -> Result<()>) -> Result<()> {
        let refuse = |why| refused(self.file.path(), why);
        let counted = self.file.bytes().get(..self.end).unwrap_or_default();
        let mut input = Input::at(counted, self.start);
        for _ in 0..self.operations {
            let offset = input.position() as u64;
            let operation = operation::read(&mut input).map_err(refuse)?;
            let hash = hash(&operation.kind, &operation.id);
            let record = Record::new(hash, number, offset, operation.document.is_none());
            each(record.ok_or_else(|| refuse(input.corrupt("it is larger than any node writes")))?, operation)?;
        }
        if input.rest().is_empty() {
            return Ok(());
        }
        Err(refuse(input.corrupt("there is more than the checkpoint counts")))
    }
}

fn read_checkpoint(path: &PathBuf) -> Result<Checkpoint> {
    let bytes = fs::read(path).map_err(|cause| problem("read", path, cause))?;
    let checkpoint = checkpoint(&bytes).map_err(|why| refused(path, why))?;
    match checkpoint.format {
        0 | 1 => Ok(checkpoint),
        format => Err(refused(path, Corrupt::new(format!("its format {format} is newer than Elasticsearch 5's")))),
    }
}

fn hash(kind: &str, id: &str) -> u64 {
    xxh3_64_with_seed(id.as_bytes(), xxh3_64(kind.as_bytes()))
}

fn read_at(generations: &[Generation], record: Record) -> Result<Operation<'_>, Corrupt> {
    let bytes = generations.get(record.file()).map(|generation| generation.file.bytes()).unwrap_or_default();
    let offset = usize::try_from(record.offset()).map_err(|_| Corrupt::new("an impossible offset"))?;
    operation::read(&mut Input::at(bytes, offset))
}

fn is(generations: &[Generation], record: Record, kind: &str, id: &str) -> bool {
    read_at(generations, record).is_ok_and(|operation| operation.kind == kind && operation.id == id)
}

fn same_document(generations: &[Generation], a: Record, b: Record) -> bool {
    read_at(generations, b).is_ok_and(|operation| is(generations, a, &operation.kind, &operation.id))
}

#[cfg(test)]
mod tests;
