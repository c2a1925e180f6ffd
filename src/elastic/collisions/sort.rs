//! Finds values that occur more than once among any number of them, in bounded memory: sorted runs on disk, merged.

use crate::error::{Context, Result};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Values that are sorted in memory: 16 MiB.
const IN_MEMORY: usize = 1 << 20;
/// Bytes of a run that are read at a time.
const BUFFER: usize = 64 * 1024;

/// Collects values.
pub(super) struct Repeated {
    directory: PathBuf,
    in_memory: usize,
    values: Vec<u128>,
    runs: Vec<File>,
}

impl Repeated {
    /// Returns an empty collection that keeps in `directory` what does not fit into memory. The files there have no
    /// names: nothing is left of them, however the process ends.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), in_memory: IN_MEMORY, values: Vec::new(), runs: Vec::new() }
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
        let message = || format!("{} could not be used for sorting.", self.directory.display());
        self.values.sort_unstable();
        let path = self.directory.join(format!("sort-{}-{}.tmp", std::process::id(), self.runs.len()));
        let file = File::options().read(true).write(true).create_new(true).open(&path).context(message)?;
        std::fs::remove_file(&path).context(message)?;
        let mut writer = BufWriter::with_capacity(BUFFER, file);
        for value in self.values.drain(..) {
            writer.write_all(&value.to_le_bytes()).context(message)?;
        }
        let mut file = writer.into_inner().map_err(std::io::IntoInnerError::into_error).context(message)?;
        file.rewind().context(message)?;
        self.runs.push(file);
        Ok(())
    }

    /// Returns the values that were added more than once, if there are no more than `most`.
    ///
    /// # Errors
    /// Fails when the disk does.
    pub fn find(mut self, most: usize) -> Result<Option<HashSet<u128>>> {
        let message = || format!("{} could not be used for sorting.", self.directory.display());
        self.values.sort_unstable();
        let runs = self.runs.into_iter().map(|run| Run::File(BufReader::with_capacity(BUFFER, run)));
        let mut runs: Vec<Run> = runs.chain([Run::Memory(self.values.into_iter())]).collect();
        let mut heads = BinaryHeap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            heads.extend(run.next().context(message)?.map(|value| Reverse((value, number))));
        }
        let (mut last, mut found) = (None, HashSet::new());
        while let Some(Reverse((value, number))) = heads.pop() {
            if last == Some(value) && found.insert(value) && found.len() > most {
                return Ok(None);
            }
            last = Some(value);
            if let Some(run) = runs.get_mut(number) {
                heads.extend(run.next().context(message)?.map(|value| Reverse((value, number))));
            }
        }
        Ok(Some(found))
    }
}

/// Values in order.
enum Run {
    Memory(std::vec::IntoIter<u128>),
    File(BufReader<File>),
}

impl Run {
    fn next(&mut self) -> std::io::Result<Option<u128>> {
        match self {
            Self::Memory(values) => Ok(values.next()),
            Self::File(file) => {
                let mut value = [0; 16];
                match file.read_exact(&mut value) {
                    Ok(()) => Ok(Some(u128::from_le_bytes(value))),
                    Err(end) if end.kind() == ErrorKind::UnexpectedEof => Ok(None),
                    Err(cause) => Err(cause),
                }
            }
        }
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
            values in proptest::collection::vec(0_u128..100, 0..200), in_memory in 1_usize..50,
        ) {
            let directory = tempfile::tempdir().unwrap();
            let mut repeated = Repeated { in_memory, ..Repeated::new(directory.path()) };
            let mut counts = BTreeMap::new();
            for value in values {
                repeated.add(value).unwrap();
                *counts.entry(value).or_insert(0) += 1;
            }
            prop_assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "files without names");
            let expected: HashSet<u128> = counts.into_iter().filter(|(_, count)| *count > 1).map(|(value, _)| value).collect();
            let found = repeated.find(expected.len()).unwrap();
            prop_assert_eq!(found, Some(expected));
        }
    }

    #[test]
    fn too_many_are_not_collected() {
        let directory = tempfile::tempdir().unwrap();
        let mut repeated = Repeated::new(directory.path());
        for value in [1, 1, 2, 2, 3] {
            repeated.add(value).unwrap();
        }
        assert_eq!(repeated.find(1).unwrap(), None);
    }
}
