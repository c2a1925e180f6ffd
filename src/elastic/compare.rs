//! Compares an index at any later time with what it was copied from. The new server has gone on working: documents
//! that were added are only counted; one that is missing or changed is a difference.
//!
//! Both sides are read once; where their digests differ, the source is read again, and each document in question is
//! looked up in the target by its `_id`. Memory does not grow with the number of documents added.

use super::admin::{read_mapping, refresh};
use super::client::Client;
use super::difference::{Difference, How, Named};
use super::digest::{Digest, bucket_of};
use super::document::{Document, Key, on_one_line};
use super::fetch::fetch;
use super::index_plan::IndexPlan;
use super::indices;
use super::mapping::field_paths;
use super::rejects::Accepted;
use super::repair::without_duplicate_keys;
use super::routing::intended;
use super::source::{Source, for_each_portion};
use crate::error::{Error, Result};
use crate::events::{Events, Unit};
use std::collections::HashSet;
use tokio_util::sync::CancellationToken;

/// Documents looked up in one request.
const LOOKED_UP: usize = 500;
/// Source bytes of the documents looked up in one request, exceeded only by a single larger one.
const LOOKED_UP_BYTES: usize = 4 << 20;

/// What a comparison found in one index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// The index.
    pub index: String,
    /// Documents that the old data hold.
    pub documents: u64,
    /// Documents that only the new data hold.
    pub added: u64,
    /// Documents that only the old data hold.
    pub missing: u64,
    /// Documents whose content or routing is another.
    pub changed: u64,
    /// Some of the documents that differ, at most [`Difference::NAMED`].
    pub named: Vec<Named>,
    /// Fields that the new mapping lacks.
    pub uncovered: Vec<String>,
}

impl Compared {
    /// Returns whether anything of the old data is not there as it was.
    pub fn differs(&self) -> bool {
        self.missing + self.changed > 0 || !self.uncovered.is_empty()
    }

    fn name(&mut self, id: &str, how: How) {
        if self.named.len() < Difference::NAMED {
            self.named.push(Named { id: id.to_owned(), how });
        }
    }
}

/// Compares a target index with its source.
///
/// # Errors
/// Fails when a node does not answer, or on cancel. What differs is no error but in the result.
pub async fn compare_index(
    source: &Source,
    target: &Client,
    plan: &IndexPlan,
    accepted: &Accepted,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Compared> {
    let side = Side { plan, accepted, events };
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::cancelled()),
        compared = side.compare(source, target) => compared,
    }
}

/// Compares a target index with the digest of its copy, where the source is gone: as many documents as are fewer in a
/// group of the digest are missing, and where a group has as many but others, one is changed at least. Where documents
/// were added, a change in the same group cannot be told.
///
/// # Errors
/// Fails when the node does not answer, or on cancel.
pub async fn compare_with_digest(
    target: &Client,
    plan: &IndexPlan,
    expected: &Digest,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Compared> {
    let accepted = Accepted::default();
    let side = Side { plan, accepted: &accepted, events };
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::cancelled()),
        found = side.target_digest(target) => Ok(judge(&plan.index, expected, found?.as_ref())),
    }
}

fn judge(index: &str, expected: &Digest, found: Option<&Digest>) -> Compared {
    let mut compared = Compared { index: index.to_owned(), documents: expected.documents(), ..Compared::default() };
    let Some(found) = found else {
        compared.missing = compared.documents;
        return compared;
    };
    for bucket in expected.differing_buckets(found) {
        let (wanted, there) = (expected.documents_in(bucket), found.documents_in(bucket));
        compared.missing += wanted.saturating_sub(there);
        compared.added += there.saturating_sub(wanted);
        compared.changed += u64::from(wanted == there);
    }
    compared
}

/// An index and what its comparison needs on both sides.
struct Side<'a> {
    plan: &'a IndexPlan,
    accepted: &'a Accepted,
    events: &'a Events,
}

