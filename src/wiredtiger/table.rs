//! A table at its newest checkpoint: its rows, with what the log has changed since.

use super::address::Address;
use super::corrupt::refused;
use super::replay::Replay;
use super::replay::changes::Each;
use super::table_entry::TableEntry;
use super::table_file::TableFile;
use super::tree::{self, Counted};
use super::{Corrupt, Stopped};
use crate::error::{Error, Result};
use crate::files::problem::problem;
use std::io;
use std::path::{Path, PathBuf};

/// A table at its newest checkpoint.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    file: TableFile,
    root: Option<Address>,
    entry: TableEntry,
}

impl Table {
    /// Opens a table's file.
    ///
    /// # Errors
    /// Refuses one that is missing or damaged. Fails if it cannot be read. One that is shorter than its checkpoint tells need
    /// not lack anything: a server that was killed may have made room for a page that it never wrote. Every page that
    /// the checkpoint has is looked for when it is read.
    pub fn open(path: PathBuf, entry: &TableEntry) -> Result<Self> {
        let opened = match TableFile::open(&path, entry.allocation_size, entry.compressor) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(Error::refused(format!("{} is missing.", path.display()))
                    .because(Corrupt::new("the directory's metadata name it"))
                    .hint("If the directory is a copy, copy it again, with all that is in it."));
            }
            opened => opened.map_err(|cause| problem("read", &path, cause))?,
        };
        let file = opened.map_err(|why| refused(&path, why))?;
        let root = entry.checkpoint.and_then(|checkpoint| checkpoint.root);
        Ok(Self { path, file, root, entry: entry.clone() })
    }

    /// Gives every row to `each`, in the order of the keys: those of the checkpoint, with what `replay` has changed.
    ///
    /// # Errors
    /// Refuses what is damaged or unknown, with the path; returns the first error of `each`.
    pub fn rows(
        &self,
        replay: Option<&Replay>,
        mut each: impl FnMut(&[u8], &[u8]) -> std::result::Result<(), Stopped>,
    ) -> Result<Counted> {
        let changes = replay.and_then(|replay| replay.of_table(self.entry.number, self.entry.log_place));
        let counted = match changes {
            Some(changes) => changes.over(|each: &mut Each<'_>| self.of_checkpoint(each), &mut each),
            None => self.of_checkpoint(&mut each),
        };
        counted.map_err(|stopped| stopped.by(&self.path))
    }

    fn of_checkpoint(&self, each: &mut Each<'_>) -> std::result::Result<Counted, Stopped> {
        match self.root {
            Some(root) => tree::walk(&self.file, root, each),
            None => Ok(Counted::default()),
        }
    }

    /// Returns the path of its file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
