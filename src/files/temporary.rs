//! Temporary files that nobody else sees.

use super::problem::problem;
use crate::error::Result;
use crate::failpoints;
use std::fs::{self, File};
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

/// Returns the directory for temporary files of any size: `TMPDIR`, or else the usual one that is on a disk.
pub(crate) fn large_temporary_directory() -> PathBuf {
    let usual = Path::new("/var/tmp");
    match std::env::var_os("TMPDIR").filter(|directory| !directory.is_empty()) {
        None if usual.is_dir() => usual.to_owned(),
        _ => std::env::temp_dir(),
    }
}
