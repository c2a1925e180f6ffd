//! The documents of every collection at the four places that they pass, held against each other: what was planned, what came
//! out of the source, what was written, and what was read back.
//!
//! One function for everything that moves documents or compares them: nothing can be called done, or equal, that was not
//! looked at. It reads nothing and asks nobody, and has no words for what it finds.

use super::compare::Compared;
use super::digest::Digest;
use super::outcome::{CopyOutcome, Verified};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What came out of the source of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Documents that there are by the source's own numbers: by the commits of its files, by a node's count, by the
    /// manifest of an export. Nothing where an earlier version has not kept it.
    pub there: Option<u64>,
    /// Documents that came out.
    pub read: u64,
    /// Of these, those that were not written, with a reason that was told.
    pub left_out: u64,
}

/// What was written of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored<'a> {
    /// Documents.
    pub documents: u64,
    /// Their digest; none where nothing will be read back.
    pub digest: Option<&'a Digest>,
}

/// What was read back of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBack<'a> {
    /// Documents; those that were added since are none of them.
    pub documents: u64,
    /// What is known of their content.
    pub content: Content<'a>,
}

/// What is known of the content of documents that were read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// Their digest.
    Digest(&'a Digest),
    /// The short form of their digest.
    Fingerprint(&'a str),
    /// They were compared one by one, and in so many it is another.
    Changed(u64),
    /// Nothing: they were counted.
    Unknown,
}

/// How it is shown that everything arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Every document is read back.
    Documents,
    /// Documents are counted.
    Counts,
}

/// A way in which two places do not fit. Numbers are of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Gap {
    /// It was planned, and did not come out of the source.
    NotCopied,
    /// It was written, and did not come out of the source.
    NeverCopied,
    /// It was copied, and was not planned.
    NotPlanned,
    /// It came out of the source, and was not written.
    NotWritten,
    /// It was written, and was not read back.
    NotRead,
    /// It was read back, and never written.
    NeverWritten,
    /// It is there more than once at one place.
    Twice,
    /// Another number was written than should have been.
    OtherThanPlanned {
        /// Should have been.
        planned: u64,
        /// Written.
        written: u64,
    },
    /// Other ones came out than there are.
    OtherThanThere {
        /// By the source's own numbers.
        there: u64,
        /// Came out.
        read: u64,
    },
    /// Of those that came out, some were neither written nor left out, or others were written.
    OtherThanCopied {
        /// Came out.
        read: u64,
        /// Written.
        written: u64,
        /// Left out for a reason that was told.
        left_out: u64,
    },
    /// The digest is of another number than was written.
    OtherDigest {
        /// Written.
        written: u64,
        /// In the digest.
        digest: u64,
    },
    /// Another number was read back than was written.
    OtherNumber {
        /// Written.
        written: u64,
        /// Read back.
        read: u64,
    },
    /// As many were read back as were written, and not the same.
    OtherContent,
    /// What was read back was only counted, and was to be compared.
    NotCompared,
}

/// A gap, and the collection that has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discrepancy {
    /// The collection.
    pub collection: String,
    /// What does not fit.
    #[serde(flatten)]
    pub gap: Gap,
}

/// Collections at the four places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places<'a> {
    /// Those that are to be copied, and how many documents of each must have been written, where that is known.
    planned: BTreeMap<&'a str, Option<u64>>,
    copied: BTreeMap<&'a str, Copied>,
    written: BTreeMap<&'a str, Stored<'a>>,
    read: BTreeMap<&'a str, ReadBack<'a>>,
    twice: BTreeSet<&'a str>,
    proof: Option<Proof>,
}

impl<'a> Places<'a> {
    /// Returns the places with what was planned, and nothing at the others; `proof` is what must be shown by now.
    pub fn new(proof: Option<Proof>, planned: impl IntoIterator<Item = &'a str>) -> Self {
        let planned = planned.into_iter().map(|name| (name, None)).collect();
        let (copied, written, read) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { planned, copied, written, read, twice: BTreeSet::new(), proof }
    }

    /// Adds that so many documents of a collection must have been written.
    pub fn plan(&mut self, name: &'a str, documents: Option<u64>) {
        let planned = self.planned.entry(name).or_default();
        *planned = planned.or(documents);
    }

    /// Adds what came out of the source.
    pub fn copied(&mut self, name: &'a str, copied: Copied) {
        if self.copied.insert(name, copied).is_some() {
            self.twice.insert(name);
        }
    }

    /// Adds what was written.
    pub fn written(&mut self, name: &'a str, written: Stored<'a>) {
        if self.written.insert(name, written).is_some() {
            self.twice.insert(name);
        }
    }

    /// Adds what a copy has read and written.
    pub fn outcome(&mut self, outcome: &'a CopyOutcome) {
        let left_out = outcome.left_out + outcome.rejects + outcome.collisions;
        self.copied(&outcome.collection, Copied { there: outcome.there, read: outcome.read, left_out });
        self.written(&outcome.collection, outcome.into());
    }

