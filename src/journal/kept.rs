//! Where the value of a note is: a short one in the journal's own line, a long one in a file of its own beside the journal.
//! A long one is read when it is asked for, so that a look at a journal costs no more than its lines.
//!
//! ```text
//! <home>/.clearml-migrate/journal                  … {"kind":"note_in_file","step":…,"key":…,"file":{…}}
//! <home>/.clearml-migrate/<run id>.notes/17.json   the value, named by the number of its record
//! ```
//!
//! A file is never written again: a later note of the same key gets a file of its own, is recorded, and only then is the
//! earlier file removed. Programs up to 0.1 of November 2026 kept long values in the lines; these are read from there.

use super::log::{self, Span};
use super::record::Record;
use crate::error::{Error, Result};
use crate::failpoints;
use crate::files::{self, problem::problem};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Values of more bytes than these, as JSON, get a file of their own.
pub(super) const LONG: usize = 4 * 1024;

/// The value of a note, or where it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// The value.
    Here(Value),
    /// In a line of the journal, which was passed over.
    Line(Span),
    /// In a file of its own.
    File(NoteFile),
}

/// A file with the value of a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteFile {
    /// Its name in the directory of the journal's notes.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// CRC-32 of its content, in 8 hex digits.
    pub crc: String,
}

impl NoteFile {
    /// Describes the file that a value gets.
    pub(super) fn new(number: u64, text: &[u8]) -> Self {
        Self { name: format!("{number}.json"), bytes: text.len() as u64, crc: crc(text) }
    }
}

fn crc(text: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(text))
}

impl From<Value> for Kept {
    fn from(value: Value) -> Self {
        Self::Here(value)
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Here(value) => value.serialize(serializer),
            Self::Line(_) | Self::File(_) => Err(ser::Error::custom("the value of a note is not at hand")),
        }
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::Here)
    }
}

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
