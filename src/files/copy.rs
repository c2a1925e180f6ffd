//! An exact copy of a tree: owner, mode, times, links, holes. What a new server will write to, it gets as a copy.

use super::basic::{is_empty, sync_dir};
use super::meta;
use super::owned::Owned;
use super::owned::create_dir_like;
use super::parallel::{Meter, map};
use super::problem::problem;
use super::transfer::{Way, transfer};
use super::walk::{Entry, walk};
use crate::error::{Error, Result};
use crate::events::Events;
use crate::failpoints;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Files with content of their own.
    pub files: u64,
    /// Apparent bytes of these files.
    pub bytes: u64,
    /// Of these bytes, the ones shared by the file system until written.
    pub reflinked_bytes: u64,
    /// Directories, the root included.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Second and further names of a file in the tree.
    pub hard_links: u64,
    /// Sockets and pipes: they are left out, since the program that listens makes them anew.
    pub skipped: u64,
}

/// The entries of a tree by what is to be done with them.
#[derive(Default)]
struct Work<'a> {
    directories: Vec<&'a Entry>,
    files: Vec<&'a Entry>,
    symlinks: Vec<&'a Entry>,
    /// Another name, and the entry that is copied for it.
    hard_links: Vec<(&'a Entry, &'a Entry)>,
    skipped: u64,
}

/// Copies the directory `source` to the claimed `target` with several threads and flushes it. Safe to start over once
/// the caller has removed a partial copy.
///
/// # Errors
/// Fails if the target holds anything, a file changes meanwhile, the source holds a device, something cannot be read,
/// written or given to its owner, and when cancelled.
pub fn copy_tree(source: &Path, target: &Owned, cancel: &CancellationToken, events: &Events) -> Result<Copied> {
    failpoints::reach("files.copy")?;
    create_dir_like(target, source)?;
    if !is_empty(target.path())? {
        return Err(Error::internal(format!("{} is not empty.", target.path().display())));
    }
    let entries = walk(source, cancel)?;
    let work = sort(&entries, source, events)?;
    let to = target.path();
    for dir in work.directories.iter().filter(|dir| !dir.path.as_os_str().is_empty()) {
        let made = dir.at(to);
        fs::create_dir(&made).map_err(|cause| problem("create the directory", &made, cause))?;
    }
    let task = format!("Copy of {}", source.display());
    let meter = Meter::new(events, &task, work.files.iter().map(|entry| entry.meta.len()).sum());
    let ways = map(&work.files, cancel, |entry| copy_file(entry, source, to, cancel, &meter))?;
    for entry in &work.symlinks {
        copy_symlink(entry, source, to)?;
    }
    for (entry, first) in &work.hard_links {
        let (made, first) = (entry.at(to), first.at(to));
        fs::hard_link(&first, &made).map_err(|cause| problem("link", &first, cause))?;
    }
    // Deepest first: making entries changes a directory's time, and its mode may forbid it.
    for dir in work.directories.iter().rev() {
        let made = dir.at(to);
        meta::xattrs(&dir.at(source), &made)?;
        meta::give(&made, &dir.meta)?;
        meta::times(&made, &dir.meta)?;
        sync_dir(&made)?;
    }
    let mut copied = Copied {
        directories: count(work.directories.len()),
        symlinks: count(work.symlinks.len()),
        hard_links: count(work.hard_links.len()),
        skipped: work.skipped,
        ..Copied::default()
    };
    for (entry, way) in work.files.iter().zip(ways) {
        copied.files += 1;
        copied.bytes += entry.meta.len();
        copied.reflinked_bytes += if way == Way::Reflinked { entry.meta.len() } else { 0 };
    }
    Ok(copied)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn sort<'a>(entries: &'a [Entry], source: &Path, events: &Events) -> Result<Work<'a>> {
    let mut work = Work::default();
    let mut seen: HashMap<(u64, u64), &Entry> = HashMap::new();
    for entry in entries {
        let kind = entry.meta.file_type();
        if kind.is_dir() {
            work.directories.push(entry);
        } else if kind.is_symlink() {
            work.symlinks.push(entry);
        } else if kind.is_file() {
            let inode = (entry.meta.dev(), entry.meta.ino());
            match seen.get(&inode).filter(|_| entry.meta.nlink() > 1) {
                Some(first) => work.hard_links.push((entry, first)),
                None => {
                    seen.insert(inode, entry);
                    work.files.push(entry);
                }
            }
        } else if kind.is_socket() || kind.is_fifo() {
            events.detail(format!("{} is a socket or pipe and is not copied.", entry.at(source).display()));
            work.skipped += 1;
        } else {
            return Err(Error::refused(format!("{} is a device file.", entry.at(source).display()))
                .hint("No database makes one. Move it elsewhere, then run the same command again."));
        }
    }
    Ok(work)
}

