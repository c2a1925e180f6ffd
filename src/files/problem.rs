//! Errors of the operating system as sentences, with what to do about the usual ones.

use crate::error::Error;
use std::io;
use std::path::Path;

/// Returns the error "Cannot `action` `path`." with its cause and a hint that fits the cause.
pub(crate) fn problem(action: &str, path: &Path, cause: impl Into<io::Error>) -> Error {
    let cause = cause.into();
    let hint = hint(cause.kind(), path);
    Error::failed(format!("Cannot {action} {}.", path.display())).because(cause).hint(hint)
}

fn hint(kind: io::ErrorKind, path: &Path) -> String {
    match kind {
        io::ErrorKind::PermissionDenied => {
            "Run the same command as root (with sudo), or as a user who is allowed to do this.".to_owned()
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("Free some space on the file system of {}, then run the same command again.", path.display())
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            format!("Mount the file system of {} writable, then run the same command again.", path.display())
        }
        io::ErrorKind::NotFound => {
            "Check that nothing else moves or deletes files there, then run the same command again.".to_owned()
        }
        _ => {
            "Put the cause right (the kernel's log, `dmesg`, may say more), then run the same command again.".to_owned()
        }
    }
}

/// Returns the error for a source file that was written while we read it.
pub(crate) fn changed_while_read(path: &Path) -> Error {
    Error::failed(format!("{} changed while it was being read.", path.display())).hint(
        "Something still writes there. Stop the old server and anything else that uses the data, \
         then run the same command again.",
    )
}
