//! What we may remove. A path is claimed while nothing (or an empty directory) is there, and the claim is written
//! to the journal before anything is made; only a claimed path can be removed. So nothing of the user's can be
//! deleted by a wrong path, and nothing of ours is orphaned by a crash.

use super::basic::{exists, is_empty, sync_dir, sync_parent};
use super::problem::problem;
use super::{meta, mounts};
use crate::error::{Error, Result};
use crate::failpoints;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A path that held nothing when we claimed it: what is there now, we made.
///
/// Comes from [`Owned::claim`] or, after a restart, from the journal; there is no other way to get one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned {
    path: PathBuf,
    /// An empty directory was there: it stays when its content is removed.
    was_directory: bool,
}

impl Owned {
    /// Claims `path`, made absolute. Changes nothing.
    ///
    /// # Errors
    /// Refuses if anything but an empty directory is there.
    pub fn claim(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|cause| problem("resolve", path, cause))?;
        let was_directory = exists(&path)?;
        let is_directory = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir());
        if was_directory && !(is_directory && is_empty(&path)?) {
            return Err(Error::refused(format!("{} is there already and not empty.", path.display()))
                .hint("Move it elsewhere or delete it if it is not needed, then run the same command again."));
        }
        Ok(Self { path, was_directory })
    }

    /// Returns the absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Removes what we made at the claimed path: a file, or a directory with everything in it. An empty directory that
/// was there before is left empty. Does nothing if nothing is there.
///
/// # Errors
/// Refuses if a file system is mounted at or below it; fails if something cannot be removed.
pub fn remove_tree(owned: &Owned) -> Result<()> {
    failpoints::reach("files.remove_tree")?;
    let path = owned.path();
    if !exists(path)? {
        return Ok(());
    }
    if let Some(mount) = mounts::at_or_below(path)?.into_iter().find(|mount| mount != path || !owned.was_directory) {
        return Err(Error::failed(format!(
            "{} is not removed: a file system is mounted at {}.",
            path.display(),
            mount.display()
        ))
        .hint(format!("Unmount it (umount {}), then run the same command again.", mount.display())));
    }
    let meta = fs::symlink_metadata(path).map_err(|cause| problem("look at", path, cause))?;
    if !meta.is_dir() {
        fs::remove_file(path).map_err(|cause| problem("remove", path, cause))?;
    } else if owned.was_directory {
        return empty(path);
    } else {
        fs::remove_dir_all(path).map_err(|cause| problem("remove", path, cause))?;
    }
    sync_parent(path)
}

fn empty(path: &Path) -> Result<()> {
    let entries = fs::read_dir(path).map_err(|cause| problem("read the directory", path, cause))?;
    for entry in entries {
        let entry = entry.map_err(|cause| problem("read the directory", path, cause))?;
        let child = entry.path();
        let kind = entry.file_type().map_err(|cause| problem("look at", &child, cause))?;
        let removed = if kind.is_dir() { fs::remove_dir_all(&child) } else { fs::remove_file(&child) };
        removed.map_err(|cause| problem("remove", &child, cause))?;
    }
    sync_dir(path)
}

/// Makes the claimed directory with owner, group and mode of `like`; one that is there and empty is taken as it is.
///
/// # Errors
/// Fails if something is there already, or it cannot be made.
pub fn create_dir_like(target: &Owned, like: &Path) -> Result<()> {
    failpoints::reach("files.create_dir")?;
    let path = target.path();
    let from = fs::metadata(like).map_err(|cause| problem("look at", like, cause))?;
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            if !fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) || !is_empty(path)? {
                return Err(Error::failed(format!("{} is there already and not empty.", path.display()))
                    .hint("Move it elsewhere, then run the same command again."));
            }
        }
        Err(cause) => return Err(problem("create the directory", path, cause)),
    }
    meta::give(path, &from)?;
    sync_dir(path)?;
    sync_parent(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn only_a_free_place_can_be_claimed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("precious"), "years of results").unwrap();
        assert!(Owned::claim(dir.path()).is_err());
        assert!(Owned::claim(&dir.path().join("precious")).is_err());
        std::os::unix::fs::symlink("/nowhere", dir.path().join("link")).unwrap();
        assert!(Owned::claim(&dir.path().join("link")).is_err());
        assert!(Owned::claim(&dir.path().join("new")).is_ok());
    }

    #[test]
    fn removal_takes_our_tree_and_nothing_that_a_link_in_it_leads_to() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        fs::create_dir(&precious).unwrap();
        fs::write(precious.join("file"), "").unwrap();
        let owned = Owned::claim(&dir.path().join("ours")).unwrap();
        fs::create_dir_all(owned.path().join("a/b")).unwrap();
        std::os::unix::fs::symlink(&precious, owned.path().join("a/link")).unwrap();
        remove_tree(&owned).unwrap();
        assert!(!exists(owned.path()).unwrap());
        assert!(precious.join("file").exists());
        remove_tree(&owned).unwrap();
    }

    #[test]
    fn a_directory_that_was_there_stays_but_is_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let there = dir.path().join("there");
        fs::create_dir(&there).unwrap();
        let owned = Owned::claim(&there).unwrap();
        fs::write(there.join("ours"), "").unwrap();
        fs::create_dir_all(there.join("a/b")).unwrap();
        let json = serde_json::to_string(&owned).unwrap();
        remove_tree(&serde_json::from_str(&json).unwrap()).unwrap();
        assert!(is_empty(&there).unwrap());
    }

    #[test]
    fn a_new_directory_gets_the_mode_of_its_model() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("model");
        fs::create_dir(&model).unwrap();
        fs::set_permissions(&model, fs::Permissions::from_mode(0o2775)).unwrap();
        let owned = Owned::claim(&dir.path().join("new")).unwrap();
        create_dir_like(&owned, &model).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode();
        assert_eq!(mode(owned.path()), mode(&model));
        create_dir_like(&owned, &model).unwrap();
        fs::write(owned.path().join("x"), "").unwrap();
        assert!(create_dir_like(&owned, &model).is_err());
    }
}
