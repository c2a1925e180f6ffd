//! Reads, writes and removes the long values of notes.

use super::kept::{Kept, NoteFile, crc};
use super::log;
use super::record::Record;
use crate::error::{Error, Result};
use crate::failpoints;
use crate::files::{self, problem::problem};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a journal is, to find its long notes by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The journal's file.
    pub(super) journal: PathBuf,
    /// The directory of its notes.
    pub(super) notes: PathBuf,
}

impl Place {
    pub(super) fn new(journal: &Path, run_id: &str) -> Self {
        Self { journal: journal.to_owned(), notes: journal.with_file_name(format!("{run_id}.notes")) }
    }

    /// Reads the value of a note. The error is the reason alone.
    pub(super) fn read<T: DeserializeOwned>(&self, kept: &Kept) -> Result<T, anyhow::Error> {
        Ok(match kept {
            Kept::Here(value) => T::deserialize(value)?,
            Kept::Line(span) => match log::record_at(&self.journal, *span)? {
                Record::Note { value: Kept::Here(value), .. } => serde_json::from_value(value)?,
                _ => return Err(changed(&self.journal).into()),
            },
            Kept::File(file) => serde_json::from_slice(&self.content(file)?)?,
        })
    }

    /// Writes the file of a note. When this returns, it is on disk.
    pub(super) fn write(&self, file: &NoteFile, text: &[u8]) -> Result<()> {
        failpoints::reach("files.journal_note")?;
        if !files::exists(&self.notes)? {
            files::create_private_dir(&self.notes)?;
        }
        // One of that name is of a record that was never written.
        files::write_atomic(&self.notes.join(&file.name), text)
    }

    /// Removes the file of a note that nothing names any more.
    pub(super) fn remove(&self, file: &NoteFile) -> Result<()> {
        files::remove_file(&self.notes.join(&file.name))
    }

    /// Removes files that no note names: of records that were never written, and of steps that are undone.
    pub(super) fn sweep(&self, named: &BTreeSet<&str>) -> Result<()> {
        if !files::exists(&self.notes)? {
            return Ok(());
        }
        let entries = fs::read_dir(&self.notes).map_err(|cause| problem("read", &self.notes, cause))?;
        for entry in entries {
            let entry = entry.map_err(|cause| problem("read", &self.notes, cause))?;
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_file && !entry.file_name().to_str().is_some_and(|name| named.contains(name)) {
                files::remove_file(&entry.path())?;
            }
        }
        Ok(())
    }

    fn content(&self, file: &NoteFile) -> Result<Vec<u8>> {
        let path = self.notes.join(&file.name);
        let text = fs::read(&path).map_err(|cause| problem("read", &path, cause))?;
        match text.len() as u64 == file.bytes && crc(&text) == file.crc {
            true => Ok(text),
            false => Err(changed(&path)),
        }
    }
}

fn changed(path: &Path) -> Error {
    Error::failed(format!("{} is not as this program has written it.", path.display()))
}