impl Side<'_> {
    async fn compare(&self, source: &Source, target: &Client) -> Result<Compared> {
        let index = &self.plan.index;
        let expected = self.source_digest(source).await?;
        let Some(found) = self.target_digest(target).await? else { return Ok(judge(index, &expected, None)) };
        let mut compared = Compared { index: index.clone(), documents: expected.documents(), ..Compared::default() };
        let covered = field_paths(&read_mapping(target, index).await?);
        compared.uncovered = field_paths(&self.plan.mapping).difference(&covered).cloned().collect();
        let buckets: HashSet<usize> = expected.differing_buckets(&found).into_iter().collect();
        if !buckets.is_empty() {
            self.look_up(source, target, &buckets, &mut compared).await?;
            let kept = compared.documents - compared.missing;
            compared.added = found.documents().saturating_sub(kept);
        }
        Ok(compared)
    }

    async fn source_digest(&self, source: &Source) -> Result<Digest> {
        if let Source::Node(node) = source {
            refresh(node, &self.plan.index).await?;
        }
        let task = format!("old {}", self.plan.index);
        let (mut digest, mut read) = (Digest::new(), 0);
        for_each_portion(source, self.plan, self.plan.shards, async |documents| {
            read += documents.len() as u64;
            for Document { key, source } in documents {
                if !self.accepted.contains(&self.plan.index, &key) {
                    let text = on_one_line(&source);
                    digest.add(&key.id, intended(key.routing.as_deref(), &text), &text);
                }
            }
            self.events.progress(&task, read, Some(self.plan.documents), Unit::Documents);
            Ok(())
        })
        .await?;
        self.events.progress_ended(&task);
        Ok(digest)
    }

    /// Returns nothing where the target has no such index.
    async fn target_digest(&self, target: &Client) -> Result<Option<Digest>> {
        let index = &self.plan.index;
        if !indices::list(target).await?.iter().any(|listed| listed.name == *index) {
            return Ok(None);
        }
        refresh(target, index).await?;
        let task = format!("new {index}");
        let (mut digest, mut read) = (Digest::new(), 0);
        for_each_portion(&Source::Node(target.clone()), self.plan, 1, async |documents| {
            for document in &documents {
                digest.add(&document.key.id, document.key.routing.as_deref(), &document.source);
            }
            read += documents.len() as u64;
            self.events.progress(&task, read, None, Unit::Documents);
            Ok(())
        })
        .await?;
        self.events.progress_ended(&task);
        Ok(Some(digest))
    }

    /// Reads the source again and looks up each document of the buckets in the target.
    async fn look_up(
        &self,
        source: &Source,
        target: &Client,
        buckets: &HashSet<usize>,
        compared: &mut Compared,
    ) -> Result<()> {
        let task = format!("compare {}", self.plan.index);
        let mut looked_at = 0;
        for_each_portion(source, self.plan, self.plan.shards, async |documents| {
            looked_at += documents.len() as u64;
            let wanted = |document: &Document| {
                buckets.contains(&bucket_of(&document.key.id))
                    && !self.accepted.contains(&self.plan.index, &document.key)
            };
            let wanted: Vec<Document> = documents.into_iter().filter(wanted).collect();
            for batch in batches(&wanted) {
                self.look_up_batch(target, batch, compared).await?;
            }
            self.events.progress(&task, looked_at, Some(self.plan.documents), Unit::Documents);
            Ok(())
        })
        .await?;
        self.events.progress_ended(&task);
        Ok(())
    }

    async fn look_up_batch(&self, target: &Client, batch: &[Document], compared: &mut Compared) -> Result<()> {
        // An id is enough: the new data have no types, and one shard for each index.
        let keys: Vec<Key> =
            batch.iter().map(|one| Key { id: one.key.id.clone(), kind: None, routing: None }).collect();
        let keys: Vec<&Key> = keys.iter().collect();
        let mut retry = 0;
        let found = loop {
            match fetch(target, &self.plan.index, &keys).await {
                Ok(found) => break found,
                Err(failure) => match target.backoff().wait(retry) {
                    Some(wait) if failure.is_transient() => {
                        tokio::time::sleep(wait).await;
                        retry += 1;
                    }
                    _ => return Err(failure.explain(format!("The index {} could not be read.", self.plan.index))),
                },
            }
        };
        for (wanted, found) in batch.iter().zip(found) {
            let id = &wanted.key.id;
            match difference(wanted, found) {
                None => {}
                Some(How::Missing) => {
                    compared.missing += 1;
                    compared.name(id, How::Missing);
                }
                Some(how) => {
                    compared.changed += 1;
                    compared.name(id, how);
                }
            }
        }
        Ok(())
    }
}

