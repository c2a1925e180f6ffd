//! The last operation on each document of a translog, to be looked up by type and id.
//!
//! Each is a record of 16 bytes, and the records are in order. A translog of many small operations has millions of them:
//! more than [`IN_MEMORY`] are in a temporary file without a name, sorted in runs, merged, and mapped. So memory is a few
//! megabytes for a shard, whatever is in its translog.

use super::super::mapped::MappedFile;
use crate::error::{Error, Result};
use crate::files::problem::problem;
use crate::files::sort::{Sorted, Sorter};
use crate::files::temporary::{large_temporary_directory, unnamed_file};
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;

/// Operations whose records stay in memory: 1 MiB, and as much while they are sorted.
pub(super) const IN_MEMORY: usize = 1 << 16;
/// Bits of the filter for each record, at least.
const FILTER_BITS: usize = 16;
/// Binary logarithm of the bits of the filter, at least and at most: 2 MiB.
const FILTER_SIZES: (u32, u32) = (6, 24);

/// An operation: from the highest bit on, 64 bits of a hash of type and id, the number of the file, the offset in it, and
/// whether it deletes. So the order of records is by document, and for each document that in which they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record(u128);

impl Record {
    const FILE_BITS: u32 = 20;
    const OFFSET_BITS: u32 = 43;

    /// Returns the record of an operation; none if the numbers are larger than any node writes.
    pub fn new(hash: u64, file: u32, offset: u64, deletes: bool) -> Option<Self> {
        let fits = file >> Self::FILE_BITS == 0 && offset >> Self::OFFSET_BITS == 0;
        let place = u128::from(file) << Self::OFFSET_BITS | u128::from(offset);
        fits.then_some(Self(u128::from(hash) << 64 | place << 1 | u128::from(deletes)))
    }

