//! Reads a target index back and compares it with what was meant to be written: every document, byte for byte.

use super::admin::{read_mapping, refresh};
use super::client::Client;
use super::difference::{Difference, How, Named};
use super::digest::{Digest, bucket_of, document_hash};
use super::document::{Document, as_written};
use super::index_plan::IndexPlan;
use super::mapping::field_paths;
use super::rejects::Accepted;
use super::routing::intended;
use super::source::{Source, for_each_portion};
use crate::error::{Error, Result};
use crate::events::{Events, Unit};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use tokio_util::sync::CancellationToken;

/// Documents of differing buckets that are held in memory, both sides together, to name some of them.
const COMPARED: u64 = 200_000;

/// A target index that holds exactly what it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The index.
    pub index: String,
    /// Its documents.
    pub documents: u64,
    /// Short form of its digest.
    pub fingerprint: String,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All is there and nothing else.
    Equal(Verified),
    /// Something is missing, extra or altered.
    Different(Difference),
}

impl Verdict {
    /// Returns the good result, or the difference as an error that names documents.
    ///
    /// # Errors
    /// See above.
    pub fn require_equal(self) -> Result<Verified> {
        match self {
            Self::Equal(verified) => Ok(verified),
            Self::Different(difference) => Err(difference.into_error()),
        }
    }
}

/// The source, to name the documents of a difference.
#[derive(Debug, Clone, Copy)]
pub struct SecondReading<'a> {
    /// What was copied from.
    pub source: &'a Source,
    /// Documents that were left out with the user's consent.
    pub accepted: &'a Accepted,
}

/// Compares a target index with the digest of its copy.
///
/// Progress goes to the task `verify INDEX`, in documents. With `source`, a difference names documents; without, only
/// how many buckets differ.
///
/// # Errors
/// Fails when a node does not answer, or on cancel. A difference is no error but a [`Verdict`].
pub async fn verify_index(
    target: &Client,
    plan: &IndexPlan,
    expected: &Digest,
    source: Option<SecondReading<'_>>,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Verdict> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::cancelled()),
        verdict = verify_uncancelled(target, plan, expected, source, events) => verdict,
    }
}

async fn verify_uncancelled(
    target: &Client,
    plan: &IndexPlan,
    expected: &Digest,
    source: Option<SecondReading<'_>>,
    events: &Events,
) -> Result<Verdict> {
    refresh(target, &plan.index).await?;
    let uncovered: Vec<String> = {
        let covered = field_paths(&read_mapping(target, &plan.index).await?);
        field_paths(&plan.mapping).difference(&covered).cloned().collect()
    };
    let task = format!("verify {}", plan.index);
    let total = Some(expected.documents());
    let (mut found, mut read) = (Digest::new(), 0_u64);
    let reading = Source::Node(target.clone());
    for_each_portion(&reading, plan, 1, async |documents| {
        for document in &documents {
            found.add(&document.key.id, document.key.routing.as_deref(), &document.source);
        }
        read += documents.len() as u64;
        events.progress(&task, read, total, Unit::Documents);
        Ok(())
    })
    .await?;
    events.progress_ended(&task);
    let buckets = expected.differing_buckets(&found);
    if buckets.is_empty() && uncovered.is_empty() {
        let fingerprint = found.fingerprint();
        return Ok(Verdict::Equal(Verified { index: plan.index.clone(), documents: read, fingerprint }));
    }
    let named = match source {
        Some(source) if !buckets.is_empty() => name_documents(target, plan, expected, &found, &buckets, source).await?,
        _ => Vec::new(),
    };
    Ok(Verdict::Different(Difference {
        index: plan.index.clone(),
        expected: expected.documents(),
        found: read,
        buckets: buckets.len(),
        named,
        uncovered,
    }))
}

/// What is remembered of a document to compare it.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Seen {
    routing: Option<String>,
    /// Hash of `_id` and source, without the routing.
    content: u128,
}

type SeenById = BTreeMap<String, Vec<Seen>>;

