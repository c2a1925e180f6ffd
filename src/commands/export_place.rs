//! Where an export is written: a directory that is new or empty, or a stream.

use super::session::settled;
use crate::error::{Error, Result};
use crate::files::problem::problem;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Opens a device or a pipe.
pub(super) fn stream(path: &Path) -> Result<File> {
    OpenOptions::new().write(true).open(path).map_err(|cause| problem("write", path, cause))
}

/// Returns whether all goes into one stream: the path is that of a device, such as /dev/null, or of a pipe.
pub(super) fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.file_type().is_char_device() || found.file_type().is_fifo())
}

/// A file that is there is not written over.
pub(super) fn require_no_file(path: &Path) -> Result<()> {
    if !fs::metadata(path).is_ok_and(|found| !found.is_dir()) {
        return Ok(());
    }
    Err(Error::refused(format!("{} is a file, and an export goes into a directory.", path.display()))
        .hint("Name a directory that is empty or does not exist: --output DIR")
        .hint("Or write all into one file: --output - > FILE"))
}

/// A data directory is not written to, whatever was asked for.
pub(super) fn require_elsewhere(target: &Path, source: &Path) -> Result<()> {
    let target = settled(target);
    if !target.starts_with(source) {
        return Ok(());
    }
    Err(Error::refused(format!("{} lies in the data directory, where nothing is ever written.", target.display()))
        .hint("Name a directory elsewhere: --output DIR"))
}
