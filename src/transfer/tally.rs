//! What a copy has done so far: of a unit, or a whole collection.

use super::digest::Digest;
use super::outcome::{CopyOutcome, Rejected};
use super::sample::GroupSample;
use super::sink::{Refused, Repaired};
use serde::{Deserialize, Serialize};

/// Documents that count in the source and are none of their own ([`super::Reading::apart`]). Not known of what earlier
/// versions have noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Apart(Option<u64>);

impl Apart {
    pub(super) fn new(documents: u64) -> Self {
        Self(Some(documents))
    }

    fn unknown() -> Self {
        Self(None)
    }

    fn add(&mut self, other: Self) {
        self.0 = self.0.zip(other.0).map(|(one, other)| one + other);
    }

    /// Returns the documents that there are, of so many that the source counts.
    pub(super) fn documents_of(self, counted: u64) -> Option<u64> {
        self.0.map(|apart| counted.saturating_sub(apart))
    }
}

impl Default for Apart {
    fn default() -> Self {
        Self::new(0)
    }
}

/// Numbers and fingerprint of some documents of a collection. Tallies of parts add up to that of the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) read: u64,
    #[serde(default = "Apart::unknown")]
    pub(super) apart: Apart,
    pub(super) bytes: u64,
    pub(super) left_out: u64,
    pub(super) routing_kept: u64,
    pub(super) converted: u64,
    #[serde(default)]
    pub(super) renamed: u64,
    pub(super) repaired: u64,
    #[serde(default)]
    pub(super) deleted: u64,
    pub(super) rejects: u64,
    pub(super) collisions: u64,
    pub(super) rejected: Vec<Rejected>,
    pub(super) samples: GroupSample,
    pub(super) digest: Digest,
}

impl Tally {
    /// Returns whether the target holds every document that is not accepted to be left out.
    pub(super) fn is_complete(&self) -> bool {
        self.rejects == 0 && self.collisions == 0
    }

    /// Returns the documents that the target holds.
    pub(super) fn written(&self) -> u64 {
        self.digest.documents()
    }

    /// Takes in what the target refused after all. The digest has only what it holds.
    pub(super) fn refuse(&mut self, refused: Refused) {
        self.digest.remove(&refused.id, refused.routing.as_deref(), &refused.source);
        self.reject(Rejected { id: refused.key.id, kind: refused.key.kind, reason: refused.reason }, refused.collision);
    }

    /// Counts a refused document that is not in the digest.
    pub(super) fn reject(&mut self, rejected: Rejected, collision: bool) {
        self.rejects += u64::from(!collision);
        self.collisions += u64::from(collision);
        self.note(rejected);
    }

    /// Takes in that a document was written in other bytes than those that were read.
    pub(super) fn repair(&mut self, repaired: &Repaired) {
        let Repaired { id, routing, before, after } = repaired;
        self.digest.remove(id, routing.as_deref(), before);
        self.digest.add(id, routing.as_deref(), after);
        self.repaired += 1;
    }

    fn note(&mut self, rejected: Rejected) {
        if self.rejected.len() < CopyOutcome::NAMED {
            self.rejected.push(rejected);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.read += other.read;
        self.apart.add(other.apart);
        self.bytes += other.bytes;
        self.left_out += other.left_out;
        self.routing_kept += other.routing_kept;
        self.converted += other.converted;
        self.renamed += other.renamed;
        self.repaired += other.repaired;
        self.deleted += other.deleted;
        self.rejects += other.rejects;
        self.collisions += other.collisions;
        other.rejected.iter().for_each(|rejected| self.note(rejected.clone()));
        self.samples.merge(&other.samples);
        self.digest.merge(&other.digest);
    }

    /// Returns the outcome for a collection that has so many documents by the source's own numbers.
    pub(super) fn into_outcome(self, collection: &str, there: Option<u64>) -> CopyOutcome {
        CopyOutcome {
            collection: collection.to_owned(),
            there,
            read: self.read,
            written: self.written(),
            bytes: self.bytes,
            left_out: self.left_out,
            routing_kept: self.routing_kept,
            converted: self.converted,
            renamed: self.renamed,
            repaired: self.repaired,
            deleted: self.deleted,
            rejects: self.rejects,
            collisions: self.collisions,
            named: self.rejected,
            samples: self.samples,
            digest: self.digest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Key;
    use super::*;

    #[test]
    fn what_an_earlier_version_has_not_counted_stays_unknown() {
        let mut noted = serde_json::to_value(Tally { apart: Apart::new(2), ..Tally::default() }).unwrap();
        assert_eq!(serde_json::from_value::<Tally>(noted.clone()).unwrap().apart.documents_of(7), Some(5));
        noted.as_object_mut().unwrap().remove("apart");
        let mut old: Tally = serde_json::from_value(noted).unwrap();
        old.merge(&Tally { apart: Apart::new(2), ..Tally::default() });
        assert_eq!(old.apart.documents_of(7), None);
    }

    #[test]
    fn the_digest_is_of_what_the_target_holds_however_it_is_added_up() {
        let (mut read, mut written, mut expected) = (Tally::default(), Tally::default(), Digest::new());
        for id in ["a", "b", "c"] {
            read.digest.add(id, None, b"{}");
        }
        expected.add("a", None, b"{}");
        expected.add("b", None, b"{ }");
        // It was sent with another id than its own.
        let key = Key { id: "own".into(), kind: None, routing: Some("t".into()) };
        let (source, reason) = (bytes::Bytes::from("{}"), "no".to_owned());
        written.refuse(Refused { key, id: "c".into(), routing: None, source, reason, collision: false });
        assert_eq!(written.rejected[0].id, "own");
        written.repair(&Repaired { id: "b".into(), routing: None, before: "{}".into(), after: "{ }".into() });
        // What was refused is known before what was read: its part of the digest is less than nothing.
        written.merge(&read);
        assert_eq!((written.digest.clone(), written.written(), written.rejects, written.repaired), (expected, 2, 1, 1));
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), written);
    }
}
