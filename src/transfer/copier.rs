//! The engine: units of a source in, batches of changes out, everything counted and fingerprinted on the way.
//!
//! ```text
//! source ─ units ─ intake ─ batches ─ connections ─ sink
//!                   └─────── tally ───────┘
//! ```
//!
//! Batches that are filled, that wait and that are on their way have a bounded room together ([`Options::memory`]). A slow
//! target therefore slows the source, and memory does not grow with the size of a collection.

use super::adaptive::Connections;
use super::buffers::Buffers;
use super::change::Rules;
use super::checkpoint::{Checkpoints, Partial};
use super::load::Load;
use super::options::Options;
use super::outcome::CopyOutcome;
use super::sink::Sink;
use super::source::{Collection, Source, Unit, Units};
use super::tally::Tally;
use super::tasks::{joined, until_cancelled};
use super::units::pump;
use crate::error::{Error, Result};
use crate::events::{self, Events};
use crate::failpoints;
use crate::message::{About, Code, Message};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Collections that are finished while others are filled.
const FINISHING: usize = 8;

/// Copies collections from a source to a sink. Cheap to clone.
#[derive(Clone)]
pub struct Copier<S, K, R> {
    source: S,
    sink: K,
    options: Options<R>,
    /// The requests on their way, all collections together.
    connections: Arc<Connections>,
    /// What all requests have in memory.
    buffers: Arc<Buffers>,
    /// One permit for each thread that reads.
    readers: Arc<Semaphore>,
    events: Events,
    cancel: CancellationToken,
}

impl<S: Source<Plan = K::Plan>, K: Sink, R: Rules> Copier<S, K, R> {
    /// Returns a copier from `source` to `sink`.
    pub fn new(source: impl Into<S>, sink: K, options: Options<R>, events: Events, cancel: CancellationToken) -> Self {
        let readers = Arc::new(Semaphore::new(options.readers.max(1)));
        let connections = Connections::new(options.batch_bytes);
        let buffers = Buffers::new(options.memory, options.batch_bytes);
        Self { source: source.into(), sink, options, connections, buffers, readers, events, cancel }
    }

    /// Copies several collections side by side, the largest first, so that none is left alone at the end.
    ///
    /// `plans` are those still to be done: what an earlier run reported to its checkpoints is not among them.
    /// Returns the outcomes of these plans in the order in which they were finished. Refused documents and collisions do
    /// not end the copy; they are in the rejects file and in the outcomes.
    ///
    /// # Errors
    /// Fails with the first collection that fails, or on cancel; the others are stopped, and gone on with or made anew by the
    /// next run.
    pub async fn copy_all(&self, plans: Vec<K::Plan>, checkpoints: &dyn Checkpoints) -> Result<Vec<CopyOutcome>> {
        let mut waiting = plans;
        // Taken from the end.
        waiting.sort_by(|a, b| (a.bytes(), a.documents(), a.name()).cmp(&(b.bytes(), b.documents(), b.name())));
        let mut running = JoinSet::new();
        let mut outcomes = Vec::with_capacity(waiting.len());
        let (keeper, mut partials) = mpsc::unbounded_channel();
        let at_once = self.options.collections_at_once.max(1);
        let permits = Arc::new(Semaphore::new(at_once));
        loop {
            while running.len() < at_once + FINISHING
                && !waiting.is_empty()
                && let Ok(permit) = Arc::clone(&permits).try_acquire_owned()
                && let Some(plan) = waiting.pop()
            {
                let (copier, reports) = (self.clone(), keeper.clone());
                let earlier = match checkpoints.earlier(plan.name()) {
                    Ok(earlier) => earlier,
                    Err(error) => {
                        running.shutdown().await;
                        return Err(error);
                    }
                };
                running.spawn(async move { copier.copy_one(&plan, earlier, &reports, permit).await });
            }
            let kept = tokio::select! {
                // First, so that the end of a collection is never overwritten by how far it had come.
                biased;
                Some(partial) = partials.recv() => keep(checkpoints, &partial),
                finished = running.join_next() => match finished {
                    None => return Ok(outcomes),
                    Some(finished) => joined(finished).and_then(|outcome| {
                        checkpoints.finished(&outcome)?;
                        outcomes.push(outcome);
                        Ok(())
                    }),
                },
                Ok(_) = permits.acquire(), if !waiting.is_empty() && running.len() < at_once + FINISHING => Ok(()),
            };
            if let Err(error) = kept {
                running.shutdown().await;
                return Err(error);
            }
        }
    }

