//! Temporary files that nobody else sees.

use super::problem::problem;
use crate::environment;
use crate::error::Result;
use crate::failpoints;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes a file that has no name any more: nothing is left of it, however the process ends.
///
/// # Errors
/// Fails when there is no such directory, or nothing can be written there.
pub(crate) fn unnamed_file(directory: &Path) -> Result<File> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    failpoints::reach("files.unnamed")?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = directory.join(format!(".clearml-migrate-{}-{number}.tmp", std::process::id()));
    let made = File::options().read(true).write(true).create_new(true).open(&path);
    let file = made.map_err(|cause| problem("make a temporary file in", directory, cause))?;
    fs::remove_file(&path).map_err(|cause| problem("remove", &path, cause))?;
    Ok(file)
}

/// A directory that only this user can look into, removed with all its files when the value is dropped.
#[derive(Debug)]
pub(crate) struct PrivateDirectory(PathBuf);

impl PrivateDirectory {
    /// Makes one where small temporary files are kept.
    ///
    /// # Errors
    /// Fails when nothing can be written there.
    pub(crate) fn new() -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let stamp = fastrand::u64(..);
        let path = std::env::temp_dir().join(format!("clearml-migrate-{}-{number}-{stamp:016x}", std::process::id()));
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|cause| problem("make the temporary directory", &path, cause))?;
        Ok(Self(path))
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file into it and returns its path.
    ///
    /// # Errors
    /// Fails when it cannot be written.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(|cause| problem("write", &path, cause))?;
        Ok(path)
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        // Whoever cannot remove it now has no use for an error either: it lies where the system clears up.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns the directory for temporary files of any size: `TMPDIR`, or else the usual one that is on a disk.
pub(crate) fn large_temporary_directory() -> PathBuf {
    let usual = Path::new("/var/tmp");
    match environment::variable("TMPDIR") {
        None if usual.is_dir() => usual.to_owned(),
        _ => std::env::temp_dir(),
    }
}
