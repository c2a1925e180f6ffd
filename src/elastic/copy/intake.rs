//! What becomes of a document that arrives, whoever read it: it is counted, fingerprinted, and put into a batch.

use super::super::batch::{Batch, BatchBuilder};
use super::super::document::DocumentRef;
use super::super::outcome::Rejected;
use super::super::rejects::Reject;
use super::super::routing::{same_task, task_of};
use super::{Load, Tally};
use crate::error::Result;
use std::sync::Arc;

/// Room for the action line of a document besides its source: ids and routings have at most 512 bytes.
const ACTION_BYTES: usize = 4096;
/// Bytes of an action line without id and routing.
const ACTION_FRAME: usize = 40;

/// Takes documents of one slice or unit.
pub(super) struct Intake {
    load: Arc<Load>,
    batch: BatchBuilder,
    pub(super) tally: Tally,
}

impl Intake {
    pub(super) fn new(load: &Arc<Load>) -> Self {
        let batch = BatchBuilder::new(load.pace.batch_bytes());
        Self { load: Arc::clone(load), batch, tally: Tally::default() }
    }

    /// Takes a document. Returns a batch that is full and must be sent.
    ///
    /// # Errors
    /// Fails when the file of refused documents cannot be written.
    pub(super) fn take(&mut self, document: &DocumentRef<'_>) -> Result<Option<Batch>> {
        let Load { plan, options, request_bytes, pace, samples, .. } = self.load.as_ref();
        let (tally, size) = (&mut self.tally, document.source.len());
        let id = options.new_ids.written_id(&plan.index, document);
        let lines = size + id.len() + document.routing.map_or(0, str::len) + ACTION_FRAME;
        tally.read += 1;
        tally.bytes += size as u64;
        if !options.accepted.is_empty() && options.accepted.contains(&plan.index, &document.key()) {
            tally.left_out += 1;
            return Ok(None);
        }
        if size.saturating_add(ACTION_BYTES) > *request_bytes {
            let reason = format!("the document has {size} bytes, the node takes requests of {request_bytes}");
            options.rejects.append(&Reject::new(&plan.index, document, &reason))?;
            let kind = document.kind.map(str::to_owned);
            tally.reject(Rejected { id: document.id.to_owned(), kind, reason }, false);
            return Ok(None);
        }
        let full = !self.batch.is_empty() && self.batch.bytes() + lines > self.batch.capacity();
        let full = full.then(|| std::mem::replace(&mut self.batch, BatchBuilder::new(pace.batch_bytes())).take());
        let task = (*samples || document.routing.is_some()).then(|| task_of(document.source)).flatten();
        if let Some(task) = task.as_deref().filter(|_| *samples) {
            tally.samples.add(task);
        }
        let routing = document.routing.filter(|routing| !same_task(routing, task.as_deref()));
        tally.routing_kept += u64::from(routing.is_some());
        tally.renamed += u64::from(*id != *document.id);
        let sent = self.batch.push(document, &id, routing.is_some());
        tally.digest.add(&id, routing, sent);
        Ok(full)
    }

    /// Returns what is left to send.
    pub(super) fn finish(mut self) -> (Option<Batch>, Tally) {
        let rest = (!self.batch.is_empty()).then(|| self.batch.take());
        (rest, self.tally)
    }
}
