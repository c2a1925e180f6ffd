//! A few documents of a collection, chosen at random while it is read, to ask a server for.

use super::digest::document_hash;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Documents of a collection: those whose ids have the smallest hashes, whatever the order in which they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpotChecks {
    seed: u64,
    chosen: BTreeMap<(u64, String), Chosen>,
}

/// A document that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// How long it is.
    pub bytes: usize,
    /// Its routing.
    pub routing: Option<String>,
    /// [`document_hash`] of its id and its bytes, without the routing.
    pub hash: u128,
}

impl SpotChecks {
    /// Documents that are chosen of a collection.
    pub const DOCUMENTS: usize = 300;

    /// Returns an empty choice; the same seed chooses the same documents.
    pub fn new(seed: u64) -> Self {
        Self { seed, chosen: BTreeMap::new() }
    }

    /// Chooses a document, or not.
    pub fn add(&mut self, id: &str, routing: Option<&str>, source: &[u8]) {
        let order = xxh3_64_with_seed(id.as_bytes(), self.seed);
        let largest = self.chosen.last_key_value().filter(|_| self.chosen.len() >= Self::DOCUMENTS);
        if largest.is_some_and(|((largest, _), _)| *largest < order) {
            return;
        }
        let chosen =
            Chosen { bytes: source.len(), routing: routing.map(str::to_owned), hash: document_hash(id, None, source) };
        self.insert((order, id.to_owned()), chosen);
    }

    /// Takes in what was chosen elsewhere with the same seed.
    pub fn merge(&mut self, other: Self) {
        other.chosen.into_iter().for_each(|(key, chosen)| self.insert(key, chosen));
    }

    fn insert(&mut self, key: (u64, String), chosen: Chosen) {
        self.chosen.insert(key, chosen);
        if self.chosen.len() > Self::DOCUMENTS {
            self.chosen.pop_last();
        }
    }

    /// Returns what was chosen, by id.
    pub fn chosen(&self) -> impl Iterator<Item = (&str, &Chosen)> {
        self.chosen.iter().map(|((_, id), chosen)| (id.as_str(), chosen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_choice_does_not_depend_on_order_and_parts(ids in proptest::collection::hash_set(0_u32..2000, 0..900), cut in 0_usize..900) {
            let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
            let choose = |ids: &mut dyn Iterator<Item = &String>| {
                let mut checks = SpotChecks::new(3);
                ids.for_each(|id| checks.add(id, None, id.as_bytes()));
                checks
            };
            let whole = choose(&mut ids.iter());
            let (head, tail) = ids.split_at(cut.min(ids.len()));
            let mut parts = choose(&mut tail.iter().rev());
            parts.merge(choose(&mut head.iter()));
            prop_assert_eq!(whole.chosen.len(), ids.len().min(SpotChecks::DOCUMENTS));
            prop_assert_eq!(parts, whole);
        }
    }
}
