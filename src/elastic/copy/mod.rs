//! The pump: documents of a source index in, bulk requests out, everything counted and fingerprinted on the way.
//!
//! ```text
//! node   slices ─ scroll ───┐
//!                           ├─ intake ─ batches ─ lanes ─ target
//! files  units ─ segments ──┤     └───── tally ─────┘
//! export files ─ exported ──┘
//! ```
//!
//! Batches that are filled, that wait and that are on their way have a bounded room together ([`CopyOptions::memory`]);
//! besides, a reader holds a page and a few portions, or a chunk. A slow target therefore slows the source, and memory
//! does not grow with the size of an index.

mod checkpoint;
mod exported;
mod intake;
mod lanes;
mod scroll;
mod segments;
mod tally;

pub use checkpoint::Partial;
pub(super) use checkpoint::Reports;

use super::adaptive::{Lanes, MOST_BYTES, Pace};
use super::admin::{First, create_index, delete_index, finish_index, index_id, prepare_load, read_mapping, refresh};
use super::buffers::Buffers;
use super::client::Client;
use super::collisions::NewIds;
use super::fold::until_cancelled;
use super::index_plan::IndexPlan;
use super::mark::Mark;
use super::outcome::CopyOutcome;
use super::rejects::{Accepted, RejectLog};
use super::source::Source;
use super::values::is_applied;
use crate::error::{Error, Result};
use crate::events::{Events, Unit};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tally::Tally;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// How to copy.
#[derive(Debug, Clone)]
pub struct CopyOptions {
    /// Bytes that a bulk request has in memory at most, exceeded only by a single larger document.
    pub batch_bytes: usize,
    /// Bytes of all bulk requests together at most, exceeded only by a single larger document. What they allocate can be
    /// somewhat more, by the room for more entries, and by the copies of parts that are sent again.
    pub memory: usize,
    /// Threads that read files, all indices together.
    pub readers: usize,
    /// Indices filled side by side. Those that are full are made durable and visible besides.
    pub indices_at_once: usize,
    /// Documents from which on an index is refreshed once before it is full, so that less is left for the end: then one
    /// thread of the node writes all that it still has in memory, and nothing else may be left to do.
    pub refreshed_early_from: u64,
    /// Time between two flushes of an index by which a copy that is cut off can go on.
    pub checkpoint_every: Duration,
    /// Documents that the user accepted to leave out.
    pub accepted: Arc<Accepted>,
    /// Documents that are written under another `_id` than their own.
    pub new_ids: Arc<NewIds>,
    /// Where refused documents go.
    pub rejects: Arc<RejectLog>,
    /// What tells our indices from others where the target is not ours alone: no other is ever deleted or written to.
    pub mark: Option<Mark>,
}

impl CopyOptions {
    /// Returns what has proven fastest on small machines, with refused documents going to `rejects`.
    pub fn new(rejects: RejectLog) -> Self {
        Self {
            batch_bytes: MOST_BYTES,
            memory: 32 * 1024 * 1024,
            readers: 4,
            indices_at_once: 3,
            refreshed_early_from: 50_000,
            checkpoint_every: Duration::from_secs(30),
            accepted: Arc::default(),
            new_ids: Arc::default(),
            rejects: Arc::new(rejects),
            mark: None,
        }
    }
}

/// Copies indices from a source to a node. Cheap to clone.
#[derive(Clone)]
pub struct Copier {
    source: Source,
    target: Client,
    pub(super) options: CopyOptions,
    /// The bulk requests on their way, all indices together.
    lanes: Arc<Lanes>,
    /// What all bulk requests have in memory.
    buffers: Arc<Buffers>,
    /// One permit for each thread that reads files.
    readers: Arc<Semaphore>,
    /// Largest request body that the target takes.
    request_bytes: usize,
    /// Indices that are full so far.
    full: Arc<AtomicUsize>,
    events: Events,
    pub(super) cancel: CancellationToken,
}

