//! An Elasticsearch data directory cloned for a node to work on, so that the source is never written.
//!
//! Per file: a reflink where the file system has them; else a hard link for the kinds that Lucene writes once and
//! never changes (a node only ever unlinks them); else a copy. `translog.ckp` is rewritten in place, so nothing of a
//! translog is ever linked. A linked file is the source's own inode: its owner and mode are never touched.

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
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

/// Files that a running node holds locked. They carry no data and a clone gets its own.
pub(super) const LOCK_FILES: [&str; 2] = ["node.lock", "write.lock"];

/// Endings of the files of a Lucene 6 segment (`lucene-core` 6.6.1, package `org.apache.lucene.codecs`): each is
/// written once under a name that is never used again.
const SEGMENT_FILES: [&str; 20] = [
    "cfe", "cfs", "dii", "dim", "doc", "dvd", "dvm", "fdt", "fdx", "fnm", "liv", "nvd", "nvm", "pay", "pos", "si",
    "tim", "tip", "tvd", "tvx",
];

/// Files and bytes that went one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Number of files.
    pub files: u64,
    /// Their apparent size in bytes.
    pub bytes: u64,
}

impl Tally {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// How a clone was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cloned {
    /// Shared by the file system until written.
    pub reflinked: Tally,
    /// The source's own files under a second name.
    pub linked: Tally,
    /// Copied: these take space.
    pub copied: Tally,
}

#[derive(Debug, Clone, Copy)]
enum Made {
    Reflinked(u64),
    Linked(u64),
    Copied(u64),
}

/// Clones the data directory `source` into the claimed `target`, which is created with the source's owner and mode.
/// Lock files are left out. Safe to start over once the caller has removed a partial clone.
///
/// # Errors
/// Fails if the target holds anything, the source holds a symbolic link or special file, changes meanwhile, or
/// cannot be read, and when cancelled.
pub fn clone_elastic(source: &Path, target: &Owned, cancel: &CancellationToken, events: &Events) -> Result<Cloned> {
    failpoints::reach("files.clone")?;
    create_dir_like(target, source)?;
    if !is_empty(target.path())? {
        return Err(Error::internal(format!("{} is not empty.", target.path().display())));
    }
    let entries = walk(source, cancel)?;
    let (dirs, files): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| entry.meta.is_dir());
    let files: Vec<&Entry> = files.into_iter().filter(|entry| !LOCK_FILES.contains(&entry.name())).collect();
    if let Some(odd) = files.iter().find(|entry| !entry.meta.is_file()) {
        let path = odd.at(source);
        return Err(Error::refused(format!("{} is a symbolic link or a special file.", path.display()))
            .hint("Elasticsearch makes none of these. Put the real file or directory in its place, then run again."));
    }
    for dir in dirs.iter().filter(|dir| !dir.path.as_os_str().is_empty()) {
        let made = dir.at(target.path());
        fs::create_dir(&made).map_err(|cause| problem("create the directory", &made, cause))?;
        meta::give(&made, &dir.meta)?;
    }
    let meter = Meter::new(events, "Clone of the Elasticsearch data", files.iter().map(|entry| entry.meta.len()).sum());
    // Decided by the first file, since one file system does not change its mind.
    let try_reflink = AtomicBool::new(true);
    let made = map(&files, cancel, |entry| {
        let paths = (entry.at(source), entry.at(target.path()));
        clone_file(entry, &paths, &try_reflink, cancel, &meter)
    })?;
    for dir in &dirs {
        sync_dir(&dir.at(target.path()))?;
    }
    let mut cloned = Cloned::default();
    for made in made {
        match made {
            Made::Reflinked(bytes) => cloned.reflinked.add(bytes),
            Made::Linked(bytes) => cloned.linked.add(bytes),
            Made::Copied(bytes) => cloned.copied.add(bytes),
        }
    }
    Ok(cloned)
}

fn clone_file(
    entry: &Entry,
    (from, to): &(PathBuf, PathBuf),
    try_reflink: &AtomicBool,
    cancel: &CancellationToken,
    meter: &Meter<'_>,
) -> Result<Made> {
    failpoints::reach("files.clone.file")?;
    let bytes = entry.meta.len();
    if is_immutable(&entry.path) {
        if try_reflink.load(Ordering::Relaxed) {
            if reflink(from, to, entry)? {
                meter.add(bytes);
                return Ok(Made::Reflinked(bytes));
            }
            try_reflink.store(false, Ordering::Relaxed);
        }
        match fs::hard_link(from, to) {
            Ok(()) => {
                meter.add(bytes);
                return Ok(Made::Linked(bytes));
            }
            // Another file system, one without links, a file of somebody else's under protected_hardlinks, too many
            // links: copy.
            Err(cause) if links_not_allowed(&cause) => {}
            Err(cause) => return Err(problem("link", from, cause)),
        }
    }
    let (file, way) = transfer(from, to, cancel, meter)?;
    meta::give(to, &entry.meta)?;
    file.sync_all().map_err(|cause| problem("flush", to, cause))?;
    Ok(match way {
        Way::Reflinked => Made::Reflinked(bytes),
        Way::Copied => Made::Copied(bytes),
    })
}

