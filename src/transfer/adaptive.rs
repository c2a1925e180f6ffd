//! How much is sent to the target at once, found out while it is sent.
//!
//! Both numbers grow by a little and shrink by a share (AIMD). Requests on their way, for all collections together,
//! become more while answers hardly slow down: once each byte takes much longer than it did at best, requests only
//! queue in the target. The bytes of a request, collection by collection, aim at answers that come neither at once nor
//! late: documents of one collection cost many times what those of another do. A target that turns documents away
//! halves both.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One request is worked on while the next one is on its way.
const LEAST_CONNECTIONS: usize = 2;
const FIRST_CONNECTIONS: usize = 2;
const MOST_CONNECTIONS: usize = 16;
/// Time per byte, as a multiple of the best one, up to which another connection is tried.
const RELAXED: f64 = 1.6;
/// The same, from which on a connection is taken away.
const STRAINED: f64 = 3.0;

const LEAST_BYTES: usize = 128 * 1024;
const FIRST_BYTES: usize = 512 * 1024;
/// Larger requests gain nothing (measured), and each connection holds one in memory.
pub(super) const MOST_BYTES: usize = 1024 * 1024;
const BYTES_STEP: usize = 64 * 1024;
/// Answers that come sooner let requests grow.
const SOON: Duration = Duration::from_millis(250);
/// Answers that come later let them shrink.
const LATE: Duration = Duration::from_millis(1000);

/// The share of a new value in a smoothed one.
const WEIGHT: f64 = 0.125;
/// The best time per byte is forgotten slowly: merges and garbage collection come and go.
const FORGETTING: f64 = 1.002;

/// The requests on their way to one target.
pub(super) struct Connections {
    permits: Arc<Semaphore>,
    count: Mutex<Count>,
    most_bytes: usize,
}

/// The right to send one request. Given back when dropped.
pub(super) struct Connection {
    connections: Arc<Connections>,
    permit: Option<OwnedSemaphorePermit>,
}

/// The requests to one collection.
pub struct Rate {
    connections: Arc<Connections>,
    size: Mutex<Size>,
}

impl Connections {
    /// Returns the few connections of the beginning, for requests of at most `most_bytes`.
    pub fn new(most_bytes: usize) -> Arc<Self> {
        let count = Count::default();
        let permits = Arc::new(Semaphore::new(count.allowed));
        Arc::new(Self { permits, count: Mutex::new(count), most_bytes })
    }

    /// Returns the rate of one collection on these connections.
    pub fn rate(self: &Arc<Self>) -> Rate {
        Rate { connections: Arc::clone(self), size: Mutex::new(Size::new(self.most_bytes)) }
    }

