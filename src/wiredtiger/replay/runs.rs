//! All operations by table and key, in bounded memory: sorted runs, merged.
//!
//! A run is entries, one behind the other, in the order of their tables, keys, and places in the log:
//!
//! ```text
//! u32 table  u32 length of key  u32 length of value  u32 log file  u32 offset  u32 number in the record  u8 kind  key  value
//! ```

use super::super::integers::Reader;
use super::super::log::LogPlace;
use super::super::{Corrupt, Result};
use crate::error;
use crate::files::problem::problem;
use crate::files::temporary::unnamed_file;
use memmap2::Mmap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes of an entry in front of its key.
const HEADER: usize = 25;

/// Where an operation stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sequence {
    /// The record.
    pub place: LogPlace,
    /// Operations in front of it in that record.
    pub index: u32,
}

/// What an operation does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Gives it a value.
    Put,
    /// Deletes it.
    Remove,
    /// Writes pieces into its value.
    Modify,
}

/// An operation on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry<'a> {
    /// The row's key.
    pub key: &'a [u8],
    /// Where it stands in the log.
    pub sequence: Sequence,
    /// What it does.
    pub kind: Kind,
    /// The value or the pieces.
    pub value: &'a [u8],
}

/// Collects operations.
#[derive(Debug)]
pub struct Collector {
    temporary: PathBuf,
    memory: usize,
    /// Entries in the order in which they came, and where each begins.
    packed: Vec<u8>,
    begins: Vec<usize>,
    spilled: Option<File>,
    runs: Vec<Run>,
}

/// A sorted run: where the entries of each table are, by its number.
#[derive(Debug)]
struct Run(Vec<(u32, Range<usize>)>);

/// Sorted runs, to be gone through any number of times.
#[derive(Debug, Default)]
pub struct Runs {
    bytes: Bytes,
    runs: Vec<Run>,
}

#[derive(Debug)]
enum Bytes {
    InMemory(Vec<u8>),
    InFile(Mmap),
}

impl Default for Bytes {
    fn default() -> Self {
        Self::InMemory(Vec::new())
    }
}

impl Collector {
    /// Returns an empty collection that keeps `memory` bytes in memory, and what is more in a file without a name in
    /// `temporary`.
    pub fn new(temporary: &Path, memory: usize) -> Self {
        let temporary = temporary.to_owned();
        Self { temporary, memory, packed: Vec::new(), begins: Vec::new(), spilled: None, runs: Vec::new() }
    }

    /// Adds an operation on a row of a table.
    ///
    /// # Errors
    /// Fails if nothing can be written in the temporary directory.
    pub fn add(&mut self, table: u32, key: &[u8], sequence: Sequence, kind: Kind, value: &[u8]) -> error::Result<()> {
        let lengths = u32::try_from(key.len()).ok().zip(u32::try_from(value.len()).ok());
        let (key_length, value_length) =
            lengths.ok_or_else(|| error::Error::internal("A record of the log is longer than it can be."))?;
        self.make_room(HEADER + key.len() + value.len())?;
        self.begins.push(self.packed.len());
        let Sequence { place, index } = sequence;
        for number in [table, key_length, value_length, place.file, place.offset, index] {
            self.packed.extend(number.to_le_bytes());
        }
        self.packed.push(kind as u8);
        self.packed.extend_from_slice(key);
        self.packed.extend_from_slice(value);
        if self.used() < self.memory { Ok(()) } else { self.spill() }
    }

    fn used(&self) -> usize {
        self.packed.len() + self.begins.len() * size_of::<usize>()
    }

    /// Makes sure that an entry of so many bytes takes no more memory than it must: a document can be as long as all that is
    /// kept, and a vector that grows takes twice that, beside what it was.
    fn make_room(&mut self, length: usize) -> error::Result<()> {
        if !self.begins.is_empty() && self.used() + length > self.memory {
            self.spill()?;
        }
        if length > self.packed.capacity() && self.packed.is_empty() {
            self.packed = Vec::with_capacity(length);
        }
        Ok(())
    }

    /// Returns what was added, sorted.
    ///
    /// # Errors
    /// Fails if nothing can be written in the temporary directory.
    pub fn finish(mut self) -> error::Result<Runs> {
        if self.spilled.is_some() {
            self.spill()?;
        }
        let failed = |cause| problem("sort in", &self.temporary, cause);
        let bytes = match &self.spilled {
            Some(file) => {
                // SAFETY: nobody else can open a file that has no name.
                #[allow(unsafe_code)]
                let map = unsafe { Mmap::map(file) }.map_err(failed)?;
                Bytes::InFile(map)
            }
            None => {
                let mut sorted = Vec::with_capacity(self.packed.len());
                let run = write_sorted(&self.packed, &mut self.begins, 0, &mut sorted).map_err(failed)?;
                self.runs.push(run);
                Bytes::InMemory(sorted)
            }
        };
        Ok(Runs { bytes, runs: self.runs })
    }

