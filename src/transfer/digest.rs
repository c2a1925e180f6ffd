//! A fingerprint of an index that does not depend on the order of its documents, so that source and target are read
//! in whatever order they come, by several readers at once; and that tells where two indices differ, not only that.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt::Write as _;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Number of buckets. A difference is narrowed down to the documents of the buckets that differ.
pub const BUCKETS: usize = 4096;

/// Sum and number of the documents of one bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Bucket {
    /// Wrapping sum of the documents' hashes. A sum, not an exclusive or: the same document twice must show.
    sum: u128,
    /// A shard holds less than 2^31 documents, and the target has one shard.
    documents: u32,
}

/// The fingerprint of a set of documents.
///
/// The bucket of a document follows from its `_id`; what is summed is a 128-bit XXH3 over its `_id`, routing and
/// source bytes, each with its length in front. Serialised as hex of the buckets that are not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    buckets: Vec<Bucket>,
}

impl Default for Digest {
    fn default() -> Self {
        Self { buckets: vec![Bucket::default(); BUCKETS] }
    }
}

/// Returns the number of the bucket, below [`BUCKETS`], that documents of this `_id` belong to.
pub fn bucket_of(id: &str) -> usize {
    // The remainder is below BUCKETS, which fits every usize.
    (xxh3_64(id.as_bytes()) % BUCKETS as u64) as usize
}

/// Returns the hash of one document.
pub fn document_hash(id: &str, routing: Option<&str>, source: &[u8]) -> u128 {
    let mut hasher = Xxh3::new();
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(id.as_bytes());
    part(&[u8::from(routing.is_some())]);
    part(routing.unwrap_or_default().as_bytes());
    part(source);
    hasher.digest128()
}

impl Digest {
    /// Returns the digest of no documents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one document: its `_id`, the routing it has in the target, and the source bytes sent or read.
    pub fn add(&mut self, id: &str, routing: Option<&str>, source: &[u8]) {
        if let Some(bucket) = self.buckets.get_mut(bucket_of(id)) {
            bucket.sum = bucket.sum.wrapping_add(document_hash(id, routing, source));
            bucket.documents = bucket.documents.wrapping_add(1);
        }
    }

    /// Takes a document out again, such as one that the target refused after it had been counted.
    pub fn remove(&mut self, id: &str, routing: Option<&str>, source: &[u8]) {
        if let Some(bucket) = self.buckets.get_mut(bucket_of(id)) {
            bucket.sum = bucket.sum.wrapping_sub(document_hash(id, routing, source));
            bucket.documents = bucket.documents.wrapping_sub(1);
        }
    }

