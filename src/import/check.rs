//! An export as it lies in its directory: whether it was finished, and whether its files are as they were written.

use super::Chosen;
use crate::elastic::{Exported, ExportedFile};
use crate::error::{Error, Result};
use crate::events::{Events, Unit};
use crate::export::{CHECKSUMS, Encoding, LOCK, MANIFEST, Manifest, RegistryEntry, hash_of, hexadecimal};
use crate::files::{self, problem::problem};
use crate::text::quote;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// Bytes that are read at a time.
const BUFFER: usize = 1024 * 1024;
/// The task of the progress.
const TASK: &str = "check the files";

/// A finished export, and the indices of it that are meant.
#[derive(Debug, Clone)]
pub struct Export {
    directory: PathBuf,
    encoding: Encoding,
    /// SHA-256 of each file, by name.
    checksums: BTreeMap<String, String>,
    /// By name.
    pub indices: BTreeMap<String, ExportedIndex>,
    /// Names of indices that are not meant.
    pub left: Vec<String>,
    /// What the export says of what is not in it.
    pub warnings: Vec<String>,
}

/// An index of an export.
#[derive(Debug, Clone)]
pub struct ExportedIndex {
    /// What the manifest says.
    pub entry: RegistryEntry,
    /// What a node answered to `GET /<index>`.
    pub description: Value,
    /// A hash over all its files: another one means another content.
    pub content: String,
}

impl ExportedIndex {
    /// Returns its documents.
    pub fn documents(&self) -> u64 {
        self.entry.files.values().map(|file| file.documents).sum()
    }

    /// Returns the bytes of its documents' sources.
    pub fn source_bytes(&self) -> u64 {
        self.entry.files.values().map(|file| file.source_bytes).sum()
    }
}

impl Export {
    /// Opens an export and reads the descriptions of the indices that are meant. `finish` is the command that exports,
    /// for telling what to type. Blocks.
    ///
    /// # Errors
    /// Refuses what is no export, one that was cut off, one with a damaged manifest or description, and one without any
    /// index that is meant.
    pub fn open(directory: &Path, wanted: &Chosen, finish: &str) -> Result<Self> {
        let path = directory.join(MANIFEST);
        if !files::exists(&path)? {
            return Err(Error::refused(format!("{} is no export: it has no {MANIFEST}.", directory.display()))
                .hint("Name the directory that `export` has written: --input DIR"));
        }
        let manifest = Manifest::read(&path).map_err(|error| error.hint(ANOTHER_COPY))?;
        require_finished(directory, &manifest, finish)?;
        let checksums = read_checksums(directory)?;
        if checksums.get(MANIFEST) != Some(&hash_of(&path)?) {
            return Err(damaged(directory, &[format!("{MANIFEST}: {NOT_AS_WRITTEN}")]));
        }
        let (mut indices, mut left) = (BTreeMap::new(), Vec::new());
        for (name, entry) in manifest.indices {
            if wanted.include(&name) {
                let description = read_description(directory, &checksums, &name, &entry)?;
                let content = content(&checksums, &entry);
                indices.insert(name, ExportedIndex { entry, description, content });
            } else {
                left.push(name);
            }
        }
        if indices.is_empty() {
            let others = if left.is_empty() { "none".to_owned() } else { left.join(", ") };
            let whose = match wanted {
                Chosen::Servers => "of the server",
                Chosen::Matching(_) => "of such a name",
            };
            return Err(Error::refused(format!("The export in {} has no index {whose}.", directory.display()))
                .because(anyhow::anyhow!("it has {others}"))
                .hint("Say which ones are meant, whosever they are: --index '*'"));
        }
        let (encoding, warnings) = (manifest.encoding, manifest.warnings);
        Ok(Self { directory: directory.to_owned(), encoding, checksums, indices, left, warnings })
    }

    /// Reads all files of some of the indices and compares them with their checksums. Returns the bytes read. Blocks.
    ///
    /// # Errors
    /// Refuses damaged files, all of them by name; fails if one cannot be read, and on cancel.
    pub fn check_files<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        events: &Events,
        cancel: &CancellationToken,
    ) -> Result<u64> {
        let entries = names.into_iter().filter_map(|name| self.indices.get(name));
        let all: Vec<_> = entries.flat_map(|index| index.entry.files.values()).collect();
        let total = all.iter().map(|file| file.bytes).sum();
        let (mut read, mut bad) = (0, Vec::new());
        for file in all {
            let path = self.directory.join(plain(&file.name)?);
            let found = match fs::metadata(&path) {
                Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Some("it is missing".to_owned()),
                Err(cause) => return Err(problem("look at", &path, cause)),
                Ok(meta) if meta.len() != file.bytes => {
                    Some(format!("it has {} bytes instead of {}", meta.len(), file.bytes))
                }
                Ok(_) => {
                    let hash = hash(&path, cancel, |bytes| {
                        read += bytes;
                        events.progress(TASK, read, Some(total), Unit::Bytes);
                    })?;
                    let same = hash == file.sha256 && self.checksums.get(&file.name) == Some(&hash);
                    (!same).then(|| NOT_AS_WRITTEN.to_owned())
                }
            };
            bad.extend(found.map(|what| format!("{}: {what}", file.name)));
        }
        events.progress_ended(TASK);
        if bad.is_empty() { Ok(read) } else { Err(damaged(&self.directory, &bad)) }
    }

    /// Returns the documents of the indices that are meant, to be copied.
    ///
    /// # Errors
    /// Refuses a file that is not in the directory.
    pub fn source(&self) -> Result<Exported> {
        let mut indices = BTreeMap::new();
        for (name, index) in &self.indices {
            let mut sources = Vec::new();
            for (kind, file) in &index.entry.files {
                sources.push(ExportedFile {
                    path: self.directory.join(plain(&file.name)?),
                    compressed: self.encoding == Encoding::Zstd,
                    kind: kind.clone(),
                    documents: file.documents,
                });
            }
            indices.insert(name.clone(), sources);
        }
        Ok(Exported::new(indices))
    }
}

