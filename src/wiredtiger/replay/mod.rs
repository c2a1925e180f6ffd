//! What the log has behind the newest checkpoint, put over the tables (`txn/txn_recover.c`).
//!
//! | module | subject |
//! |---|---|
//! | [`runs`] | all operations by table and key, in bounded memory |
//! | [`changes`] | those on one table, over the rows of its checkpoint |
//! | [`modify`] | pieces that are written into a value |
//!
//! As the engine's recovery does, an operation counts if it is not in front of the place up to which its table's own
//! checkpoint has taken the log. The metadata are a table, too, the one with the number 0: a table that was made behind the
//! newest checkpoint is known from there.

pub mod changes;
pub mod modify;
pub mod runs;

use super::log::operation::Operation;
use super::log::{self, LogPlace, Reach};
use super::{Corrupt, Stopped};
use crate::error::Result;
use changes::{Changes, Truncation};
use runs::{Collector, Kind, Runs, Sequence};
use std::collections::BTreeMap;
use std::path::Path;

/// Bytes of keys of truncations that are kept, at most. MongoDB truncates capped collections only.
const MOST_OF_TRUNCATIONS: usize = 16 << 20;

/// What the log has behind the newest checkpoint.
#[derive(Debug)]
pub struct Replay {
    runs: Runs,
    /// By table, in the order of the log.
    truncations: BTreeMap<u32, Vec<Truncation>>,
    /// By table: how many operations there are, and the place of the last.
    counts: BTreeMap<u32, (u64, LogPlace)>,
}

/// What can be told of the log behind the newest checkpoint.
#[derive(Debug)]
pub enum Behind {
    /// All of it.
    Known(Replay),
    /// Nothing, for this reason: a sentence's second half.
    Unknown(String),
}

impl Behind {
    /// Reads the log of a directory from `from` on. More than `memory` bytes of it are kept in a file without a name in
    /// `temporary`.
    ///
    /// # Errors
    /// Refuses a log that is damaged or unknown. Fails if it cannot be read, or nothing can be written in `temporary`.
    pub fn read(directory: &Path, from: Option<LogPlace>, temporary: &Path, memory: usize) -> Result<Self> {
        let mut collector = Collector::new(temporary, memory);
        let mut replay = Replay { runs: Runs::default(), truncations: BTreeMap::new(), counts: BTreeMap::new() };
        let (mut index, mut before, mut kept) = (0, None, 0);
        let reach = log::read(directory, from, |place, table, operation| {
            index = if before == Some(place) { index + 1 } else { 0 };
            before = Some(place);
            let count = replay.counts.entry(table).or_insert((0, place));
            *count = (count.0 + 1, place);
            let sequence = Sequence { place, index };
            match operation {
                Operation::Put { key, value } => collector.add(table, key, sequence, Kind::Put, value)?,
                Operation::Remove { key } => collector.add(table, key, sequence, Kind::Remove, &[])?,
                Operation::Modify { key, pieces } => collector.add(table, key, sequence, Kind::Modify, pieces)?,
                Operation::Truncate { first, last } => {
                    kept += size_of::<Truncation>() + first.map_or(0, <[u8]>::len) + last.map_or(0, <[u8]>::len);
                    if kept > MOST_OF_TRUNCATIONS {
                        return Err(Corrupt::new("more truncations than are kept in memory").into());
                    }
                    let (first, last) = (first.map(Into::into), last.map(Into::into));
                    replay.truncations.entry(table).or_default().push(Truncation { sequence, first, last });
                }
            }
            Ok::<_, Stopped>(())
        })?;
        match reach {
            Reach::Unknown(why) => Ok(Self::Unknown(why)),
            Reach::Whole => {
                replay.runs = collector.finish()?;
                Ok(Self::Known(replay))
            }
        }
    }
}

impl Replay {
    /// Returns what was done to a table of which the checkpoint has taken the log up to `from`; nothing if nothing was.
    pub fn of_table(&self, number: u32, from: Option<LogPlace>) -> Option<Changes<'_>> {
        let from = from.unwrap_or(LogPlace::FIRST);
        let (_, last) = self.counts.get(&number)?;
        if *last < from {
            return None;
        }
        let truncations = self.truncations.get(&number).map(Vec::as_slice).unwrap_or_default();
        Some(Changes::new(self.runs.of_table(number), truncations, from))
    }

    /// Returns how many operations on a table the log has, none if all are in the table's own checkpoint.
    pub fn operations(&self, number: u32, from: Option<LogPlace>) -> u64 {
        let from = from.unwrap_or(LogPlace::FIRST);
        self.counts.get(&number).filter(|(_, last)| *last >= from).map_or(0, |(count, _)| *count)
    }

    /// Returns whether the log has nothing behind the newest checkpoint.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Returns whether part of it had to be kept in a file.
    pub fn is_spilled(&self) -> bool {
        self.runs.is_spilled()
    }
}
