//! Small questions about paths, and single operations that survive a power cut.

use super::mounts;
use super::problem::problem;
use crate::error::{Error, Result};
use crate::failpoints;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Returns whether anything is at `path`, a dangling symbolic link included.
///
/// # Errors
/// Fails if that cannot be told, such as for want of permission.
pub fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(problem("look at", path, cause)),
    }
}

/// Returns whether the directory has no entries.
///
/// # Errors
/// Fails if `path` is no directory or cannot be read.
pub fn is_empty(path: &Path) -> Result<bool> {
    let mut entries = fs::read_dir(path).map_err(|cause| problem("read the directory", path, cause))?;
    match entries.next() {
        None => Ok(true),
        Some(Ok(_)) => Ok(false),
        Some(Err(cause)) => Err(problem("read the directory", path, cause)),
    }
}

/// Returns the absolute path without symbolic links.
///
/// # Errors
/// Fails if nothing is there.
pub fn canonical(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|cause| problem("resolve", path, cause))
}

/// Returns the nearest of `path` and its ancestors that exists, so that questions can be asked about a place where
/// something is yet to be made.
///
/// # Errors
/// Fails if not even the root can be looked at.
pub fn nearest_existing(path: &Path) -> Result<PathBuf> {
    for ancestor in path.ancestors().filter(|ancestor| !ancestor.as_os_str().is_empty()) {
        if exists(ancestor)? {
            return Ok(ancestor.to_owned());
        }
    }
    Ok(PathBuf::from("."))
}

/// Returns whether both paths, or where they will be made, are on one file system.
///
/// # Errors
/// Fails if one of them cannot be looked at.
pub fn same_filesystem(a: &Path, b: &Path) -> Result<bool> {
    let device = |path: &Path| {
        let path = nearest_existing(path)?;
        fs::metadata(&path).map(|meta| meta.dev()).map_err(|cause| problem("look at", &path, cause))
    };
    Ok(device(a)? == device(b)?)
}

/// Renames `from` to `to`, which must not exist: nothing is ever replaced.
///
/// # Errors
/// Fails, with nothing changed, if `from` is missing, `to` exists, or they are on different file systems.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    failpoints::reach("files.rename")?;
    rename_no_replace(from, to)
}

/// [`rename`] as a part of other operations, which have failpoints of their own.
pub(super) fn rename_no_replace(from: &Path, to: &Path) -> Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        // File systems without RENAME_NOREPLACE (NFS, some FUSE): look first. A window of microseconds remains.
        Err(Errno::INVAL | Errno::NOSYS) if !exists(to)? => {
            fs::rename(from, to).map_err(|cause| rename_problem(from, to, cause))?;
        }
        Err(Errno::INVAL | Errno::NOSYS) => return Err(rename_problem(from, to, Errno::EXIST.into())),
        Err(errno) => return Err(rename_problem(from, to, errno.into())),
    }
    sync_parent(to)?;
    if from.parent() == to.parent() { Ok(()) } else { sync_parent(from) }
}

fn rename_problem(from: &Path, to: &Path, cause: io::Error) -> Error {
    let what = format!("Cannot rename {} to {}", from.display(), to.display());
    match cause.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => {
            Error::failed(format!("{what}: there is something of that name already.")).hint(format!(
                "Look at {}; move it elsewhere if it is not needed, then run the same command again.",
                to.display()
            ))
        }
        io::ErrorKind::CrossesDevices => Error::failed(format!("{what}: they are on different file systems."))
            .hint("Keep both on one file system, or keep the directory where it is."),
        io::ErrorKind::ResourceBusy => {
            let why =
                if mounts::is_mount_point(from).unwrap_or(false) { "it is a mount point" } else { "it is in use" };
            Error::failed(format!("{what}: {why}."))
                .because(cause)
                .hint("Stop what uses it, or unmount it, then run the same command again.")
        }
        _ => {
            let hint = "Put the cause right, then run the same command again.";
            Error::failed(format!("{what}.")).because(cause).hint(hint)
        }
    }
}

