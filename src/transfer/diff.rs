//! Finds the documents in which source and target of a collection differ, once their digests have told in which buckets
//! these are.
//!
//! The source is read for what should be there, the target for what is, and, where the two differ, the source once more
//! to name the documents. Of the source, hashes of a bounded number of documents are in memory; with more than that, all
//! this happens several times.

use super::change::{DocumentRef, Rules, Written};
use super::difference::{Difference, How, Named};
use super::digest::{Digest, bucket_of, document_hash};
use super::scan::{Task, scan};
use super::source::{Collection, Source};
use crate::error::Result;
use crate::events::Events;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_128;

/// Documents of the source that are remembered at a time, of about 100 bytes each.
const AT_A_TIME: u64 = 400_000;

/// Both sides of a collection.
pub struct Sides<'a, S: Source, T, R> {
    /// What was copied from.
    pub source: &'a S,
    /// What was copied to.
    pub target: &'a T,
    /// The collection.
    pub plan: &'a S::Plan,
    /// What became of documents of the source on their way.
    pub rules: &'a R,
    /// Told how far it is.
    pub events: &'a Events,
    /// The wish to stop.
    pub cancel: &'a CancellationToken,
}

/// How many documents differ, and some of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apart {
    /// Documents that only the source has.
    pub missing: u64,
    /// Documents that both have, with another content or routing.
    pub changed: u64,
    /// Documents that only the target has.
    pub extra: u64,
    /// Some of those that are missing or changed, at most [`Difference::NAMED`].
    pub named: Vec<Named>,
    /// Some of those that only the target has, as many.
    pub named_extra: Vec<Named>,
}

impl Apart {
    fn name(&mut self, id: &str, how: How) {
        let list = if how == How::Extra { &mut self.named_extra } else { &mut self.named };
        if list.len() < Difference::NAMED {
            list.push(Named { id: id.to_owned(), how });
        }
    }

    fn merge(&mut self, other: Self) {
        self.missing += other.missing;
        self.changed += other.changed;
        self.extra += other.extra;
        self.named.extend(other.named);
        self.named_extra.extend(other.named_extra);
        self.named.sort_by(|a, b| a.id.cmp(&b.id));
        self.named_extra.sort_by(|a, b| a.id.cmp(&b.id));
        self.named.truncate(Difference::NAMED);
        self.named_extra.truncate(Difference::NAMED);
    }
}

/// Finds the documents of the buckets that differ. With `enough`, the rest is left as soon as so many are named.
///
/// # Errors
/// Fails when a side cannot be read, or on cancel.
pub async fn diff<S: Source, T: Source<Plan = S::Plan>, R: Rules>(
    sides: &Sides<'_, S, T, R>,
    expected: &Digest,
    found: &Digest,
    enough: Option<usize>,
) -> Result<Apart> {
    let mut apart = Apart::default();
    for buckets in portions(expected, &expected.differing_buckets(found)) {
        apart.merge(sides.look_into(Arc::new(buckets)).await?);
        if enough.is_some_and(|enough| apart.named.len() + apart.named_extra.len() >= enough) {
            break;
        }
    }
    Ok(apart)
}

/// Divides buckets into portions that fit into memory.
fn portions(expected: &Digest, buckets: &[usize]) -> Vec<HashSet<usize>> {
    let mut portions: Vec<HashSet<usize>> = Vec::new();
    let mut documents = u64::MAX;
    for &bucket in buckets {
        documents = documents.saturating_add(expected.documents_in(bucket));
        match portions.last_mut().filter(|_| documents <= AT_A_TIME) {
            Some(portion) => {
                portion.insert(bucket);
            }
            None => {
                documents = expected.documents_in(bucket);
                portions.push(HashSet::from([bucket]));
            }
        }
    }
    portions
}

/// A document that should be in the target.
struct Expected {
    /// Of id, routing and source.
    hash: u128,
    seen: AtomicU8,
}

const NOT_SEEN: u8 = 0;
const SEEN_AS_WANTED: u8 = 1;
const SEEN_AS_ANOTHER: u8 = 2;

/// By hash of the id.
type WantedById = HashMap<u128, Expected>;

/// What the target has under the id of a wanted document.
struct Other {
    /// Of id and source.
    content: u128,
    routing: Option<String>,
}

#[derive(Default)]
struct Seen {
    others: HashMap<u128, Other>,
    apart: Apart,
}

