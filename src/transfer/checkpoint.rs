//! How far a copy has come: kept by the caller, given back when a copy that was cut off goes on.

use super::outcome::CopyOutcome;
use super::source::UnitKey;
use super::tally::Tally;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A part of a collection that is in the target and durable there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// The collection.
    #[serde(rename = "index")]
    pub collection: String,
    /// Id that the target gave to its collection: another one of the same name is not this one.
    pub(super) target: String,
    /// The units that are in it.
    units: HashSet<UnitKey>,
    pub(super) tally: Tally,
}

impl Partial {
    /// Returns nothing of a collection.
    pub(super) fn new(collection: &str, target: String) -> Self {
        Self { collection: collection.to_owned(), target, ..Self::default() }
    }

    /// Returns the number of documents read so far.
    pub fn documents(&self) -> u64 {
        self.tally.read
    }

    /// Returns the keys without those of the units that are in it; nothing if one of these is not among the keys: then
    /// it is of other data.
    pub(super) fn left<'a>(&self, keys: impl Iterator<Item = &'a Option<UnitKey>>) -> Option<Vec<bool>> {
        let left: Vec<bool> = keys.map(|key| key.as_ref().is_none_or(|key| !self.units.contains(key))).collect();
        let held = left.iter().filter(|left| !**left).count();
        (held == self.units.len()).then_some(left)
    }

    pub(super) fn add(&mut self, unit: UnitKey, tally: &Tally) {
        self.units.insert(unit);
        self.tally.merge(tally);
    }
}

/// Hears of what is durable, never to be copied again. Called from one task.
pub trait Checkpoints: Send + Sync {
    /// Keeps the outcome of a collection that is finished. Called once for each.
    ///
    /// # Errors
    /// An error ends the copy.
    fn finished(&self, outcome: &CopyOutcome) -> Result<()>;

    /// Keeps how far a collection has come, in place of what was kept of it before.
    ///
    /// # Errors
    /// An error ends the copy.
    fn partly(&self, _partial: &Partial) -> Result<()> {
        Ok(())
    }

    /// Returns how far an earlier run has come with a collection.
    ///
    /// # Errors
    /// An error ends the copy.
    fn earlier(&self, _collection: &str) -> Result<Option<Partial>> {
        Ok(None)
    }
}

/// Keeps nothing.
impl Checkpoints for () {
    fn finished(&self, _: &CopyOutcome) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_checkpoint_is_kept_as_text_and_holds_its_units_only() {
        let key = |first: u32| Some(UnitKey::new(&json!({"part": "_0", "first": first, "of": null})).unwrap());
        let mut partial = Partial::new("events-log-x", "target".to_owned());
        partial.add(key(0).unwrap(), &Tally { read: 5, ..Tally::default() });
        partial.add(key(7).unwrap(), &Tally { read: 3, ..Tally::default() });
        let text = serde_json::to_string(&partial).unwrap();
        let again: Partial = serde_json::from_str(&text).unwrap();
        assert_eq!((&again, again.documents()), (&partial, 8));
        assert_eq!(again.left([&key(14), &key(7), &None, &key(0)].into_iter()), Some(vec![true, false, true, false]));
        assert_eq!(again.left([&key(0), &key(14)].into_iter()), None, "it holds a unit that is not there any more");
    }
}
