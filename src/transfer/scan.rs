//! Reads all documents of a collection to learn something about them, on either side, as often as need be.
//!
//! Units are read on all processors. Each thread learns for itself; whoever asked puts the results together.

use super::change::{Change, DocumentRef};
use super::source::{Source, Unit as _};
use crate::error::{Error, Result};
use crate::events::{Events, Unit};
use crate::files::{blocking, parallel};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

/// Documents that a thread reads before it tells of them.
const TOLD_EVERY: u64 = 1024;

/// A reading, as it is told about and stopped.
pub struct Task {
    name: String,
    total: Option<u64>,
    events: Events,
    cancel: CancellationToken,
    done: AtomicU64,
}

impl Task {
    /// Returns a reading of this name that has not begun, of `total` documents if that is known.
    pub fn new(name: String, total: Option<u64>, events: &Events, cancel: &CancellationToken) -> Self {
        Self { name, total, events: events.clone(), cancel: cancel.clone(), done: AtomicU64::new(0) }
    }

    fn advance(&self, documents: u64) {
        let done = self.done.fetch_add(documents, Ordering::Relaxed) + documents;
        self.events.progress(&self.name, done, self.total, Unit::Documents);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.events.progress_ended(&self.name);
    }
}

/// Shows every document of a collection to `each`, with one of the states that begin with `start`, and returns the states.
/// Of a collection that is not there, there are none.
///
/// # Errors
/// Fails when the collection cannot be read whole, or on cancel.
pub async fn scan<S: Source, T: Send + 'static>(
    source: &S,
    plan: &S::Plan,
    task: Task,
    start: impl Fn() -> T + Send + Sync + 'static,
    each: impl Fn(&mut T, &DocumentRef<'_>) + Send + Sync + 'static,
) -> Result<Vec<T>> {
    let Some(units) = source.open(plan).await? else { return Ok(Vec::new()) };
    // Whoever gives the reading up has the threads stop, too.
    let stop = task.cancel.child_token();
    let _guard = stop.clone().drop_guard();
    blocking(move || {
        parallel::fold(&units.parts, &stop, start, |state, _, unit| {
            let mut untold = 0;
            unit.read(&stop, &mut |change| {
                if let Change::Put(document) = change {
                    each(state, document);
                    untold += 1;
                }
                if untold == TOLD_EVERY {
                    task.advance(untold);
                    untold = 0;
                }
                if stop.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
            })?;
            task.advance(untold);
            Ok(())
        })
    })
    .await
}