impl<S: Source, T: Source<Plan = S::Plan>, R: Rules> Sides<'_, S, T, R> {
    async fn look_into(&self, buckets: Arc<HashSet<usize>>) -> Result<Apart> {
        let wanted = Arc::new(self.wanted(Arc::clone(&buckets)).await?);
        let seen = self.seen(buckets, Arc::clone(&wanted)).await?;
        let mut apart = Apart::default();
        let mut others = HashMap::new();
        for part in seen {
            apart.merge(part.apart);
            others.extend(part.others);
        }
        if wanted.values().any(|one| one.seen.load(Ordering::Relaxed) != SEEN_AS_WANTED) {
            self.name(wanted, others).await?.into_iter().for_each(|part| apart.merge(part));
        }
        Ok(apart)
    }

    fn task(&self, what: &str) -> Task {
        Task::new(format!("{what} {}", self.plan.name()), None, self.events, self.cancel)
    }

    async fn wanted(&self, buckets: Arc<HashSet<usize>>) -> Result<WantedById> {
        let (rules, name) = (self.rules.clone(), self.plan.name().to_owned());
        let each = move |wanted: &mut WantedById, document: &DocumentRef<'_>| {
            let written = rules.written(&name, document);
            if let Some(written) = written.filter(|written| buckets.contains(&bucket_of(&written.id))) {
                let hash = document_hash(&written.id, written.routing(document), &written.source);
                wanted.insert(id_hash(&written.id), Expected { hash, seen: AtomicU8::new(NOT_SEEN) });
            }
        };
        let parts = scan(self.source, self.plan, self.task("compare old"), WantedById::new, each).await?;
        Ok(parts
            .into_iter()
            .reduce(|mut all, part| {
                all.extend(part);
                all
            })
            .unwrap_or_default())
    }

    async fn seen(&self, buckets: Arc<HashSet<usize>>, wanted: Arc<WantedById>) -> Result<Vec<Seen>> {
        let each = move |seen: &mut Seen, document: &DocumentRef<'_>| {
            if !buckets.contains(&bucket_of(document.id)) {
                return;
            }
            let key = id_hash(document.id);
            let known = wanted.get(&key).filter(|one| one.seen.load(Ordering::Relaxed) == NOT_SEEN);
            let Some(known) = known else {
                seen.apart.extra += 1;
                return seen.apart.name(document.id, How::Extra);
            };
            if known.hash == document_hash(document.id, document.routing, document.source) {
                return known.seen.store(SEEN_AS_WANTED, Ordering::Relaxed);
            }
            known.seen.store(SEEN_AS_ANOTHER, Ordering::Relaxed);
            let content = document_hash(document.id, None, document.source);
            seen.others.insert(key, Other { content, routing: document.routing.map(str::to_owned) });
        };
        scan(self.target, self.plan, self.task("compare new"), Seen::default, each).await
    }

    /// Reads the source once more for those that the target does not have as they are wanted.
    async fn name(&self, wanted: Arc<WantedById>, others: HashMap<u128, Other>) -> Result<Vec<Apart>> {
        let (rules, name) = (self.rules.clone(), self.plan.name().to_owned());
        let each = move |apart: &mut Apart, document: &DocumentRef<'_>| {
            let Some(written) = rules.written(&name, document) else { return };
            let key = id_hash(&written.id);
            let Some(known) = wanted.get(&key) else { return };
            if known.seen.load(Ordering::Relaxed) == SEEN_AS_WANTED {
                return;
            }
            match others.get(&key) {
                None => {
                    apart.missing += 1;
                    apart.name(&written.id, How::Missing);
                }
                Some(other) => {
                    if let Some(how) = difference(&rules, &written, written.routing(document), other) {
                        apart.changed += 1;
                        apart.name(&written.id, how);
                    }
                }
            }
        };
        scan(self.source, self.plan, self.task("name"), Apart::default, each).await
    }
}

fn id_hash(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

/// Returns in what way the target's document is another one; in none if it is what a repair makes of the source's.
fn difference(rules: &impl Rules, wanted: &Written<'_>, routing: Option<&str>, other: &Other) -> Option<How> {
    let is_other = |source: &[u8]| document_hash(&wanted.id, None, source) == other.content;
    if !is_other(&wanted.source) && !rules.repaired(&wanted.source).is_some_and(|repaired| is_other(&repaired)) {
        return Some(How::Altered);
    }
    let expected = routing.map(str::to_owned);
    (expected != other.routing).then(|| How::Routing { expected, found: other.routing.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_looked_into_so_many_at_a_time_that_their_documents_fit_and_each_once() {
        let mut digest = Digest::new();
        let mut buckets: Vec<usize> = (0..2000).map(|n| bucket_of(&n.to_string())).collect();
        (0..2000).for_each(|n| digest.add(&n.to_string(), None, b"{}"));
        buckets.sort_unstable();
        buckets.dedup();
        let few = portions(&digest, &buckets);
        assert_eq!((few.len(), few[0].len()), (1, buckets.len()));
        // An empty bucket of the source costs nothing, and one that is too large alone is looked into alone.
        assert_eq!(portions(&Digest::new(), &[1, 2, 3]).len(), 1);
        assert_eq!(portions(&digest, &[]).len(), 0);
    }
}
