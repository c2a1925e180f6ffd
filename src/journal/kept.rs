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

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::Value;

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

/// Where a line is in a journal's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Bytes in front of it.
    pub(super) offset: u64,
    /// Its own bytes.
    pub(super) length: u64,
    /// Its number.
    pub(super) number: u64,
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

pub(super) fn crc(text: &[u8]) -> String {
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