/// Tries to share the blocks; leaves nothing behind where that is not possible.
fn reflink(from: &Path, to: &Path, entry: &Entry) -> Result<bool> {
    let source = fs::File::open(from).map_err(|cause| problem("read", from, cause))?;
    let target = fs::File::create_new(to).map_err(|cause| problem("create", to, cause))?;
    if rustix::fs::ioctl_ficlone(&target, &source).is_ok() {
        meta::give(to, &entry.meta)?;
        return Ok(true);
    }
    fs::remove_file(to).map_err(|cause| problem("remove", to, cause))?;
    Ok(false)
}

fn links_not_allowed(cause: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    matches!(cause.kind(), PermissionDenied | CrossesDevices | TooManyLinks | Unsupported)
}

/// Returns whether the file (path below the data directory) is `…/<shard>/index/_<segment>.<known ending>`.
fn is_immutable(path: &Path) -> bool {
    let parts: Vec<&str> = path
        .components()
        .map(|part| match part {
            Component::Normal(part) => part.to_str().unwrap_or_default(),
            _ => "",
        })
        .collect();
    let [.., shard, "index", name] = parts.as_slice() else { return false };
    let is_shard = !shard.is_empty() && shard.bytes().all(|byte| byte.is_ascii_digit());
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    is_shard && name.starts_with('_') && SEGMENT_FILES.contains(&ending)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::fingerprint::tree_hash;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn shard(root: &Path) -> std::path::PathBuf {
        let shard = root.join("nodes/0/indices/kB80kyWbSLWGrhBASgmkrg/0");
        fs::create_dir_all(shard.join("index")).unwrap();
        fs::create_dir_all(shard.join("translog")).unwrap();
        for (name, content) in [
            ("index/_0.cfs", "data"),
            ("index/_0_1.liv", "live"),
            ("index/_0.xyz", "unknown"),
            ("index/segments_2", "commit"),
            ("index/write.lock", ""),
            ("translog/translog.ckp", "checkpoint"),
            ("translog/translog-1.tlog", "operations"),
        ] {
            fs::write(shard.join(name), content).unwrap();
            fs::set_permissions(shard.join(name), fs::Permissions::from_mode(0o664)).unwrap();
        }
        fs::write(root.join("nodes/0/node.lock"), "").unwrap();
        shard
    }

    fn clone(source: &Path, target: &Path) -> Result<Cloned> {
        clone_elastic(source, &Owned::claim(target)?, &CancellationToken::new(), &Events::silent())
    }

    #[test]
    fn only_segment_files_share_an_inode_and_locks_stay_behind() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("elastic");
        let shard = shard(&source);
        let before = tree_hash(&source).unwrap();
        let target = dir.path().join("clone");
        let cloned = clone(&source, &target).unwrap();

        let other = target.join(shard.strip_prefix(&source).unwrap());
        let inode = |path: &Path| fs::metadata(path).unwrap().ino();
        for name in ["index/_0.xyz", "index/segments_2", "translog/translog.ckp", "translog/translog-1.tlog"] {
            assert_ne!(inode(&shard.join(name)), inode(&other.join(name)), "{name}");
            assert_eq!(fs::read(shard.join(name)).unwrap(), fs::read(other.join(name)).unwrap(), "{name}");
            assert_eq!(fs::metadata(other.join(name)).unwrap().mode() & 0o777, 0o664);
        }
        assert_eq!(cloned.reflinked.files + cloned.linked.files + cloned.copied.files, 6);
        if cloned.reflinked.files == 0 {
            assert_eq!(inode(&shard.join("index/_0.cfs")), inode(&other.join("index/_0.cfs")));
            assert_eq!(cloned.linked, Tally { files: 2, bytes: 8 });
        }
        assert!(!other.join("index/write.lock").exists());
        assert!(!target.join("nodes/0/node.lock").exists());
        assert_eq!(tree_hash(&source).unwrap(), before);
    }

    #[test]
    fn a_symbolic_link_in_the_data_is_refused_since_a_node_would_write_through_it() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("elastic");
        let shard = shard(&source);
        std::os::unix::fs::symlink("/etc", shard.join("index/link")).unwrap();
        assert!(clone(&source, &dir.path().join("clone")).unwrap_err().message().contains("index/link"));
    }

    #[test]
    fn across_file_systems_everything_is_copied() {
        let elsewhere = tempfile::tempdir_in("/dev/shm").unwrap();
        let dir = tempfile::tempdir().unwrap();
        assert!(!crate::files::same_filesystem(dir.path(), elsewhere.path()).unwrap());
        let source = dir.path().join("elastic");
        shard(&source);
        let cloned = clone(&source, &elsewhere.path().join("clone")).unwrap();
        assert_eq!((cloned.copied.files, cloned.linked.files), (6, 0));
    }

    #[test]
    fn nothing_outside_a_shard_s_index_is_immutable() {
        for path in ["nodes/0/_state/_0.cfs", "nodes/0/indices/u/0/translog/_0.cfs", "nodes/0/indices/u/x/index/_0.cfs"]
        {
            assert!(!is_immutable(Path::new(path)), "{path}");
        }
        assert!(is_immutable(Path::new("nodes/0/indices/u/12/index/_1a_Lucene50_0.doc")));
        assert!(!is_immutable(Path::new("nodes/0/indices/u/12/index/segments.gen")));
    }
}
