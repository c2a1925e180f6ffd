//! A dump: for each collection its documents, and its options with its indexes.

use super::super::into_directory::CHECKPOINT_BYTES;
use super::super::output::{Output, hexadecimal};
use super::manifest::{Dump, Entry, Manifest};
use super::names::{directory_name, file_name};
use super::writing::{Written, warnings, write_documents};
use super::{Encoding, Form, Opened, Selection, Totals, is_meant, metadata, open_for};
use crate::error::Result;
use crate::events::Events;
use crate::failpoints;
use crate::files::{self, problem::problem};
use crate::message::{About, Code, Message};
use crate::wiredtiger::catalog::Collection;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Writes every document of the collections that are meant. Blocks. Goes on with a dump of the same data that was cut off: a
/// collection that is there already is not read again.
///
/// # Errors
/// Refuses what is in use, damaged or unknown, and a target that holds anything else. Fails if something cannot be read
/// or written, and on cancel; the same call goes on then.
pub fn into_directory(
    selection: &Selection,
    target: &Path,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Totals> {
    let opened = open_for(selection, cancel)?;
    fs::create_dir_all(target).map_err(|cause| problem("make the directory", target, cause))?;
    let (encoding, extension) = match selection.form {
        Form::Bson => (Encoding::Plain, "bson"),
        Form::Json(encoding) => (encoding, encoding.extension()),
    };
    let turtle = opened.directory.turtle();
    let dump =
        Dump { source: &selection.source, engine: &turtle.engine, content: content(&opened)?, encoding: extension };
    let collections = opened.directory.collections().iter();
    let meant: Vec<&Collection> = collections.filter(|collection| is_meant(collection, &selection.names)).collect();
    let names: BTreeSet<&str> = meant.iter().map(|collection| collection.namespace.as_str()).collect();
    let mut manifest = Manifest::begin(target, &dump, |name| names.contains(name))?;
    let mut totals = Totals::default();
    for collection in meant {
        let job = Job { target, opened: &opened, collection, form: selection.form, encoding, extension };
        totals.add(job.run(&mut manifest, events, cancel)?);
    }
    totals.warnings = warnings(&opened, &totals);
    totals.warnings.iter().for_each(|warning| events.warn(Message::new(Code::ExportWarning, warning.clone())));
    manifest.warnings.clone_from(&totals.warnings);
    manifest.complete = true;
    manifest.write(target)?;
    manifest.write_checksums(target)?;
    Ok(totals)
}

/// Returns a hash of what there is to read. The turtle has the checksum of the metadata's root, which has those of the
/// pages below it, and these those of the roots of all tables.
fn content(opened: &Opened) -> Result<String> {
    let turtle = opened.directory.path().join("WiredTiger.turtle");
    let text = fs::read(&turtle).map_err(|cause| problem("read", &turtle, cause))?;
    let hash = Sha256::new_with_prefix(text).chain_update(format!("{:?}", opened.directory.state()));
    Ok(hexadecimal(&hash.finalize()))
}

/// A collection to write.
struct Job<'a> {
    target: &'a Path,
    opened: &'a Opened,
    collection: &'a Collection,
    form: Form,
    encoding: Encoding,
    extension: &'a str,
}

impl Job<'_> {
    /// Returns what there is of it now.
    fn run(&self, manifest: &mut Manifest, events: &Events, cancel: &CancellationToken) -> Result<Written> {
        let name = &self.collection.namespace;
        let mut entry = manifest.collections.get(name).cloned().unwrap_or_else(|| self.begun());
        if entry.complete {
            events.info(Message::new(Code::IndexThere, format!("{name} is there already")).about(About::index(name)));
            return Ok(entry.written());
        }
        if let Some(directory) = self.target.join(&entry.file).parent() {
            fs::create_dir_all(directory).map_err(|cause| problem("make the directory", directory, cause))?;
        }
        let part = self.target.join(entry.part());
        let mut output = Output::open(part.clone(), entry.file_bytes, self.encoding)?;
        let mut pending = 0;
        let work = (events, cancel);
        let written =
            write_documents(self.opened, self.collection, self.form, work, entry.written(), |block, so_far| {
                output.write(block)?;
                pending += block.len() as u64;
                if pending < CHECKPOINT_BYTES && !is_due_in_a_test() {
                    return Ok(());
                }
                pending = 0;
                entry.settle(so_far, output.checkpoint()?);
                manifest.collections.insert(name.clone(), entry.clone());
                manifest.write(self.target)?;
                failpoints::reach("export.checkpoint")
            })?;
        if written.documents == 0 {
            // Compressed, nothing is a frame, too.
            output.write(&[])?;
        }
        entry.settle(written, output.checkpoint()?);
        drop(output);
        // Named before they are there, so that whatever is cut off, the next try knows what there is.
        manifest.collections.insert(name.clone(), entry.clone());
        manifest.write(self.target)?;
        files::write_atomic(&self.target.join(&entry.metadata), &metadata::text(self.collection)?)?;
        files::rename(&part, &self.target.join(&entry.file))?;
        entry.complete = true;
        manifest.collections.insert(name.clone(), entry);
        manifest.write(self.target)?;
        failpoints::reach("export.unit")?;
        Ok(written)
    }

    fn begun(&self) -> Entry {
        let (database, name) = (directory_name(self.collection.database()), file_name(self.collection.name()));
        let beginning = format!("{database}/{name}");
        let (file, metadata) = (format!("{beginning}.{}", self.extension), format!("{beginning}.metadata.json"));
        Entry { file, metadata, ..Entry::default() }
    }
}

impl Entry {
    fn written(&self) -> Written {
        Written { documents: self.documents, bytes: self.bytes, changed_texts: self.changed_texts }
    }

    /// Takes down what is on disk by now: of the data, and as bytes of the file with their SHA-256.
    fn settle(&mut self, written: Written, (file_bytes, sha256): (u64, String)) {
        let Written { documents, bytes, changed_texts } = written;
        let (file, metadata, complete) = (self.file.clone(), self.metadata.clone(), self.complete);
        *self = Self { file, metadata, complete, documents, bytes, changed_texts, file_bytes, sha256 };
    }
}

/// Armed with `error`, this failpoint brings a checkpoint forward: no test has a collection that large.
fn is_due_in_a_test() -> bool {
    failpoints::reach("export.checkpoint_due").is_err()
}
