//! What becomes of a document that arrives, whoever read it: it is counted, fingerprinted, and put into a batch.

use super::super::batch::{Batch, BatchBuilder};
use super::super::document::DocumentRef;
use super::super::outcome::Rejected;
use super::super::rejects::Reject;
use super::super::routing::{same_task, task_of};
use super::{Load, Tally};
use crate::error::{Error, Result};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

/// Room for the action line of a document besides its source: ids and routings have at most 512 bytes.
const ACTION_BYTES: usize = 4096;

/// Takes documents of one slice or unit, on a thread that may block.
pub(super) struct Intake {
    load: Arc<Load>,
    outlet: Outlet,
    cancel: CancellationToken,
    tally: Tally,
}

/// Where documents go.
struct Outlet {
    load: Arc<Load>,
    /// The batch that is being filled.
    batch: Option<BatchBuilder>,
    /// Bytes of memory that it should have.
    capacity: usize,
    /// The way of full ones.
    batches: Sender<Batch>,
}

impl Intake {
    /// Returns an intake that sends full batches to `batches`.
    pub(super) fn new(load: &Arc<Load>, batches: Sender<Batch>, cancel: CancellationToken) -> Self {
        let outlet = Outlet { load: Arc::clone(load), batch: None, capacity: 0, batches };
        Self { load: Arc::clone(load), outlet, cancel, tally: Tally::default() }
    }

    /// Takes a document. Waits while the target has no time for more.
    ///
    /// # Errors
    /// Fails when the file of refused documents cannot be written, and on cancel.
    pub(super) fn take(&mut self, document: &DocumentRef<'_>) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        let Load { plan, options, request_bytes, samples, .. } = self.load.as_ref();
        let (tally, size) = (&mut self.tally, document.source.len());
        tally.read += 1;
        tally.bytes += size as u64;
        if options.accepted.leaves_out(&plan.index, document) {
            tally.left_out += 1;
            return Ok(());
        }
        if size.saturating_add(ACTION_BYTES) > *request_bytes {
            let reason = format!("the document has {size} bytes, the node takes requests of {request_bytes}");
            options.rejects.append(&Reject::new(&plan.index, document, &reason))?;
            let kind = document.kind.map(str::to_owned);
            tally.reject(Rejected { id: document.id.to_owned(), kind, reason }, false);
            return Ok(());
        }
        let task = (*samples || document.routing.is_some()).then(|| task_of(document.source)).flatten();
        if let Some(task) = task.as_deref().filter(|_| *samples) {
            tally.samples.add(task);
        }
        let id = options.new_ids.written_id(&plan.index, document);
        let routing = document.routing.filter(|routing| !same_task(routing, task.as_deref()));
        tally.routing_kept += u64::from(routing.is_some());
        tally.renamed += u64::from(*id != *document.id);
        let batch = self.outlet.room_for(BatchBuilder::bytes_of(document, &id))?;
        let sent = batch.push(document, &id, routing.is_some());
        tally.digest.add(&id, routing, sent);
        Ok(())
    }

    /// Sends what is left, and returns what was taken.
    ///
    /// # Errors
    /// Fails when the copy has ended without it.
    pub(super) fn finish(mut self) -> Result<Tally> {
        self.outlet.send()?;
        Ok(self.tally)
    }
}

impl Outlet {
    /// Returns a batch that has room for a document of `bytes` bytes, having sent the one that has not.
    fn room_for(&mut self, bytes: usize) -> Result<&mut BatchBuilder> {
        if self.batch.as_ref().is_some_and(|batch| batch.used() + bytes > self.capacity) {
            self.send()?;
        }
        let batch = match self.batch.take() {
            Some(batch) => batch,
            None => {
                self.capacity = self.load.pace.batch_bytes().max(bytes);
                BatchBuilder::new(self.load.buffers.take(self.capacity)?)
            }
        };
        Ok(self.batch.insert(batch))
    }

    fn send(&mut self) -> Result<()> {
        let full = self.batch.take().map(BatchBuilder::build);
        full.map_or(Ok(()), |batch| self.batches.blocking_send(batch).map_err(|_| Error::cancelled()))
    }
}