    fn spill(&mut self) -> error::Result<()> {
        let file = match &mut self.spilled {
            Some(file) => file,
            none => none.insert(unnamed_file(&self.temporary)?),
        };
        let failed = |cause| problem("sort in", &self.temporary, cause);
        let begin = self.runs.last().and_then(|Run(tables)| tables.last()).map_or(0, |(_, range)| range.end);
        let mut writer = BufWriter::new(&*file);
        self.runs.push(write_sorted(&self.packed, &mut self.begins, begin, &mut writer).map_err(failed)?);
        writer.flush().map_err(failed)?;
        drop(writer);
        self.packed.clear();
        self.begins.clear();
        Ok(())
    }
}

/// Writes entries in their order to where `begin` bytes are already.
fn write_sorted(packed: &[u8], begins: &mut [usize], begin: usize, out: &mut impl Write) -> std::io::Result<Run> {
    begins.sort_unstable_by_key(|at| {
        entry(packed.get(*at..).unwrap_or_default()).ok().map(|(table, entry, _)| (table, entry))
    });
    let mut tables: Vec<(u32, Range<usize>)> = Vec::new();
    let mut end = begin;
    for at in begins {
        let bytes = packed.get(*at..).unwrap_or_default();
        let (table, _, rest) = entry(bytes).map_err(std::io::Error::other)?;
        let bytes = bytes.get(..bytes.len() - rest.len()).unwrap_or_default();
        out.write_all(bytes)?;
        let before = end;
        end += bytes.len();
        match tables.last_mut() {
            Some((last, range)) if *last == table => range.end = end,
            _ => tables.push((table, before..end)),
        }
    }
    Ok(Run(tables))
}

/// Reads an entry; returns what follows it.
fn entry(bytes: &[u8]) -> Result<(u32, Entry<'_>, &[u8])> {
    let mut reader = Reader::new(bytes);
    let [table, key_length, value_length] = [reader.u32()?, reader.u32()?, reader.u32()?];
    let place = LogPlace { file: reader.u32()?, offset: reader.u32()? };
    let sequence = Sequence { place, index: reader.u32()? };
    let kind = match reader.u8()? {
        0 => Kind::Put,
        1 => Kind::Remove,
        2 => Kind::Modify,
        _ => return Err(Corrupt::new("a temporary file that somebody has written to")),
    };
    let (key, value) = (reader.bytes(key_length as usize)?, reader.bytes(value_length as usize)?);
    Ok((table, Entry { key, sequence, kind, value }, reader.rest()))
}

impl Runs {
    /// Returns the operations on a table, in the order of their keys and, for each, of the log.
    pub fn of_table(&self, number: u32) -> Merged<'_> {
        let bytes: &[u8] = match &self.bytes {
            Bytes::InMemory(bytes) => bytes,
            Bytes::InFile(map) => map,
        };
        let mut merged = Merged { rests: Vec::new(), heads: BinaryHeap::new() };
        for Run(tables) in &self.runs {
            let Ok(found) = tables.binary_search_by_key(&number, |(table, _)| *table) else { continue };
            let range = tables.get(found).map(|(_, range)| range.clone());
            merged.rests.push(range.and_then(|range| bytes.get(range)).unwrap_or_default());
            merged.advance(merged.rests.len() - 1);
        }
        merged
    }

    /// Returns whether they are in a file.
    pub fn is_spilled(&self) -> bool {
        matches!(self.bytes, Bytes::InFile(_))
    }
}

/// The operations on a table, in order.
#[derive(Debug)]
pub struct Merged<'a> {
    /// What is left of each run behind its head.
    rests: Vec<&'a [u8]>,
    heads: BinaryHeap<Reverse<(Entry<'a>, usize)>>,
}

impl<'a> Merged<'a> {
    fn advance(&mut self, run: usize) {
        let Some(rest) = self.rests.get_mut(run) else { return };
        if let Ok((_, entry, behind)) = entry(rest) {
            *rest = behind;
            self.heads.push(Reverse((entry, run)));
        }
    }

    /// Returns the key of the next operation.
    pub fn next_key(&self) -> Option<&'a [u8]> {
        self.heads.peek().map(|Reverse((entry, _))| entry.key)
    }
}

impl<'a> Iterator for Merged<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let Reverse((entry, run)) = self.heads.pop()?;
        self.advance(run);
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: u32, index: u32) -> Sequence {
        Sequence { place: LogPlace { file: 2, offset }, index }
    }

    #[test]
    fn operations_come_by_table_key_and_place_whether_in_memory_or_in_a_file() {
        let temporary = std::env::temp_dir();
        for (memory, spilled) in [(1 << 20, false), (100, true)] {
            let mut collector = Collector::new(&temporary, memory);
            for number in 0..300_u32 {
                let key = [(number * 7 % 10) as u8];
                collector.add(number % 3, &key, at(number / 2, number % 2), Kind::Put, &number.to_le_bytes()).unwrap();
            }
            collector.add(1, &[4], at(1_000, 0), Kind::Remove, &[]).unwrap();
            let runs = collector.finish().unwrap();
            assert_eq!(runs.is_spilled(), spilled);
            let entries: Vec<_> = runs.of_table(1).collect();
            assert_eq!(entries.len(), 101);
            assert!(entries.is_sorted_by(|one, other| (one.key, one.sequence) < (other.key, other.sequence)));
            let last = entries.iter().rfind(|entry| entry.key == [4]).unwrap();
            assert_eq!((last.kind, last.value), (Kind::Remove, &[][..]));
            assert_eq!(runs.of_table(3).next(), None);
        }
    }
}
