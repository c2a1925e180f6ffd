//! Directories and files as the inspection needs them: what is missing is an answer, what cannot be read an error.

use crate::error::Result;
use crate::files::problem::problem;
use std::fs;
use std::io;
use std::path::Path;

/// An entry of a directory.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// Name; what is not UTF-8 is replaced, since no name that we look for is like that.
    pub(super) name: String,
    /// It is a directory.
    pub(super) is_dir: bool,
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
            Ok(meta) => meta,
            // A node may be running.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            Err(cause) => return Err(problem("look at", &entry.path(), cause)),
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        named.push(Named { name, is_dir: meta.is_dir(), bytes: if meta.is_file() { meta.len() } else { 0 } });
    }
    named.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Some(named))
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
