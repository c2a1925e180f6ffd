//! How much is sent to the target at once, found out while it is sent.
//!
//! Both numbers grow by a little and shrink by a share (AIMD). Requests on their way, for all indices together, become
//! more while answers hardly slow down: once each byte takes much longer than it did at best, requests only queue in
//! the node. The bytes of a request, index by index, aim at answers that come neither at once nor late: documents of
//! one index cost many times what those of another do. A node that turns documents away halves both.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One request is worked on while the next one is on its way.
const LEAST_LANES: usize = 2;
const FIRST_LANES: usize = 2;
const MOST_LANES: usize = 16;
/// Time per byte, as a multiple of the best one, up to which another lane is tried.
const RELAXED: f64 = 1.6;
/// The same, from which on a lane is taken away.
const STRAINED: f64 = 3.0;

const LEAST_BYTES: usize = 128 * 1024;
const FIRST_BYTES: usize = 512 * 1024;
/// Larger requests gain nothing (measured), and each lane holds one in memory.
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
pub(super) struct Lanes {
    permits: Arc<Semaphore>,
    count: Mutex<Count>,
    most_bytes: usize,
}

/// The right to send one request. Given back when dropped.
pub(super) struct Lane {
    lanes: Arc<Lanes>,
    permit: Option<OwnedSemaphorePermit>,
}

/// The requests of one index.
pub(super) struct Pace {
    lanes: Arc<Lanes>,
    size: Mutex<Size>,
}

impl Lanes {
    /// Returns the few lanes of the beginning, for requests of at most `most_bytes`.
    pub fn new(most_bytes: usize) -> Arc<Self> {
        let count = Count::default();
        let permits = Arc::new(Semaphore::new(count.allowed));
        Arc::new(Self { permits, count: Mutex::new(count), most_bytes })
    }

    /// Returns the pace of one index on these lanes.
    pub fn pace(self: &Arc<Self>) -> Pace {
        Pace { lanes: Arc::clone(self), size: Mutex::new(Size::new(self.most_bytes)) }
    }

    fn change(&self, change: impl FnOnce(&mut Count)) {
        let mut count = lock(&self.count);
        let before = count.allowed;
        change(&mut count);
        if count.allowed == before {
            return;
        }
        tracing::debug!(lanes = count.allowed, strain = count.strain, "bulk");
        // Lanes that are in use are taken away when they come back.
        for _ in before..count.allowed {
            if count.surplus > 0 { count.surplus -= 1 } else { self.permits.add_permits(1) }
        }
        count.surplus += before.saturating_sub(count.allowed);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut count = lock(&self.lanes.count);
        if count.surplus > 0 {
            count.surplus -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

impl Pace {
    /// Waits until another request may be sent.
    pub async fn lane(&self) -> Lane {
        let permits = Arc::clone(&self.lanes.permits);
        let permit = if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            Some(permit)
        } else {
            lock(&self.lanes.count).wanted = true;
            // Fails only on a closed semaphore, and nobody closes this one.
            permits.acquire_owned().await.ok()
        };
        Lane { lanes: Arc::clone(&self.lanes), permit }
    }

    /// Returns the bytes that the next request should have in memory.
    pub fn batch_bytes(&self) -> usize {
        lock(&self.size).bytes
    }

    /// Takes note of a request that the node has carried out.
    pub fn answered(&self, bytes: usize, took: Duration) {
        if let Some(strain) = lock(&self.size).answered(bytes, took) {
            self.lanes.change(|count| count.answered(strain));
        }
    }

    /// Takes note that the node has turned documents away, or that it was out of reach.
    pub fn busy(&self) {
        lock(&self.size).busy();
        self.lanes.change(Count::busy);
    }
}

/// The numbers are right after each change, so a task that died while it held the lock does no harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many requests may be on their way.
struct Count {
    allowed: usize,
    /// Lanes that are still in use but no longer allowed.
    surplus: usize,
    /// Whether somebody has waited for a lane since the last change.
    wanted: bool,
    /// Answers since the last change.
    answers: usize,
    /// Time per byte as a multiple of the best one, smoothed.
    strain: f64,
}

impl Default for Count {
    fn default() -> Self {
        Self { allowed: FIRST_LANES, surplus: 0, wanted: false, answers: 0, strain: 1.0 }
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
        // Once for all requests that met the same busy node.
        if self.answers > 0 {
            self.set(self.allowed / 2);
        }
    }

    fn set(&mut self, allowed: usize) {
        self.allowed = allowed.clamp(LEAST_LANES, MOST_LANES);
        self.answers = 0;
        self.wanted = false;
    }
}

/// How large requests to an index are.
struct Size {
    bytes: usize,
    most: usize,
    /// Seconds per byte: smoothed, and the best.
    pace: Option<(f64, f64)>,
}

impl Size {
    fn new(most: usize) -> Self {
        Self { bytes: FIRST_BYTES.min(most), most, pace: None }
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
        let (smoothed, best) = self.pace.map_or((now, now), |(smoothed, best)| {
            let smoothed = smoothed + (now - smoothed) * WEIGHT;
            (smoothed, smoothed.min(best * FORGETTING))
        });
        self.pace = Some((smoothed, best));
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

    /// A node that works on `cores` requests at a time and lets the others wait: time per byte as a multiple of the
    /// best one.
    fn strain_of(lanes: usize, cores: usize) -> f64 {
        (lanes as f64 / cores as f64).max(1.0)
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
    fn lanes_follow_the_cores_of_the_node() {
        assert_eq!(settle(2, true), 4);
        assert_eq!(settle(4, true), 7);
        assert_eq!(settle(64, true), MOST_LANES);
    }

    #[test]
    fn lanes_that_nobody_waits_for_are_not_added() {
        assert_eq!(settle(8, false), FIRST_LANES);
    }

    #[test]
    fn a_busy_node_halves_the_lanes_once_and_gets_them_back() {
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
    fn a_node_that_slows_down_gets_fewer_requests() {
        let mut count = Count { allowed: 12, ..Count::default() };
        for _ in 0..200 {
            count.answered(5.0);
        }
        assert_eq!(count.allowed, LEAST_LANES);
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
        // The rest of an index says nothing about how large requests should be.
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
    async fn lanes_in_use_are_taken_away_when_they_come_back() {
        let lanes = Lanes::new(MOST_BYTES);
        let pace = lanes.pace();
        lanes.change(|count| count.set(3));
        let (one, two, three) = (pace.lane().await, pace.lane().await, pace.lane().await);
        pace.answered(FIRST_BYTES, Duration::from_millis(300));
        pace.busy();
        drop(one);
        assert_eq!(lanes.permits.available_permits(), 0);
        drop(two);
        drop(three);
        assert_eq!(lanes.permits.available_permits(), LEAST_LANES);
    }
}