fn difference(wanted: &Document, found: Option<Document>) -> Option<How> {
    let Some(found) = found else { return Some(How::Missing) };
    let text = on_one_line(&wanted.source);
    // Where keys occur twice, the copy may hold the document in other bytes.
    if *text != *found.source && without_duplicate_keys(&text).as_deref() != Some(&*found.source) {
        return Some(How::Altered);
    }
    let expected = intended(wanted.key.routing.as_deref(), &text).map(str::to_owned);
    (expected != found.key.routing).then_some(How::Routing { expected, found: found.key.routing })
}

/// Divides documents into batches that one answer can hold.
fn batches(documents: &[Document]) -> Vec<&[Document]> {
    let mut batches = Vec::new();
    let mut rest = documents;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |document: &&Document| {
            let first = bytes == 0;
            bytes += document.source.len().max(1);
            first || bytes <= LOOKED_UP_BYTES
        };
        let number = rest.iter().take(LOOKED_UP).take_while(fits).count();
        let (batch, tail) = rest.split_at(number.max(1));
        batches.push(batch);
        rest = tail;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(id: &str, routing: Option<&str>, source: &str) -> Document {
        let key = Key { id: id.to_owned(), kind: None, routing: routing.map(str::to_owned) };
        Document { key, source: source.to_owned().into_bytes().into() }
    }

    #[test]
    fn a_document_is_the_same_if_its_text_and_its_intended_routing_are() {
        // The routing of old is the task, which the new server does without.
        let old = document("a", Some("t1"), r#"{"task":"t1"}"#);
        assert_eq!(difference(&old, Some(document("a", None, r#"{"task":"t1"}"#))), None);
        assert_eq!(difference(&old, Some(document("a", None, r#"{"task":"t2"}"#))), Some(How::Altered));
        assert_eq!(difference(&old, None), Some(How::Missing));
        let twice = document("a", None, r#"{"task":"t1","x":1,"x":2}"#);
        assert_eq!(difference(&twice, Some(document("a", None, r#"{"task":"t1","x":2}"#))), None);
        assert_eq!(difference(&twice, Some(document("a", None, r#"{"task":"t1","x":1}"#))), Some(How::Altered));
        let routed = difference(&old, Some(document("a", Some("t1"), r#"{"task":"t1"}"#)));
        assert_eq!(routed, Some(How::Routing { expected: None, found: Some("t1".into()) }));
    }

    #[test]
    fn batches_hold_every_document_once_and_keep_to_the_bytes() {
        let large = "x".repeat(LOOKED_UP_BYTES);
        let mut documents: Vec<Document> = (0..1200).map(|n| document(&n.to_string(), None, "{}")).collect();
        documents.insert(3, document("large", None, &large));
        let batches = batches(&documents);
        let ids: Vec<&str> = batches.iter().flat_map(|batch| batch.iter().map(|one| one.key.id.as_str())).collect();
        assert_eq!(ids, documents.iter().map(|one| one.key.id.as_str()).collect::<Vec<_>>());
        assert!(batches.iter().all(|batch| batch.len() <= LOOKED_UP));
        assert!(batches.iter().any(|batch| batch.len() == 1 && batch[0].key.id == "large"));
    }

    #[test]
    fn without_the_source_the_digest_tells_what_it_can() {
        let digest = |ids: &[(&str, &str)]| {
            let mut digest = Digest::new();
            ids.iter().for_each(|(id, text)| digest.add(id, None, text.as_bytes()));
            digest
        };
        let old = digest(&[("a", "1"), ("b", "2"), ("c", "3")]);
        assert!(!judge("x", &old, Some(&old)).differs());
        let new = digest(&[("a", "1"), ("b", "9"), ("d", "4"), ("e", "5")]);
        let compared = judge("x", &old, Some(&new));
        assert_eq!((compared.missing, compared.changed, compared.added), (1, 1, 2));
        assert_eq!(judge("x", &old, None).missing, 3);
    }
}
