//! An export into a directory: for each index its documents and its description, with a manifest.

use super::manifest::{FileEntry, MANIFEST, Manifest, PART, RegistryEntry};
use super::output::{Encoding, Output, hash_of_start, hexadecimal};
use super::reading::{Block, Part, read_units};
use super::{Selection, Totals, open, tell_left_out, warnings};
use crate::elastic::{describe, settle};
use crate::error::{Error, Result};
use crate::events::{Events, Unit as Counted};
use crate::failpoints;
use crate::files::{self, locks::RunLock, problem::problem};
use crate::lucene::data_dir::Openness;
use crate::lucene::directory::{Shard, Unit};
use crate::lucene::index_metadata::IndexMetadata;
use crate::message::{About, Code, Message};
use crate::transfer::{Copied, Places, Stored};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Bytes of lines after which everything is brought to disk, so that an export that is cut off can go on there.
pub(super) const CHECKPOINT_BYTES: u64 = 256 * 1024 * 1024;
/// Two exports into one directory would spoil each other's files.
pub(crate) const LOCK: &str = ".lock";

/// Writes every document of the indices that are meant, and returns what there is in `target` now. Blocks.
///
/// Goes on with an export that was cut off; an index that is there already is not read again.
///
/// # Errors
/// Refuses what is in use, damaged or unknown, and a target that holds anything else. Fails if something cannot be
/// read or written, and on cancel; the same call goes on then.
pub fn into_directory(
    selection: &Selection,
    target: &Path,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Manifest> {
    let directory = open(selection)?;
    tell_left_out(&directory, events);
    fs::create_dir_all(target).map_err(|cause| problem("make the directory", target, cause))?;
    let mut manifest = Manifest::open(target, selection)?;
    manifest.warnings = warnings(&directory);
    manifest.write(target)?;
    let lock = target.join(LOCK);
    let _held = RunLock::acquire(&lock, &format!("export, process {}", std::process::id()))?;
    let mut live = BTreeMap::new();
    for index in directory.indices() {
        let shards = directory.shards(index)?;
        let units: Vec<Unit> = shards.iter().flat_map(Shard::units).collect();
        let lives = shards.iter().map(Shard::live_documents).sum();
        Job { target, index, units: &units, lives, events, cancel }.run(&mut manifest)?;
        live.insert(index.name.as_str(), lives);
    }
    manifest.settle(&live)?;
    let mut stayed = Vec::new();
    let here = |name: &String| directory.indices().iter().any(|index| index.name == *name);
    for gone in manifest.indices.keys().filter(|name| selection.indices.include(name) && !here(name)) {
        let gone = format!("{gone} is no longer in the data; what an earlier export has of it stays in this one.");
        events.warn(Message::new(Code::IndexGone, gone.clone()));
        stayed.push(gone);
    }
    manifest.warnings.extend(stayed);
    manifest.write(target)?;
    manifest.write_checksums(target)?;
    files::remove_file(&lock)?;
    Ok(manifest)
}

impl Manifest {
    /// Settles the accounts of indices with their live documents as Lucene counts them.
    fn settle(&self, live: &BTreeMap<&str, u64>) -> Result<()> {
        let mut places = Places::new(None, live.keys().copied());
        for (name, entry) in &self.indices {
            let Some(live) = live.get(name.as_str()) else { continue };
            let there = entry.apart.map(|apart| live.saturating_sub(apart));
            let written = entry.files.values().map(|file| file.documents).sum();
            places.copied(name, Copied { there, read: written, left_out: 0 });
            places.written(name, Stored { documents: written, digest: None });
        }
        settle("exported", &places).map(drop)
    }

    /// Returns what there is in all.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for index in self.indices.values() {
            totals.indices += 1;
            totals.converted += index.converted;
            for file in index.files.values() {
                totals.documents += file.documents;
                totals.source_bytes += file.source_bytes;
            }
        }
        totals
    }
}

/// An index to write.
struct Job<'a> {
    target: &'a Path,
    index: &'a IndexMetadata,
    units: &'a [Unit],
    /// Documents that live, nested ones included.
    lives: u64,
    events: &'a Events,
    cancel: &'a CancellationToken,
}

