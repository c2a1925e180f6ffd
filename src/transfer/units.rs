//! Reads the units of a collection, a few at a time, on threads that may block.
//!
//! What is written is durable once the sink has flushed: then, and only then, the units that it is of are reported, so
//! that a run that is cut off goes on behind them.

use super::change::Rules;
use super::checkpoint::Partial;
use super::intake::Intake;
use super::load::Load;
use super::sink::Sink;
use super::source::{Unit, UnitKey, Units};
use super::tally::{Apart, Tally};
use super::tasks::joined;
use super::writing::write_all;
use crate::error::{Error, Result};
use crate::failpoints;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Copies all units, which are those that are not in `partial`. Returns also how many documents there are by the source's
/// own numbers, if these are known.
pub(super) async fn pump<U: Unit, K: Sink, R: Rules>(
    load: &Arc<Load<K, R>>,
    units: Units<U>,
    mut partial: Partial,
    reports: &UnboundedSender<Partial>,
) -> Result<(Tally, Option<u64>)> {
    let mut total = partial.tally.clone();
    let mut waiting = units.parts.into_iter();
    let mut running = JoinSet::new();
    let mut flushed = Instant::now();
    let mut unreported = 0_usize;
    loop {
        while running.len() < units.at_once
            && let Some(unit) = waiting.next()
        {
            let load = Arc::clone(load);
            running.spawn(async move { pump_unit(&load, unit, units.waits).await });
        }
        let Some(finished) = running.join_next().await else { break };
        let (key, tally) = joined(finished)?;
        total.merge(&tally);
        // A unit with refused documents is read again by the next run, when they are accepted or the cause is gone.
        if let Some(key) = key.filter(|_| tally.is_complete()) {
            partial.add(key, &tally);
            unreported += 1;
        }
        let ends = running.is_empty() && waiting.len() == 0;
        let due = flushed.elapsed() >= load.options.checkpoint_every || is_due_in_a_test();
        if unreported > 0 && !ends && due {
            report(load, &partial, reports).await?;
            (flushed, unreported) = (Instant::now(), 0);
        }
    }
    if !total.is_complete() && unreported > 0 {
        // The collection is not finished, but what is written needs not be written again.
        report(load, &partial, reports).await?;
    }
    let there = units.documents.and_then(|documents| total.apart.documents_of(documents));
    Ok((total, there))
}

async fn pump_unit<U: Unit, K: Sink, R: Rules>(
    load: &Arc<Load<K, R>>,
    unit: U,
    waits: bool,
) -> Result<(Option<UnitKey>, Tally)> {
    let permit = match waits {
        true => None,
        false => {
            let permit = Arc::clone(&load.readers).acquire_owned().await;
            Some(permit.map_err(|cause| Error::internal("The readers were closed.").because(cause))?)
        }
    };
    let key = unit.key()?;
    let (batches, incoming) = mpsc::channel(1);
    let mut reading = JoinSet::new();
    // Whoever gives the copy up has the reader stop, too.
    let stop = load.cancel.child_token();
    let _guard = stop.clone().drop_guard();
    let load_read = Arc::clone(load);
    reading.spawn_blocking(move || {
        let tally = read(&unit, &load_read, Intake::new(&load_read, batches, stop.clone()), &stop);
        drop(permit);
        tally
    });
    let tally = write_all(load, incoming, reading).await?;
    Ok((key, tally))
}

async fn report<K: Sink, R: Rules>(
    load: &Load<K, R>,
    partial: &Partial,
    reports: &UnboundedSender<Partial>,
) -> Result<()> {
    load.sink.flush(&load.plan).await?;
    // Whoever keeps them is gone only when the copy has failed.
    let _ = reports.send(partial.clone());
    Ok(())
}

/// Armed with `error`, this failpoint brings a checkpoint forward: no test has a collection that takes long enough.
fn is_due_in_a_test() -> bool {
    failpoints::reach("transfer.checkpoint_due").is_err()
}

/// Reads a unit. Blocks.
fn read<U: Unit, K: Sink, R: Rules>(
    unit: &U,
    load: &Load<K, R>,
    mut intake: Intake<K, R>,
    stop: &CancellationToken,
) -> Result<Tally> {
    let found = unit.read(stop, &mut |change| intake.take(change))?;
    let mut tally = intake.finish()?;
    if tally.read != found.documents {
        let (name, read) = (load.name(), tally.read);
        return Err(Error::internal(format!("Of {} documents in a part of {name}, {read} came out.", found.documents)));
    }
    load.expect_fewer(found.apart + found.deleted);
    tally.converted = found.converted;
    tally.apart = Apart::new(found.apart);
    Ok(tally)
}
