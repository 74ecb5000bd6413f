//! Elapsed time in black-box tests.

use std::time::{Duration, Instant};

/// Measures how long another process took. Tests of a live daemon cannot own its clock, only bound it.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    started: Instant,
}

impl Stopwatch {
    /// Starts measuring.
    #[expect(
        clippy::disallowed_methods,
        reason = "the time of another process cannot be owned by the test"
    )]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Asserts that the time since the start lies within `range`, and returns it.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn expect_within(&self, range: std::ops::Range<Duration>) -> Duration {
        let elapsed = self.elapsed();
        assert!(range.contains(&elapsed), "took {elapsed:?}, expected {range:?}");
        elapsed
    }
}
