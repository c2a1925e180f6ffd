//! A dump: for each collection its documents, and its options with its indexes.

use super::super::manifest::PART;
use super::super::output::Output;
use super::manifest::{Entry, Manifest};
use super::names::{directory_name, file_name};
use super::writing::{warnings, write_documents};
use super::{Encoding, Form, Selection, Totals, is_meant, metadata, open_for};
use crate::error::Result;
use crate::events::Events;
use crate::failpoints;
use crate::files::{self, problem::problem};
use std::fs;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Writes every document of the collections that are meant. Blocks. One that was cut off is written once more.
///
/// # Errors
/// Refuses what is in use, damaged or unknown, and a target that holds anything else. Fails if something cannot be read
/// or written, and on cancel.
pub fn into_directory(
    selection: &Selection,
    target: &Path,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Totals> {
    let opened = open_for(selection, cancel)?;
    fs::create_dir_all(target).map_err(|cause| problem("make the directory", target, cause))?;
    let mut manifest = Manifest::begin(target, &selection.source, &opened.directory.turtle().engine)?;
    let (extension, encoding) = match selection.form {
        Form::Bson => ("bson", Encoding::Plain),
        Form::Json(encoding) => (encoding.extension(), encoding),
    };
    let mut totals = Totals::default();
    let meant = opened.directory.collections().iter().filter(|collection| is_meant(collection, &selection.names));
    for collection in meant {
        let database = directory_name(collection.database());
        let directory = target.join(&database);
        fs::create_dir_all(&directory).map_err(|cause| problem("make the directory", &directory, cause))?;
        let beginning = format!("{database}/{}", file_name(collection.name()));
        let (file, described) = (format!("{beginning}.{extension}"), format!("{beginning}.metadata.json"));
        let (part, whole) = (target.join(format!("{file}{PART}")), target.join(&file));
        let mut output = Output::open(part.clone(), 0, encoding)?;
        let work = (events, cancel);
        let extent =
            write_documents(&opened, collection, selection.form, work, &mut totals, |block| output.write(block))?;
        if extent.documents == 0 {
            // Compressed, nothing is a frame, too.
            output.write(&[])?;
        }
        let (_, sha256) = output.checkpoint()?;
        drop(output);
        let (documents, bytes) = (extent.documents, extent.bytes);
        let entry = Entry { file, metadata: described.clone(), documents, bytes, sha256 };
        // Named before they are there, so that whatever is cut off, the next try knows what to take away.
        manifest.collections.insert(collection.namespace.clone(), entry);
        manifest.write(target)?;
        files::write_atomic(&target.join(&described), &metadata::text(collection)?)?;
        files::rename(&part, &whole)?;
        failpoints::reach("export.unit")?;
    }
    totals.warnings = warnings(&opened, &totals);
    totals.warnings.iter().for_each(|warning| events.warn(warning.clone()));
    manifest.warnings.clone_from(&totals.warnings);
    manifest.complete = true;
    manifest.write(target)?;
    manifest.write_checksums(target)?;
    Ok(totals)
}