/// The load of one index: what all its slices or units share.
struct Load {
    plan: IndexPlan,
    options: CopyOptions,
    request_bytes: usize,
    pace: Arc<Pace>,
    buffers: Arc<Buffers>,
    /// Whether tasks are counted.
    samples: bool,
    /// Whether the target may hold documents of an earlier try.
    goes_on: bool,
    /// Documents sent so far.
    written: AtomicU64,
    /// Documents there will be, at most.
    expected: AtomicU64,
    /// Told when most of them are sent.
    nearly_full: Notify,
}

impl Load {
    /// Counts documents that were sent. Returns how many were so far, and how many there will be.
    fn sent(&self, documents: u64) -> (u64, u64) {
        let written = self.written.fetch_add(documents, Ordering::Relaxed) + documents;
        let expected = self.expected.load(Ordering::Relaxed);
        if expected >= self.options.refreshed_early_from && written >= expected / 5 * 4 {
            self.nearly_full.notify_one();
        }
        (written, expected)
    }
}

impl Copier {
    /// Returns a copier from `source` to `target`.
    ///
    /// # Errors
    /// Fails when the target does not answer.
    pub async fn new(
        source: impl Into<Source>,
        target: Client,
        options: CopyOptions,
        events: Events,
        cancel: CancellationToken,
    ) -> Result<Self> {
        let request_bytes = usize::try_from(target.max_request_bytes().await?).unwrap_or(usize::MAX);
        let readers = Arc::new(Semaphore::new(options.readers.max(1)));
        let (lanes, buffers) = (Lanes::new(options.batch_bytes), Buffers::new(options.memory, options.batch_bytes));
        let (source, full) = (source.into(), Arc::default());
        Ok(Self { source, target, options, lanes, buffers, readers, request_bytes, full, events, cancel })
    }

    /// Makes one target index anew and fills it: a half-made index of an earlier try is deleted first. When this
    /// returns, everything is on disk and visible to searches.
    ///
    /// Refused documents and collisions do not end the copy; they are in the rejects file and in the outcome.
    ///
    /// # Errors
    /// Fails when a node gives up, when files are not as they should be, when fewer or more documents came than the
    /// plan counted, or on cancel.
    pub async fn copy_index(&self, plan: &IndexPlan) -> Result<CopyOutcome> {
        self.copy_from(plan, None, &Reports::nowhere(), None).await
    }

    /// [`Copier::copy_index`], going on behind a checkpoint if the target still holds what that says. The seat is free
    /// for another index as soon as this one is full.
    ///
    /// # Errors
    /// As [`Copier::copy_index`].
    pub(super) async fn copy_from(
        &self,
        plan: &IndexPlan,
        earlier: Option<Partial>,
        reports: &Reports,
        seat: Option<OwnedSemaphorePermit>,
    ) -> Result<CopyOutcome> {
        until_cancelled(&self.cancel, self.copy_uncancelled(plan, earlier, reports, seat)).await
    }

    async fn copy_uncancelled(
        &self,
        plan: &IndexPlan,
        earlier: Option<Partial>,
        reports: &Reports,
        seat: Option<OwnedSemaphorePermit>,
    ) -> Result<CopyOutcome> {
        let index = &plan.index;
        if !plan.settings_left.is_empty() {
            self.events.detail(format!("{index}: settings left behind: {}", plan.settings_left.join(", ")));
        }
        let (partial, goes_on) = self.prepare_index(plan, earlier).await?;
        self.events.progress(index, partial.tally.written(), Some(plan.documents), Unit::Documents);
        let load = Arc::new(Load {
            plan: plan.clone(),
            options: self.options.clone(),
            request_bytes: self.request_bytes,
            pace: Arc::new(self.lanes.pace()),
            buffers: Arc::clone(&self.buffers),
            samples: index.starts_with("events-"),
            goes_on,
            written: AtomicU64::new(partial.tally.written()),
            expected: AtomicU64::new(plan.documents),
            nearly_full: Notify::new(),
        });
        let (tally, there) = self.fill(&load, partial, reports).await?;
        drop(seat);
        finish_index(&self.target, plan, self.first()).await?;
        self.options.rejects.sync()?;
        self.events.progress_ended(index);
        Ok(tally.into_outcome(index, there))
    }

