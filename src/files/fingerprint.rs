//! Whether a source is still what it was: a stamp per part, cheap to take and kept in the journal.
//!
//! Stopped databases do not touch their files. So size, modification time and inode tell of any write, and the small
//! files that every start rewrites (commits, checkpoints, state) are stamped by content too. Reading changes nothing
//! that is looked at.

use super::clone::LOCK_FILES;
use super::problem::{changed_while_read, problem};
use super::transfer::same_content_stamp;
use super::walk::{Entry, walk};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// In trees that are no Elasticsearch data, files up to this many bytes are stamped by content too.
const SMALL: u64 = 64 * 1024;
/// How many changed paths a message names.
const NAMED: usize = 3;

/// What kind of source it is, which decides what is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// An Elasticsearch data directory.
    Elastic,
    /// Any other data directory, such as of MongoDB or Redis.
    Tree,
    /// A single file, which may be absent.
    File,
}

/// A source as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    source: Source,
    /// Stamps by path below the source. In Elasticsearch data a directory's stamp covers the names, sizes, times and
    /// inodes of the files in it.
    stamps: BTreeMap<String, String>,
}

/// The paths by which two fingerprints differ, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes(Vec<String>);

impl Changes {
    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns all changed paths, sorted.
    pub fn paths(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<&str> = self.0.iter().take(NAMED).map(String::as_str).collect();
        match self.0.len().saturating_sub(NAMED) {
            0 => write!(f, "{}", named.join(", ")),
            more => write!(f, "{} and {more} more", named.join(", ")),
        }
    }
}

impl Fingerprint {
    /// Takes the fingerprint of the source at `path`.
    ///
    /// # Errors
    /// Fails if something cannot be read or changes meanwhile, and when cancelled.
    pub fn take(source: Source, path: &Path, cancel: &CancellationToken) -> Result<Self> {
        let stamps = match source {
            Source::Elastic => elastic(path, cancel)?,
            Source::Tree => tree(path, cancel)?,
            Source::File => BTreeMap::from([(file_name(path), single(path)?)]),
        };
        Ok(Self { source, stamps })
    }

    /// Returns what kind of source it is of.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Returns what has changed from `self` to `now`.
    pub fn compare(&self, now: &Self) -> Changes {
        let gone = self.stamps.keys().filter(|path| !now.stamps.contains_key(*path));
        let different = now.stamps.iter().filter(|(path, stamp)| self.stamps.get(*path) != Some(stamp));
        let mut paths: Vec<String> = gone.chain(different.map(|(path, _)| path)).cloned().collect();
        paths.sort();
        Changes(paths)
    }
}

fn elastic(root: &Path, cancel: &CancellationToken) -> Result<BTreeMap<String, String>> {
    let mut listings: BTreeMap<&Path, Sha256> = BTreeMap::new();
    let mut stamps = BTreeMap::new();
    let entries = walk(root, cancel)?;
    for entry in entries.iter().filter(|entry| !LOCK_FILES.contains(&entry.name())) {
        let listing = listings.entry(entry.path.parent().unwrap_or(Path::new(""))).or_default();
        if entry.meta.is_dir() {
            if entry.path.as_os_str().is_empty() {
                continue;
            }
            listing.update(format!("{:?} directory\n", entry.path));
            listings.entry(&entry.path).or_default();
            continue;
        }
        listing.update(format!("{:?} {} {}\n", entry.path, stamp(entry), entry.meta.ino()));
        if has_key_content(entry) {
            stamps.insert(key(&entry.path), content(entry, root)?);
        }
    }
    let listings = listings.into_iter().map(|(dir, listing)| (format!("{}/", key(dir)), hex(&listing.finalize())));
    stamps.extend(listings);
    Ok(stamps)
}

/// Returns whether Elasticsearch rewrites the file whenever it has changed anything: commits, translog checkpoints,
/// state files.
fn has_key_content(entry: &Entry) -> bool {
    let name = entry.name();
    entry.meta.is_file() && (name.starts_with("segments_") || name.ends_with(".ckp") || name.ends_with(".st"))
}

fn tree(root: &Path, cancel: &CancellationToken) -> Result<BTreeMap<String, String>> {
    let stamp_of = |entry: &Entry| -> Result<String> {
        let mut stamp = if entry.meta.is_dir() { "directory".to_owned() } else { stamp(entry) };
        if entry.meta.is_file() && entry.meta.len() <= SMALL {
            stamp = format!("{stamp} {}", content(entry, root)?);
        }
        Ok(stamp)
    };
    walk(root, cancel)?.iter().map(|entry| Ok((key(&entry.path), stamp_of(entry)?))).collect()
}

fn single(path: &Path) -> Result<String> {
    match fs::read(path) {
        Ok(bytes) => Ok(format!("sha256 {}", hex(&Sha256::digest(bytes)))),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok("absent".to_owned()),
        Err(cause) => Err(problem("read", path, cause)),
    }
}

fn stamp(entry: &Entry) -> String {
    let meta = &entry.meta;
    format!("{} bytes, {}.{:09}", meta.len(), meta.mtime(), meta.mtime_nsec())
}

