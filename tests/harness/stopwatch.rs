//! How long the parts of a long test took.

use super::say;
use std::cell::Cell;
use std::time::Instant;

/// Runs from its making, and anew from each telling.
pub struct Stopwatch(Cell<Instant>);

impl Stopwatch {
    /// Starts it.
    pub fn start() -> Self {
        Self(Cell::new(Instant::now()))
    }

    /// Prints what has just ended, and the seconds that it took.
    pub fn tell(&self, what: &str) {
        say(&format!("{what}: {:.0} s", self.0.replace(Instant::now()).elapsed().as_secs_f64()));
    }
}
