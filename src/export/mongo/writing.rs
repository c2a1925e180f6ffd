//! Documents on their way out: as they lie there, or as lines of JSON, in blocks.

use super::{Form, Opened, Totals};
use crate::error::{Error, Result};
use crate::events::{Events, Unit as Counted};
use crate::failpoints;
use crate::wiredtiger::catalog::Collection;
use crate::wiredtiger::extended_json;
use tokio_util::sync::CancellationToken;

/// Bytes that are handed on together.
const BLOCK: usize = 1 << 20;

/// What was written of a collection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// Documents.
    pub documents: u64,
    /// Bytes of their BSON.
    pub bytes: u64,
    /// Texts that are no UTF-8, of which the JSON has something near them.
    pub changed_texts: u64,
}

/// Reads a collection and gives `write` blocks of whole documents with what there was by then. Of a collection that was
/// begun earlier the documents that are `written` are read, and not given.
///
/// # Errors
/// Those of reading and of `write`, and on cancel.
pub(super) fn write_documents(
    opened: &Opened,
    collection: &Collection,
    form: Form,
    (events, cancel): (&Events, &CancellationToken),
    mut written: Written,
    mut write: impl FnMut(&[u8], Written) -> Result<()>,
) -> Result<Written> {
    let name = collection.namespace.as_str();
    let limit = if is_due_in_a_test() { 1 } else { BLOCK };
    let mut block = Vec::with_capacity(BLOCK + BLOCK / 8);
    let mut left = written.documents;
    let extent = opened.directory.documents(collection, |document| {
        if left > 0 {
            left -= 1;
            return if cancel.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) };
        }
        match form {
            Form::Bson => block.extend_from_slice(document.bytes()),
            Form::Json(_) => {
                written.changed_texts += extended_json::push(&document, &mut block)
                    .map_err(|why| Error::internal("A document that was checked is none.").because(why))?;
                block.push(b'\n');
            }
        }
        written.documents += 1;
        written.bytes += document.bytes().len() as u64;
        if block.len() < limit {
            return Ok(());
        }
        if cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        write(&block, written)?;
        block.clear();
        events.progress(name, written.documents, None, Counted::Documents);
        Ok(())
    })?;
    if !block.is_empty() {
        write(&block, written)?;
    }
    events.progress_ended(name);
    match (extent.documents, extent.bytes) == (written.documents, written.bytes) {
        true => Ok(written),
        false => Err(Error::internal(format!("Of {name} not all was written, or more than there is."))),
    }
}

impl Totals {
    /// Adds a collection.
    pub(super) fn add(&mut self, written: Written) {
        self.collections += 1;
        self.documents += written.documents;
        self.bytes += written.bytes;
        self.changed_texts += written.changed_texts;
    }
}

/// Armed with `error`, this failpoint makes blocks of single documents: no test has a collection that large.
fn is_due_in_a_test() -> bool {
    failpoints::reach("export.blocks_of_one").is_err()
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
