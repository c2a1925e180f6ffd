//! Documents on their way out: as they lie there, or as lines of JSON, in blocks.

use super::{Form, Opened, Totals};
use crate::error::{Error, Result};
use crate::events::{Events, Unit as Counted};
use crate::wiredtiger::catalog::Collection;
use crate::wiredtiger::directory::Extent;
use crate::wiredtiger::extended_json;
use tokio_util::sync::CancellationToken;

/// Bytes that are handed on together.
const BLOCK: usize = 1 << 20;

/// Reads a collection and gives `write` blocks of whole documents. Adds to `totals` what there was.
///
/// # Errors
/// Those of reading and of `write`, and on cancel.
pub(super) fn write_documents(
    opened: &Opened,
    collection: &Collection,
    form: Form,
    (events, cancel): (&Events, &CancellationToken),
    totals: &mut Totals,
    mut write: impl FnMut(&[u8]) -> Result<()>,
) -> Result<Extent> {
    let name = collection.namespace.as_str();
    let mut block = Vec::with_capacity(BLOCK + BLOCK / 8);
    let mut done = 0;
    let extent = opened.directory.documents(collection, |document| {
        match form {
            Form::Bson => block.extend_from_slice(document.bytes()),
            Form::Json(_) => {
                totals.changed_texts += extended_json::push(&document, &mut block)
                    .map_err(|why| Error::internal("A document that was checked is none.").because(why))?;
                block.push(b'\n');
            }
        }
        done += 1;
        if block.len() < BLOCK {
            return Ok(());
        }
        if cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        write(&block)?;
        block.clear();
        events.progress(name, done, None, Counted::Documents);
        Ok(())
    })?;
    if !block.is_empty() {
        write(&block)?;
    }
    events.progress_ended(name);
    totals.collections += 1;
    totals.documents += extent.documents;
    totals.bytes += extent.bytes;
    Ok(extent)
}

/// Returns what the totals are to warn of at the end.
pub(super) fn warnings(opened: &Opened, totals: &Totals) -> Vec<String> {
    let mut warnings = opened.warnings.clone();
    if totals.changed_texts > 0 {
        let count = crate::text::plural(totals.changed_texts, "text is", "texts are");
        warnings.push(format!("{count} no UTF-8, and JSON has no others: each has U+FFFD in such places. A dump (--format bson) keeps them."));
    }
    let unfinished = opened.directory.collections().iter().flat_map(|collection| {
        let indexes = collection.indexes.iter().filter(|index| !index.ready);
        indexes.map(|index| {
            format!("The index {} of {} was not built to its end, and is left out.", index.name, collection.namespace)
        })
    });
    warnings.extend(unfinished);
    warnings
}