impl Job<'_> {
    fn run(&self, manifest: &mut Manifest) -> Result<()> {
        let name = &self.index.name;
        let earlier = manifest.indices.remove(name);
        let before: Vec<FileEntry> = earlier.iter().flat_map(|entry| entry.files.values()).cloned().collect();
        let begun = earlier.filter(|entry| self.is_of_these_data(entry));
        let entry = match begun {
            Some(entry) if entry.complete && self.is_there(&entry) => {
                self.events
                    .info(Message::new(Code::IndexThere, format!("{name} is there already")).about(About::index(name)));
                manifest.indices.insert(name.clone(), entry);
                return Ok(());
            }
            Some(entry) if !entry.complete && self.is_there(&entry) => entry,
            _ => self.begin(),
        };
        self.describe(&entry)?;
        let mut writing =
            Writing { target: self.target, encoding: manifest.encoding, entry, outputs: BTreeMap::new(), pending: 0 };
        let left = self.units.get(writing.entry.units..).unwrap_or_default();
        let mut done: u64 = writing.entry.files.values().map(|file| file.documents).sum();
        let mut units = writing.entry.units;
        read_units(name, left, self.cancel, |part| {
            match part {
                Part::Block(block) => {
                    done += block.documents;
                    writing.write(name, &block)?;
                    self.events.progress(name, done, Some(self.lives), Counted::Documents);
                }
                Part::EndOfUnit { apart } => {
                    units += 1;
                    writing.entry.apart = writing.entry.apart.map(|before| before + apart);
                    failpoints::reach("export.unit")?;
                    if writing.pending >= CHECKPOINT_BYTES || is_due_in_a_test() {
                        writing.checkpoint(units)?;
                        manifest.indices.insert(name.clone(), writing.entry.clone());
                        manifest.write(self.target)?;
                    }
                }
            }
            Ok(())
        })?;
        writing.checkpoint(units)?;
        let entry = writing.finish()?;
        let now: Vec<&str> = entry.files.values().map(|file| file.name.as_str()).collect();
        // Of data that have changed since: nobody should take these for a part of the export.
        for name in before.iter().flat_map(FileEntry::names).filter(|name| !now.contains(name)) {
            let left = self.target.join(name);
            if files::exists(&left)? {
                files::remove_file(&left)?;
            }
        }
        manifest.indices.insert(name.clone(), entry);
        manifest.write(self.target)?;
        self.events.progress_ended(name);
        Ok(())
    }

    fn begin(&self) -> RegistryEntry {
        RegistryEntry {
            uuid: self.index.uuid.clone(),
            content: self.content(),
            complete: false,
            units: 0,
            converted: 0,
            apart: Some(0),
            closed: self.index.openness == Openness::Closed,
            description: description_name(&self.index.name),
            files: BTreeMap::new(),
        }
    }

    /// Returns a hash of what there is to read.
    fn content(&self) -> String {
        let mut hash = Sha256::new();
        for unit in self.units {
            // A key always serialises.
            hash.update(serde_json::to_vec(&unit.key()).unwrap_or_default());
        }
        hexadecimal(&hash.finalize())
    }

    fn is_of_these_data(&self, entry: &RegistryEntry) -> bool {
        entry.uuid == self.index.uuid && entry.content == self.content()
    }

    /// Returns whether the files are as long as the manifest says; of those that are gone on with, whether what they begin
    /// with is what was written, for it is hashed anew with the rest.
    fn is_there(&self, entry: &RegistryEntry) -> bool {
        entry.files.values().all(|file| {
            let path = self.target.join(&file.name);
            match entry.complete {
                true => fs::metadata(path).is_ok_and(|found| found.len() == file.bytes),
                false => file.bytes == 0 || hash_of_start(&path, file.bytes).is_ok_and(|hash| hash == file.sha256),
            }
        })
    }

    /// Writes mappings, settings and aliases, in the form in which `GET /<index>` answers.
    fn describe(&self, entry: &RegistryEntry) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(&describe(self.index))
            .map_err(|cause| Error::internal("A description cannot be written.").because(cause))?;
        text.push(b'\n');
        files::write_atomic(&self.target.join(&entry.description), &text)
    }
}

/// The files of an index while they are written.
struct Writing<'a> {
    target: &'a Path,
    encoding: Encoding,
    /// As of the last checkpoint, but for the counts.
    entry: RegistryEntry,
    outputs: BTreeMap<String, Output>,
    /// Bytes of lines since the last checkpoint.
    pending: u64,
}

impl Writing<'_> {
    fn write(&mut self, index: &str, block: &Block) -> Result<()> {
        if !self.outputs.contains_key(&block.kind) {
            let file = self.entry.files.entry(block.kind.clone()).or_insert_with(|| FileEntry {
                name: format!("{}@{}.{}{PART}", file_name(index), file_name(&block.kind), self.encoding.extension()),
                ..FileEntry::default()
            });
            let output = Output::open(self.target.join(&file.name), file.bytes, self.encoding)?;
            self.outputs.insert(block.kind.clone(), output);
        }
        if let (Some(output), Some(file)) = (self.outputs.get_mut(&block.kind), self.entry.files.get_mut(&block.kind)) {
            output.write(&block.text)?;
            file.documents += block.documents;
            file.source_bytes += block.source_bytes;
        }
        self.entry.converted += block.converted;
        self.pending += block.text.len() as u64;
        Ok(())
    }

    /// Brings everything to disk; `units` are written by then.
    fn checkpoint(&mut self, units: usize) -> Result<()> {
        for (kind, output) in &mut self.outputs {
            if let Some(file) = self.entry.files.get_mut(kind) {
                (file.bytes, file.sha256) = output.checkpoint()?;
            }
        }
        self.entry.units = units;
        self.pending = 0;
        Ok(())
    }

    /// Gives the files their names.
    fn finish(mut self) -> Result<RegistryEntry> {
        drop(self.outputs);
        for file in self.entry.files.values_mut() {
            if let Some(name) = file.name.strip_suffix(PART) {
                let (from, to) = (self.target.join(&file.name), self.target.join(name));
                fs::rename(&from, &to).map_err(|cause| problem("rename", &from, cause))?;
                file.name = name.to_owned();
            }
        }
        self.entry.complete = true;
        Ok(self.entry)
    }
}

/// Returns the name of the file that describes an index; one may be called as the manifest is.
fn description_name(index: &str) -> String {
    let name = format!("{}.json", file_name(index));
    if name == MANIFEST { "manifest@index.json".to_owned() } else { name }
}

/// Armed with `error`, this failpoint brings a checkpoint forward: no test has an index that large.
fn is_due_in_a_test() -> bool {
    failpoints::reach("export.checkpoint_due").is_err()
}

/// Returns `name` as a part of a file's name: other characters than those of usual names become `%` and their bytes in
/// hexadecimal digits.
pub(crate) fn file_name(name: &str) -> String {
    let mut safe = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => safe.push(char::from(byte)),
            other => safe.push_str(&format!("%{other:02x}")),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_index_takes_the_name_of_the_manifest() {
        assert_eq!(description_name("events-log"), "events-log.json");
        assert_ne!(description_name("manifest"), MANIFEST);
        // Elasticsearch allows `@` in names, and file names have it escaped.
        assert_ne!(description_name("manifest"), description_name("manifest@index"));
    }
}
