//! Work on many files with a few threads, stopped by the first error or on request, with progress in bytes.

use crate::error::{Error, Result};
use crate::events::{Events, Unit};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// More threads than this wait for one another's disk.
const MAX_THREADS: usize = 8;
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Returns how many threads to use.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).clamp(1, MAX_THREADS)
}

/// Calls `work` once for each item from several threads and returns the results in the order of the items.
pub(super) fn map<T: Sync, R: Send>(
    items: &[T],
    cancel: &CancellationToken,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let workers = fold(items, cancel, Vec::new, |done: &mut Vec<(usize, R)>, index, item| {
        done.push((index, work(item)?));
        Ok(())
    })?;
    let mut results: Vec<_> = workers.into_iter().flatten().collect();
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Calls `work` once for each item from several threads. Each thread has a state of its own, which begins with `start`
/// and is returned in the end.
pub(crate) fn fold<T: Sync, S: Send>(
    items: &[T],
    cancel: &CancellationToken,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &T) -> Result<()> + Sync,
) -> Result<Vec<S>> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let worker = || -> Result<S> {
        let mut state = start();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return Ok(state) };
            if cancel.is_cancelled() {
                return Err(Error::cancelled());
            }
            if failed.load(Ordering::Relaxed) {
                return Ok(state);
            }
            work(&mut state, index, item).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
        }
    };
    thread::scope(|scope| {
        let handles: Vec<_> = (0..threads().min(items.len().max(1))).map(|_| scope.spawn(worker)).collect();
        let join = |handle: thread::ScopedJoinHandle<'_, _>| match handle.join() {
            Ok(result) => result,
            Err(_) => Err(Error::internal("A thread that works on files has panicked.")),
        };
        // All are joined before the first error is looked at.
        handles.into_iter().map(join).collect::<Vec<_>>().into_iter().collect()
    })
}

/// Counts bytes from many threads and tells about them a few times a second.
pub(super) struct Meter<'a> {
    events: &'a Events,
    task: &'a str,
    total: u64,
    done: AtomicU64,
    told: Mutex<Instant>,
}

impl<'a> Meter<'a> {
    /// Begins a task of `total` bytes.
    pub(super) fn new(events: &'a Events, task: &'a str, total: u64) -> Self {
        events.progress(task, 0, Some(total), Unit::Bytes);
        Self { events, task, total, done: AtomicU64::new(0), told: Mutex::new(Instant::now()) }
    }

    /// Counts `bytes` more.
    pub(super) fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let Ok(mut told) = self.told.try_lock() else { return };
        if told.elapsed() >= PROGRESS_EVERY {
            *told = Instant::now();
            self.events.progress(self.task, done, Some(self.total), Unit::Bytes);
        }
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.events.progress(self.task, self.done.load(Ordering::Relaxed), Some(self.total), Unit::Bytes);
        self.events.progress_ended(self.task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<u32> = (0..500).collect();
        let doubled = map(&items, &CancellationToken::new(), |item| Ok(item * 2)).unwrap();
        assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
    }

    #[test]
    fn every_item_is_in_the_state_of_one_thread() {
        let items: Vec<u64> = (0..500).collect();
        let sums = fold(
            &items,
            &CancellationToken::new(),
            || 0,
            |sum, _, item| {
                *sum += item;
                Ok(())
            },
        );
        assert_eq!(sums.unwrap().into_iter().sum::<u64>(), 499 * 500 / 2);
    }

    #[test]
    fn the_first_error_and_a_wish_to_stop_both_end_the_work() {
        let items: Vec<u32> = (0..500).collect();
        let cancel = CancellationToken::new();
        let fail = |item: &u32| if *item == 7 { Err(Error::failed("seven")) } else { Ok(()) };
        assert_eq!(map(&items, &cancel, fail).unwrap_err().message(), "seven");
        cancel.cancel();
        assert_eq!(map(&items, &cancel, fail).unwrap_err().kind(), crate::error::Kind::Cancelled);
    }
}
