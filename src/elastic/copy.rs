//! The pump: slices of a source index in, bulk requests out, everything counted and fingerprinted on the way.
//!
//! Per slice there is one page on its way in, a few portions in a channel and one batch in the making; batches on
//! their way out are bounded for all indices together. A slow target therefore slows the source, and memory does not
//! grow with the size of an index.

use super::admin::{create_index, delete_index, finish_index};
use super::batch::{Batch, BatchBuilder};
use super::bulk::{BulkWriter, Refused};
use super::client::Client;
use super::digest::Digest;
use super::document::{Document, on_one_line};
use super::index_plan::IndexPlan;
use super::outcome::{CopyOutcome, Rejected};
use super::rejects::{Accepted, Reject, RejectLog};
use super::routing::intended;
use super::scroll::Slice;
use crate::error::{Error, Result};
use crate::events::{Events, Unit};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Portions of documents between the reader of a slice and its batch.
const PORTIONS: usize = 4;
/// Slices of one index that are read at the same time.
const SLICES_AT_ONCE: usize = 8;
/// Room for the action line of a document besides its source: ids and routings have at most 512 bytes.
const ACTION_BYTES: usize = 4096;

/// How to copy.
#[derive(Debug, Clone)]
pub struct CopyOptions {
    /// Bulk requests on their way at the same time, all indices together.
    pub connections: usize,
    /// Bytes of a bulk request, exceeded only by a single larger document.
    pub batch_bytes: usize,
    /// Indices copied side by side.
    pub indices_at_once: usize,
    /// Documents that the user accepted to leave out.
    pub accepted: Arc<Accepted>,
    /// Where refused documents go.
    pub rejects: Arc<RejectLog>,
}

impl CopyOptions {
    /// Returns what has proven fastest on small machines, with refused documents going to `rejects`.
    pub fn new(rejects: RejectLog) -> Self {
        Self {
            connections: 4,
            batch_bytes: 2 * 1024 * 1024,
            indices_at_once: 3,
            accepted: Arc::default(),
            rejects: Arc::new(rejects),
        }
    }
}

/// Copies indices from one node to another. Cheap to clone.
#[derive(Clone)]
pub struct Copier {
    source: Client,
    target: Client,
    pub(super) options: CopyOptions,
    /// One permit for each bulk request on its way.
    lanes: Arc<Semaphore>,
    /// Largest request body that the target takes.
    request_bytes: usize,
    events: Events,
    pub(super) cancel: CancellationToken,
}

/// What a slice has done so far.
#[derive(Default)]
struct Tally {
    read: u64,
    bytes: u64,
    left_out: u64,
    routing_kept: u64,
    digest: Digest,
    rejected: Vec<Rejected>,
    rejects: u64,
    collisions: u64,
}

/// What the slices of an index share.
struct Shared {
    plan: IndexPlan,
    written: AtomicU64,
}

type Writes = JoinSet<Result<(u64, Vec<Refused>)>>;

impl Copier {
    /// Returns a copier from `source` to `target`.
    ///
    /// # Errors
    /// Fails when the target does not answer.
    pub async fn new(
        source: Client,
        target: Client,
        options: CopyOptions,
        events: Events,
        cancel: CancellationToken,
    ) -> Result<Self> {
        let request_bytes = usize::try_from(target.max_request_bytes().await?).unwrap_or(usize::MAX);
        let lanes = Arc::new(Semaphore::new(options.connections.max(1)));
        Ok(Self { source, target, options, lanes, request_bytes, events, cancel })
    }