const NOT_AS_WRITTEN: &str = "it is not as it was written";
const ANOTHER_COPY: &str = "Take it from another copy of the export; else export once more, into another directory.";

fn damaged(directory: &Path, files: &[String]) -> Error {
    Error::refused(format!("The export in {} is damaged.", directory.display()))
        .because(anyhow::Error::msg(files.join("\n")))
        .hint(ANOTHER_COPY)
        .hint("Indices whose files are whole can be imported: --index GLOB")
}

/// An export has its checksums when it is finished, and not before.
fn require_finished(directory: &Path, manifest: &Manifest, finish: &str) -> Result<()> {
    let finished = files::exists(&directory.join(CHECKSUMS))? && manifest.indices.values().all(|index| index.complete);
    let writing = files::exists(&directory.join(LOCK))?;
    if finished && !writing {
        return Ok(());
    }
    Err(Error::refused(format!("The export in {} is not finished.", directory.display()))
        .because(anyhow::anyhow!("it was cut off, or is being written now"))
        .hint(format!(
            "Have it finished first: {finish} --source {} --output {} --format {}",
            quote(&manifest.source.to_string_lossy()),
            quote(&directory.to_string_lossy()),
            manifest.encoding.extension()
        )))
}

/// Reads the lines `<hash>  <name>`.
fn read_checksums(directory: &Path) -> Result<BTreeMap<String, String>> {
    let path = directory.join(CHECKSUMS);
    let text = fs::read(&path).map_err(|cause| problem("read", &path, cause))?;
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().map(|line| line.split_once("  "));
    let parsed: Option<BTreeMap<_, _>> =
        lines.map(|line| line.map(|(hash, name)| (name.to_owned(), hash.to_owned()))).collect();
    parsed.ok_or_else(|| damaged(directory, &[format!("{CHECKSUMS}: it has lines that are no checksums")]))
}

fn read_description(
    directory: &Path,
    checksums: &BTreeMap<String, String>,
    name: &str,
    entry: &RegistryEntry,
) -> Result<Value> {
    let path = directory.join(plain(&entry.description)?);
    let bad = |what: &str| damaged(directory, &[format!("{}: {what}", entry.description)]);
    if !files::exists(&path)? {
        return Err(bad("it is missing"));
    }
    if checksums.get(&entry.description) != Some(&hash_of(&path)?) {
        return Err(bad(NOT_AS_WRITTEN));
    }
    let text = fs::read(&path).map_err(|cause| problem("read", &path, cause))?;
    let description: Value = serde_json::from_slice(&text).map_err(|cause| bad("it is no JSON").because(cause))?;
    description.get(name).cloned().ok_or_else(|| bad(&format!("it does not describe the index {name}")))
}

fn content(checksums: &BTreeMap<String, String>, entry: &RegistryEntry) -> String {
    let mut hash = Sha256::new();
    hash.update(checksums.get(&entry.description).map(String::as_str).unwrap_or_default());
    for (kind, file) in &entry.files {
        hash.update(format!("\n{kind}\n{}\n{}", file.documents, file.sha256));
    }
    hexadecimal(&hash.finalize())
}

/// Hashes a file of any size.
fn hash(path: &Path, cancel: &CancellationToken, mut progress: impl FnMut(u64)) -> Result<String> {
    let cannot = |cause| problem("read", path, cause);
    let mut file = File::open(path).map_err(cannot)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; BUFFER]);
    loop {
        let read = file.read(&mut buffer).map_err(cannot)?;
        if read == 0 {
            return Ok(hexadecimal(&hash.finalize()));
        }
        if cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        hash.update(buffer.get(..read).unwrap_or_default());
        progress(read as u64);
    }
}

/// A manifest names files of its own directory, and no others.
fn plain(name: &str) -> Result<&str> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) if part == name => Ok(name),
        _ => Err(Error::refused(format!("The manifest of the export names {name:?}, which is no file of it."))
            .hint(ANOTHER_COPY)),
    }
}

#[cfg(test)]
mod tests;
