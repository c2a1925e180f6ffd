//! A file's whole content, replaced or created in one moment: after a crash there is the old file or the new one.
//!
//! The content is flushed before the rename and the directory after it; without the first, some file systems keep
//! the new name with no content after a power cut (<https://lwn.net/Articles/322823/>).

use super::basic::{exists, rename_no_replace, sync_parent};
use super::meta;
use super::problem::problem;
use crate::error::{Error, Result};
use crate::failpoints;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Ends the names of files that are being written. One that a crash left is replaced by the next attempt.
const TEMPORARY: &str = ".clearml-migrate-new";

/// Writes `bytes` as the content of `path`, replacing what is there but keeping its owner, mode and extended
/// attributes. A symbolic link stays and its target is replaced. A new file can be read by its owner only.
///
/// # Errors
/// Fails, with the old content still there, if the new one cannot be written.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    failpoints::reach("files.write_atomic")?;
    let path = resolve_link(path)?;
    let replaced = match fs::symlink_metadata(&path) {
        Ok(meta) => Some((path.as_path(), meta)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
        Err(cause) => return Err(problem("look at", &path, cause)),
    };
    let temporary = write_temporary(&path, bytes, replaced.as_ref().map(|(path, meta)| (*path, meta)))?;
    failpoints::reach("files.write_atomic.rename")?;
    fs::rename(&temporary, &path).map_err(|cause| problem("replace", &path, cause))?;
    sync_parent(&path)
}

/// Writes a new file at once, with owner, mode and extended attributes of `like` (without it, for its owner only).
///
/// # Errors
/// Fails, with nothing changed, if there is something at `path` or it cannot be written.
pub fn write_new(path: &Path, bytes: &[u8], like: Option<&Path>) -> Result<()> {
    failpoints::reach("files.write_new")?;
    if exists(path)? {
        return Err(Error::failed(format!("{} is there already.", path.display()))
            .hint("Move it elsewhere if it is not needed, then run the same command again."));
    }
    let like = match like {
        Some(like) => Some((like, fs::metadata(like).map_err(|cause| problem("look at", like, cause))?)),
        None => None,
    };
    let temporary = write_temporary(path, bytes, like.as_ref().map(|(path, meta)| (*path, meta)))?;
    failpoints::reach("files.write_new.rename")?;
    rename_no_replace(&temporary, path)
}

fn resolve_link(path: &Path) -> Result<PathBuf> {
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
        fs::canonicalize(path).map_err(|cause| problem("resolve", path, cause))
    } else {
        Ok(path.to_owned())
    }
}

fn write_temporary(path: &Path, bytes: &[u8], like: Option<(&Path, &Metadata)>) -> Result<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(TEMPORARY);
    let temporary = path.with_file_name(name);
    match fs::remove_file(&temporary) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(problem("remove", &temporary, cause)),
        _ => {}
    }
    let written = write_flushed(&temporary, bytes, like);
    if written.is_err() {
        // Half a file under a temporary name is of no use; the next attempt would remove it too.
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| temporary)
}

fn write_flushed(temporary: &Path, bytes: &[u8], like: Option<(&Path, &Metadata)>) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary);
    let mut file: File = file.map_err(|cause| problem("create", temporary, cause))?;
    file.write_all(bytes).map_err(|cause| problem("write", temporary, cause))?;
    if let Some((path, meta)) = like {
        meta::xattrs(path, temporary)?;
        meta::give(temporary, meta)?;
    }
    file.sync_all().map_err(|cause| problem("flush", temporary, cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::process::Command;

    #[test]
    fn the_mode_of_the_replaced_file_is_kept_and_links_stay_links() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("compose.yml"), dir.path().join("link.yml"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
        std::os::unix::fs::symlink("compose.yml", &link).unwrap();
        write_atomic(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o664);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_new_file_never_replaces_another() {
        let dir = tempfile::tempdir().unwrap();
        let (file, model) = (dir.path().join("a"), dir.path().join("model"));
        fs::write(&model, "").unwrap();
        fs::set_permissions(&model, fs::Permissions::from_mode(0o640)).unwrap();
        write_new(&file, b"one", Some(&model)).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
        assert!(write_new(&file, b"two", None).is_err());
        assert_eq!(fs::read(&file).unwrap(), b"one");
    }

    const CHILD: &str = "CLEARML_MIGRATE_TEST_WRITE_ATOMIC";

    /// Runs in the process that [`killed_anywhere_the_old_or_the_new_content_is_there`] starts and kills.
    #[test]
    fn child_that_replaces_a_file() {
        if let Some(path) = crate::environment::variable(CHILD) {
            write_atomic(Path::new(&path), b"new").unwrap();
        }
    }

    #[test]
    fn killed_anywhere_the_old_or_the_new_content_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        let places = [("files.write_atomic", "old"), ("files.write_atomic.rename", "old"), ("files.none", "new")];
        for (place, content) in places {
            fs::write(&file, "old").unwrap();
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "files::atomic::tests::child_that_replaces_a_file"])
                .env(CHILD, &file)
                .env(failpoints::VARIABLE, format!("{place}=kill"))
                .output()
                .unwrap()
                .status;
            assert_eq!(status.success(), content == "new", "{place}");
            assert_eq!(fs::read_to_string(&file).unwrap(), content, "{place}");
            write_atomic(&file, b"next").unwrap();
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a leftover after {place}");
        }
    }
}