    /// Sends all documents of an index, and has it refreshed once when it is nearly full, if it is large. Returns also how
    /// many there are by the source's own numbers.
    async fn fill(&self, load: &Arc<Load>, partial: Partial, reports: &Reports) -> Result<(Tally, Option<u64>)> {
        let pump = async {
            match &self.source {
                Source::Node(node) => self.pump_slices(load, node).await,
                Source::Files(files) => self.pump_units(load, files, partial, reports).await,
                Source::Exported(exported) => self.pump_files(load, exported).await,
            }
        };
        let early = async {
            load.nearly_full.notified().await;
            refresh(&self.target, &load.plan.index).await
        };
        tokio::pin!(pump);
        tokio::select! {
            biased;
            tally = &mut pump => tally,
            refreshed = early => {
                refreshed?;
                pump.await
            }
        }
    }

    /// Returns how the next full index is finished. On two processors Elasticsearch has one thread for refreshes and
    /// one for flushes (`ThreadPool`, 7.6: half the processors), so that two indices in a row need not wait for each
    /// other.
    fn first(&self) -> First {
        match self.full.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => First::Visible,
            _ => First::Durable,
        }
    }

    /// Makes the target index, or finds it as an earlier try has left it. Returns what can be relied on in it, and
    /// whether there may be more.
    async fn prepare_index(&self, plan: &IndexPlan, earlier: Option<Partial>) -> Result<(Partial, bool)> {
        let index = &plan.index;
        if let (Some(earlier), Source::Files(_)) = (earlier, &self.source)
            && index_id(&self.target, index).await?.is_some_and(|id| id == earlier.target)
            && self.takes_all(plan).await?
        {
            prepare_load(&self.target, plan).await?;
            let copied = earlier.documents();
            self.events.info(format!("{index}: goes on behind {copied} documents that an earlier run has copied"));
            return Ok((earlier, true));
        }
        match &self.options.mark {
            None => {
                delete_index(&self.target, index).await?;
                create_index(&self.target, plan).await?;
            }
            Some(mark) => {
                // What is not there is not deleted: somebody could make it in between.
                if mark.require_no_other(&self.target, index).await? {
                    delete_index(&self.target, index).await?;
                }
                create_index(&self.target, &mark.on(plan)).await?;
                // One that somebody else has made meanwhile looks as if the answer to our own call had been lost.
                mark.require_no_other(&self.target, index).await?;
            }
        }
        let id = index_id(&self.target, index).await?;
        let id = id.ok_or_else(|| Error::failed(format!("The index {index} was created and is gone.")))?;
        Ok((Partial::new(index, &id), false))
    }
}

impl Copier {
    /// Returns whether a half-made index has the fields of the plan as the values of the documents need them: another
    /// version of this program may have begun it.
    async fn takes_all(&self, plan: &IndexPlan) -> Result<bool> {
        if plan.unindexed.is_empty() {
            return Ok(true);
        }
        let mapping = read_mapping(&self.target, &plan.index).await?;
        Ok(plan.unindexed.iter().all(|one| is_applied(&mapping, one)))
    }
}

/// Unwraps the result of a task.
pub(super) fn joined<T>(result: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    result.unwrap_or_else(|cause| Err(Error::internal("A part of the copy stopped by itself.").because(cause)))
}

/// Runs what blocks where it may.
pub(super) async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    joined(tokio::task::spawn_blocking(work).await)
}

#[cfg(test)]
mod tests;
