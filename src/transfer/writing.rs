//! Batches on their way to the target: a bounded number at a time, for all collections together.

use super::batch::Batch;
use super::change::{DocumentRef, Rules};
use super::load::Load;
use super::rejects::Reject;
use super::sink::{Answer, Sink};
use super::tally::Tally;
use super::tasks::joined;
use crate::error::Result;
use std::sync::Arc;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;

type Writes = JoinSet<Result<(u64, Answer)>>;

/// Writes all batches of a unit. `reading` fills the channel and returns the tally of what it read; the result is the
/// tally of what is in the target.
pub(super) async fn write_all<K: Sink, R: Rules>(
    load: &Arc<Load<K, R>>,
    mut batches: Receiver<Batch>,
    mut reading: JoinSet<Result<Tally>>,
) -> Result<Tally> {
    let (mut writes, mut tally) = (Writes::new(), Tally::default());
    while let Some(batch) = batches.recv().await {
        dispatch(load, &mut writes, batch).await;
        while let Some(written) = writes.try_join_next() {
            settle(load, &mut tally, joined(written)?)?;
        }
    }
    if let Some(read) = reading.join_next().await {
        tally.merge(&joined(read)?);
    }
    while let Some(written) = writes.join_next().await {
        settle(load, &mut tally, joined(written)?)?;
    }
    Ok(tally)
}

/// Waits for a free connection and sends the batch on its way.
async fn dispatch<K: Sink, R: Rules>(load: &Arc<Load<K, R>>, writes: &mut Writes, batch: Batch) {
    let connection = load.rate.connection().await;
    let load = Arc::clone(load);
    writes.spawn(async move {
        let changes = batch.entries().len() as u64;
        let answer = load.sink.write(&load.plan, batch, load.goes_on, &load.rate).await?;
        drop(connection);
        Ok((changes, answer))
    });
}

/// Counts what was written; what was refused goes into the rejects file.
fn settle<K: Sink, R: Rules>(load: &Load<K, R>, tally: &mut Tally, (changes, answer): (u64, Answer)) -> Result<()> {
    load.sent(changes);
    answer.repaired.iter().for_each(|repaired| tally.repair(repaired));
    for refused in answer.refused {
        let document = DocumentRef {
            id: &refused.key.id,
            kind: refused.key.kind.as_deref(),
            routing: refused.key.routing.as_deref(),
            source: &refused.source,
        };
        load.options.rejects.append(&Reject::new(load.name(), &document, &refused.reason))?;
        tally.refuse(refused);
    }
    Ok(())
}
