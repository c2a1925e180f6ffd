//! What an export is: its files with counts and checksums, and how far it has come.

use super::Selection;
use super::output::{Encoding, hexadecimal};
use crate::error::{Error, Result};
use crate::files::{self, problem::problem};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// The manifest's name in the directory of an export.
pub(crate) const MANIFEST: &str = "manifest.json";
/// Ends the name of a file that is not whole.
pub(crate) const PART: &str = ".part";
/// Checksums of all files, for `sha256sum --check`.
pub(crate) const CHECKSUMS: &str = "SHA256SUMS";
/// The version of the manifest that this program writes.
const FORMAT: u32 = 1;

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the manifest.
    pub format: u32,
    /// The program that wrote it.
    pub made_by: String,
    /// Absolute path of the data directory.
    pub source: PathBuf,
    /// How the documents are written.
    pub encoding: Encoding,
    /// What of the data directory is not in the export, in words; as the last call found it.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// By name.
    pub indices: BTreeMap<String, RegistryEntry>,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryEntry {
    /// Id of the index.
    pub uuid: String,
    /// What was read, as a hash: another one means other data.
    pub content: String,
    /// Whether all of it is there.
    pub complete: bool,
    /// Parts that are written, in the order of reading.
    pub units: usize,
    /// Documents that were not sent as JSON and were turned into it.
    pub converted: u64,
    /// Live documents of these parts that are none of their own, as they are parts of others or were written again in the
    /// translog; nothing in what earlier versions have begun.
    #[serde(default)]
    pub apart: Option<u64>,
    /// Whether the index was closed in Elasticsearch.
    #[serde(default)]
    pub closed: bool,
    /// The file with mappings, settings and aliases.
    pub description: String,
    /// The files with documents, by mapping type.
    pub files: BTreeMap<String, FileEntry>,
}

/// A file with documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name; while the index is not complete, it ends in [`PART`].
    pub name: String,
    /// Documents in it.
    pub documents: u64,
    /// Bytes of their sources, as they were sent.
    pub source_bytes: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file in hexadecimal digits.
    pub sha256: String,
}

impl FileEntry {
    /// Returns its names: of now, and of when the index is complete.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.name.strip_suffix(PART))
    }
}

impl Manifest {
    /// Returns the manifest in `directory`, or a new one.
    ///
    /// # Errors
    /// Refuses a directory with anything else in it, and the export of another directory or in another encoding.
    pub(super) fn open(directory: &Path, selection: &Selection) -> Result<Self> {
        let path = directory.join(MANIFEST);
        if !files::exists(&path)? {
            require_empty(directory)?;
            let made_by = concat!("clearml-migrate ", env!("CARGO_PKG_VERSION")).to_owned();
            let source = selection.source.clone();
            return Ok(Self {
                format: FORMAT,
                made_by,
                source,
                encoding: selection.encoding,
                warnings: Vec::new(),
                indices: BTreeMap::new(),
            });
        }
        let manifest = Self::read(&path).map_err(|error| error.hint("Name another directory: --output DIR"))?;
        let other = |what: String| {
            Error::refused(format!("{} holds an export {what}.", directory.display()))
                .hint("Name another directory: --output DIR")
        };
        if manifest.source != selection.source {
            return Err(other(format!("of {}", manifest.source.display())));
        }
        if manifest.encoding != selection.encoding {
            return Err(other(format!("in the format {}", manifest.encoding.extension())));
        }
        Ok(manifest)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// Refuses what is none, or of a newer program. Fails if it cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).map_err(|cause| problem("read", path, cause))?;
        let none = |cause: anyhow::Error| {
            Error::refused(format!("{} is no manifest of an export.", path.display())).because(cause)
        };
        let manifest: Self = serde_json::from_slice(&text).map_err(|cause| none(cause.into()))?;
        match manifest.format {
            FORMAT => Ok(manifest),
            newer => Err(none(anyhow::anyhow!("it has the format {newer}; this program knows {FORMAT}"))),
        }
    }

    /// Writes the manifest, at once.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        write(directory, self)
    }

    /// Writes the checksums of all files of complete indices, and of the manifest.
    pub(super) fn write_checksums(&self, directory: &Path) -> Result<()> {
        let mut text = String::new();
        let mut line = |hash: &str, name: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{hash}  {name}");
        };
        for index in self.indices.values().filter(|index| index.complete) {
            index.files.values().for_each(|file| line(&file.sha256, &file.name));
            line(&hash_of(&directory.join(&index.description))?, &index.description);
        }
        line(&hash_of(&directory.join(MANIFEST))?, MANIFEST);
        files::write_atomic(&directory.join(CHECKSUMS), text.as_bytes())
    }
}

/// Hashes a small file.
pub(crate) fn hash_of(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|cause| problem("read", path, cause))?;
    Ok(hexadecimal(&Sha256::digest(bytes)))
}

fn require_empty(directory: &Path) -> Result<()> {
    if files::is_empty(directory)? {
        return Ok(());
    }
    Err(Error::refused(format!("{} is not empty, and what is in it is no export.", directory.display()))
        .hint("Name a directory that is empty or does not exist: --output DIR"))
}

/// Writes a manifest into its directory, at once.
///
/// # Errors
/// Fails if it cannot be written.
pub(super) fn write(directory: &Path, manifest: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(manifest)
        .map_err(|cause| Error::internal("The manifest cannot be written.").because(cause))?;
    text.push(b'\n');
    files::write_atomic(&directory.join(MANIFEST), &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_of_an_earlier_version_is_read() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/export/manifest.json");
        let manifest = Manifest::read(&golden).unwrap();
        assert_eq!((manifest.totals().indices, manifest.totals().documents), (3, 11));
    }
}
