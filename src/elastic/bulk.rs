//! Writes batches of changes with `_bulk`, each change exactly once or with a reason why not.
//!
//! Sending a batch again, after an answer that was lost, changes nothing. Where documents are created, one that is
//! already there is then compared: the same is our own, another one is a collision and is not overwritten. Where they
//! take the place of others ([`Mode::Upsert`]), and where they are deleted, the second time comes to the same as the first.

use super::bulk_lines::BulkLines;
use super::client::{Call, Client, LONG};
use super::document::Document;
use super::failure::{Cause, Failure};
use super::fetch::fetch;
use super::repair::without_duplicate_keys;
use crate::error::{Error, Result};
use crate::transfer::{Answer, Batch, Entry, Key, Mode, Rate, Refused, Repaired};
use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Documents of a conflict that are looked at together, in bytes of source.
const COMPARED_BYTES: usize = 8 * 1024 * 1024;

/// In the reason why a document is refused in which a key occurs twice (the Jackson library).
const DUPLICATE: &str = "Duplicate field";

/// Writes to one index.
#[derive(Clone, Copy)]
pub(super) struct BulkWriter<'a> {
    pub client: &'a Client,
    pub index: &'a str,
    pub lines: BulkLines,
    /// Whether the index has a default pipeline, to keep others out.
    pub past_pipeline: bool,
    /// Hears how the node copes.
    pub rate: &'a Rate,
}

#[derive(Deserialize)]
struct Items {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "create", alias = "index", alias = "delete")]
    result: ItemResult,
}

#[derive(Deserialize)]
struct ItemResult {
    status: u16,
    /// Behind a pointer, because nearly all have none.
    #[serde(default)]
    error: Option<Box<Cause>>,
}

/// What a bulk request did with its documents, as positions in the batch.
#[derive(Default)]
struct Sorted {
    busy: Vec<usize>,
    conflicts: Vec<usize>,
    refused: Vec<(usize, String)>,
}

/// A batch to be sent, and whether parts of it may be in the target already.
struct Attempt {
    batch: Batch,
    resent: bool,
}