    fn change(&self, change: impl FnOnce(&mut Count)) {
        let mut count = lock(&self.count);
        let before = count.allowed;
        change(&mut count);
        if count.allowed == before {
            return;
        }
        tracing::debug!(connections = count.allowed, strain = count.strain, "transfer");
        // Connections that are in use are taken away when they come back.
        for _ in before..count.allowed {
            if count.surplus > 0 { count.surplus -= 1 } else { self.permits.add_permits(1) }
        }
        count.surplus += before.saturating_sub(count.allowed);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut count = lock(&self.connections.count);
        if count.surplus > 0 {
            count.surplus -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

impl Rate {
    /// Waits until another request may be sent.
    pub(super) async fn connection(&self) -> Connection {
        let permits = Arc::clone(&self.connections.permits);
        let permit = if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            Some(permit)
        } else {
            lock(&self.connections.count).wanted = true;
            // Fails only on a closed semaphore, and nobody closes this one.
            permits.acquire_owned().await.ok()
        };
        Connection { connections: Arc::clone(&self.connections), permit }
    }

    /// Returns the bytes that the next request should have in memory.
    pub fn batch_bytes(&self) -> usize {
        lock(&self.size).bytes
    }

    /// Takes note of a request that the target has carried out.
    pub fn answered(&self, bytes: usize, took: Duration) {
        if let Some(strain) = lock(&self.size).answered(bytes, took) {
            self.connections.change(|count| count.answered(strain));
        }
    }

    /// Takes note that the target has turned documents away, or that it was out of reach.
    pub fn busy(&self) {
        lock(&self.size).busy();
        self.connections.change(Count::busy);
    }
}

/// The numbers are right after each change, so a task that died while it held the lock does no harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many requests may be on their way.
struct Count {
    allowed: usize,
    /// Connections that are still in use but no longer allowed.
    surplus: usize,
    /// Whether somebody has waited for a connection since the last change.
    wanted: bool,
    /// Answers since the last change.
    answers: usize,
    /// Time per byte as a multiple of the best one, smoothed.
    strain: f64,
}

impl Default for Count {
    fn default() -> Self {
        Self { allowed: FIRST_CONNECTIONS, surplus: 0, wanted: false, answers: 0, strain: 1.0 }
    }
}

impl Count {
    fn answered(&mut self, strain: f64) {
        self.strain += (strain - self.strain) * WEIGHT;
        self.answers += 1;
        // A change shows in the answers to requests that were sent after it.
        if self.answers < 2 * self.allowed {
            return;
        }
        if self.strain > STRAINED {
            self.set(self.allowed - self.allowed.div_ceil(4));
        } else if self.strain < RELAXED && self.wanted {
            self.set(self.allowed + 1);
        }
    }

    fn busy(&mut self) {
        // Once for all requests that met the same busy target.
        if self.answers > 0 {
            self.set(self.allowed / 2);
        }
    }

    fn set(&mut self, allowed: usize) {
        self.allowed = allowed.clamp(LEAST_CONNECTIONS, MOST_CONNECTIONS);
        self.answers = 0;
        self.wanted = false;
    }
}

/// How large requests to a collection are.
struct Size {
    bytes: usize,
    most: usize,
    /// Seconds per byte: smoothed, and the best.
    per_byte: Option<(f64, f64)>,
}

impl Size {
    fn new(most: usize) -> Self {
        Self { bytes: FIRST_BYTES.min(most), most, per_byte: None }
    }

    /// Returns the time per byte as a multiple of the best one; `None` for requests that are too small to tell.
    fn answered(&mut self, bytes: usize, took: Duration) -> Option<f64> {
        if took > LATE {
            self.set(self.bytes - self.bytes / 4);
        }
        if bytes < self.bytes / 2 {
            return None;
        }
        if took < SOON {
            self.set(self.bytes + BYTES_STEP);
        }
        let now = took.as_secs_f64() / bytes.max(1) as f64;
        let (smoothed, best) = self.per_byte.map_or((now, now), |(smoothed, best)| {
            let smoothed = smoothed + (now - smoothed) * WEIGHT;
            (smoothed, smoothed.min(best * FORGETTING))
        });
        self.per_byte = Some((smoothed, best));
        Some(smoothed / best)
    }

    fn busy(&mut self) {
        self.set(self.bytes / 2);
    }

    fn set(&mut self, bytes: usize) {
        self.bytes = bytes.max(LEAST_BYTES).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target that works on `cores` requests at a time and lets the others wait: time per byte as a multiple of the
    /// best one.
    fn strain_of(connections: usize, cores: usize) -> f64 {
        (connections as f64 / cores as f64).max(1.0)
    }

    fn settle(cores: usize, wanted: bool) -> usize {
        let mut count = Count::default();
        for _ in 0..2000 {
            count.wanted |= wanted;
            count.answered(strain_of(count.allowed, cores));
        }
        count.allowed
    }

    #[test]
    fn connections_follow_the_cores_of_the_target() {
        assert_eq!(settle(2, true), 4);
        assert_eq!(settle(4, true), 7);
        assert_eq!(settle(64, true), MOST_CONNECTIONS);
    }

    #[test]
    fn connections_that_nobody_waits_for_are_not_added() {
        assert_eq!(settle(8, false), FIRST_CONNECTIONS);
    }

    #[test]
    fn a_busy_target_halves_the_connections_once_and_gets_them_back() {
        let mut count = Count { allowed: 8, answers: 1, ..Count::default() };
        count.busy();
        count.busy();
        assert_eq!(count.allowed, 4);
        for _ in 0..100 {
            count.wanted = true;
            count.answered(1.0);
        }
        assert!(count.allowed > 8);
    }

    #[test]
    fn a_target_that_slows_down_gets_fewer_requests() {
        let mut count = Count { allowed: 12, ..Count::default() };
        for _ in 0..200 {
            count.answered(5.0);
        }
        assert_eq!(count.allowed, LEAST_CONNECTIONS);
    }

    #[test]
    fn requests_grow_while_answers_come_soon_and_shrink_when_they_come_late() {
        let mut size = Size::new(MOST_BYTES);
        for _ in 0..100 {
            size.answered(size.bytes, Duration::from_millis(20));
        }
        assert_eq!(size.bytes, MOST_BYTES);
        for _ in 0..100 {
            size.answered(size.bytes, Duration::from_secs(3));
        }
        assert_eq!(size.bytes, LEAST_BYTES);
        // The rest of a collection says nothing about how large requests should be.
        size.answered(1000, Duration::from_millis(1));
        assert_eq!(size.bytes, LEAST_BYTES);
    }

    #[test]
    fn the_strain_is_what_a_byte_takes_now_against_the_best() {
        let mut size = Size::new(MOST_BYTES);
        let mut take = |milliseconds| size.answered(FIRST_BYTES, Duration::from_millis(milliseconds)).unwrap();
        assert_eq!(take(300), 1.0);
        let strain = (0..50).map(|_| take(900)).last().unwrap();
        assert!((2.5..3.0).contains(&strain), "{strain}");
    }

    #[tokio::test]
    async fn connections_in_use_are_taken_away_when_they_come_back() {
        let connections = Connections::new(MOST_BYTES);
        let rate = connections.rate();
        connections.change(|count| count.set(3));
        let (one, two, three) = (rate.connection().await, rate.connection().await, rate.connection().await);
        rate.answered(FIRST_BYTES, Duration::from_millis(300));
        rate.busy();
        drop(one);
        assert_eq!(connections.permits.available_permits(), 0);
        drop(two);
        drop(three);
        assert_eq!(connections.permits.available_permits(), LEAST_CONNECTIONS);
    }
}
