//! The journal's file: one line per record,
//!
//! ```text
//! v1 <number, from 1> <CRC-32 in 8 hex digits> <json>
//! ```
//!
//! The CRC covers the number, a space and the JSON text. Each line is flushed before anything that it announces is
//! done. A crash can leave the last line incomplete or unreadable: then what it announced was not begun, and it is cut
//! off. The same anywhere else is damage, and an error.

use super::kept::{Kept, LONG, Span};
use super::record::Record;
use crate::error::{Error, Result};
use crate::failpoints;
use crate::files::problem::problem;
use crate::files::write_new;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

/// The JSON part of a line.
#[derive(Debug, Deserialize)]
struct Body {
    at: Timestamp,
    record: Record,
}

/// The same, to be written.
#[derive(Debug, Serialize)]
struct BodyOf<'a> {
    at: Timestamp,
    record: &'a Record,
}

/// The JSON part of a long line: what it is about, and none of its value.
#[derive(Debug, Deserialize)]
struct LongBody {
    at: Timestamp,
    record: LongNote,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename = "note")]
struct LongNote {
    step: String,
    key: String,
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Position in the journal, from 1.
    pub number: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub record: Record,
}

/// What a journal's file holds.
#[derive(Debug)]
pub struct Contents {
    /// The records, in order.
    pub entries: Vec<Entry>,
    /// Length in bytes of the lines that are whole; less than the file's only if its tail is torn.
    pub valid_length: u64,
}

/// A journal's file, open for appending.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    length: u64,
    next: u64,
    /// A line was written in part and could not be taken back.
    torn: bool,
}

impl Log {
    /// Creates the file with its first record, in one moment: there is never an empty journal.
    ///
    /// # Errors
    /// Fails if something is at `path` or it cannot be written.
    pub fn create(path: &Path, first: &Record, at: Timestamp) -> Result<Self> {
        let line = line(1, first, at)?;
        write_new(path, line.as_bytes(), None)?;
        let file = open_for_append(path)?;
        Ok(Self { path: path.to_owned(), file, length: length(line.len()), next: 2, torn: false })
    }

    /// Opens the file to append to it, and cuts off a torn tail.
    ///
    /// # Errors
    /// As [`read`], and if the file cannot be written.
    pub fn open(path: &Path) -> Result<(Self, Vec<Entry>)> {
        let Contents { entries, valid_length } = read(path)?;
        let file = open_for_append(path)?;
        let there = file.metadata().map_err(|cause| problem("look at", path, cause))?.len();
        if there > valid_length {
            let cut = file.set_len(valid_length).and_then(|()| file.sync_all());
            cut.map_err(|cause| problem("cut the torn end of", path, cause))?;
        }
        let next = entries.last().map_or(1, |entry| entry.number + 1);
        Ok((Self { path: path.to_owned(), file, length: valid_length, next, torn: false }, entries))
    }

    /// Appends a record and flushes it.
    ///
    /// # Errors
    /// Fails if it cannot be written; then the file is as before.
    pub fn append(&mut self, record: &Record, at: Timestamp) -> Result<()> {
        failpoints::reach("files.journal_append")?;
        if self.torn {
            return Err(Error::failed(format!("The journal {} has a torn end.", self.path.display()))
                .hint("Run the same command again: it repairs the journal and continues."));
        }
        let line = line(self.next, record, at)?;
        if let Err(cause) = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data()) {
            self.torn = self.file.set_len(self.length).is_err();
            return Err(problem("write to the journal", &self.path, cause));
        }
        self.length += length(line.len());
        self.next += 1;
        Ok(())
    }

    /// Returns the number that the next record will have.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// Returns the path by which it was opened, or where it was said to be since.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says where the file is by now: one that is open stays so while its directory is renamed.
    pub fn moved_to(&mut self, path: &Path) {
        path.clone_into(&mut self.path);
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn open_for_append(path: &Path) -> Result<File> {
    OpenOptions::new().append(true).open(path).map_err(|cause| problem("open the journal", path, cause))
}

fn line(number: u64, record: &Record, at: Timestamp) -> Result<String> {
    let json = serde_json::to_string(&BodyOf { at, record })
        .map_err(|cause| Error::internal("A journal record cannot be written as JSON.").because(cause))?;
    let checked = format!("{number} {json}");
    Ok(format!("v{VERSION} {number} {:08x} {json}\n", crc32fast::hash(checked.as_bytes())))
}

/// Reads the journal at `path` and changes nothing. Values of long notes are passed over. Memory: the longest line.
///
/// # Errors
/// Fails if it cannot be read, a line other than the last is damaged, or a newer program wrote it.
pub fn read(path: &Path) -> Result<Contents> {
    let file = File::open(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => Error::failed(format!("There is no journal at {}.", path.display()))
            .because(cause)
            .hint("If its directory was moved, move it back. Then run the same command again."),
        _ => problem("read the journal", path, cause),
    })?;
    parse(&mut BufReader::new(file), path)
}

