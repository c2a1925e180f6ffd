//! The documents of an Elasticsearch 5 data directory as text: bulk requests, one file for each index. Those of MongoDB are
//! [`mongo`]'s.
//!
//! Needs the files and nothing else: no Elasticsearch, no docker. What is written is what was sent to Elasticsearch,
//! each document behind the action line that `_bulk` of Elasticsearch 7 and 8 takes:
//!
//! ```text
//! {"create":{"_index":"events-log-x","_id":"a1","routing":"task"}}
//! {"timestamp":1587213000000,"task":"task","msg":"…"}
//! ```
//!
//! A directory gets a manifest with counts and checksums; an export that was cut off goes on behind the last part
//! that is known to be on disk.

mod into_directory;
mod into_stream;
mod line;
mod list;
mod manifest;
pub mod mongo;
mod output;
mod reading;
mod tasks;

pub use into_directory::into_directory;
pub(crate) use into_directory::{LOCK, file_name};
pub use into_stream::into_stream;
pub use list::{Listed, list};
pub(crate) use manifest::{CHECKSUMS, MANIFEST, hash_of};
pub use manifest::{FileEntry, Manifest, RegistryEntry};
pub use output::Encoding;
pub(crate) use output::hexadecimal;
pub use tasks::{TaskTotals, tasks_from_events};

use crate::error::{Error, Result};
use crate::events::Events;
use crate::lucene::data_dir::{DataDir, Kind, identify};
use crate::lucene::directory::{DataDirectory, Meant};
use crate::message::{Code, Message};
use glob::Pattern;
use std::path::{Path, PathBuf};

/// What is to be written.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The directory that Elasticsearch knows as `path.data`.
    pub source: PathBuf,
    /// Which indices.
    pub indices: Names,
    /// How documents are written.
    pub encoding: Encoding,
    /// It was said that the data hold no index, which is believed if they hold none.
    pub empty: bool,
}

/// A pattern for names of indices, with `*`, `?` and `[…]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Pattern);

impl Names {
    /// Returns the pattern that `text` spells.
    ///
    /// # Errors
    /// A usage error if it spells none.
    pub fn new(text: &str) -> Result<Self> {
        let wrong = |cause| {
            Error::usage(format!("{text:?} is no pattern for names of indices or collections."))
                .because(cause)
                .hint("Use * for any characters, ? for one: --index 'events-*'")
        };
        Ok(Self(Pattern::new(text).map_err(wrong)?))
    }

    /// Returns whether an index is meant.
    pub fn include(&self, name: &str) -> bool {
        self.0.matches(name)
    }

    /// Returns whether the pattern is the one that all match.
    pub(crate) fn include_all(&self) -> bool {
        self.text() == "*"
    }

    /// Returns the pattern as it was written.
    pub(crate) fn text(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the one name that is meant, if it is one and no pattern.
    fn one(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|name| !name.contains(['*', '?', '[']))
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Indices.
    pub indices: u64,
    /// Documents.
    pub documents: u64,
    /// Bytes of their sources, as they were sent.
    pub source_bytes: u64,
    /// Of these documents, those that were not sent as JSON and were turned into it.
    pub converted: u64,
}

/// Opens the directory for reading the indices that are meant; others may be damaged.
///
/// # Errors
/// As [`DataDirectory::open_indices`]; and refuses data without any index, unless it was said that they are empty, and a
/// pattern that no index matches.
fn open(selection: &Selection) -> Result<DataDirectory> {
    let Selection { source, indices: names, empty, .. } = selection;
    let such = |name: &str| names.include(name);
    let meant = names.one().map_or(Meant::Such(&such), Meant::One);
    let directory = DataDirectory::open_indices(source, meant)?;
    if (directory.indices().is_empty() || *empty)
        && let Kind::Elastic5(data) = identify(source)?.kind
    {
        require_some(source, &data, *empty)?;
    }
    if directory.indices().is_empty() && !*empty {
        return Err(Error::refused(format!("No index in {} matches {:?}.", source.display(), names.0.as_str()))
            .hint("--list shows what is there."));
    }
    Ok(directory)
}

/// Returns what of the data is not read, a sentence for each.
fn warnings(directory: &DataDirectory) -> Vec<String> {
    directory.left_out().iter().map(|left| format!("Not exported: {left}.")).collect()
}

/// Returns the error of a stream that takes no more.
fn cannot_write(cause: std::io::Error) -> Error {
    let error = match cause.kind() {
        std::io::ErrorKind::BrokenPipe => {
            Error::failed("Whatever took the documents has ended before it had all of them.")
        }
        _ => Error::failed("The documents cannot be written to the output."),
    };
    error.because(cause).hint("Nothing in the data directory was changed; give the same command again.")
}

fn tell_left_out(directory: &DataDirectory, events: &Events) {
    warnings(directory).into_iter().for_each(|warning| events.warn(Message::new(Code::ExportWarning, warning)));
}

/// Refuses data without any index, unless it was said that they are empty; and that word where it is not true.
fn require_some(source: &Path, data: &DataDir, empty: bool) -> Result<()> {
    match (data.indices.is_empty(), empty) {
        (true, true) | (false, false) => Ok(()),
        (true, false) => Err(Error::refused(format!("{}.", data.nothing_of("", source)))
            .hint("Is a disk not mounted, or was a copy cut off?")
            .hint("If it is known that there never was an index: --empty")),
        (false, true) => {
            let not_empty = format!("{} is not empty: it holds {}.", source.display(), data.some_indices());
            Err(Error::refused(not_empty).hint("Leave out --empty."))
        }
    }
}
