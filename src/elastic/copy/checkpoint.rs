//! How far an index has been copied: kept by the caller, given back when a copy that was cut off goes on.

use super::Tally;
use crate::lucene::directory::UnitKey;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use tokio::sync::mpsc::UnboundedSender;

/// A part of an index that is in the target and on its disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// The index.
    pub index: String,
    /// Id that the target gave to its index: another one of the same name is not this one.
    pub(super) target: String,
    /// The units that are in it. A unit of other data has another key.
    units: HashSet<UnitKey>,
    pub(super) tally: Tally,
}

impl Partial {
    /// Returns nothing of an index.
    pub(super) fn new(index: &str, target: &str) -> Self {
        Self { index: index.to_owned(), target: target.to_owned(), ..Self::default() }
    }

    /// Returns the number of documents read so far.
    pub fn documents(&self) -> u64 {
        self.tally.read
    }

    pub(super) fn holds(&self, unit: &UnitKey) -> bool {
        self.units.contains(unit)
    }

    pub(super) fn add(&mut self, unit: UnitKey, tally: &Tally) {
        self.units.insert(unit);
        self.tally.merge(tally);
    }
}

/// The way of checkpoints to whoever keeps them.
#[derive(Clone)]
pub(in super::super) struct Reports(Option<UnboundedSender<Partial>>);

impl Reports {
    /// Returns a way that leads to `keeper`.
    pub fn to(keeper: UnboundedSender<Partial>) -> Self {
        Self(Some(keeper))
    }

    /// Returns a way that leads nowhere.
    pub fn nowhere() -> Self {
        Self(None)
    }

    pub(super) fn send(&self, partial: Partial) {
        if let Some(keeper) = &self.0 {
            // Whoever keeps them is gone only when the copy has failed.
            let _ = keeper.send(partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_kept_as_text_and_holds_its_units_only() {
        let unit = |first_chunk| UnitKey {
            index: "uuid".into(),
            shard: 0,
            commit: "c".into(),
            translog_generation: 1,
            translog_offset: 43,
            segment: Some("_0".into()),
            first_chunk,
            end_chunk: first_chunk + 7,
        };
        let mut partial = Partial::new("events-log-x", "target");
        partial.add(unit(0), &Tally { read: 5, ..Tally::default() });
        partial.add(unit(7), &Tally { read: 3, ..Tally::default() });
        let text = serde_json::to_string(&partial).unwrap();
        let again: Partial = serde_json::from_str(&text).unwrap();
        assert_eq!(again, partial);
        assert!(again.holds(&unit(0)) && again.holds(&unit(7)) && !again.holds(&unit(14)));
        assert_eq!(again.documents(), 8);
    }
}