    /// Adds what was read back.
    pub fn read(&mut self, name: &'a str, read: ReadBack<'a>) {
        if self.read.insert(name, read).is_some() {
            self.twice.insert(name);
        }
    }

    /// Returns the number of collections, of documents that are where they should be, and of those that were left out.
    pub fn extent(&self) -> (u64, u64, u64) {
        let documents = match self.proof {
            None => self.written.values().map(|one| one.documents).sum(),
            Some(_) => self.read.values().map(|one| one.documents).sum(),
        };
        (self.written.len() as u64, documents, self.copied.values().map(|one| one.left_out).sum())
    }

    /// Holds the four places against each other, and returns all that does not fit, by name.
    pub fn discrepancies(&self) -> Vec<Discrepancy> {
        let places = self.planned.keys().chain(self.copied.keys()).chain(self.written.keys()).chain(self.read.keys());
        let names: BTreeSet<&'a str> = places.copied().collect();
        let of = |name: &'a str| {
            self.gaps(name).into_iter().map(move |gap| Discrepancy { collection: name.to_owned(), gap })
        };
        names.into_iter().flat_map(of).collect()
    }

    fn gaps(&self, name: &str) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let (planned, copied) = (self.planned.get(name), self.copied.get(name));
        let (written, read) = (self.written.get(name), self.read.get(name));
        gaps.extend(self.twice.contains(name).then_some(Gap::Twice));
        gaps.extend(planned.is_none().then_some(Gap::NotPlanned));
        match (copied, written) {
            (None, None) => gaps.extend(planned.map(|_| Gap::NotCopied)),
            (None, Some(_)) => gaps.push(Gap::NeverCopied),
            (Some(_), None) => gaps.push(Gap::NotWritten),
            (Some(copied), Some(written)) => gaps.extend(between(copied, written)),
        }
        if let (Some(Some(planned)), Some(written)) = (planned, written.map(|one| one.documents))
            && *planned != written
        {
            gaps.push(Gap::OtherThanPlanned { planned: *planned, written });
        }
        match (written, read) {
            (Some(written), Some(read)) => gaps.extend(written.unlike(read, self.proof.unwrap_or(Proof::Counts))),
            (Some(_), None) => gaps.extend(self.proof.map(|_| Gap::NotRead)),
            (None, Some(_)) => gaps.push(Gap::NeverWritten),
            (None, None) => {}
        }
        gaps
    }
}

/// Returns what was lost, or came from nowhere, between the source and the target.
fn between(copied: &Copied, written: &Stored<'_>) -> Vec<Gap> {
    let (Copied { there, read, left_out }, documents) = (*copied, written.documents);
    let mut gaps = Vec::new();
    gaps.extend(there.filter(|there| *there != read).map(|there| Gap::OtherThanThere { there, read }));
    if documents.checked_add(left_out) != Some(read) {
        gaps.push(Gap::OtherThanCopied { read, written: documents, left_out });
    }
    let digest = written.digest.map(Digest::documents).filter(|digest| *digest != documents);
    gaps.extend(digest.map(|digest| Gap::OtherDigest { written: documents, digest }));
    gaps
}

impl Stored<'_> {
    /// Returns in what way something else was read back than was written, if it was.
    pub fn unlike(&self, read: &ReadBack<'_>, proof: Proof) -> Option<Gap> {
        if read.documents != self.documents {
            return Some(Gap::OtherNumber { written: self.documents, read: read.documents });
        }
        let is_same = match (read.content, self.digest) {
            (Content::Digest(read), Some(written)) => written == read,
            (Content::Fingerprint(read), Some(written)) => written.fingerprint() == read,
            (Content::Changed(documents), _) => documents == 0,
            (Content::Digest(_) | Content::Fingerprint(_), None) | (Content::Unknown, _) => {
                return (proof == Proof::Documents).then_some(Gap::NotCompared);
            }
        };
        (!is_same).then_some(Gap::OtherContent)
    }
}

impl<'a> From<&'a CopyOutcome> for Stored<'a> {
    fn from(outcome: &'a CopyOutcome) -> Self {
        Self { documents: outcome.written, digest: Some(&outcome.digest) }
    }
}

impl<'a> From<&'a Digest> for Stored<'a> {
    fn from(digest: &'a Digest) -> Self {
        Self { documents: digest.documents(), digest: Some(digest) }
    }
}

impl<'a> From<&'a Digest> for ReadBack<'a> {
    fn from(digest: &'a Digest) -> Self {
        Self { documents: digest.documents(), content: Content::Digest(digest) }
    }
}

impl<'a> From<&'a Verified> for ReadBack<'a> {
    fn from(verified: &'a Verified) -> Self {
        let content = verified.fingerprint.as_deref().map_or(Content::Unknown, Content::Fingerprint);
        Self { documents: verified.documents, content }
    }
}

impl From<&Compared> for ReadBack<'_> {
    fn from(compared: &Compared) -> Self {
        let documents = compared.documents.saturating_sub(compared.missing);
        Self { documents, content: Content::Changed(compared.changed) }
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
