//! Directories and files as the inspection needs them: what is missing is an answer, what cannot be read an error.

use crate::error::Result;
use crate::files::problem::problem;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

/// Left by file systems and snapshots at the root of a volume: no data.
pub(super) const NOT_DATA: [&str; 2] = ["lost+found", ".snapshot"];
/// Length of an index's id: 16 bytes in the URL-safe alphabet of Base64 (`org.elasticsearch.common.UUIDs`).
const UUID: usize = 22;

/// An entry of a directory.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// Name; what is not UTF-8 is replaced, since no name that we look for is like that.
    pub(super) name: String,
    /// It is a directory.
    pub(super) is_dir: bool,
    /// It is a link that leads nowhere.
    pub(super) leads_nowhere: bool,
    /// Length of a file in bytes.
    pub(super) bytes: u64,
}

/// Lists a directory by name; nothing if there is none.
pub(super) fn list(dir: &Path) -> Result<Option<Vec<Named>>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(cause) => return Err(problem("read the directory", dir, cause)),
    };
    let mut named = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|cause| problem("read the directory", dir, cause))?;
        // Follows links: a data directory's parts may be linked from elsewhere.
        let meta = match fs::metadata(entry.path()) {
            Ok(meta) => Some(meta),
            Err(cause) if is_nowhere(&cause) && leads_nowhere(&entry.path())? => None,
            // A node may be running.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            Err(cause) => return Err(problem("look at", &entry.path(), cause)),
        };
        named.push(Named {
            name: entry.file_name().to_string_lossy().into_owned(),
            is_dir: meta.as_ref().is_some_and(Metadata::is_dir),
            leads_nowhere: meta.is_none(),
            bytes: meta.filter(Metadata::is_file).map_or(0, |meta| meta.len()),
        });
    }
    named.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Some(named))
}

/// Returns whether there is a link at `path` behind which there is nothing: of a disk that is not mounted, perhaps.
pub(super) fn leads_nowhere(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => match fs::metadata(path) {
            Ok(_) => Ok(false),
            Err(cause) if is_nowhere(&cause) => Ok(true),
            Err(cause) => Err(problem("look at", path, cause)),
        },
        Ok(_) => Ok(false),
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(cause) => Err(problem("look at", path, cause)),
    }
}

/// Links may also lead through files, or round in a circle.
fn is_nowhere(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || cause.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Returns the names alone.
pub(super) fn names(entries: &[Named]) -> impl Iterator<Item = &str> {
    entries.iter().map(|entry| entry.name.as_str())
}

/// Reads a whole file; nothing if there is none.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(problem("read", path, cause)),
    }
}

/// Returns whether a name has the form of an index's id.
pub(super) fn is_uuid(name: &str) -> bool {
    name.len() == UUID && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
