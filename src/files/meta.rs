//! Owner, mode, times and extended attributes, taken over from one path to another.

use super::problem::problem;
use crate::error::Result;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags, lgetxattr, llistxattr, lsetxattr, utimensat};
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;

/// Gives `path`, which we made, owner, group and mode of `from`. Never to be used on a file shared by a hard link.
pub(super) fn give(path: &Path, from: &Metadata) -> Result<()> {
    let now = fs::symlink_metadata(path).map_err(|cause| problem("look at", path, cause))?;
    if (now.uid(), now.gid()) != (from.uid(), from.gid()) {
        let action = format!("give user {} and group {} the ownership of", from.uid(), from.gid());
        lchown(path, Some(from.uid()), Some(from.gid())).map_err(|cause| problem(&action, path, cause))?;
    }
    if from.is_symlink() {
        return Ok(());
    }
    // After the owner: chown clears the set-id bits.
    fs::set_permissions(path, Permissions::from_mode(from.mode() & 0o7777))
        .map_err(|cause| problem("set the mode of", path, cause))
}

/// Gives `path` (a symbolic link itself, not its target) the times of `from`.
pub(super) fn times(path: &Path, from: &Metadata) -> Result<()> {
    let times = Timestamps {
        last_access: Timespec { tv_sec: from.atime(), tv_nsec: from.atime_nsec() },
        last_modification: Timespec { tv_sec: from.mtime(), tv_nsec: from.mtime_nsec() },
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| problem("set the times of", path, errno))
}

/// Copies extended attributes (access control lists, security labels) as far as the target takes them: some belong
/// to the system and cannot be set by everyone, which harms nothing here.
pub(super) fn xattrs(source: &Path, target: &Path) -> Result<()> {
    let mut names = vec![0_u8; 64 * 1024];
    let Ok(length) = llistxattr(source, &mut names[..]) else { return Ok(()) };
    names.truncate(length);
    for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let name = std::ffi::OsStr::from_bytes(name);
        let mut value = vec![0_u8; 64 * 1024];
        match lgetxattr(source, name, &mut value[..]) {
            Ok(length) => {
                value.truncate(length);
                if let Err(errno) = lsetxattr(target, name, &value, XattrFlags::empty()) {
                    tracing::debug!(?name, target = %target.display(), %errno, "extended attribute not copied");
                }
            }
            Err(errno) => return Err(problem("read the extended attributes of", source, io::Error::from(errno))),
        }
    }
    Ok(())
}
