//! Any number of values in order, in bounded memory: sorted runs in a file, merged.

use super::problem::problem;
use super::temporary::unnamed_file;
use crate::error::Result;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Values of a run that are read at a time, at most.
const READ: usize = 4096;
/// Bytes of a value.
const VALUE: usize = size_of::<u128>();

/// Collects values.
pub(crate) struct Sorter {
    directory: PathBuf,
    /// Values that are in memory, at most: while runs are sorted, and of all runs together while they are merged.
    in_memory: usize,
    values: Vec<u128>,
    spilled: Option<Spilled>,
}

/// Sorted runs, one behind the other.
struct Spilled {
    file: File,
    /// Where each run is, in values.
    runs: Vec<Range<u64>>,
}

/// Values in order, to be gone through several times.
pub(crate) struct Sorted {
    directory: PathBuf,
    in_memory: usize,
    /// All of them, or none where they are in a file.
    values: Vec<u128>,
    spilled: Option<Spilled>,
}

/// Values that were added more than once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repeated {
    /// Each of them once, in order.
    pub values: Vec<u128>,
    /// How often all of them were added.
    pub times: usize,
}

impl Sorter {
    /// Returns an empty collection that keeps `in_memory` values of 16 bytes in memory, and in `directory` what is
    /// more. The file there has no name: nothing is left of it, however the process ends.
    pub fn new(directory: &Path, in_memory: usize) -> Self {
        Self { directory: directory.to_owned(), in_memory, values: Vec::new(), spilled: None }
    }

    /// Adds a value.
    ///
    /// # Errors
    /// Fails when the disk does.
    pub fn add(&mut self, value: u128) -> Result<()> {
        self.values.push(value);
        if self.values.len() < self.in_memory { Ok(()) } else { self.spill() }
    }

    fn spill(&mut self) -> Result<()> {
        let unwritten = |cause| problem("sort in", &self.directory, cause);
        self.values.sort_unstable();
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            none => none.insert(Spilled { file: unnamed_file(&self.directory)?, runs: Vec::new() }),
        };
        let start = spilled.runs.last().map_or(0, |run| run.end);
        spilled.runs.push(start..start + self.values.len() as u64);
        let mut writer = BufWriter::with_capacity(READ * VALUE, &spilled.file);
        for value in self.values.drain(..) {
            writer.write_all(&value.to_le_bytes()).map_err(unwritten)?;
        }
        writer.flush().map_err(unwritten)
    }

    /// Returns what was added, in order.
    ///
    /// # Errors
    /// Fails when the disk does.
    pub fn sorted(mut self) -> Result<Sorted> {
        if self.spilled.is_some() {
            self.spill()?;
            self.values = Vec::new();
        }
        self.values.sort_unstable();
        let Self { directory, in_memory, values, spilled } = self;
        Ok(Sorted { directory, in_memory, values, spilled })
    }
}

impl Sorted {
    /// Returns whether all values are in memory.
    pub fn is_in_memory(&self) -> bool {
        self.spilled.is_none()
    }

