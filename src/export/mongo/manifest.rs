//! What a dump is: its collections with counts and checksums, and what may be missing.

use super::super::manifest::{self, CHECKSUMS, MANIFEST, PART, hash_of};
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
    /// Whether everything that is meant was written.
    pub complete: bool,
    /// What is not in the dump, or may be missing, a sentence for each.
    pub warnings: Vec<String>,
    /// By namespace.
    pub collections: BTreeMap<String, Entry>,
}

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The file with its documents.
    pub file: String,
    /// The file with its options and indexes.
    pub metadata: String,
    /// Documents in it.
    pub documents: u64,
    /// Bytes of their BSON.
    pub bytes: u64,
    /// SHA-256 of the file with the documents, in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// Begins a dump in `directory`: what one that was cut off has written is removed, and written once more.
    ///
    /// # Errors
    /// Refuses a directory with anything in it but a dump of the same source that was cut off.
    pub(super) fn begin(directory: &Path, source: &Path, engine: &str) -> Result<Self> {
        let path = directory.join(MANIFEST);
        let refused = |what: &str| {
            Error::refused(format!("{} {what}.", directory.display()))
                .hint("Name a directory that is empty or does not exist: --output DIR")
        };
        if files::exists(&path)? {
            let text = fs::read(&path).map_err(|cause| problem("read", &path, cause))?;
            let earlier: Self = serde_json::from_slice(&text)
                .map_err(|cause| refused("is not empty, and what is in it is no dump").because(cause))?;
            if earlier.complete || earlier.source != source || earlier.format != FORMAT {
                return Err(refused("holds an export already"));
            }
            earlier.remove(directory)?;
        } else if !files::is_empty(directory)? {
            return Err(refused("is not empty, and what is in it is no dump"));
        }
        let manifest = Self {
            format: FORMAT,
            made_by: concat!("clearml-migrate ", env!("CARGO_PKG_VERSION")).to_owned(),
            source: source.to_owned(),
            engine: engine.to_owned(),
            complete: false,
            warnings: Vec::new(),
            collections: BTreeMap::new(),
        };
        manifest.write(directory)?;
        Ok(manifest)
    }

    /// Removes the files of a dump that was cut off: of another one, with other collections, they would be no part. A name
    /// that leads anywhere but into a directory of this one is none that was ever written here.
    fn remove(&self, directory: &Path) -> Result<()> {
        let named = self.collections.values().flat_map(|entry| [&entry.file, &entry.metadata]);
        let mut written: Vec<PathBuf> = named.filter(|name| is_ours(name)).map(|name| directory.join(name)).collect();
        for database in subdirectories(directory)? {
            written.extend(entries(&database)?.into_iter().filter(|path| is_part(path)));
        }
        written.iter().try_for_each(|path| if is_file(path) { files::remove_file(path) } else { Ok(()) })
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
        let mut manifest = Manifest::begin(&root.path().join("new"), Path::new("/db"), "engine").unwrap();
        let absolute = outside.display().to_string();
        for (at, file) in ["b/task.bson", "../outside/x.bson", &absolute, "link/x.bson", "x.bson"].iter().enumerate() {
            let (file, metadata, sha256) = ((*file).to_owned(), "b/none.metadata.json".to_owned(), String::new());
            manifest.collections.insert(at.to_string(), Entry { file, metadata, documents: 1, bytes: 1, sha256 });
        }
        manifest.write(&dump).unwrap();
        Manifest::begin(&dump, Path::new("/db"), "engine").unwrap();
        assert!(outside.is_file() && inside("b/mine.txt").is_file() && inside("x.bson").is_file());
        assert!(!inside("b/task.bson").exists() && !inside("b/model.bson.part").exists());
    }
}
