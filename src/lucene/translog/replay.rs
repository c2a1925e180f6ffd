//! What the operations of a translog come to, on top of the commit that they follow.
//!
//! For each document, by type and id, the last operation in the order of the files wins. Operations that are in the
//! commit already do no harm: they say the same again. (Elasticsearch itself also compares versions. That makes a
//! difference only if a crash lost a newer operation that was never acknowledged, but that a commit had taken.)
//!
//! A generation is `translog-<generation>.tlog`:
//!
//! ```text
//! Header "translog" version 2, Int32 length, id of the translog, operations
//! ```
//!
//! Its checkpoint says how many operations and bytes count. What follows was never acknowledged, and is ignored. In
//! memory there are 16 bytes for each document, no content: that stays in the map of the file.

use super::super::Corrupt;
use super::super::header::header;
use super::super::input::Input;
use super::super::mapped::{MappedFile, refused};
use super::operation::{self, Operation, Written};
use super::{CURRENT, Checkpoint, checkpoint, closed_name, operations_name};
use crate::error::Result;
use crate::files::problem::problem;
use hashbrown::HashTable;
use std::fs;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// More generations than this between a commit and the newest are no number that a node would write.
const MAX_GENERATIONS: i64 = 1_000_000;

/// The last operation on each document.
#[derive(Debug, Default)]
pub struct Replay {
    files: Vec<MappedFile>,
    last: HashTable<Place>,
    position: Position,
}

/// How far a translog reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The newest generation.
    pub generation: i64,
    /// Its bytes that count.
    pub offset: u64,
}

/// Where an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: u32,
    deletes: bool,
    offset: u64,
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
        let mut replay = Self { position, ..Self::default() };
        for generation in first..=newest.generation {
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
            replay.add(MappedFile::open(dir.join(operations_name(generation)))?, uuid, checkpoint)?;
        }
        Ok(replay)
    }

    fn add(&mut self, file: MappedFile, uuid: &str, checkpoint: Checkpoint) -> Result<()> {
        let path = file.path().to_owned();
        let number =
            u32::try_from(self.files.len()).map_err(|_| refused(&path, Corrupt::new("too many generations")))?;
        self.files.push(file);
        self.read_operations(number, uuid, checkpoint).map_err(|why| refused(&path, why))
    }

    fn read_operations(&mut self, file: u32, uuid: &str, checkpoint: Checkpoint) -> Result<(), Corrupt> {
        let (files, last) = (&self.files, &mut self.last);
        let bytes = files.get(file as usize).map(MappedFile::bytes).unwrap_or_default();
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
        for _ in 0..checkpoint.operations {
            let offset = input.position() as u64;
            let operation = operation::read(&mut input)?;
            let place = Place { file, deletes: operation.document.is_none(), offset };
            let hash = hash(&operation.kind, &operation.id);
            let same = |earlier: &Place| is(files, *earlier, &operation.kind, &operation.id);
            match last.find_mut(hash, same) {
                Some(earlier) => *earlier = place,
                None => {
                    last.insert_unique(hash, place, |place| {
                        read_at(files, *place).map_or(0, |operation| self::hash(&operation.kind, &operation.id))
                    });
                }
            }
        }
        if input.rest().is_empty() { Ok(()) } else { Err(input.corrupt("there is more than the checkpoint counts")) }
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
        !self.last.is_empty() && self.last.find(hash(kind, id), |place| is(&self.files, *place, kind, id)).is_some()
    }

    /// Returns the number of documents that were written and not deleted, and their bytes at most.
    pub fn size(&self) -> (u64, u64) {
        let written = self.last.iter().filter(|place| !place.deletes).count() as u64;
        (written, self.files.iter().map(|file| file.bytes().len() as u64).sum())
    }

    /// Gives out all documents that were written and not deleted, in the order of the files: file, type, id, document.
    ///
    /// # Errors
    /// Fails if `each` does.
    pub fn for_each(&self, mut each: impl FnMut(&Path, &str, &str, Written<'_>) -> Result<()>) -> Result<()> {
        let mut places: Vec<Place> = self.last.iter().filter(|place| !place.deletes).copied().collect();
        places.sort_unstable();
        for place in places {
            let operation = read_at(&self.files, place).map_err(|why| refused(self.path(place), why))?;
            if let Some(document) = operation.document {
                each(self.path(place), &operation.kind, &operation.id, document)?;
            }
        }
        Ok(())
    }

    fn path(&self, place: Place) -> &Path {
        self.files.get(place.file as usize).map_or(Path::new(""), MappedFile::path)
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

fn read_at(files: &[MappedFile], place: Place) -> Result<Operation<'_>, Corrupt> {
    let bytes = files.get(place.file as usize).map(MappedFile::bytes).unwrap_or_default();
    let offset = usize::try_from(place.offset).map_err(|_| Corrupt::new("an impossible offset"))?;
    operation::read(&mut Input::at(bytes, offset))
}

fn is(files: &[MappedFile], place: Place, kind: &str, id: &str) -> bool {
    read_at(files, place).is_ok_and(|operation| operation.kind == kind && operation.id == id)
}

#[cfg(test)]
mod tests;