    /// Gives out all values in order until it is told to stop.
    ///
    /// # Errors
    /// Fails when the disk or `each` does.
    pub fn for_each(&self, mut each: impl FnMut(u128) -> Result<ControlFlow<()>>) -> Result<()> {
        let Some(Spilled { file, runs }) = &self.spilled else {
            for value in &self.values {
                if each(*value)?.is_break() {
                    break;
                }
            }
            return Ok(());
        };
        let unread = |cause| problem("sort in", &self.directory, cause);
        let at_a_time = (self.in_memory / runs.len().max(1)).clamp(1, READ);
        let mut runs: Vec<Run<'_>> = runs.iter().map(|run| Run::new(file, run.clone(), at_a_time)).collect();
        let mut heads = BinaryHeap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            heads.extend(run.next().map_err(unread)?.map(|value| Reverse((value, number))));
        }
        while let Some(Reverse((value, number))) = heads.pop() {
            if each(value)?.is_break() {
                return Ok(());
            }
            if let Some(run) = runs.get_mut(number) {
                heads.extend(run.next().map_err(unread)?.map(|value| Reverse((value, number))));
            }
        }
        Ok(())
    }

    /// Returns the values that were added more than once, if all of them together were not more often than `most`.
    ///
    /// # Errors
    /// Fails when the disk does.
    pub fn repeated(&self, most: usize) -> Result<Option<Repeated>> {
        let (mut last, mut found) = (None, Repeated { values: Vec::new(), times: 0 });
        self.for_each(|value| {
            if last == Some(value) {
                let again = found.values.last() == Some(&value);
                found.times += if again { 1 } else { 2 };
                if !again {
                    found.values.push(value);
                }
            }
            last = Some(value);
            Ok(if found.times > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok((found.times <= most).then_some(found))
    }

    /// Returns the least of these values, which are in order, that was added too.
    ///
    /// # Errors
    /// Fails when the disk does.
    pub fn first_of(&self, wanted: &[u128]) -> Result<Option<u128>> {
        let (mut wanted, mut found) = (wanted, None);
        self.for_each(|value| {
            wanted = wanted.get(wanted.partition_point(|one| *one < value)..).unwrap_or_default();
            found = wanted.first().filter(|one| **one == value).copied();
            let goes_on = found.is_none() && !wanted.is_empty();
            Ok(if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(found)
    }
}

/// A run that is being read.
struct Run<'a> {
    file: &'a File,
    /// What is left in the file, in values.
    left: Range<u64>,
    /// Values that are read at a time.
    at_a_time: usize,
    read: Vec<u8>,
    /// Bytes of `read` that were given out.
    given: usize,
}

impl<'a> Run<'a> {
    fn new(file: &'a File, left: Range<u64>, at_a_time: usize) -> Self {
        Self { file, left, at_a_time, read: Vec::new(), given: 0 }
    }

    fn next(&mut self) -> std::io::Result<Option<u128>> {
        if self.given == self.read.len() {
            let number = (self.left.end - self.left.start).min(self.at_a_time as u64);
            self.read.resize(number as usize * VALUE, 0);
            self.file.read_exact_at(&mut self.read, self.left.start * VALUE as u64)?;
            self.left.start += number;
            self.given = 0;
        }
        let value = self.read.get(self.given..).and_then(|rest| rest.first_chunk());
        self.given += if value.is_some() { VALUE } else { 0 };
        Ok(value.map(|value| u128::from_le_bytes(*value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn what_occurs_twice_is_found_in_memory_and_on_disk(
            values in proptest::collection::vec(0_u128..100, 0..200),
            wanted in proptest::collection::btree_set(0_u128..100, 0..9),
            in_memory in 1_usize..50,
        ) {
            let directory = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::new(directory.path(), in_memory);
            let mut counts = BTreeMap::new();
            for value in values {
                sorter.add(value).unwrap();
                *counts.entry(value).or_insert(0) += 1;
            }
            prop_assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "a file without a name");
            let sorted = sorter.sorted().unwrap();
            let twice = counts.iter().filter(|(_, count)| **count > 1);
            let times = twice.clone().map(|(_, count)| *count).sum();
            let expected = Repeated { values: twice.map(|(value, _)| *value).collect(), times };
            prop_assert_eq!(sorted.repeated(times).unwrap(), Some(expected));
            if times > 0 {
                prop_assert_eq!(sorted.repeated(times - 1).unwrap(), None);
            }
            let first = wanted.iter().find(|value| counts.contains_key(value)).copied();
            prop_assert_eq!(sorted.first_of(&wanted.into_iter().collect::<Vec<_>>()).unwrap(), first);
        }
    }

    #[test]
    fn runs_longer_than_what_is_read_at_a_time_come_out_whole() {
        let directory = tempfile::tempdir().unwrap();
        let number = 3 * READ as u128;
        let mut sorter = Sorter::new(directory.path(), 2 * READ + 1);
        for value in (0..number).rev().chain([7]) {
            sorter.add(value).unwrap();
        }
        let (sorted, mut next) = (sorter.sorted().unwrap(), Vec::new());
        sorted
            .for_each(|value| {
                next.push(value);
                Ok(ControlFlow::Continue(()))
            })
            .unwrap();
        let mut expected: Vec<u128> = (0..number).chain([7]).collect();
        expected.sort_unstable();
        assert_eq!(next, expected);
    }
}
