//! How much is done at once.

use super::adaptive::MOST_BYTES;
use super::rejects::RejectLog;
use std::sync::Arc;
use std::time::Duration;

/// How to copy.
#[derive(Debug, Clone)]
pub struct Options<R> {
    /// Bytes that a request has in memory at most, exceeded only by a single larger document.
    pub batch_bytes: usize,
    /// Bytes of all requests together at most, exceeded only by a single larger document. What they allocate can be
    /// somewhat more, by the room for more entries, and by the copies of parts that are sent again.
    pub memory: usize,
    /// Threads that read files, all collections together.
    pub readers: usize,
    /// Collections filled side by side. Those that are full are finished besides.
    pub collections_at_once: usize,
    /// Documents from which on the sink hears that a collection is nearly full.
    pub nearly_full_from: u64,
    /// Time between two moments at which what is written is made durable, so that a copy that is cut off can go on.
    pub checkpoint_every: Duration,
    /// What becomes of documents on their way.
    pub rules: R,
    /// Where refused documents go.
    pub rejects: Arc<RejectLog>,
}

impl<R: Default> Options<R> {
    /// Returns what has proven fastest on small machines, with refused documents going to `rejects`.
    pub fn new(rejects: RejectLog) -> Self {
        Self {
            batch_bytes: MOST_BYTES,
            memory: 32 * 1024 * 1024,
            readers: 4,
            collections_at_once: 3,
            nearly_full_from: 50_000,
            checkpoint_every: Duration::from_secs(30),
            rules: R::default(),
            rejects: Arc::new(rejects),
        }
    }
}
