//! Reads an index from its files, a few units at a time, on threads that may block.
//!
//! Units that are written are durable once the target has flushed: then, and only then, they are reported, so that a
//! run that is cut off goes on behind them.

use super::super::admin::flush;
use super::super::files::{Files, borrow};
use super::checkpoint::{Partial, Reports};
use super::intake::Intake;
use super::tally::Apart;
use super::{Copier, Load, Tally, joined};
use crate::error::{Error, Result};
use crate::failpoints;
use crate::lucene::directory::{Unit, UnitKey};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Units of one index that are on their way at the same time: while the last batches of one are written, the next ones
/// are read.
const UNITS_AT_ONCE: usize = 3;

impl Copier {
    /// Copies all units of an index that are not in `partial`.
    pub(super) async fn pump_units(
        &self,
        load: &Arc<Load>,
        files: &Files,
        mut partial: Partial,
        reports: &Reports,
    ) -> Result<(Tally, Option<u64>)> {
        let mut total = partial.tally.clone();
        let (left, live) = self.units_left(load, files, &partial).await?;
        let mut waiting = left.into_iter();
        let mut running = JoinSet::new();
        let mut flushed = Instant::now();
        let mut unreported = 0_usize;
        loop {
            while running.len() < UNITS_AT_ONCE
                && let Some(unit) = waiting.next()
            {
                let (copier, load) = (self.clone(), Arc::clone(load));
                running.spawn(async move { copier.pump_unit(&load, unit).await });
            }
            let Some(finished) = running.join_next().await else { break };
            let (key, tally) = joined(finished)?;
            total.merge(&tally);
            // A unit with refused documents is read again by the next run, when they are accepted or the cause is gone.
            if tally.is_complete() {
                partial.add(key, &tally);
                unreported += 1;
            }
            let ends = running.is_empty() && waiting.len() == 0;
            let due = flushed.elapsed() >= self.options.checkpoint_every || is_due_in_a_test();
            if unreported > 0 && !ends && due {
                self.report(&partial, reports).await?;
                (flushed, unreported) = (Instant::now(), 0);
            }
        }
        if !total.is_complete() && unreported > 0 {
            // The index is not finished, but what is written needs not be written again.
            self.report(&partial, reports).await?;
        }
        let there = total.apart.documents_of(live);
        Ok((total, there))
    }

    /// Returns the units that are not in `partial`, and the live documents of all.
    async fn units_left(&self, load: &Load, files: &Files, partial: &Partial) -> Result<(Vec<Unit>, u64)> {
        let (files, index) = (files.clone(), load.plan.index.clone());
        let (units, live) = super::on_a_thread(move || files.open_index(&index)).await?;
        let left: Vec<Unit> = units.into_iter().filter(|unit| !partial.holds(&unit.key())).collect();
        let expected = left.iter().map(Unit::documents).sum::<u64>() + partial.tally.read;
        load.expected.store(expected, Ordering::Relaxed);
        Ok((left, live))
    }

    async fn pump_unit(&self, load: &Arc<Load>, unit: Unit) -> Result<(UnitKey, Tally)> {
        let seat = Arc::clone(&self.readers).acquire_owned().await;
        let seat = seat.map_err(|cause| Error::internal("The readers were closed.").because(cause))?;
        let key = unit.key();
        let (batches, incoming) = mpsc::channel(1);
        let mut reading = JoinSet::new();
        let (load_read, cancel) = (Arc::clone(load), self.cancel.clone());
        reading.spawn_blocking(move || {
            let tally = read(&unit, &load_read, Intake::new(&load_read, batches, cancel));
            drop(seat);
            tally
        });
        let tally = self.write_all(load, incoming, reading).await?;
        Ok((key, tally))
    }

    async fn report(&self, partial: &Partial, reports: &Reports) -> Result<()> {
        flush(&self.target, &partial.index).await?;
        reports.send(partial.clone());
        Ok(())
    }
}

/// Armed with `error`, this failpoint brings a checkpoint forward: no test has an index that takes long enough.
fn is_due_in_a_test() -> bool {
    failpoints::reach("elastic.checkpoint_due").is_err()
}

/// Reads a unit. Blocks.
fn read(unit: &Unit, load: &Load, mut intake: Intake) -> Result<Tally> {
    let found = unit.read(|document| intake.take(&borrow(&document)))?;
    let mut tally = intake.finish()?;
    let left_out = found.deleted + found.nested + found.superseded;
    if found.documents + left_out != unit.documents() || tally.read != found.documents {
        return Err(Error::internal(format!(
            "Of {} documents in a part of the index {}, {} came out.",
            unit.documents(),
            unit.index().name,
            found.documents + left_out
        )));
    }
    load.expected.fetch_sub(left_out, Ordering::Relaxed);
    tally.converted = found.converted;
    tally.apart = Apart::new(found.nested + found.superseded);
    Ok(tally)
}
