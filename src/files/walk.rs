//! A tree as a sorted list.

use super::problem::problem;
use crate::error::{Error, Result};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// A file, directory, link or anything else in a tree.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Path below the root; empty for the root itself.
    pub(crate) path: PathBuf,
    /// Of the entry itself: links are not followed, but for the root.
    pub(crate) meta: Metadata,
}

impl Entry {
    /// Returns the path below `root`, without the trailing slash that joining an empty path would give.
    pub(crate) fn at(&self, root: &Path) -> PathBuf {
        at(root, &self.path)
    }

    /// Returns the last part of the path, or nothing for the root and names that are not UTF-8.
    pub(crate) fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }
}

fn at(root: &Path, relative: &Path) -> PathBuf {
    if relative.as_os_str().is_empty() { root.to_owned() } else { root.join(relative) }
}

/// What to do about entries that vanish while a tree is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vanished {
    Fails,
    Skipped,
}

/// Lists everything at and below `root`, sorted by name, parents ahead of their children.
///
/// # Errors
/// Fails if a directory cannot be read or something vanishes meanwhile.
pub(crate) fn walk(root: &Path, cancel: &CancellationToken) -> Result<Vec<Entry>> {
    list(root, Vanished::Fails, cancel)
}

/// As [`walk`], for a tree that may be in use: what vanishes meanwhile is left out.
///
/// # Errors
/// Fails if a directory cannot be read.
pub(crate) fn walk_in_use(root: &Path, cancel: &CancellationToken) -> Result<Vec<Entry>> {
    list(root, Vanished::Skipped, cancel)
}

fn list(root: &Path, vanished: Vanished, cancel: &CancellationToken) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(path) = pending.pop() {
        if cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        let is_root = path.as_os_str().is_empty();
        let full = at(root, &path);
        match look(&full, is_root) {
            Ok((meta, mut names)) => {
                names.sort_unstable();
                pending.extend(names.into_iter().rev().map(|name| path.join(name)));
                entries.push(Entry { path, meta });
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && !is_root && vanished == Vanished::Skipped => {}
            Err(cause) => return Err(problem("read", &full, cause)),
        }
    }
    Ok(entries)
}

/// Returns what is at `path` and, of a directory, the names in it.
fn look(path: &Path, follow: bool) -> io::Result<(Metadata, Vec<OsString>)> {
    let meta = if follow { fs::metadata(path)? } else { fs::symlink_metadata(path)? };
    let names = if meta.is_dir() {
        fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<_>>()?
    } else {
        Vec::new()
    };
    Ok((meta, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("b/c")).unwrap();
        fs::write(dir.path().join("b/a"), "").unwrap();
        fs::write(dir.path().join("a"), "").unwrap();
        std::os::unix::fs::symlink("b", dir.path().join("z")).unwrap();
        let found = walk(dir.path(), &CancellationToken::new()).unwrap();
        let paths: Vec<_> = found.iter().map(|entry| entry.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["", "a", "b", "b/a", "b/c", "z"]);
        assert!(found.last().unwrap().meta.is_symlink());
    }
}
