//! The files of an export as a source: bulk requests on disk, a file for each index and mapping type.

mod lines;

use super::json_text::without_surroundings;
use crate::error::{Error, Result};
use crate::json::Text;
use crate::transfer::DocumentRef;
use lines::{Lines, was_changed};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The indices of an export. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Exported(Arc<BTreeMap<String, Vec<ExportedFile>>>);

/// The documents of one mapping type of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is compressed: frames of Zstandard, one behind the other.
    pub compressed: bool,
    /// The mapping type.
    pub kind: String,
    /// The documents in it.
    pub documents: u64,
}

/// The first of a document's two lines.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Action<'a> {
    #[serde(borrow)]
    create: Create<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create<'a> {
    #[serde(borrow, rename = "_index")]
    index: Text<'a>,
    #[serde(borrow, rename = "_id")]
    id: Text<'a>,
    #[serde(borrow, default)]
    routing: Option<Text<'a>>,
}

impl Exported {
    /// Returns the indices with the files of each.
    pub fn new(indices: BTreeMap<String, Vec<ExportedFile>>) -> Self {
        Self(Arc::new(indices))
    }

    /// Returns the files of an index.
    pub(super) fn files(&self, index: &str) -> Result<&[ExportedFile]> {
        let files = self.0.get(index);
        files.map(Vec::as_slice).ok_or_else(|| Error::internal(format!("The export has no index {index}.")))
    }
}

impl ExportedFile {
    /// Gives out every document, in the order of the file. The bytes last as long as the call. Blocks.
    ///
    /// # Errors
    /// Refuses a file that does not hold what an export has there, with its path; fails if it cannot be read. Stops
    /// with the error of `each` if that fails.
    pub(super) fn read(&self, index: &str, mut each: impl FnMut(&DocumentRef<'_>) -> Result<()>) -> Result<()> {
        let mut lines = Lines::open(&self.path, self.compressed)?;
        let (mut action, mut source) = (Vec::new(), Vec::new());
        let mut documents = 0;
        while lines.next(&mut action)? {
            let Create { index: named, id, routing } = serde_json::from_slice::<Action<'_>>(&action)
                .map_err(|cause| self.damaged(documents, "is not preceded by its action").because(cause))?
                .create;
            if named.0 != index {
                return Err(self.damaged(documents, &format!("is of the index {}", named.0)));
            }
            if !lines.next(&mut source)? {
                return Err(self.damaged(documents, "is missing behind its action"));
            }
            documents += 1;
            each(&DocumentRef {
                id: &id.0,
                kind: Some(&self.kind),
                routing: routing.as_ref().map(|routing| routing.0.as_ref()),
                source: without_surroundings(&source),
            })?;
        }
        if documents == self.documents {
            return Ok(());
        }
        let (path, counted) = (self.path.display(), self.documents);
        Err(was_changed(Error::refused(format!("{path} has {documents} documents; the manifest counts {counted}."))))
    }

    fn damaged(&self, before: u64, what: &str) -> Error {
        was_changed(Error::refused(format!("Document {} of {} {what}.", before + 1, self.path.display())))
    }
}

#[cfg(test)]
mod tests;
