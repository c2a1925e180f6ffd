//! What becomes of a change that arrives, whoever read it: it is counted, fingerprinted, and put into a batch.

use super::batch::{Batch, BatchBuilder};
use super::change::{Change, DocumentRef, Gone, Mode, Rules};
use super::load::Load;
use super::outcome::Rejected;
use super::rejects::Reject;
use super::sink::Sink;
use super::tally::Tally;
use crate::error::{Error, Result};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

/// Room for what stands around a document in a request: ids and routings have at most 512 bytes.
const AROUND_BYTES: usize = 4096;

/// Takes the changes of one unit, on a thread that may block.
pub(super) struct Intake<K: Sink, R: Rules> {
    load: Arc<Load<K, R>>,
    outlet: Outlet<K, R>,
    stop: CancellationToken,
    tally: Tally,
}

/// Where changes go.
struct Outlet<K: Sink, R: Rules> {
    load: Arc<Load<K, R>>,
    /// The batch that is being filled.
    batch: Option<BatchBuilder>,
    /// Bytes of memory that it should have.
    capacity: usize,
    /// The way of full ones.
    batches: Sender<Batch>,
}

impl<K: Sink, R: Rules> Intake<K, R> {
    /// Returns an intake that sends full batches to `batches`.
    pub(super) fn new(load: &Arc<Load<K, R>>, batches: Sender<Batch>, stop: CancellationToken) -> Self {
        let outlet = Outlet { load: Arc::clone(load), batch: None, capacity: 0, batches };
        Self { load: Arc::clone(load), outlet, stop, tally: Tally::default() }
    }

    /// Takes a change. Waits while the target has no time for more.
    ///
    /// # Errors
    /// Fails when the file of refused documents cannot be written, and on the wish to stop.
    #[inline]
    pub(super) fn take(&mut self, change: &Change<'_>) -> Result<()> {
        if self.stop.is_cancelled() {
            return Err(Error::cancelled());
        }
        match change {
            Change::Put(document) => self.put(document),
            Change::Delete(gone) => self.delete(gone),
        }
    }

    fn put(&mut self, document: &DocumentRef<'_>) -> Result<()> {
        let Load { options, sink, .. } = self.load.as_ref();
        let (tally, size) = (&mut self.tally, document.source.len());
        tally.read += 1;
        tally.bytes += size as u64;
        let Some(written) = options.rules.written(self.load.name(), document) else {
            tally.left_out += 1;
            return Ok(());
        };
        if size.saturating_add(AROUND_BYTES) > sink.request_bytes() {
            let reason =
                format!("the document has {size} bytes, the target takes requests of {}", sink.request_bytes());
            options.rejects.append(&Reject::new(self.load.name(), document, &reason))?;
            let kind = document.kind.map(str::to_owned);
            tally.reject(Rejected { id: document.id.to_owned(), kind, reason }, false);
            return Ok(());
        }
        if let Some(group) = &written.group {
            tally.samples.add(group);
        }
        let routing = written.routing(document);
        tally.routing_kept += u64::from(routing.is_some());
        tally.renamed += u64::from(*written.id != *document.id);
        let batch = self.outlet.room_for(BatchBuilder::bytes_of::<K>(document, &written.id))?;
        let sent = batch.put(sink, document, &written);
        tally.digest.add(&written.id, routing, sent);
        Ok(())
    }

    fn delete(&mut self, gone: &Gone<'_>) -> Result<()> {
        if self.load.sink.mode() == Mode::Create {
            return Err(Error::internal(format!(
                "{} is made anew, and {} was to be deleted.",
                self.load.name(),
                gone.id
            )));
        }
        self.tally.deleted += 1;
        let named = DocumentRef { id: gone.id, kind: None, routing: gone.routing, source: &[] };
        let batch = self.outlet.room_for(BatchBuilder::bytes_of::<K>(&named, gone.id))?;
        batch.delete(&self.load.sink, gone);
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

impl<K: Sink, R: Rules> Outlet<K, R> {
    /// Returns a batch that has room for a change of `bytes` bytes, having sent the one that has not.
    fn room_for(&mut self, bytes: usize) -> Result<&mut BatchBuilder> {
        if self.batch.as_ref().is_some_and(|batch| batch.used() + bytes > self.capacity) {
            self.send()?;
        }
        let batch = match self.batch.take() {
            Some(batch) => batch,
            None => {
                self.capacity = self.load.rate.batch_bytes().max(bytes);
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
