//! One `_id` for several documents of an index: under two types, or with two routings in two shards. Elasticsearch 5
//! allows that, Elasticsearch 7 does not. Found before anything is copied, and then refused, or kept apart by a new
//! `_id` for all of them but one.
//!
//! Memory: 16 MiB for sorting the hashes of an index's `_id`s, the rest of which is on disk, and 56 bytes for each
//! document that shares its `_id`, of which there are [`MOST`] at most; 32 bytes of these, for each `_id`, stay for
//! the copy.

mod groups;
mod new_ids;
mod refuse;
#[cfg(test)]
mod tests;

pub use new_ids::{NewIdList, NewIds};
pub use refuse::Collisions;

use super::files::{Files, borrow};
use super::index_plan::IndexPlan;
use super::left_out::leaves_out;
use crate::error::{Error, Result};
use crate::files::sort::{Sorted, Sorter};
use crate::transfer::{Accepted, DocumentRef};
use groups::{Groups, Member, hash};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Hashes that are sorted in memory: 16 MiB.
const SORTED_IN_MEMORY: usize = 1 << 20;
/// Documents that are looked at one by one, of all indices together. More are no accident of a few documents.
const MOST: usize = 500_000;

/// A search through the files of those indices that can have collisions: of several types, or of several shards.
/// Blocks.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// What is searched.
    pub files: &'a Files,
    /// The indices.
    pub plans: &'a [IndexPlan],
    /// Where what does not fit into memory is sorted.
    pub directory: &'a Path,
    /// The wish to stop.
    pub cancel: &'a CancellationToken,
}

/// An index that has collisions.
struct Found {
    groups: Groups,
    /// Hashes of all its `_id`s.
    ids: Sorted,
}

impl Search<'_> {
    /// Hands over each index in which documents share their `_id`, those aside that are left out.
    fn for_each_index(
        &self,
        left_out: &Accepted,
        mut each: impl FnMut(&SearchedIndex<'_>, Found) -> Result<()>,
    ) -> Result<()> {
        let mut shared = 0;
        for plan in self.plans.iter().filter(|plan| plan.types.len() > 1 || plan.shards > 1) {
            let index = SearchedIndex { search: self, name: &plan.index, left_out };
            if let Some((found, documents)) = index.search(MOST - shared)? {
                shared += documents;
                each(&index, found)?;
            }
        }
        Ok(())
    }
}

/// An index that is searched.
struct SearchedIndex<'a> {
    search: &'a Search<'a>,
    name: &'a str,
    left_out: &'a Accepted,
}

impl SearchedIndex<'_> {
    /// Returns the collisions, if there are any, and how many documents are in them.
    fn search(&self, most: usize) -> Result<Option<(Found, usize)>> {
        let mut ids = Sorter::new(self.search.directory, SORTED_IN_MEMORY);
        self.for_each(|document| ids.add(hash(document.id)))?;
        let ids = ids.sorted()?;
        let Some(repeated) = ids.repeated(most)? else {
            return Err(Error::refused(format!(
                "Too many documents have an _id that another document of the same index has too: more than {MOST} up to the index {}.",
                self.name
            ))
            .hint("Elasticsearch 7 cannot hold them in one index. `export` writes all of them as text, type by type."));
        };
        if repeated.values.is_empty() {
            return Ok(None);
        }
        let mut members = Vec::with_capacity(repeated.times);
        self.for_each(|document| {
            if repeated.values.binary_search(&hash(document.id)).is_ok() {
                members.push(Member::new(document));
            }
            Ok(())
        })?;
        Ok(Some((Found { groups: Groups::new(members), ids }, repeated.times)))
    }

    /// Gives out all documents that are not left out.
    fn for_each(&self, mut each: impl FnMut(&DocumentRef<'_>) -> Result<()>) -> Result<()> {
        for unit in self.search.files.units(self.name)? {
            unit.read(|document| {
                if self.search.cancel.is_cancelled() {
                    return Err(Error::cancelled());
                }
                let document = borrow(&document);
                if leaves_out(self.left_out, self.name, &document) { Ok(()) } else { each(&document) }
            })?;
        }
        Ok(())
    }
}