    /// Returns the digest of the documents of all parts.
    pub fn sum(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::new(), |mut whole, part| {
            whole.merge(&part);
            whole
        })
    }

    /// Adds all documents of another digest.
    pub fn merge(&mut self, other: &Self) {
        for (own, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            own.sum = own.sum.wrapping_add(theirs.sum);
            own.documents = own.documents.wrapping_add(theirs.documents);
        }
    }

    /// Returns the number of documents.
    pub fn documents(&self) -> u64 {
        self.buckets.iter().map(|bucket| u64::from(bucket.documents)).sum()
    }

    /// Returns the number of documents in one bucket, 0 for a bucket that does not exist.
    pub fn documents_in(&self, bucket: usize) -> u64 {
        self.buckets.get(bucket).map_or(0, |bucket| u64::from(bucket.documents))
    }

    /// Returns the buckets in which the two sets of documents differ, in order.
    pub fn differing_buckets(&self, other: &Self) -> Vec<usize> {
        let pairs = self.buckets.iter().zip(&other.buckets).enumerate();
        pairs.filter(|(_, (own, theirs))| own != theirs).map(|(number, _)| number).collect()
    }

    /// Returns a short form of the digest for people and reports: 32 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut hasher = Xxh3::new();
        for bucket in &self.buckets {
            hasher.update(&bucket.sum.to_le_bytes());
            hasher.update(&bucket.documents.to_le_bytes());
        }
        format!("{:032x}", hasher.digest128())
    }

    /// Bucket number in 3, documents in 8, sum in 32 hexadecimal digits.
    const ENTRY: usize = 3 + 8 + 32;

    fn to_hex(&self) -> String {
        let mut text = String::new();
        for (number, bucket) in self.buckets.iter().enumerate().filter(|(_, bucket)| **bucket != Bucket::default()) {
            // Writing to a string cannot fail.
            let _ = write!(text, "{number:03x}{:08x}{:032x}", bucket.documents, bucket.sum);
        }
        text
    }

    fn from_hex(text: &str) -> Option<Self> {
        let mut digest = Self::new();
        if !text.is_ascii() || !text.len().is_multiple_of(Self::ENTRY) {
            return None;
        }
        let mut rest = text;
        while !rest.is_empty() {
            let (entry, tail) = rest.split_at_checked(Self::ENTRY)?;
            let number = usize::from_str_radix(entry.get(..3)?, 16).ok()?;
            let bucket = digest.buckets.get_mut(number)?;
            bucket.documents = u32::from_str_radix(entry.get(3..11)?, 16).ok()?;
            bucket.sum = u128::from_str_radix(entry.get(11..)?, 16).ok()?;
            rest = tail;
        }
        Some(digest)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| de::Error::custom("damaged digest"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(documents: &[(&str, Option<&str>, &str)]) -> Digest {
        let mut digest = Digest::new();
        for (id, routing, source) in documents {
            digest.add(id, *routing, source.as_bytes());
        }
        digest
    }

    #[test]
    fn every_part_of_a_document_counts() {
        let one = digest(&[("a", None, "{}")]);
        for other in [("b", None, "{}"), ("a", Some(""), "{}"), ("a", Some("t"), "{}"), ("a", None, "{ }")] {
            assert_ne!(one, digest(&[other]), "{other:?}");
        }
        // Length prefixes keep neighbouring parts apart.
        assert_ne!(document_hash("ab", Some("c"), b""), document_hash("a", Some("bc"), b""));
        assert_ne!(document_hash("a", Some("b"), b"c"), document_hash("a", Some("bc"), b""));
    }

    #[test]
    fn a_document_twice_is_not_none() {
        assert_ne!(digest(&[("a", None, "{}"), ("a", None, "{}")]), Digest::new());
    }

    #[test]
    fn an_altered_document_shows_in_its_bucket_only() {
        let old = digest(&[("a", None, "1"), ("b", None, "2")]);
        let new = digest(&[("a", None, "1"), ("b", None, "3")]);
        assert_eq!(old.differing_buckets(&new), [bucket_of("b")]);
        assert_ne!(old.fingerprint(), new.fingerprint());
    }

    #[test]
    fn damaged_text_is_refused() {
        for text in ["\"0\"", "\"zz\"", "\"00100000001zz\"", "\"é\"", "3"] {
            assert!(serde_json::from_str::<Digest>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn order_and_slices_do_not_matter_and_text_keeps_everything(
            mut documents in proptest::collection::vec(("[a-c]{0,3}", proptest::option::of("[ab]"), "[a-z]{0,9}"), 0..40),
            cut in 0_usize..40,
        ) {
            let whole = |documents: &[(String, Option<String>, String)]| {
                let mut digest = Digest::new();
                for (id, routing, source) in documents {
                    digest.add(id, routing.as_deref(), source.as_bytes());
                }
                digest
            };
            let forward = whole(&documents);
            let (head, tail) = documents.split_at(cut.min(documents.len()));
            let mut merged = whole(head);
            merged.merge(&whole(tail));
            prop_assert_eq!(&merged, &forward);
            documents.reverse();
            let mut backward = whole(&documents);
            prop_assert_eq!(&backward, &forward);
            prop_assert_eq!(forward.documents(), documents.len() as u64);
            let text = serde_json::to_string(&forward).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Digest>(&text).unwrap(), &forward);
            for (id, routing, source) in &documents {
                backward.remove(id, routing.as_deref(), source.as_bytes());
            }
            prop_assert_eq!(backward, Digest::new());
        }
    }
}
