//! A few of the groups that documents of a collection belong to, with their exact numbers of documents, to ask a server for
//! later. Counted while the documents are read: from the source itself, and without keeping all groups in mind.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// The groups whose names have the smallest hashes, with their numbers of documents.
///
/// A group that is among the smallest of all is so among any part of them, so it is never dropped once it was seen: the
/// numbers are exact, in whatever order and parts the documents come. Which groups these are is as good as random.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(String, u64)>", into = "Vec<(String, u64)>")]
pub struct GroupSample {
    /// Hash, name and number of documents, by the first two.
    smallest: Vec<(u64, String, u64)>,
}

impl GroupSample {
    /// Groups that are kept.
    pub const GROUPS: usize = 20;

    /// Counts a document of a group.
    pub fn add(&mut self, group: &str) {
        self.count(group, 1);
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        other.groups().for_each(|(group, documents)| self.count(group, documents));
    }

    fn count(&mut self, group: &str, documents: u64) {
        let hash = xxh3_64(group.as_bytes());
        match self.smallest.binary_search_by(|(other, name, _)| (*other, name.as_str()).cmp(&(hash, group))) {
            Ok(at) => {
                if let Some((.., counted)) = self.smallest.get_mut(at) {
                    *counted += documents;
                }
            }
            Err(at) if at < Self::GROUPS => {
                self.smallest.truncate(Self::GROUPS - 1);
                self.smallest.insert(at, (hash, group.to_owned(), documents));
            }
            Err(_) => {}
        }
    }

    /// Returns the groups with their numbers of documents.
    pub fn groups(&self) -> impl Iterator<Item = (&str, u64)> {
        self.smallest.iter().map(|(_, group, documents)| (group.as_str(), *documents))
    }
}

impl From<Vec<(String, u64)>> for GroupSample {
    fn from(groups: Vec<(String, u64)>) -> Self {
        let mut sample = Self::default();
        groups.iter().for_each(|(group, documents)| sample.count(group, *documents));
        sample
    }
}

impl From<GroupSample> for Vec<(String, u64)> {
    fn from(sample: GroupSample) -> Self {
        sample.smallest.into_iter().map(|(_, group, documents)| (group, documents)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_exact_in_any_order_and_parts(groups in proptest::collection::vec(0_u32..60, 0..400), cut in 0_usize..400) {
            let sample = |groups: &[u32]| {
                let mut sample = GroupSample::default();
                groups.iter().for_each(|group| sample.add(&format!("group{group}")));
                sample
            };
            let whole = sample(&groups);
            for (group, documents) in whole.groups() {
                let exact = groups.iter().filter(|one| format!("group{one}") == group).count();
                prop_assert_eq!(documents, exact as u64);
            }
            let different: std::collections::BTreeSet<_> = groups.iter().collect();
            prop_assert_eq!(whole.groups().count(), different.len().min(GroupSample::GROUPS));
            let (one, other) = groups.split_at(cut.min(groups.len()));
            let mut merged = sample(other);
            merged.merge(&sample(one));
            prop_assert_eq!(&merged, &whole);
            let text = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(serde_json::from_str::<GroupSample>(&text).unwrap(), whole);
        }
    }
}
