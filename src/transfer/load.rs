//! The copy of one collection: what all its units share.

use super::adaptive::Rate;
use super::buffers::Buffers;
use super::change::Rules;
use super::options::Options;
use super::sink::Sink;
use super::source::Collection;
use crate::events::{Events, Unit};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

pub(super) struct Load<K: Sink, R: Rules> {
    pub plan: K::Plan,
    pub sink: K,
    pub options: Options<R>,
    pub rate: Rate,
    pub buffers: Arc<Buffers>,
    /// One permit for each thread that reads.
    pub readers: Arc<Semaphore>,
    pub events: Events,
    pub cancel: CancellationToken,
    /// Whether the target may hold documents of an earlier try.
    pub goes_on: bool,
    /// Changes sent so far.
    pub written: AtomicU64,
    /// Changes there will be, at most.
    pub expected: AtomicU64,
    /// Told when most of them are sent.
    pub nearly_full: Notify,
}

impl<K: Sink, R: Rules> Load<K, R> {
    /// Returns the collection's name.
    pub fn name(&self) -> &str {
        self.plan.name()
    }

    /// Takes note that there are fewer changes than was expected.
    pub fn expect_fewer(&self, changes: u64) {
        self.expected.fetch_sub(changes, Ordering::Relaxed);
    }

    /// Counts changes that were sent.
    pub fn sent(&self, changes: u64) {
        let written = self.written.fetch_add(changes, Ordering::Relaxed) + changes;
        let expected = self.expected.load(Ordering::Relaxed);
        if expected >= self.options.nearly_full_from && written >= expected / 5 * 4 {
            self.nearly_full.notify_one();
        }
        self.events.progress(self.name(), written, Some(expected), Unit::Documents);
    }
}
