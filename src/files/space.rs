//! Free space, and the size of trees.

use super::basic::nearest_existing;
use super::problem::problem;
use super::walk::walk_in_use;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// `st_blocks` counts in these, whatever the file system's block size (stat(2)).
const STAT_BLOCK: u64 = 512;

/// A file system and what is free on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystem {
    /// Device number, the same for all paths on it.
    pub device: u64,
    /// The paths that were asked about and are, or will be, on it.
    pub paths: Vec<PathBuf>,
    /// Bytes in all.
    pub total_bytes: u64,
    /// Bytes that an ordinary user can still write.
    pub free_bytes: u64,
    /// Files that can still be made; nothing where the file system has no such limit (btrfs).
    pub free_inodes: Option<u64>,
}

/// The size of a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeSize {
    /// Sum of the files' lengths in bytes; a file with several names counts once.
    pub apparent: u64,
    /// Bytes that files and directories take on disk.
    pub allocated: u64,
    /// Files, links and everything else but directories, by inode.
    pub files: u64,
    /// Directories, the root included.
    pub directories: u64,
    /// The largest file: path below the root, and length in bytes.
    pub largest: Option<(PathBuf, u64)>,
}

/// Asks what is free on the file systems of `paths`, each of which may be yet to be made. In order of device number.
///
/// # Errors
/// Fails if a file system cannot be asked.
pub fn file_systems(paths: &[PathBuf]) -> Result<Vec<FileSystem>> {
    let mut found: BTreeMap<u64, FileSystem> = BTreeMap::new();
    for path in paths {
        let there = nearest_existing(path)?;
        let device = fs::metadata(&there).map_err(|cause| problem("look at", &there, cause))?.dev();
        if let Some(known) = found.get_mut(&device) {
            known.paths.push(path.clone());
            continue;
        }
        let stat = rustix::fs::statvfs(&there).map_err(|errno| problem("ask for the free space at", &there, errno))?;
        let file_system = FileSystem {
            device,
            paths: vec![path.clone()],
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            free_inodes: (stat.f_files > 0).then_some(stat.f_favail),
        };
        found.insert(device, file_system);
    }
    Ok(found.into_values().collect())
}

/// Measures everything at and below `root`, which may be in use.
///
/// # Errors
/// Fails if something cannot be read, and when cancelled.
pub fn measure(root: &Path, cancel: &CancellationToken) -> Result<TreeSize> {
    let mut size = TreeSize::default();
    let mut seen = HashSet::new();
    for entry in walk_in_use(root, cancel)? {
        let meta = &entry.meta;
        if meta.is_dir() {
            size.directories += 1;
        } else if meta.nlink() > 1 && !seen.insert((meta.dev(), meta.ino())) {
            continue;
        } else {
            size.files += 1;
            size.apparent += meta.len();
            let largest = size.largest.as_ref().map_or(0, |(_, bytes)| *bytes);
            if meta.is_file() && meta.len() > largest {
                size.largest = Some((entry.path, meta.len()));
            }
        }
        size.allocated += meta.blocks().saturating_mul(STAT_BLOCK);
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_two_names_counts_once_and_holes_take_no_space() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        fs::write(dir.path().join("d/a"), vec![1; 10_000]).unwrap();
        fs::hard_link(dir.path().join("d/a"), dir.path().join("b")).unwrap();
        fs::File::create(dir.path().join("hole")).unwrap().set_len(50 << 20).unwrap();
        let size = measure(dir.path(), &CancellationToken::new()).unwrap();
        assert_eq!((size.files, size.directories), (2, 2));
        assert_eq!(size.apparent, 10_000 + (50 << 20));
        assert!(size.allocated < 1 << 20, "{size:?}");
        assert_eq!(size.largest, Some((PathBuf::from("hole"), 50 << 20)));
    }

    #[test]
    fn paths_are_grouped_by_file_system_even_if_they_do_not_exist_yet() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().to_owned(), dir.path().join("x/y"), PathBuf::from("/proc/self")];
        let found = file_systems(&paths).unwrap();
        assert_eq!(found.len(), 2);
        let ours = found.iter().find(|found| found.paths.contains(&paths[0])).unwrap();
        assert_eq!(ours.paths, paths[..2]);
        assert!(ours.free_bytes > 0 && ours.free_bytes <= ours.total_bytes);
    }
}