    /// Makes one target index anew and fills it: a half-made index of an earlier try is deleted first. When this
    /// returns, everything is on disk and visible to searches.
    ///
    /// Refused documents and collisions do not end the copy; they are in the rejects file and in the outcome.
    ///
    /// # Errors
    /// Fails when a node gives up, when fewer or more documents came than the plan counted, or on cancel.
    pub async fn copy_index(&self, plan: &IndexPlan) -> Result<CopyOutcome> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Error::cancelled()),
            copied = self.copy_uncancelled(plan) => copied,
        }
    }

    async fn copy_uncancelled(&self, plan: &IndexPlan) -> Result<CopyOutcome> {
        let index = &plan.index;
        if !plan.settings_left.is_empty() {
            self.events.detail(format!("{index}: settings left behind: {}", plan.settings_left.join(", ")));
        }
        delete_index(&self.target, index).await?;
        create_index(&self.target, plan).await?;
        self.events.progress(index, 0, Some(plan.documents), Unit::Documents);
        let shared = Arc::new(Shared { plan: plan.clone(), written: AtomicU64::new(0) });
        let tally = self.pump(&shared).await?;
        if tally.read != plan.documents {
            let (read, counted) = (tally.read, plan.documents);
            return Err(Error::failed(format!("The index {index} gave {read} documents where it counts {counted}."))
                .hint("Make sure that nothing else uses this Elasticsearch, then run the same command again."));
        }
        finish_index(&self.target, plan).await?;
        self.options.rejects.sync()?;
        self.events.progress_ended(index);
        if tally.routing_kept > 0 {
            let kept = tally.routing_kept;
            self.events.warn(format!("{index}: {kept} documents have a routing that is not their task; it was kept."));
        }
        Ok(tally.into_outcome(index))
    }

    /// Reads all slices, a few at a time.
    async fn pump(&self, shared: &Arc<Shared>) -> Result<Tally> {
        let mut slices = JoinSet::new();
        let mut numbers = 0..shared.plan.shards.max(1);
        let mut total = Tally::default();
        loop {
            while slices.len() < SLICES_AT_ONCE
                && let Some(number) = numbers.next()
            {
                let (copier, shared) = (self.clone(), Arc::clone(shared));
                slices.spawn(async move { copier.pump_slice(&shared, number).await });
            }
            match slices.join_next().await {
                Some(tally) => total.merge(joined(tally)?),
                None => return Ok(total),
            }
        }
    }

    async fn pump_slice(&self, shared: &Arc<Shared>, number: u32) -> Result<Tally> {
        let plan = &shared.plan;
        let slice = Slice {
            client: self.source.clone(),
            index: plan.index.clone(),
            number,
            of: plan.shards.max(1),
            document_bytes: plan.document_bytes(),
            max_page: plan.max_page(),
        };
        let (portions, mut incoming) = mpsc::channel::<Vec<Document>>(PORTIONS);
        let mut reading = JoinSet::new();
        reading.spawn(async move { slice.read(&portions).await });
        let mut writes = Writes::new();
        let mut tally = Tally::default();
        let mut batch = BatchBuilder::default();
        while let Some(portion) = incoming.recv().await {
            for document in portion {
                let size = document.source.len();
                if !batch.is_empty() && batch.bytes() + size > self.options.batch_bytes {
                    self.dispatch(shared, &mut writes, batch.take()).await?;
                }
                self.take(plan, &mut tally, &mut batch, document)?;
            }
            while let Some(written) = writes.try_join_next() {
                self.settle(shared, &mut tally, joined(written)?)?;
            }
        }
        if let Some(read) = reading.join_next().await {
            joined(read)?;
        }
        if !batch.is_empty() {
            self.dispatch(shared, &mut writes, batch.take()).await?;
        }
        while let Some(written) = writes.join_next().await {
            self.settle(shared, &mut tally, joined(written)?)?;
        }
        Ok(tally)
    }

    /// Counts a document and puts it into the batch.
    fn take(&self, plan: &IndexPlan, tally: &mut Tally, batch: &mut BatchBuilder, document: Document) -> Result<()> {
        tally.read += 1;
        tally.bytes += document.source.len() as u64;
        if self.options.accepted.contains(&plan.index, &document.key) {
            tally.left_out += 1;
            return Ok(());
        }
        let source = on_one_line(&document.source);
        let routing = intended(document.key.routing.as_deref(), &source).map(str::to_owned);
        tally.routing_kept += u64::from(routing.is_some());
        tally.digest.add(&document.key.id, routing.as_deref(), &source);
        if source.len().saturating_add(ACTION_BYTES) > self.request_bytes {
            let reason =
                format!("the document has {} bytes, the node takes requests of {}", source.len(), self.request_bytes);
            let refused = Refused { key: document.key, routing, source, reason, collision: false };
            return self.reject(&plan.index, tally, refused);
        }
        batch.push(Document { key: document.key, source }, routing);
        Ok(())
    }

    /// Waits for a free lane and sends the batch on its way.
    async fn dispatch(&self, shared: &Arc<Shared>, writes: &mut Writes, batch: Batch) -> Result<()> {
        let lane = Arc::clone(&self.lanes).acquire_owned().await;
        let lane = lane.map_err(|cause| Error::internal("The bulk lanes were closed.").because(cause))?;
        let writer = BulkWriter { client: self.target.clone(), index: shared.plan.index.clone() };
        writes.spawn(async move {
            let documents = batch.entries().len() as u64;
            let refused = writer.write(batch).await?;
            drop(lane);
            Ok((documents, refused))
        });
        Ok(())
    }

    fn settle(&self, shared: &Shared, tally: &mut Tally, (documents, refused): (u64, Vec<Refused>)) -> Result<()> {
        let written = shared.written.fetch_add(documents, Ordering::Relaxed) + documents;
        self.events.progress(&shared.plan.index, written, Some(shared.plan.documents), Unit::Documents);
        refused.into_iter().try_for_each(|refused| self.reject(&shared.plan.index, tally, refused))
    }

    /// Takes a refused document out of the digest and keeps it in the rejects file.
    fn reject(&self, index: &str, tally: &mut Tally, refused: Refused) -> Result<()> {
        tally.digest.remove(&refused.key.id, refused.routing.as_deref(), &refused.source);
        let reject = Reject {
            index: index.into(),
            kind: refused.key.kind.as_deref().map(Into::into),
            id: refused.key.id.as_str().into(),
            routing: refused.key.routing.as_deref().map(Into::into),
            reason: refused.reason.as_str().into(),
            source: String::from_utf8_lossy(&refused.source),
        };
        self.options.rejects.append(&reject)?;
        tally.rejects += u64::from(!refused.collision);
        tally.collisions += u64::from(refused.collision);
        tally.note(Rejected { id: refused.key.id, kind: refused.key.kind, reason: refused.reason });
        Ok(())
    }
}

impl Tally {
    fn note(&mut self, rejected: Rejected) {
        if self.rejected.len() < CopyOutcome::NAMED {
            self.rejected.push(rejected);
        }
    }

    fn merge(&mut self, other: Self) {
        self.read += other.read;
        self.bytes += other.bytes;
        self.left_out += other.left_out;
        self.routing_kept += other.routing_kept;
        self.digest.merge(&other.digest);
        self.rejects += other.rejects;
        self.collisions += other.collisions;
        other.rejected.into_iter().for_each(|rejected| self.note(rejected));
    }

    fn into_outcome(self, index: &str) -> CopyOutcome {
        CopyOutcome {
            index: index.to_owned(),
            read: self.read,
            written: self.digest.documents(),
            bytes: self.bytes,
            left_out: self.left_out,
            routing_kept: self.routing_kept,
            rejects: self.rejects,
            collisions: self.collisions,
            named: self.rejected,
            digest: self.digest,
        }
    }
}

/// Unwraps the result of a task.
pub(super) fn joined<T>(result: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    result.unwrap_or_else(|cause| Err(Error::internal("A part of the copy stopped by itself.").because(cause)))
}
