//! Mount points, bind mounts of the same file system included: these cannot be renamed or removed.
//!
//! Format of `/proc/self/mountinfo`: proc_pid_mountinfo(5); the fifth field is the mount point, with space, tab,
//! newline and backslash as three octal digits after a backslash.

use super::problem::problem;
use crate::error::Result;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const MOUNTINFO: &str = "/proc/self/mountinfo";

/// Returns whether a file system or a directory is mounted at `path`.
///
/// # Errors
/// Fails if `path` cannot be looked at.
pub fn is_mount_point(path: &Path) -> Result<bool> {
    let path = fs::canonicalize(path).map_err(|cause| problem("resolve", path, cause))?;
    let Some(parent) = path.parent() else { return Ok(true) };
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev());
    let here = device(&path).map_err(|cause| problem("look at", &path, cause))?;
    let above = device(parent).map_err(|cause| problem("look at", parent, cause))?;
    Ok(here != above || mount_points()?.contains(&path))
}

/// Returns the mount points at `path` and below it, `path` itself first.
///
/// # Errors
/// Fails if `path` cannot be resolved.
pub fn at_or_below(path: &Path) -> Result<Vec<PathBuf>> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
    let path = if is_link {
        // A link itself: what it leads to is another matter.
        path.to_owned()
    } else {
        fs::canonicalize(path).map_err(|cause| problem("resolve", path, cause))?
    };
    let mut found: Vec<_> = mount_points()?.into_iter().filter(|mount| mount.starts_with(&path)).collect();
    found.sort();
    Ok(found)
}

fn mount_points() -> Result<Vec<PathBuf>> {
    let text = fs::read(MOUNTINFO).map_err(|cause| problem("read", Path::new(MOUNTINFO), cause))?;
    Ok(parse(&text))
}

fn parse(text: &[u8]) -> Vec<PathBuf> {
    text.split(|&byte| byte == b'\n')
        .filter_map(|line| line.split(|&byte| byte == b' ').nth(4))
        .map(|field| PathBuf::from(OsString::from_vec(unescape(field))))
        .collect()
}

fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let octal = tail.get(..3).filter(|_| byte == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(value) => {
                out.push(value);
                rest = tail.get(3..).unwrap_or_default();
            }
            None => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_with_spaces_are_read_whole() {
        let text = b"36 35 98:0 /mnt1 /mnt/my\\040data rw,noatime master:1 - ext3 /dev/root rw\n\
                     37 35 98:0 / /a\\134b rw - tmpfs tmpfs rw\n";
        assert_eq!(parse(text), [PathBuf::from("/mnt/my data"), PathBuf::from("/a\\b")]);
        assert_eq!(unescape(b"end\\04"), b"end\\04");
    }

    #[test]
    fn the_root_and_proc_are_mount_points_and_a_new_directory_is_not() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_mount_point(Path::new("/")).unwrap());
        assert!(is_mount_point(Path::new("/proc")).unwrap());
        assert!(!is_mount_point(dir.path()).unwrap());
        assert!(at_or_below(dir.path()).unwrap().is_empty());
        assert!(at_or_below(Path::new("/")).unwrap().contains(&PathBuf::from("/proc")));
    }
}