/// Reads the record of one line of the journal at `path`, whole.
///
/// # Errors
/// Fails if it cannot be read or is not that line any more.
pub fn record_at(path: &Path, span: Span) -> Result<Record> {
    let failed = |cause| problem("read the journal", path, cause);
    let mut file = File::open(path).map_err(failed)?;
    file.seek(SeekFrom::Start(span.offset)).map_err(failed)?;
    let mut text = Vec::new();
    file.take(span.length).read_to_end(&mut text).map_err(failed)?;
    match parse_line(&text, span, LongLines::Whole) {
        Ok(entry) => Ok(entry.record),
        Err(bad) => Err(bad.of_line(span.number, path)),
    }
}

fn parse(journal: &mut impl BufRead, path: &Path) -> Result<Contents> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut valid_length = 0;
    let mut text = Vec::new();
    loop {
        text.clear();
        let failed = |cause| problem("read the journal", path, cause);
        if journal.read_until(b'\n', &mut text).map_err(failed)? == 0 {
            break;
        }
        let span = Span { offset: valid_length, length: length(text.len()), number: length(entries.len()) + 1 };
        match parse_line(&text, span, LongLines::PassedOver) {
            Ok(entry) => entries.push(entry),
            Err(Bad::Damaged(_)) if journal.fill_buf().map_err(failed)?.is_empty() => break,
            Err(bad) => return Err(bad.of_line(span.number, path)),
        }
        valid_length += span.length;
    }
    Ok(Contents { entries, valid_length })
}

enum Bad {
    /// Whole, but of a version or with a record that we do not know.
    Newer(String),
    /// Incomplete or altered.
    Damaged(&'static str),
}

impl Bad {
    fn of_line(self, number: u64, path: &Path) -> Error {
        let line = format!("Line {number} of the journal {}", path.display());
        match self {
            Self::Newer(what) => {
                Error::refused(format!("{line} was written by another version of this program ({what})."))
                    .hint("Install the newest version, then run the same command again.")
            }
            Self::Damaged(why) => Error::failed(format!("{line} is damaged: {why}."))
                .hint("Restore the file from a backup. If there is none, move it away and undo by hand."),
        }
    }
}

/// What becomes of the values of long notes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LongLines {
    Whole,
    PassedOver,
}

fn parse_line(bytes: &[u8], span: Span, long: LongLines) -> Result<Entry, Bad> {
    let whole = bytes.strip_suffix(b"\n").ok_or(Bad::Damaged("it has no end"))?;
    let text = std::str::from_utf8(whole).map_err(|_| Bad::Damaged("it is not text"))?;
    let (version, rest) = text.split_once(' ').unwrap_or((text, ""));
    match version.strip_prefix('v').and_then(|number| number.parse::<u32>().ok()) {
        Some(VERSION) => {}
        Some(other) => return Err(Bad::Newer(format!("format {other}"))),
        None => return Err(Bad::Damaged("it does not begin with a version")),
    }
    let mut parts = rest.splitn(3, ' ');
    let (Some(written), Some(crc), Some(json)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Bad::Damaged("it is too short"));
    };
    let mut actual = crc32fast::Hasher::new();
    [written, " ", json].iter().for_each(|part| actual.update(part.as_bytes()));
    if crc.len() != 8 || u32::from_str_radix(crc, 16) != Ok(actual.finalize()) {
        return Err(Bad::Damaged("its checksum is wrong"));
    }
    if written.parse() != Ok(span.number) {
        return Err(Bad::Damaged("its number is out of order"));
    }
    let number = span.number;
    if long == LongLines::PassedOver
        && json.len() > LONG
        && let Ok(LongBody { at, record: LongNote { step, key } }) = serde_json::from_str(json)
    {
        return Ok(Entry { number, at, record: Record::Note { step, key, value: Kept::Line(span) } });
    }
    // The checksum is right, so whoever wrote this meant it.
    let body: Body = serde_json::from_str(json).map_err(|cause| Bad::Newer(cause.to_string()))?;
    Ok(Entry { number, at: body.at, record: body.record })
}

#[cfg(test)]
mod tests;
