//! What came of copying a collection, and of reading it back.

use super::digest::Digest;
use super::sample::GroupSample;
use serde::{Deserialize, Serialize};

/// A copied collection. Worth keeping: with the digest it can be verified at any later time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyOutcome {
    /// Its name.
    #[serde(rename = "index")]
    pub collection: String,
    /// Documents that there are by the numbers of the source itself; nothing in what earlier versions have kept.
    #[serde(default)]
    pub there: Option<u64>,
    /// Documents read from the source.
    pub read: u64,
    /// Documents that the target holds now.
    pub written: u64,
    /// Source bytes read.
    pub bytes: u64,
    /// Documents left out because the user accepted it.
    pub left_out: u64,
    /// Documents whose routing was kept.
    pub routing_kept: u64,
    /// Documents that were written in another form than they were kept in.
    #[serde(default)]
    pub converted: u64,
    /// Documents that were written under another id than their own.
    #[serde(default)]
    pub renamed: u64,
    /// Documents that were written in other bytes, as the target does not take their own.
    #[serde(default)]
    pub repaired: u64,
    /// Documents that were to be there no more.
    #[serde(default)]
    pub deleted: u64,
    /// Documents that the target refused.
    pub rejects: u64,
    /// Documents whose id was already taken by another one.
    pub collisions: u64,
    /// The first of the refused documents and collisions.
    pub named: Vec<Rejected>,
    /// Some groups and how many of the documents read are theirs.
    #[serde(default)]
    pub samples: GroupSample,
    /// Fingerprint of what was written.
    pub digest: Digest,
}

/// A refused document, as messages name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The id.
    pub id: String,
    /// The kind in the source.
    pub kind: Option<String>,
    /// Why.
    pub reason: String,
}

/// A collection that holds exactly what it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The collection.
    #[serde(rename = "index")]
    pub collection: String,
    /// Its documents.
    pub documents: u64,
    /// Short form of its digest; none where documents were only counted.
    pub fingerprint: Option<String>,
}

impl CopyOutcome {
    /// How many refused documents are named one by one.
    pub const NAMED: usize = 20;

    /// Returns whether every document is in the target that is not accepted to be left out.
    pub fn is_complete(&self) -> bool {
        self.rejects == 0 && self.collisions == 0
    }

    /// Returns what a node has to count for the collection to be there, as far as numbers go.
    pub fn counted(&self) -> Verified {
        Verified { collection: self.collection.clone(), documents: self.written, fingerprint: None }
    }
}