/// Reads both sides again, but looks only at documents of buckets that differ; as many buckets as fit into memory.
async fn name_documents(
    target: &Client,
    plan: &IndexPlan,
    expected: &Digest,
    found: &Digest,
    buckets: &[usize],
    source: SecondReading<'_>,
) -> Result<Vec<Named>> {
    let mut chosen = HashSet::new();
    let mut documents = 0;
    for &bucket in buckets {
        documents += expected.documents_in(bucket) + found.documents_in(bucket);
        if !chosen.is_empty() && documents > COMPARED {
            break;
        }
        chosen.insert(bucket);
    }
    let remember = |seen: &mut SeenById, id: &str, routing: Option<&str>, text: &[u8]| {
        let routing = routing.map(str::to_owned);
        seen.entry(id.to_owned()).or_default().push(Seen { routing, content: document_hash(id, None, text) });
    };
    let (mut wanted, mut there) = (SeenById::new(), SeenById::new());
    let reading = Source::Node(target.clone());
    for_each_portion(source.source, plan, plan.shards, async |documents| {
        for Document { key, source: text } in documents {
            if chosen.contains(&bucket_of(&key.id)) && !source.accepted.contains(&plan.index, &key) {
                let text = as_written(&text);
                remember(&mut wanted, &key.id, intended(key.routing.as_deref(), &text), &text);
            }
        }
        Ok(())
    })
    .await?;
    for_each_portion(&reading, plan, 1, async |documents| {
        for Document { key, source: text } in documents {
            if chosen.contains(&bucket_of(&key.id)) {
                remember(&mut there, &key.id, key.routing.as_deref(), &text);
            }
        }
        Ok(())
    })
    .await?;
    Ok(compare(wanted, there))
}

fn compare(wanted: SeenById, mut there: SeenById) -> Vec<Named> {
    let mut named = Vec::new();
    for (id, wanted) in wanted {
        let how = match there.remove(&id) {
            None => How::Missing,
            Some(there) => match difference_of(wanted, there) {
                None => continue,
                Some(how) => how,
            },
        };
        named.push(Named { id, how });
    }
    named.extend(there.into_keys().map(|id| Named { id, how: How::Extra }));
    named.truncate(Difference::NAMED);
    named
}

/// Compares the documents of one `_id`: one on each side, unless something went badly wrong.
fn difference_of(mut wanted: Vec<Seen>, mut there: Vec<Seen>) -> Option<How> {
    wanted.sort();
    there.sort();
    match (wanted.as_slice(), there.as_slice()) {
        (wanted, there) if wanted == there => None,
        ([wanted], [there]) if wanted.content == there.content => {
            Some(How::Routing { expected: wanted.routing.clone(), found: there.routing.clone() })
        }
        (wanted, there) if wanted.len() > there.len() => Some(How::Missing),
        (wanted, there) if wanted.len() < there.len() => Some(How::Extra),
        _ => Some(How::Altered),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(documents: &[(&str, Option<&str>, u128)]) -> SeenById {
        let mut seen = SeenById::new();
        for (id, routing, content) in documents {
            let document = Seen { routing: routing.map(str::to_owned), content: *content };
            seen.entry((*id).to_owned()).or_default().push(document);
        }
        seen
    }

    #[test]
    fn every_kind_of_difference_is_told_apart() {
        let wanted = seen(&[("a", None, 1), ("b", None, 2), ("c", None, 3), ("d", Some("t"), 4)]);
        let there = seen(&[("a", None, 1), ("c", None, 9), ("d", None, 4), ("e", None, 5), ("a", Some("x"), 1)]);
        let named = compare(wanted, there);
        let expected = [
            ("a", How::Extra),
            ("b", How::Missing),
            ("c", How::Altered),
            ("d", How::Routing { expected: Some("t".into()), found: None }),
            ("e", How::Extra),
        ];
        assert_eq!(named, expected.map(|(id, how)| Named { id: id.into(), how }));
    }

    #[test]
    fn equal_sides_have_no_difference() {
        let documents = [("a", None, 1), ("b", Some("t"), 2)];
        assert_eq!(compare(seen(&documents), seen(&documents)), []);
    }
}
