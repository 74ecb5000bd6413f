//! The only crate that reads a clock or spawns a task.
//!
//! Everything above takes the time from a [`Clock`] and starts work through a [`TaskGroup`], so that
//! a test can own both: a [`ManualClock`] moves when it is told to, and a group can be waited for.
//! What runs on the tasks, and what a deadline means, is left to the callers.
//!
//! ```
//! use std::time::Duration;
//! use nsq_runtime::ManualClock;
//!
//! let manual = ManualClock::new();
//! let clock = manual.clock();
//! let before = clock.now();
//! manual.advance(Duration::from_secs(60));
//! assert_eq!(clock.now() - before, Duration::from_secs(60));
//! ```

mod clock;
mod shutdown;
mod task;

pub use clock::{Clock, ManualClock, Moment, Timer};
pub use shutdown::Shutdown;
pub use task::{TaskGroup, spawn_thread};
