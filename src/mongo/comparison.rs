//! The collections of two data directories, document by document.
//!
//! Documents are told by their `_id`. What must be there of those of the old side is kept as hashes, of so many documents at
//! a time as fit into memory: of a collection that has more, both sides are read several times.

use super::rule::{Kept, Rule};
use crate::error::{Error, Result};
use crate::events::{Events, Unit};
use crate::transfer::{Compared, Difference, How, Named};
use crate::wiredtiger::bson::{Document, Element};
use crate::wiredtiger::catalog::Collection;
use crate::wiredtiger::directory::MongoDirectory;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// Documents of the old side that are remembered at a time where nothing else is said, of about 500 bytes each.
pub const AT_A_TIME: u64 = 50_000;
/// Documents that are read before it is told.
const TOLD_EVERY: u64 = 4096;
/// The name under which it is told.
const TASK: &str = "compare MongoDB";

/// Two data directories.
pub struct Sides<'a> {
    /// What was copied from.
    pub old: &'a MongoDirectory,
    /// What was copied to.
    pub new: &'a MongoDirectory,
    /// What must be as it was.
    pub rule: Rule,
    /// Documents of the old side that are remembered at a time, at least 1.
    pub at_a_time: u64,
    /// Told how far it is.
    pub events: &'a Events,
    /// The wish to stop.
    pub cancel: &'a CancellationToken,
}

/// What a comparison found in one collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionCompared {
    /// What is there, what is not, and what is another.
    pub found: Compared,
    /// Documents of the old side with fields that were not compared.
    pub rewritten: u64,
}

/// Returns whether a collection is the server's own, which it writes to whenever it starts.
pub fn is_servers_own(collection: &Collection) -> bool {
    matches!(collection.database(), "local" | "config")
}

/// A document that is to be on the new side.
struct Wanted {
    id: Box<str>,
    kept: Kept,
}

impl Sides<'_> {
    /// Compares the collections that are `meant`: those of the old side in their order, then those that only the new side
    /// has.
    ///
    /// # Errors
    /// Refuses what is damaged or unknown on either side; fails on cancel. Differences are no error.
    pub fn compare(&self, meant: impl Fn(&Collection) -> bool) -> Result<Vec<CollectionCompared>> {
        let of_old = self.old.collections().iter().filter(|collection| meant(collection));
        let is_new = |collection: &&Collection| self.old.collection(&collection.namespace).is_none();
        let only_new = self.new.collections().iter().filter(|collection| meant(collection)).filter(is_new);
        let compared = of_old.map(|one| self.collection(one)).chain(only_new.map(|one| self.made_since(one)));
        let compared = compared.collect();
        self.events.progress_ended(TASK);
        compared
    }

    fn collection(&self, old: &Collection) -> Result<CollectionCompared> {
        let (expected, documents) = self.sum(self.old, old)?;
        let found = Compared { collection: old.namespace.clone(), documents, ..Compared::default() };
        let mut compared = CollectionCompared { found, rewritten: 0 };
        let Some(new) = self.new.collection(&old.namespace) else {
            compared.found.missing = documents;
            return Ok(compared);
        };
        compared.found.there = true;
        if self.rule == Rule::Exact && self.sum(self.new, new)? == (expected, documents) {
            return Ok(compared);
        }
        let portions = documents.div_ceil(self.at_a_time.max(1)).max(1);
        for portion in 0..portions {
            self.portion((old, new), (portion, portions), &mut compared)?;
        }
        Ok(compared)
    }

    fn made_since(&self, new: &Collection) -> Result<CollectionCompared> {
        let added = self.read(self.new, new, |_| {})?;
        let found = Compared { collection: new.namespace.clone(), there: true, added, ..Compared::default() };
        Ok(CollectionCompared { found, rewritten: 0 })
    }

    /// Compares the documents of which the hash of the `_id` falls into one of so many portions.
    fn portion(
        &self,
        (old, new): (&Collection, &Collection),
        (portion, portions): (u64, u64),
        compared: &mut CollectionCompared,
    ) -> Result<()> {
        let is_meant = |key: u128| key % u128::from(portions) == u128::from(portion);
        let mut wanted: HashMap<u128, Wanted> = HashMap::new();
        self.read(self.old, old, |document| {
            let key = key(document);
            if is_meant(key) {
                let kept = self.rule.kept(&old.namespace, document);
                compared.rewritten += u64::from(kept.has_rewritten);
                wanted.insert(key, Wanted { id: id(document).into(), kept });
            }
        })?;
        self.read(self.new, new, |document| {
            let key = key(document);
            if !is_meant(key) {
                return;
            }
            match wanted.remove(&key) {
                None => compared.found.added += 1,
                Some(wanted) if wanted.kept.is_in(&self.rule.kept(&old.namespace, document)) => {}
                Some(wanted) => {
                    compared.found.changed += 1;
                    name(&mut compared.found, &wanted.id, How::Altered);
                }
            }
        })?;
        compared.found.missing += wanted.len() as u64;
        let mut missing: Vec<Box<str>> = wanted.into_values().map(|wanted| wanted.id).collect();
        missing.sort_unstable();
        missing.iter().for_each(|id| name(&mut compared.found, id, How::Missing));
        Ok(())
    }

    /// Returns the sum of the hashes of all documents, whatever their order, and their number.
    fn sum(&self, directory: &MongoDirectory, collection: &Collection) -> Result<(u128, u64)> {
        let mut sum = 0_u128;
        let documents = self.read(directory, collection, |document| {
            sum = sum.wrapping_add(xxh3_128(document.bytes()));
        })?;
        Ok((sum, documents))
    }

    fn read(
        &self,
        directory: &MongoDirectory,
        collection: &Collection,
        mut each: impl FnMut(&Document<'_>),
    ) -> Result<u64> {
        let mut read = 0;
        let extent = directory.documents(collection, |document| {
            each(&document);
            read += 1;
            if read % TOLD_EVERY == 0 {
                self.events.progress(TASK, read, None, Unit::Documents);
            }
            if self.cancel.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
        })?;
        Ok(extent.documents)
    }
}

fn name(found: &mut Compared, id: &str, how: How) {
    if found.named.len() < Difference::NAMED {
        found.named.push(Named { id: id.to_owned(), how });
    }
}

/// Returns the hash of a document's `_id`; of all of it where it has none, as in collections that are no user's.
fn key(document: &Document<'_>) -> u128 {
    let Some(id) = element(document) else { return xxh3_128(document.bytes()) };
    let mut hasher = Xxh3::new();
    hasher.update(&[id.kind]);
    hasher.update(id.value);
    hasher.digest128()
}

fn element<'a>(document: &Document<'a>) -> Option<Element<'a>> {
    document.elements().find(|element| element.name == b"_id")
}

/// Returns the `_id` as people know it.
fn id(document: &Document<'_>) -> String {
    match element(document) {
        None => "a document without an _id".to_owned(),
        Some(Element { kind: 0x02, value, .. }) => {
            let text = value.get(4..).and_then(|text| text.strip_suffix(&[0])).unwrap_or_default();
            String::from_utf8_lossy(text).into_owned()
        }
        Some(Element { value, .. }) => value.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
