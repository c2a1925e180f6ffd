//! What of a document must be as it was.

use crate::wiredtiger::bson::{Document, Element};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Fields that a release rewrites as its server starts: collections, with the fields of their documents.
pub type Rewritten = &'static [(&'static str, &'static [&'static str])];

/// What of a document must be as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Every byte.
    Exact,
    /// Every field but those that the release rewrites. There may be others besides.
    ButFor(Rewritten),
}

/// What must be there of a document, as hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    parts: Box<[u64]>,
    /// It has fields that are not compared.
    pub has_rewritten: bool,
}

impl Rule {
    /// Returns what must be there of a document of a collection.
    pub(super) fn kept(self, collection: &str, document: &Document<'_>) -> Kept {
        let rewritten = match self {
            Self::Exact => return Kept { parts: Box::from([xxh3_64(document.bytes())]), has_rewritten: false },
            Self::ButFor(rewritten) => rewritten,
        };
        let fields = rewritten.iter().find(|(name, _)| *name == collection).map_or(&[][..], |(_, fields)| fields);
        let is_rewritten = |element: &Element<'_>| fields.iter().any(|field| field.as_bytes() == element.name);
        let (left_out, kept): (Vec<_>, Vec<_>) = document.elements().partition(is_rewritten);
        let mut parts: Vec<u64> = kept.iter().map(hash).collect();
        parts.sort_unstable();
        Kept { parts: parts.into(), has_rewritten: !left_out.is_empty() }
    }
}

impl Kept {
    /// Returns whether all of it is in `now`. Both are in order.
    pub fn is_in(&self, now: &Self) -> bool {
        let mut found = now.parts.iter();
        self.parts.iter().all(|part| found.any(|one| one == part))
    }
}

/// Name, type and value, each apart from the next.
fn hash(element: &Element<'_>) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(&(element.name.len() as u64).to_le_bytes());
    hasher.update(element.name);
    hasher.update(&[element.kind]);
    hasher.update(element.value);
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document of whole numbers.
    fn numbers(fields: &[(&str, u8)]) -> Vec<u8> {
        let fields = fields.iter().flat_map(|(name, number)| {
            [&[0x10][..], name.as_bytes(), &[0], &u32::from(*number).to_le_bytes()].concat()
        });
        let fields: Vec<u8> = fields.collect();
        let length = u32::try_from(fields.len() + 5).unwrap().to_le_bytes();
        [&length[..], &fields, &[0]].concat()
    }

    fn kept(rule: Rule, fields: &[(&str, u8)]) -> Kept {
        rule.kept("backend.task", &Document::new(&numbers(fields)).unwrap())
    }

    #[test]
    fn a_copy_must_be_the_same_to_the_last_byte() {
        let old = kept(Rule::Exact, &[("_id", 1), ("a", 2)]);
        assert!(old.is_in(&kept(Rule::Exact, &[("_id", 1), ("a", 2)])));
        for other in [&[("_id", 1), ("a", 3)][..], &[("a", 2), ("_id", 1)], &[("_id", 1), ("a", 2), ("b", 1)]] {
            assert!(!old.is_in(&kept(Rule::Exact, other)), "{other:?}");
        }
    }

    #[test]
    fn a_release_may_rewrite_its_fields_and_add_others_and_no_more() {
        let rule = Rule::ButFor(&[("backend.task", &["execution"]), ("backend.model", &["a"])]);
        let old = kept(rule, &[("_id", 1), ("a", 2), ("execution", 3)]);
        assert!(old.has_rewritten);
        for same in [&[("_id", 1), ("a", 2)][..], &[("a", 2), ("execution", 9), ("_id", 1), ("models", 1)]] {
            assert!(old.is_in(&kept(rule, same)), "{same:?}");
        }
        for other in [&[("_id", 1), ("a", 3), ("execution", 3)][..], &[("_id", 1), ("execution", 3)]] {
            assert!(!old.is_in(&kept(rule, other)), "{other:?}");
        }
        assert!(!kept(rule, &[("_id", 1)]).has_rewritten);
    }
}