fn content(entry: &Entry, root: &Path) -> Result<String> {
    let path = entry.at(root);
    let mut file = File::open(&path).map_err(|cause| problem("read", &path, cause))?;
    let hash = hash_reader(&mut file).map_err(|cause| problem("read", &path, cause))?;
    let after = file.metadata().map_err(|cause| problem("look at", &path, cause))?;
    if !same_content_stamp(&entry.meta, &after) {
        return Err(changed_while_read(&path));
    }
    Ok(format!("sha256 {hash}"))
}

fn hash_reader(reader: &mut impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(reader, &mut hash)?;
    Ok(hex(&hash.finalize()))
}

fn key(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Hashes everything that makes up a tree but access times: paths, kinds, owners, modes, modification times, link
/// targets and whole contents. Reads every byte: for tests, and for whoever wants proof that nothing was changed.
///
/// # Errors
/// Fails if something cannot be read.
pub fn tree_hash(root: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for entry in walk(root, &CancellationToken::new())? {
        let (meta, path) = (&entry.meta, entry.at(root));
        hash.update(entry.path.as_os_str().as_bytes());
        hash.update(format!(
            "\0{:o} {} {} {}.{}\0",
            meta.mode(),
            meta.uid(),
            meta.gid(),
            meta.mtime(),
            meta.mtime_nsec()
        ));
        if meta.is_symlink() {
            let target = fs::read_link(&path).map_err(|cause| problem("read the link", &path, cause))?;
            hash.update(target.as_os_str().as_bytes());
        } else if meta.is_file() {
            let content = File::open(&path).and_then(|mut file| hash_reader(&mut file));
            hash.update(content.map_err(|cause| problem("read", &path, cause))?);
        }
    }
    Ok(hex(&hash.finalize()))
}

/// Returns an error that names what changed in a source.
pub fn changed(path: &Path, changes: &Changes) -> Error {
    Error::failed(format!("{} has changed since it was copied: {changes}.", path.display()))
        .hint("Make sure that the old server is stopped, then run the same command again: what changed is copied anew.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(source: Source, path: &Path) -> Fingerprint {
        Fingerprint::take(source, path, &CancellationToken::new()).unwrap()
    }

    fn elastic_dir(root: &Path) {
        let index = root.join("nodes/0/indices/u/0/index");
        fs::create_dir_all(&index).unwrap();
        fs::create_dir_all(root.join("nodes/0/indices/u/0/translog")).unwrap();
        fs::write(index.join("segments_3"), "commit").unwrap();
        fs::write(index.join("_0.cfs"), "data").unwrap();
        fs::write(root.join("nodes/0/indices/u/0/translog/translog.ckp"), "ckp").unwrap();
        fs::write(root.join("nodes/0/indices/u/0/translog/translog-1.tlog"), "ops").unwrap();
    }

    #[test]
    fn reading_and_locking_leave_a_fingerprint_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        elastic_dir(dir.path());
        let before = take(Source::Elastic, dir.path());
        fs::read(dir.path().join("nodes/0/indices/u/0/index/_0.cfs")).unwrap();
        fs::write(dir.path().join("nodes/0/node.lock"), "").unwrap();
        let json = serde_json::to_string(&before).unwrap();
        let before: Fingerprint = serde_json::from_str(&json).unwrap();
        assert!(before.compare(&take(Source::Elastic, dir.path())).is_empty());
    }

    #[test]
    fn any_write_to_elasticsearch_data_is_named() {
        for change in
            ["index/segments_3", "index/_0.cfs", "translog/translog.ckp", "translog/translog-1.tlog", "index/new"]
        {
            let dir = tempfile::tempdir().unwrap();
            elastic_dir(dir.path());
            let before = take(Source::Elastic, dir.path());
            let path = dir.path().join("nodes/0/indices/u/0").join(change);
            std::thread::sleep(std::time::Duration::from_millis(20));
            fs::write(&path, fs::read(&path).unwrap_or_default()).unwrap();
            let changes = before.compare(&take(Source::Elastic, dir.path()));
            let parent = change.split('/').next().unwrap();
            assert!(changes.to_string().contains(parent), "{change}: {changes}");
        }
    }

    #[test]
    fn a_small_file_with_its_old_size_and_time_but_other_content_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("storage.bson");
        fs::write(&path, "aaaa").unwrap();
        let before = take(Source::Tree, dir.path());
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "bbbb").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        let changes = before.compare(&take(Source::Tree, dir.path()));
        assert_eq!(changes.paths(), ["storage.bson"]);
        assert!(changed(dir.path(), &changes).message().ends_with("copied: storage.bson."));
    }

    #[test]
    fn a_file_may_come_and_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        let absent = take(Source::File, &path);
        fs::write(&path, "A=1").unwrap();
        let there = take(Source::File, &path);
        assert_eq!(absent.compare(&there).paths(), [".env"]);
        fs::remove_file(&path).unwrap();
        assert!(absent.compare(&take(Source::File, &path)).is_empty());
    }

    #[test]
    fn many_changes_are_counted_and_a_few_named() {
        let changes = Changes(["a", "b", "c", "d", "e"].map(String::from).to_vec());
        assert_eq!(changes.to_string(), "a, b, c and 2 more");
    }
}