    /// Copies one collection, going on behind a checkpoint if source and target still hold what that says. `permit` is free
    /// for another collection as soon as this one is full.
    async fn copy_one(
        &self,
        plan: &K::Plan,
        earlier: Option<Partial>,
        reports: &UnboundedSender<Partial>,
        permit: OwnedSemaphorePermit,
    ) -> Result<CopyOutcome> {
        let work = async {
            let (load, units, partial) = self.prepare(plan, earlier).await?;
            self.events.progress(plan.name(), partial.tally.written(), Some(plan.documents()), events::Unit::Documents);
            let (tally, there) = fill(&load, units, partial, reports).await?;
            drop(permit);
            self.sink.finish(plan).await?;
            self.options.rejects.sync()?;
            self.events.progress_ended(plan.name());
            Ok(tally.into_outcome(plan.name(), there))
        };
        until_cancelled(&self.cancel, work).await
    }

    /// Opens a collection on both sides. Returns what is left to be read, and what is in the target already.
    async fn prepare(
        &self,
        plan: &K::Plan,
        earlier: Option<Partial>,
    ) -> Result<(Arc<Load<K, R>>, Units<S::Unit>, Partial)> {
        let name = plan.name();
        let gone = || Error::internal(format!("{name} was to be copied and is not there."));
        let mut units = self.source.open(plan).await?.ok_or_else(gone)?;
        let keys = units.parts.iter().map(Unit::key).collect::<Result<Vec<_>>>()?;
        let earlier = earlier.and_then(|partial| Some((partial.left(keys.iter())?, partial)));
        let known = earlier.as_ref().map(|(_, partial)| partial.target.as_str());
        let prepared = self.sink.prepare(plan, known, &self.events).await?;
        let partial = match earlier.filter(|_| prepared.goes_on) {
            Some((left, partial)) => {
                let mut left = left.into_iter();
                units.parts.retain(|_| left.next().unwrap_or(true));
                let copied = partial.documents();
                self.events.info(
                    Message::new(
                        Code::GoesOn,
                        format!("{name}: goes on behind {copied} documents that an earlier run has copied"),
                    )
                    .about(About::index(name)),
                );
                partial
            }
            None => Partial::new(name, prepared.id),
        };
        let expected = units.parts.iter().map(Unit::documents).sum::<u64>() + partial.documents();
        let load = Load {
            plan: plan.clone(),
            sink: self.sink.clone(),
            options: self.options.clone(),
            rate: self.connections.rate(),
            buffers: Arc::clone(&self.buffers),
            readers: Arc::clone(&self.readers),
            events: self.events.clone(),
            cancel: self.cancel.clone(),
            goes_on: prepared.goes_on,
            written: AtomicU64::new(partial.tally.written()),
            expected: AtomicU64::new(expected),
            nearly_full: Notify::new(),
        };
        Ok((Arc::new(load), units, partial))
    }
}

/// Sends all changes of a collection, and tells the sink when it is nearly full, if it is large.
async fn fill<U: Unit, K: Sink, R: Rules>(
    load: &Arc<Load<K, R>>,
    units: Units<U>,
    partial: Partial,
    reports: &UnboundedSender<Partial>,
) -> Result<(Tally, Option<u64>)> {
    let pump = pump(load, units, partial, reports);
    let early = async {
        load.nearly_full.notified().await;
        load.sink.nearly_full(&load.plan).await
    };
    tokio::pin!(pump);
    tokio::select! {
        biased;
        tally = &mut pump => tally,
        told = early => {
            told?;
            pump.await
        }
    }
}

fn keep(checkpoints: &dyn Checkpoints, partial: &Partial) -> Result<()> {
    checkpoints.partly(partial)?;
    failpoints::reach("transfer.checkpoint")
}