/// Moves all that a directory holds into another one on the same file system. What was moved by a try that was cut off
/// stays moved.
///
/// # Errors
/// Fails when something cannot be moved, such as when the other directory holds one of that name.
pub fn move_content(from: &Path, to: &Path) -> Result<()> {
    let entries = fs::read_dir(from).map_err(|cause| problem("read the directory", from, cause))?;
    for entry in entries {
        let entry = entry.map_err(|cause| problem("read the directory", from, cause))?;
        rename(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Removes a directory that is empty, such as docker makes where the source of a bind mount is missing.
///
/// # Errors
/// Fails, with nothing changed, if it holds anything.
pub fn remove_empty_dir(path: &Path) -> Result<()> {
    failpoints::reach("files.remove_empty_dir")?;
    fs::remove_dir(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::DirectoryNotEmpty => {
            Error::failed(format!("{} is in the way and holds something.", path.display()))
                .hint("Look at it; move it elsewhere if it is not needed, then run the same command again.")
        }
        _ => problem("remove", path, cause),
    })?;
    sync_parent(path)
}

/// Removes a file that the run made.
///
/// # Errors
/// Fails if it cannot be removed.
pub fn remove_file(path: &Path) -> Result<()> {
    failpoints::reach("files.remove_file")?;
    fs::remove_file(path).map_err(|cause| problem("remove", path, cause))?;
    sync_parent(path)
}

/// Makes a directory for the run's own use, with those above it, readable by its owner only.
///
/// # Errors
/// Fails if it cannot be made.
pub fn create_private_dir(path: &Path) -> Result<()> {
    failpoints::reach("files.create_dir")?;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|cause| problem("create the directory", path, cause))?;
    sync_parent(path)
}

/// Flushes a directory, so that the names in it survive a power cut.
pub(crate) fn sync_dir(path: &Path) -> Result<()> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|cause| problem("flush the directory", path, cause))
}

/// Flushes the directory that holds `path`.
pub(crate) fn sync_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => sync_dir(Path::new(".")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_content_is_moved_and_nothing_of_the_other_directory_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        for place in [&from, &to] {
            fs::create_dir(place).unwrap();
        }
        fs::write(from.join("dump.rdb"), "new").unwrap();
        fs::create_dir(from.join("appendonlydir")).unwrap();
        move_content(&from, &to).unwrap();
        assert!(is_empty(&from).unwrap() && to.join("appendonlydir").is_dir());
        fs::write(from.join("dump.rdb"), "other").unwrap();
        move_content(&from, &to).unwrap_err();
        assert_eq!(fs::read_to_string(to.join("dump.rdb")).unwrap(), "new");
        assert!(from.join("dump.rdb").exists());
    }

    #[test]
    fn a_rename_never_replaces_anything() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&a, "a").unwrap();
        fs::write(&b, "b").unwrap();
        let error = rename(&a, &b).unwrap_err();
        assert!(error.message().contains("something of that name already"), "{error}");
        assert_eq!(fs::read_to_string(&b).unwrap(), "b");
        assert_eq!(fs::read_to_string(&a).unwrap(), "a");

        // An empty directory is something too, although rename(2) would replace it.
        let (c, d) = (dir.path().join("c"), dir.path().join("d"));
        fs::create_dir(&c).unwrap();
        fs::create_dir(&d).unwrap();
        assert!(rename(&c, &d).is_err());
        rename(&c, &dir.path().join("e")).unwrap();
        assert!(!exists(&c).unwrap());
    }

    #[test]
    fn a_missing_source_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = rename(&dir.path().join("gone"), &dir.path().join("b")).unwrap_err();
        assert!(error.message().contains("gone"), "{error}");
        assert_eq!(error.hints().len(), 1);
    }

    #[test]
    fn a_place_yet_to_be_made_is_on_its_ancestor_s_file_system() {
        let dir = tempfile::tempdir().unwrap();
        assert!(same_filesystem(dir.path(), &dir.path().join("a/b/c")).unwrap());
        assert!(!same_filesystem(dir.path(), Path::new("/proc/x")).unwrap());
    }
}