impl BulkWriter<'_> {
    /// Writes all changes of a batch and returns documents that the target refused, and those that had to be repaired. Where
    /// the batch is `resent`, an earlier try may have written some.
    ///
    /// # Errors
    /// Fails when the node stays busy or away for too long, or when it refuses the index as a whole.
    pub async fn write(&self, batch: Batch, resent: bool) -> Result<Answer> {
        let mut repaired = Vec::new();
        let mut refused = self.write_parts(batch, resent, &mut repaired).await?;
        for refused in &mut refused {
            // What could not be written after all is kept as it was.
            let is_it = |one: &Repaired| one.id == refused.id && one.after == refused.source;
            if let Some(at) = repaired.iter().position(is_it) {
                refused.source = repaired.swap_remove(at).before;
            }
        }
        Ok(Answer { refused, repaired })
    }

    async fn write_parts(&self, batch: Batch, resent: bool, repaired: &mut Vec<Repaired>) -> Result<Vec<Refused>> {
        let mut refused = Vec::new();
        let mut waiting = vec![Attempt { batch, resent }];
        let mut retry = 0;
        while let Some(Attempt { batch, resent }) = waiting.pop() {
            match self.send(&batch).await {
                Ok(items) => {
                    let sorted = self.sort(&batch, items)?;
                    let entry = |at: usize| batch.entries().get(at);
                    let named = sorted.refused.into_iter().filter_map(|(at, reason)| Some((entry(at)?, reason)));
                    let (mended, hopeless) = repair(&batch, named);
                    refused.extend(hopeless);
                    if !mended.is_empty() {
                        let sources = mended.iter().map(|(entry, one)| (*entry, one.after.as_ref()));
                        waiting.push(Attempt { batch: batch.with_sources(&self.lines, sources), resent });
                        repaired.extend(mended.into_iter().map(|(_, one)| one));
                    }
                    let conflicts: Vec<&Entry> = sorted.conflicts.into_iter().filter_map(entry).collect();
                    refused.extend(self.judge(&batch, &conflicts, resent).await?);
                    if sorted.busy.is_empty() {
                        retry = 0;
                        continue;
                    }
                    self.rate.busy();
                    // A document may have 100 MB: nothing is copied that need not be.
                    let busy = match sorted.busy.len() == batch.entries().len() {
                        true => batch.clone(),
                        false => batch.select(&self.lines, sorted.busy.into_iter().filter_map(entry)),
                    };
                    let reason = || Failure::Unreadable("the node is too busy to take documents".to_owned());
                    self.pause(&mut retry, reason).await?;
                    // A document that was turned away for lack of room has certainly not been stored.
                    self.push_parts(&mut waiting, busy, resent);
                }
                Err(failure) if matches!(failure.status(), Some(400 | 413)) => match batch.halves(&self.lines) {
                    Some(halves) => waiting.extend(halves.map(|batch| Attempt { batch, resent })),
                    None => {
                        let reason = reason_of(failure);
                        refused.extend(
                            batch.entries().iter().map(|entry| Refused::new(&batch, entry, reason.clone(), false)),
                        );
                    }
                },
                Err(failure) if failure.is_transient() || failure.is_ambiguous() => {
                    self.rate.busy();
                    let resent = resent || failure.is_ambiguous();
                    let shrink = retry > 0 || !matches!(failure, Failure::Unreachable(_));
                    self.pause(&mut retry, || failure).await?;
                    if shrink {
                        self.push_parts(&mut waiting, batch, resent);
                    } else {
                        waiting.push(Attempt { batch, resent });
                    }
                }
                Err(failure) => return Err(self.explain(failure)),
            }
        }
        Ok(refused)
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<ItemResult>, Failure> {
        let call = Call::change(Method::POST, &[self.index, "_bulk"], "elastic.bulk")
            .query("filter_path", "items.*.status,items.*.error")
            .ndjson(batch.body())
            .timeout(LONG);
        let call = if self.past_pipeline { call.query("pipeline", "_none") } else { call };
        let sent = Instant::now();
        let answer: Items = self.client.json_once(&call).await?;
        self.rate.answered(batch.used(), sent.elapsed());
        if answer.items.len() != batch.entries().len() {
            let (got, sent) = (answer.items.len(), batch.entries().len());
            return Err(Failure::Unreadable(format!("{got} results came for {sent} changes")));
        }
        Ok(answer.items.into_iter().map(|item| item.result).collect())
    }

    fn sort(&self, batch: &Batch, items: Vec<ItemResult>) -> Result<Sorted> {
        let mut sorted = Sorted::default();
        for (at, (item, entry)) in items.into_iter().zip(batch.entries()).enumerate() {
            let error = item.error.unwrap_or_default();
            match (item.status, error.kind.as_str()) {
                (200 | 201, _) => {}
                // It is gone already.
                (404, "") if entry.deletes() => {}
                (409, _) if self.lines.0 == Mode::Create => sorted.conflicts.push(at),
                (429 | 503, _) => sorted.busy.push(at),
                // Not about this document: all others would be refused as well.
                (401 | 403 | 404, _) | (_, "cluster_block_exception" | "index_closed_exception") => {
                    return Err(self.explain(Failure::Refused(error.into_refusal(item.status))));
                }
                // A full disk, a shard that gave up: nothing that the user should be asked to do without.
                (500.., _) if error.is_of_the_node() => {
                    return Err(self.explain(Failure::Refused(error.into_refusal(item.status))));
                }
                // There is no document that could be kept in its place.
                _ if entry.deletes() => {
                    return Err(self.explain(Failure::Refused(error.into_refusal(item.status))));
                }
                (_, kind) => sorted.refused.push((at, format!("{kind}: {}", error.whole_reason()))),
            }
        }
        Ok(sorted)
    }

    /// Compares documents that are already there with those that were sent.
    async fn judge(&self, batch: &Batch, conflicts: &[&Entry], resent: bool) -> Result<Vec<Refused>> {
        let mut collisions = Vec::new();
        let mut rest = conflicts;
        while !rest.is_empty() {
            let mut bytes = 0;
            let few = rest.iter().take_while(|entry| {
                bytes += batch.source(entry).len();
                bytes <= COMPARED_BYTES
            });
            let (now, later) = rest.split_at(few.count().max(1));
            // In the target there are no types, and one shard: routing does not matter for finding a document.
            let keys: Vec<Key> =
                now.iter().map(|entry| Key { kind: None, routing: None, id: batch.id(entry).to_owned() }).collect();
            let existing = self.fetch_patiently(&keys).await?;
            for (entry, existing) in now.iter().zip(existing) {
                let Some(existing) = existing else {
                    return Err(self.explain(Failure::Unreadable(format!(
                        "the document {} was there and is gone: something else uses this node",
                        batch.id(entry)
                    ))));
                };
                let same =
                    existing.source == batch.source(entry) && existing.key.routing.as_deref() == batch.routing(entry);
                if same && resent {
                    continue;
                }
                let reason = if same {
                    "the source holds this document twice, under two types or two routings".to_owned()
                } else {
                    let routing = existing.key.routing.as_deref().unwrap_or("none");
                    format!(
                        "another document has the same _id in this index, under another type or routing (its routing here: {routing})"
                    )
                };
                collisions.push(Refused::new(batch, entry, reason, true));
            }
            rest = later;
        }
        Ok(collisions)
    }

    async fn fetch_patiently(&self, keys: &[Key]) -> Result<Vec<Option<Document>>> {
        let keys: Vec<&Key> = keys.iter().collect();
        let mut retry = 0;
        loop {
            match fetch(self.client, self.index, &keys).await {
                Ok(found) => return Ok(found),
                Err(failure) if failure.is_transient() => self.pause(&mut retry, || failure).await?,
                Err(failure) => return Err(self.explain(failure)),
            }
        }
    }

    async fn pause(&self, retry: &mut u32, reason: impl FnOnce() -> Failure) -> Result<()> {
        let wait: Option<Duration> = self.client.backoff().wait(*retry);
        let Some(wait) = wait else { return Err(self.explain(reason())) };
        tracing::debug!(index = self.index, retry = *retry, "bulk: trying again in {wait:?}");
        tokio::time::sleep(wait).await;
        *retry += 1;
        Ok(())
    }

    fn push_parts(&self, waiting: &mut Vec<Attempt>, batch: Batch, resent: bool) {
        match batch.halves(&self.lines) {
            Some(halves) => waiting.extend(halves.map(|batch| Attempt { batch, resent })),
            None => waiting.push(Attempt { batch, resent }),
        }
    }

    fn explain(&self, failure: Failure) -> Error {
        failure.explain(format!("Documents could not be written to the index {}.", self.index))
    }
}

/// Divides refused documents into those that can be sent again in other bytes, and the others.
fn repair<'a>(
    batch: &Batch,
    named: impl Iterator<Item = (&'a Entry, String)>,
) -> (Vec<(&'a Entry, Repaired)>, Vec<Refused>) {
    let (mut mended, mut hopeless) = (Vec::new(), Vec::new());
    for (entry, reason) in named {
        let before = batch.source(entry);
        // Once repaired, no key occurs twice: a document is never sent a third time.
        let after = reason.contains(DUPLICATE).then(|| without_duplicate_keys(&before)).flatten();
        let Some(after) = after else {
            hopeless.push(Refused::new(batch, entry, reason, false));
            continue;
        };
        let before = Bytes::copy_from_slice(&before);
        let (id, routing) = (batch.id(entry).to_owned(), batch.routing(entry).map(str::to_owned));
        mended.push((entry, Repaired { id, routing, before, after }));
    }
    (mended, hopeless)
}

fn reason_of(failure: Failure) -> String {
    match failure {
        Failure::Refused(refusal) => refusal.to_string(),
        other => other.explain("refused").causes().join(": "),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod upsert_tests;
