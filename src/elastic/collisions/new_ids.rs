//! Collisions that are kept apart: all documents of an `_id` but one get a new one, and a file says which.

use super::groups::{Groups, hash};
use super::{Found, Search, SearchedIndex};
use crate::error::{Context, Error, Result};
use crate::failpoints;
use crate::transfer::{Accepted, DocumentRef};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Which documents are written under another `_id`, index by index. It follows from the old data alone: documents that
/// are left out get a new `_id` too, so that the others' do not depend on what is left out.
#[derive(Debug, Default)]
pub struct NewIds(BTreeMap<String, Groups>);

impl NewIds {
    /// Returns the `_id` under which a document of an index is written.
    pub(in super::super) fn written_id<'a>(&self, index: &str, document: &DocumentRef<'a>) -> Cow<'a, str> {
        let new = self.0.get(index).and_then(|groups| groups.new_id(document));
        new.map_or(Cow::Borrowed(document.id), Cow::Owned)
    }
}

/// A file of the documents that get a new `_id`, made with the first of them.
///
/// It is NDJSON, one object per document: `{"index":…,"type":…,"id":…,"routing":…,"new_id":…}`.
#[derive(Debug)]
pub struct NewIdList {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    documents: u64,
}

/// A line of the file.
#[derive(Serialize)]
struct Line<'a> {
    index: &'a str,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    id: &'a str,
    routing: Option<&'a str>,
    new_id: &'a str,
}

impl NewIdList {
    /// Returns a list that will be in `path`, in place of one that an earlier run has made of the same data.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None, documents: 0 }
    }

    /// Returns where the file is, or would be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how many documents get a new `_id`.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    fn add(&mut self, line: &Line<'_>) -> Result<()> {
        let message = || unwritten(&self.path);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(BufWriter::new(File::create(&self.path).context(message)?)),
        };
        serde_json::to_writer(&mut *file, line).context(message)?;
        file.write_all(b"\n").context(message)?;
        self.documents += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        failpoints::reach("elastic.write_new_ids")?;
        let Some(file) = &mut self.file else { return Ok(()) };
        let message = || unwritten(&self.path);
        file.flush().context(message)?;
        file.get_ref().sync_all().context(message)
    }
}

fn unwritten(path: &Path) -> String {
    format!("The list of new _ids could not be written to {}.", path.display())
}

impl Search<'_> {
    /// Decides which documents get a new `_id`, and lists them.
    ///
    /// # Errors
    /// As [`Search::new_ids`], when the list cannot be written, and when a new `_id` is another document's already.
    pub fn new_ids_listed(&self, list: &mut NewIdList) -> Result<NewIds> {
        let new_ids = self.decide(|index, found| index.list(found, list))?;
        list.finish()?;
        Ok(new_ids)
    }

    /// Returns which documents have got a new `_id`, as decided before from the same data.
    ///
    /// # Errors
    /// As [`crate::lucene::directory::Unit::read`]; when there are too many; when the disk fails; and on cancel.
    pub fn new_ids(&self) -> Result<NewIds> {
        self.decide(|_, _| Ok(()))
    }

    fn decide(&self, mut each: impl FnMut(&SearchedIndex<'_>, &Found) -> Result<()>) -> Result<NewIds> {
        let mut all = BTreeMap::new();
        self.for_each_index(&Accepted::default(), |index, found| {
            each(index, &found)?;
            all.insert(index.name.to_owned(), found.groups);
            Ok(())
        })?;
        Ok(NewIds(all))
    }
}

impl SearchedIndex<'_> {
    fn list(&self, Found { groups, ids }: &Found, list: &mut NewIdList) -> Result<()> {
        let mut new_ids = Vec::new();
        self.for_each(|document| {
            let Some(new_id) = groups.new_id(document) else { return Ok(()) };
            new_ids.push(hash(&new_id));
            let DocumentRef { id, kind, routing, .. } = *document;
            list.add(&Line { index: self.name, kind, id, routing, new_id: &new_id })
        })?;
        new_ids.sort_unstable();
        let twice = new_ids.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first());
        let taken = match twice {
            Some(twice) => Some(*twice),
            None => ids.first_of(&new_ids)?,
        };
        taken.map_or(Ok(()), |taken| Err(self.refuse_taken(groups, taken)?))
    }

    fn refuse_taken(&self, groups: &Groups, taken: u128) -> Result<Error> {
        let mut names = Vec::new();
        self.for_each(|document| {
            let new_id = groups.new_id(document).filter(|new_id| hash(new_id) == taken);
            if let Some(new_id) = new_id {
                names.push(format!(
                    "{} of type {} would become {new_id}",
                    document.id,
                    document.kind.unwrap_or("none")
                ));
            }
            Ok(())
        })?;
        Ok(Error::refused(format!("In the index {}, a new _id is taken already.", self.name))
            .because(anyhow::Error::msg(names.join("\n")))
            .hint(
                "Run the same command again with --on-id-collision refuse: it puts such documents into a file, to be left out with --accept-rejects.",
            ))
    }
}
