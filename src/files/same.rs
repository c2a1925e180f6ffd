//! Whether two trees have the same files, to the last byte.

use super::problem::problem;
use super::walk::{Entry, walk};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 16;

/// Returns the paths, below the trees, of files that only one of them has, or that are not the same.
///
/// # Errors
/// Fails if something cannot be read, and when cancelled.
pub fn different_files(one: &Path, other: &Path, cancel: &CancellationToken) -> Result<Vec<PathBuf>> {
    let (left, mut right) = (files(one, cancel)?, files(other, cancel)?);
    let mut different = Vec::new();
    for (path, entry) in left {
        let is_same = match right.remove(&path) {
            Some(twin) => entry.meta.len() == twin.meta.len() && same(&entry.at(one), &twin.at(other), cancel)?,
            None => false,
        };
        if !is_same {
            different.push(path);
        }
    }
    different.extend(right.into_keys());
    different.sort();
    Ok(different)
}

fn files(root: &Path, cancel: &CancellationToken) -> Result<BTreeMap<PathBuf, Entry>> {
    let entries = walk(root, cancel)?.into_iter().filter(|entry| entry.meta.is_file());
    Ok(entries.map(|entry| (entry.path.clone(), entry)).collect())
}

fn same(one: &Path, other: &Path, cancel: &CancellationToken) -> Result<bool> {
    let open = |path: &Path| File::open(path).map_err(|cause| problem("read", path, cause));
    let (mut left, mut right) = (open(one)?, open(other)?);
    let (mut this, mut that) = (vec![0; BLOCK], vec![0; BLOCK]);
    loop {
        if cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        let read = fill(&mut left, &mut this).map_err(|cause| problem("read", one, cause))?;
        let found = fill(&mut right, &mut that).map_err(|cause| problem("read", other, cause))?;
        if this.get(..read) != that.get(..found) {
            return Ok(false);
        }
        if read < BLOCK {
            return Ok(true);
        }
    }
}

/// Reads until the block is full or the file ends.
fn fill(file: &mut File, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_that_are_missing_longer_or_of_other_bytes_are_named() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let long = vec![7; 3 * BLOCK + 5];
        let mut flipped = long.clone();
        flipped[2 * BLOCK] ^= 1;
        for (name, here, there) in [
            ("a/same", Some(&long), Some(&long)),
            ("a/flipped", Some(&long), Some(&flipped)),
            ("empty", Some(&Vec::new()), Some(&Vec::new())),
            ("longer", Some(&long[..BLOCK].to_vec()), Some(&long)),
            ("gone", Some(&long), None),
            ("new", None, Some(&long)),
        ] {
            for (root, content) in [(one.path(), here), (other.path(), there)] {
                fs::create_dir_all(root.join("a")).unwrap();
                if let Some(content) = content {
                    fs::write(root.join(name), content).unwrap();
                }
            }
        }
        let found = different_files(one.path(), other.path(), &CancellationToken::new()).unwrap();
        assert_eq!(found, ["a/flipped", "gone", "longer", "new"].map(PathBuf::from));
    }
}
