//! What a dump is: its collections with counts and checksums, and what may be missing.

use super::super::manifest::{self, CHECKSUMS, MANIFEST, PART, hash_of};
use super::super::output::hash_of_start;
use crate::error::{Error, Result};
use crate::files::{self, problem::problem};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The version of the manifest that this program writes.
const FORMAT: u32 = 1;

/// A dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the manifest.
    pub format: u32,
    /// The program that wrote it.
    pub made_by: String,
    /// Absolute path of the data directory.
    pub source: PathBuf,
    /// The engine that wrote the data, such as `WiredTiger 3.1.1: (July 12, 2018)`.
    pub engine: String,
    /// What was read, as a hash: another one means other data.
    pub content: String,
    /// How documents are written: `bson`, or as lines are.
    pub encoding: String,
    /// Whether everything that is meant was written.
    pub complete: bool,
    /// What is not in the dump, or may be missing, a sentence for each.
    pub warnings: Vec<String>,
    /// By namespace.
    pub collections: BTreeMap<String, Entry>,
}

/// A collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The file with its documents; while it is not complete, [`PART`] stands behind its name.
    pub file: String,
    /// The file with its options and indexes.
    pub metadata: String,
    /// Whether all of it is there.
    pub complete: bool,
    /// Documents in it.
    pub documents: u64,
    /// Bytes of their BSON.
    pub bytes: u64,
    /// Texts in it that are no UTF-8 in the data.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub changed_texts: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// SHA-256 of the file with the documents, in hexadecimal digits.
    pub sha256: String,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Entry {
    /// Returns the name of the file as it is while it is written.
    pub(super) fn part(&self) -> String {
        format!("{}{PART}", self.file)
    }

    /// Returns whether what it says is there: all of it, or a beginning that can be gone on with.
    fn is_there(&self, directory: &Path) -> bool {
        let (whole, part) = (directory.join(&self.file), directory.join(self.part()));
        match self.complete {
            true => is_file(&whole) && fs::metadata(whole).is_ok_and(|found| found.len() == self.file_bytes),
            // It is hashed anew with the rest.
            false => is_file(&part) && hash_of_start(&part, self.file_bytes).is_ok_and(|hash| hash == self.sha256),
        }
    }
}

/// What is to be dumped: only one of the same can be gone on with.
pub(super) struct Dump<'a> {
    pub source: &'a Path,
    pub engine: &'a str,
    pub content: String,
    pub encoding: &'a str,
}

impl Manifest {
    /// Begins a dump in `directory`, or goes on with one of the same data that was cut off: collections that are not
    /// `meant`, or of which not all is there that should be, are removed.
    ///
    /// # Errors
    /// Refuses a directory with anything in it but a dump of the same source that was cut off.
    pub(super) fn begin(directory: &Path, dump: &Dump<'_>, meant: impl Fn(&str) -> bool) -> Result<Self> {
        let mut manifest = Self {
            format: FORMAT,
            made_by: concat!("clearml-migrate ", env!("CARGO_PKG_VERSION")).to_owned(),
            source: dump.source.to_owned(),
            engine: dump.engine.to_owned(),
            content: dump.content.clone(),
            encoding: dump.encoding.to_owned(),
            complete: false,
            warnings: Vec::new(),
            collections: BTreeMap::new(),
        };
        if let Some(earlier) = Self::cut_off(directory, dump)? {
            let is_same = earlier.content == dump.content && earlier.encoding == dump.encoding;
            let stays = |name: &str, entry: &Entry| {
                is_same && meant(name) && is_ours(&entry.file) && is_ours(&entry.metadata) && entry.is_there(directory)
            };
            let (staying, going): (BTreeMap<_, _>, BTreeMap<_, _>) =
                earlier.collections.into_iter().partition(|(name, entry)| stays(name, entry));
            remove(directory, &going, &staying)?;
            manifest.collections = staying;
        }
        manifest.write(directory)?;
        Ok(manifest)
    }

    /// Returns the dump in a directory, one that was cut off; nothing if there is nothing.
    fn cut_off(directory: &Path, dump: &Dump<'_>) -> Result<Option<Self>> {
        let path = directory.join(MANIFEST);
        let refused = |what: &str| {
            Error::refused(format!("{} {what}.", directory.display()))
                .hint("Name a directory that is empty or does not exist: --output DIR")
        };
        if !files::exists(&path)? {
            return match files::is_empty(directory)? {
                true => Ok(None),
                false => Err(refused("is not empty, and what is in it is no dump")),
            };
        }
        let text = fs::read(&path).map_err(|cause| problem("read", &path, cause))?;
        let earlier: Self = serde_json::from_slice(&text)
            .map_err(|cause| refused("is not empty, and what is in it is no dump").because(cause))?;
        match earlier.complete || earlier.source != dump.source || earlier.format != FORMAT {
            true => Err(refused("holds an export already")),
            false => Ok(Some(earlier)),
        }
    }

