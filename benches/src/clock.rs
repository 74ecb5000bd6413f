//! The one place that reads a clock or sleeps.
//!
//! Measuring is the business of this crate, so the workspace's ban on clocks outside `nsq-runtime` is lifted here and
//! nowhere else in it. Everything counts nanoseconds from one origin, so that a stamp written by the thread that
//! publishes can be compared by the thread that consumes.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// One second in nanoseconds.
pub(crate) const SECOND_NS: u64 = 1_000_000_000;

/// One millisecond in nanoseconds.
pub(crate) const MILLISECOND_NS: u64 = 1_000_000;

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the real clock")]
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Monotonic nanoseconds since the first call in this process.
pub(crate) fn now_ns() -> u64 {
    // 2^64 ns are 584 years.
    u64::try_from(ORIGIN.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds of `duration`, saturated.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Sleeps for real, for idle phases that are themselves the thing measured and for polling a foreign process.
#[expect(
    clippy::disallowed_methods,
    reason = "an idle phase is measured by letting real time pass"
)]
pub(crate) fn sleep(duration: Duration) {
    std::thread::sleep(duration);
}

/// The bound of one step of a workload; everything that waits takes one, so that every run stops by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at_ns: u64,
    limit: Duration,
}

impl Deadline {
    /// A bound that begins now.
    pub(crate) fn after(limit: Duration) -> Self {
        Self {
            at_ns: now_ns().saturating_add(nanos(limit)),
            limit,
        }
    }

    /// What is left; zero once the bound has passed.
    pub(crate) fn remaining(self) -> Duration {
        Duration::from_nanos(self.at_ns.saturating_sub(now_ns()))
    }

    /// # Errors
    ///
    /// [`Error::TooSlow`] once the bound has passed; `doing` says how far the step came.
    pub(crate) fn check<D: Into<String>>(self, doing: impl FnOnce() -> D) -> Result<()> {
        if self.remaining().is_zero() {
            return Err(Error::TooSlow {
                doing: doing().into(),
                limit: self.limit,
            });
        }
        Ok(())
    }
}
