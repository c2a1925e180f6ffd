//! One `_id` for several documents of an index: under two types, or with two routings in two shards. Elasticsearch 5
//! allows that, Elasticsearch 7 does not. Found before anything is copied.

mod sort;

use super::document::DocumentRef;
use super::files::{Files, borrow};
use super::index_plan::IndexPlan;
use super::outcome::{CopyOutcome, Rejected};
use super::rejects::{Accepted, Reject, RejectLog};
use crate::error::{Error, Result};
use sort::Repeated;
use std::collections::HashSet;
use std::path::Path;
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_128;

/// Ids that are told one by one, at most. More are no accident of a few documents.
const MOST: usize = 500_000;

/// Documents whose `_id` is another document's of the same index.
#[derive(Debug, Default)]
pub struct Collisions {
    /// How many; the first document of each `_id` does not count.
    pub documents: u64,
    /// The first of them, each with its index.
    pub named: Vec<(String, Rejected)>,
}

impl Collisions {
    /// Fails when there are any, with the way out. All are in `rejects`.
    ///
    /// # Errors
    /// See above.
    pub fn require_none(&self, rejects: &RejectLog) -> Result<()> {
        if self.documents == 0 {
            return Ok(());
        }
        rejects.sync()?;
        let tell = |(index, one): &(String, Rejected)| format!("{index}, {}: {}", one.id, one.reason);
        let named: Vec<String> = self.named.iter().map(tell).collect();
        let file = rejects.path().display();
        Err(Error::refused(format!(
            "{} documents have an _id that another document of their index has too.",
            self.documents
        ))
        .because(anyhow::Error::msg(named.join("\n")))
        .hint(format!("Each is in {file}, whole. Nothing has been copied yet, and the old data are as they were."))
        .hint(format!("If you can do without them, run the same command again with --accept-rejects {file}")))
    }
}

/// Looks for collisions in those indices that can have any: of several types, or of several shards. Blocks.
///
/// # Errors
/// As [`crate::lucene::directory::Unit::read`]; when the disk fails; and on cancel.
pub fn find_collisions(
    files: &Files,
    plans: &[IndexPlan],
    accepted: &Accepted,
    rejects: &RejectLog,
    directory: &Path,
    cancel: &CancellationToken,
) -> Result<Collisions> {
    let mut collisions = Collisions::default();
    for plan in plans.iter().filter(|plan| plan.types.len() > 1 || plan.shards > 1) {
        let index = Index { files, name: &plan.index, accepted, cancel };
        let mut repeated = Repeated::new(directory);
        index.for_each(|document| repeated.add(hash(document.id)))?;
        let Some(repeated) = repeated.find(MOST)? else {
            return Err(Error::refused(format!("More than {MOST} _ids of the index {} occur twice.", plan.index))
                .hint("Its documents are of several types with the same ids, which Elasticsearch 7 cannot hold in one index."));
        };
        if repeated.is_empty() {
            continue;
        }
        let mut first = HashSet::new();
        index.for_each(|document| {
            let hash = hash(document.id);
            if !repeated.contains(&hash) || first.insert(hash) {
                return Ok(());
            }
            let kind = document.kind.map(str::to_owned);
            let routing = document.routing.unwrap_or("none");
            let reason = format!(
                "another document has the same _id in this index, under another type or routing (type {}, routing {routing})",
                document.kind.unwrap_or("none")
            );
            rejects.append(&Reject::new(&plan.index, document, &reason))?;
            collisions.documents += 1;
            if collisions.named.len() < CopyOutcome::NAMED {
                collisions.named.push((plan.index.clone(), Rejected { id: document.id.to_owned(), kind, reason }));
            }
            Ok(())
        })?;
    }
    Ok(collisions)
}

struct Index<'a> {
    files: &'a Files,
    name: &'a str,
    accepted: &'a Accepted,
    cancel: &'a CancellationToken,
}

impl Index<'_> {
    /// Gives out all documents that are not left out, in a fixed order.
    fn for_each(&self, mut each: impl FnMut(&DocumentRef<'_>) -> Result<()>) -> Result<()> {
        for unit in self.files.units(self.name)? {
            unit.read(|document| {
                if self.cancel.is_cancelled() {
                    return Err(Error::cancelled());
                }
                let document = borrow(&document);
                let left_out = !self.accepted.is_empty() && self.accepted.contains(self.name, &document.key());
                if left_out { Ok(()) } else { each(&document) }
            })?;
        }
        Ok(())
    }
}

fn hash(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}