    /// Writes the manifest, at once.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        manifest::write(directory, self)
    }

    /// Writes the checksums of all files.
    ///
    /// # Errors
    /// Fails if a file cannot be read or written.
    pub(super) fn write_checksums(&self, directory: &Path) -> Result<()> {
        let mut text = String::new();
        for entry in self.collections.values() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}  {}", entry.sha256, entry.file);
            let _ = writeln!(text, "{}  {}", hash_of(&directory.join(&entry.metadata))?, entry.metadata);
        }
        let _ = writeln!(text, "{}  {MANIFEST}", hash_of(&directory.join(MANIFEST))?);
        files::write_atomic(&directory.join(CHECKSUMS), text.as_bytes())
    }
}

/// Removes what a dump that was cut off has of some collections: of another one, with other collections, it would be no
/// part. A name that leads anywhere but into a directory of this one is none that was ever written here.
fn remove(directory: &Path, going: &BTreeMap<String, Entry>, staying: &BTreeMap<String, Entry>) -> Result<()> {
    let named = going.values().flat_map(|entry| [&entry.file, &entry.metadata]);
    let mut written: Vec<PathBuf> = named.filter(|name| is_ours(name)).map(|name| directory.join(name)).collect();
    let gone_on_with: Vec<PathBuf> = staying.values().map(|entry| directory.join(entry.part())).collect();
    for database in subdirectories(directory)? {
        written.extend(entries(&database)?.into_iter().filter(|path| is_part(path) && !gone_on_with.contains(path)));
    }
    written.iter().try_for_each(|path| if is_file(path) { files::remove_file(path) } else { Ok(()) })
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = |cause| problem("read the directory", directory, cause);
    fs::read_dir(directory).map_err(failed)?.map(|entry| Ok(entry.map_err(failed)?.path())).collect()
}

/// Returns the directories in a directory, without those that a link leads to.
fn subdirectories(directory: &Path) -> Result<Vec<PathBuf>> {
    let is_directory = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    Ok(entries(directory)?.into_iter().filter(is_directory).collect())
}

/// Whether a name is of the form `<database>/<file>`.
fn is_ours(name: &str) -> bool {
    let parts: Vec<Component<'_>> = Path::new(name).components().collect();
    matches!(parts.as_slice(), [Component::Normal(_), Component::Normal(_)])
}

fn is_file(path: &Path) -> bool {
    let in_directory = path.parent().is_some_and(|dir| fs::symlink_metadata(dir).is_ok_and(|found| found.is_dir()));
    in_directory && fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

fn is_part(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(PART))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn put(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    #[test]
    fn of_a_dump_that_was_cut_off_only_what_was_written_into_it_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let (dump, outside) = (root.path().join("dump"), root.path().join("outside/x.bson"));
        let inside = |name: &str| dump.join(name);
        for path in
            [&outside, &inside("b/task.bson"), &inside("b/model.bson.part"), &inside("b/mine.txt"), &inside("x.bson")]
        {
            put(path);
        }
        symlink(root.path().join("outside"), inside("link")).unwrap();
        fs::create_dir(root.path().join("new")).unwrap();
        let of = |content: &'static str| Dump {
            source: Path::new("/db"),
            engine: "engine",
            content: content.to_owned(),
            encoding: "bson",
        };
        let begin = |directory: &Path, content| Manifest::begin(directory, &of(content), |_| true).unwrap();
        let mut manifest = begin(&root.path().join("new"), "of yesterday");
        let absolute = outside.display().to_string();
        for (at, file) in ["b/task.bson", "../outside/x.bson", &absolute, "link/x.bson", "x.bson"].iter().enumerate() {
            let (file, metadata) = ((*file).to_owned(), "b/none.metadata.json".to_owned());
            let entry = Entry { file, metadata, complete: true, file_bytes: 1, ..Entry::default() };
            manifest.collections.insert(at.to_string(), entry);
        }
        manifest.write(&dump).unwrap();
        // Of the same data, what is there stays.
        assert_eq!(begin(&dump, "of yesterday").collections.len(), 1);
        assert!(inside("b/task.bson").exists() && !inside("b/model.bson.part").exists());
        begin(&dump, "of today");
        assert!(outside.is_file() && inside("b/mine.txt").is_file() && inside("x.bson").is_file());
        assert!(!inside("b/task.bson").exists());
    }
}
