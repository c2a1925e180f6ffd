//! How long to wait before trying again: doubling, capped, with jitter so that several writers that were refused
//! together do not come back together.

use std::time::Duration;

/// A bounded series of waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait at its longest.
    pub first: Duration,
    /// No wait is longer than this.
    pub cap: Duration,
    /// How many times to try again before giving up.
    pub retries: u32,
}

impl Default for Backoff {
    /// About two minutes in all: a node that collects garbage or merges for longer than that is in trouble.
    fn default() -> Self {
        Self { first: Duration::from_millis(100), cap: Duration::from_secs(15), retries: 14 }
    }
}

impl Backoff {
    /// Returns how long to wait before retry number `retry` (from 0), or `None` when it is time to give up.
    pub fn wait(&self, retry: u32) -> Option<Duration> {
        if retry >= self.retries {
            return None;
        }
        let longest = self.first.saturating_mul(1_u32.checked_shl(retry).unwrap_or(u32::MAX)).min(self.cap);
        Some(longest.mul_f64(0.5 + fastrand::f64() / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_then_end() {
        let backoff = Backoff { first: Duration::from_millis(100), cap: Duration::from_millis(300), retries: 40 };
        for (retry, longest) in [(0, 100), (1, 200), (2, 300), (39, 300)] {
            let wait = backoff.wait(retry).unwrap();
            assert!(wait <= Duration::from_millis(longest) && wait >= Duration::from_millis(longest / 2), "{retry}");
        }
        assert_eq!(backoff.wait(40), None);
    }
}
