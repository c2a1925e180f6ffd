//! Batches on their way to the target: a bounded number at a time, for all indices together.

use super::super::batch::Batch;
use super::super::bulk::{BulkWriter, Written};
use super::super::document::DocumentRef;
use super::super::rejects::Reject;
use super::{Copier, Load, Tally, joined};
use crate::error::Result;
use crate::events::Unit;
use std::sync::Arc;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;

type Writes = JoinSet<Result<(u64, Written)>>;

impl Copier {
    /// Writes all batches of a slice or unit. `reading` fills the channel and returns the tally of what it read; the
    /// result is the tally of what is in the target.
    pub(super) async fn write_all(
        &self,
        load: &Arc<Load>,
        mut batches: Receiver<Batch>,
        mut reading: JoinSet<Result<Tally>>,
    ) -> Result<Tally> {
        let (mut writes, mut tally) = (Writes::new(), Tally::default());
        while let Some(batch) = batches.recv().await {
            self.dispatch(load, &mut writes, batch).await;
            while let Some(written) = writes.try_join_next() {
                self.settle(load, &mut tally, joined(written)?)?;
            }
        }
        if let Some(read) = reading.join_next().await {
            tally.merge(&joined(read)?);
        }
        while let Some(written) = writes.join_next().await {
            self.settle(load, &mut tally, joined(written)?)?;
        }
        Ok(tally)
    }

    /// Waits for a free lane and sends the batch on its way.
    async fn dispatch(&self, load: &Load, writes: &mut Writes, batch: Batch) {
        let lane = load.pace.lane().await;
        let (client, index, pace) = (self.target.clone(), load.plan.index.clone(), Arc::clone(&load.pace));
        let past_pipeline = load.options.mark.is_some();
        let writer = BulkWriter { client, index, goes_on: load.goes_on, past_pipeline, pace };
        writes.spawn(async move {
            let documents = batch.entries().len() as u64;
            let written = writer.write(batch).await?;
            drop(lane);
            Ok((documents, written))
        });
    }

    /// Counts what was written; what was refused goes into the rejects file.
    fn settle(&self, load: &Load, tally: &mut Tally, (documents, written): (u64, Written)) -> Result<()> {
        let (done, total) = load.sent(documents);
        self.events.progress(&load.plan.index, done, Some(total), Unit::Documents);
        written.repaired.iter().for_each(|repaired| tally.repair(repaired));
        for refused in written.refused {
            let document = DocumentRef {
                id: &refused.key.id,
                kind: refused.key.kind.as_deref(),
                routing: refused.key.routing.as_deref(),
                source: &refused.source,
            };
            self.options.rejects.append(&Reject::new(&load.plan.index, &document, &refused.reason))?;
            tally.refuse(refused);
        }
        Ok(())
    }
}