fn copy_file(entry: &Entry, source: &Path, to: &Path, cancel: &CancellationToken, meter: &Meter<'_>) -> Result<Way> {
    failpoints::reach("files.copy.file")?;
    let (from, made) = (entry.at(source), entry.at(to));
    let (file, way) = transfer(&from, &made, cancel, meter)?;
    meta::xattrs(&from, &made)?;
    meta::give(&made, &entry.meta)?;
    meta::times(&made, &entry.meta)?;
    file.sync_all().map_err(|cause| problem("flush", &made, cause))?;
    Ok(way)
}

fn copy_symlink(entry: &Entry, source: &Path, to: &Path) -> Result<()> {
    let (from, made) = (entry.at(source), entry.at(to));
    let leads_to = fs::read_link(&from).map_err(|cause| problem("read the link", &from, cause))?;
    symlink(&leads_to, &made).map_err(|cause| problem("create the link", &made, cause))?;
    meta::give(&made, &entry.meta)?;
    meta::times(&made, &entry.meta)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::fingerprint::tree_hash;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    fn copy(source: &Path, target: &Path) -> Result<Copied> {
        copy_tree(source, &Owned::claim(target)?, &CancellationToken::new(), &Events::silent())
    }

    #[test]
    fn owner_mode_times_and_links_are_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("mongo");
        fs::create_dir_all(source.join("journal")).unwrap();
        fs::write(source.join("a.wt"), vec![7; 300_000]).unwrap();
        fs::hard_link(source.join("a.wt"), source.join("b.wt")).unwrap();
        fs::write(source.join("journal/log"), "log").unwrap();
        symlink("a.wt", source.join("link")).unwrap();
        let _socket = UnixListener::bind(source.join("mongodb.sock")).unwrap();
        fs::set_permissions(source.join("journal/log"), fs::Permissions::from_mode(0o4750)).unwrap();
        fs::set_permissions(source.join("journal"), fs::Permissions::from_mode(0o500)).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            std::os::unix::fs::lchown(source.join("a.wt"), Some(1234), Some(5678)).unwrap();
        }

        let target = dir.path().join("copy");
        let copied = copy(&source, &target).unwrap();
        let expected =
            Copied { files: 2, bytes: 300_003, directories: 2, symlinks: 1, hard_links: 1, skipped: 1, ..copied };
        assert_eq!(copied, expected);
        for name in ["", "a.wt", "journal", "journal/log", "link"] {
            let (a, b) = (source.join(name), target.join(name));
            let (a, b) = (fs::symlink_metadata(a).unwrap(), fs::symlink_metadata(b).unwrap());
            let stamp = |meta: &fs::Metadata| (meta.mode(), meta.uid(), meta.gid(), meta.mtime(), meta.mtime_nsec());
            assert_eq!(stamp(&a), stamp(&b), "{name}");
        }
        let inode = |name: &str| fs::metadata(target.join(name)).unwrap().ino();
        assert_eq!(inode("a.wt"), inode("b.wt"));
        let time = fs::metadata(&source).unwrap().modified().unwrap();
        fs::remove_file(source.join("mongodb.sock")).unwrap();
        fs::File::open(&source).unwrap().set_modified(time).unwrap();
        assert_eq!(tree_hash(&source).unwrap(), tree_hash(&target).unwrap());
    }

    #[test]
    fn a_target_that_holds_anything_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        let owned = Owned::claim(&dir.path().join("b")).unwrap();
        fs::create_dir(owned.path()).unwrap();
        fs::write(owned.path().join("file"), "user's").unwrap();
        assert!(copy_tree(&dir.path().join("a"), &owned, &CancellationToken::new(), &Events::silent()).is_err());
        assert_eq!(fs::read_to_string(owned.path().join("file")).unwrap(), "user's");
    }

    #[test]
    fn a_wish_to_stop_is_heard() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        let owned = Owned::claim(&dir.path().join("b")).unwrap();
        let cancel = CancellationToken::new();
        cancel.cancel();
        let error = copy_tree(&dir.path().join("a"), &owned, &cancel, &Events::silent()).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Cancelled);
    }
}