    /// Returns the hash of type and id.
    pub fn hash(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// Returns the number of the file.
    pub fn file(self) -> usize {
        ((self.0 as u64 >> 1) >> Self::OFFSET_BITS) as usize
    }

    /// Returns where in the file the operation begins.
    pub fn offset(self) -> u64 {
        (self.0 as u64 >> 1) & ((1 << Self::OFFSET_BITS) - 1)
    }

    /// Returns whether the operation deletes.
    pub fn deletes(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Collects the operations of a translog.
pub(super) struct Operations(Sorter);

/// The last operation on each document.
#[derive(Debug, Default)]
pub(super) struct LastOperations {
    records: Records,
    /// One bit for each hash that may be among the records: most documents that are asked for are not.
    filter: Vec<u64>,
    written: u64,
}

/// Records in order, their bytes from the highest on.
#[derive(Debug)]
enum Records {
    InMemory(Vec<[u8; 16]>),
    Mapped(MappedFile),
}

impl Default for Records {
    fn default() -> Self {
        Self::InMemory(Vec::new())
    }
}

impl Operations {
    /// Returns none yet.
    pub fn new() -> Self {
        Self(Sorter::new(&large_temporary_directory(), IN_MEMORY))
    }

    /// Adds an operation.
    ///
    /// # Errors
    /// Fails when the temporary file cannot be written.
    pub fn add(&mut self, record: Record) -> Result<()> {
        self.0.add(record.0).map_err(elsewhere)
    }

    /// Keeps the last operation on each document. `same` tells whether two of the same hash are on the same one.
    ///
    /// # Errors
    /// Fails when the temporary file cannot be written.
    pub fn last(self, same: impl Fn(Record, Record) -> bool) -> Result<LastOperations> {
        let sorted = self.0.sorted().map_err(elsewhere)?;
        let mut written = 0;
        let count = |record: Record| written += u64::from(!record.deletes());
        let records =
            if sorted.is_in_memory() { in_memory(&sorted, same, count) } else { mapped(&sorted, same, count) };
        let mut last = LastOperations { records: records?, filter: Vec::new(), written };
        last.fill_filter();
        Ok(last)
    }
}

fn in_memory(sorted: &Sorted, same: impl Fn(Record, Record) -> bool, mut count: impl FnMut(Record)) -> Result<Records> {
    let mut records = Vec::new();
    for_each_last(sorted, same, |record| {
        count(record);
        records.push(record.0.to_be_bytes());
        Ok(())
    })?;
    Ok(Records::InMemory(records))
}

fn mapped(sorted: &Sorted, same: impl Fn(Record, Record) -> bool, mut count: impl FnMut(Record)) -> Result<Records> {
    let directory = large_temporary_directory();
    let unwritten = |cause| elsewhere(problem("write a temporary file in", &directory, cause));
    let mut writer = BufWriter::with_capacity(1 << 16, unnamed_file(&directory).map_err(elsewhere)?);
    for_each_last(sorted, same, |record| {
        count(record);
        writer.write_all(&record.0.to_be_bytes()).map_err(unwritten)
    })?;
    let file = writer.into_inner().map_err(|error| unwritten(error.into_error()))?;
    Ok(Records::Mapped(MappedFile::of(directory, &file)?))
}

/// Gives out the last operation on each document, in order.
fn for_each_last(
    sorted: &Sorted,
    same: impl Fn(Record, Record) -> bool,
    mut each: impl FnMut(Record) -> Result<()>,
) -> Result<()> {
    // Those of one hash: one, unless two documents have the same by chance.
    let mut group: Vec<Record> = Vec::new();
    let mut give = |group: &mut Vec<Record>| {
        group.sort_unstable();
        group.drain(..).try_for_each(&mut each)
    };
    sorted.for_each(|value| {
        let record = Record(value);
        if group.first().is_some_and(|first| first.hash() != record.hash()) {
            give(&mut group)?;
        }
        match group.iter_mut().find(|earlier| same(**earlier, record)) {
            Some(earlier) => *earlier = record,
            None => group.push(record),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    give(&mut group)
}

fn elsewhere(error: Error) -> Error {
    error.hint("Or let temporary files be made elsewhere: TMPDIR=DIR in front of the command.")
}

impl LastOperations {
    fn records(&self) -> &[[u8; 16]] {
        match &self.records {
            Records::InMemory(records) => records,
            Records::Mapped(file) => file.bytes().as_chunks().0,
        }
    }

    fn fill_filter(&mut self) {
        let wanted = (self.records().len() * FILTER_BITS).next_power_of_two().ilog2();
        let mut filter = vec![0_u64; 1 << (wanted.clamp(FILTER_SIZES.0, FILTER_SIZES.1) - 6)];
        for record in self.records() {
            let (word, bit) = place(filter.len(), Record(u128::from_be_bytes(*record)).hash());
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
        self.filter = filter;
    }

    /// Tells whether there is anything at all.
    pub fn is_empty(&self) -> bool {
        self.records().is_empty()
    }

    /// Returns how many of the documents were written and not deleted.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Tells whether an operation is the last on its document.
    pub fn contains(&self, record: Record) -> bool {
        self.records().binary_search(&record.0.to_be_bytes()).is_ok()
    }

    /// Tells whether there is an operation of this hash on the document for which `is` is true.
    #[inline]
    pub fn any(&self, hash: u64, is: impl Fn(Record) -> bool) -> bool {
        let (word, bit) = place(self.filter.len(), hash);
        self.filter.get(word).is_some_and(|word| word & bit != 0) && self.search(hash, is)
    }

    fn search(&self, hash: u64, is: impl Fn(Record) -> bool) -> bool {
        let records = self.records();
        let start = records.partition_point(|record| Record(u128::from_be_bytes(*record)).hash() < hash);
        let from_start = records.get(start..).unwrap_or_default().iter();
        let mut records = from_start.map(|record| Record(u128::from_be_bytes(*record)));
        records.by_ref().take_while(|record| record.hash() == hash).any(is)
    }
}

/// Returns the word of the filter, of so many (a power of two), and the bit in it that a hash has.
#[inline]
fn place(words: usize, hash: u64) -> (usize, u64) {
    // As records are in order of their hashes, so are the words while the filter is filled.
    let bits = words.max(1).ilog2() + 6;
    let bit = hash >> (u64::BITS - bits);
    ((bit >> 6) as usize, 1 << (bit & 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_record_keeps_its_numbers_and_refuses_larger_ones() {
        let (file, offset) = ((1 << 20) - 1, (1 << 43) - 1);
        for deletes in [false, true] {
            let record = Record::new(u64::MAX - 1, file, offset, deletes).unwrap();
            let read = (record.hash(), record.file(), record.offset(), record.deletes());
            assert_eq!(read, (u64::MAX - 1, file as usize, offset, deletes));
        }
        assert_eq!((Record::new(0, file + 1, 0, false), Record::new(0, 0, offset + 1, false)), (None, None));
    }

    proptest! {
        #[test]
        fn the_last_on_each_document_is_found_in_memory_and_in_a_file(
            operations in proptest::collection::vec((0_u64..40, any::<bool>()), 0..300), in_memory in 1_usize..400,
        ) {
            // Two documents share each hash; which of them it is, is known by where it was written.
            let document_at: Vec<u64> = operations.iter().map(|(document, _)| *document).collect();
            let document = |record: Record| document_at[record.offset() as usize];
            let hash = |document: u64| (document / 2).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut sorted = Operations(Sorter::new(&std::env::temp_dir(), in_memory));
            let mut expected = BTreeMap::new();
            for ((number, deletes), offset) in operations.iter().zip(0..) {
                let record = Record::new(hash(*number), 0, offset, *deletes).unwrap();
                sorted.add(record).unwrap();
                expected.insert(*number, record);
            }
            let last = sorted.last(|a, b| document(a) == document(b)).unwrap();
            prop_assert_eq!(last.is_empty(), expected.is_empty());
            prop_assert_eq!(last.written(), expected.values().filter(|record| !record.deletes()).count() as u64);
            for number in 0..40 {
                let found = last.any(hash(number), |record| document(record) == number);
                prop_assert_eq!(found, expected.contains_key(&number));
            }
            for ((number, deletes), offset) in operations.iter().zip(0..) {
                let record = Record::new(hash(*number), 0, offset, *deletes).unwrap();
                prop_assert_eq!(last.contains(record), expected[number] == record);
            }
        }
    }
}
