//! Waiting for a state that another process reports but does not announce.

use std::time::Duration;

use nsq_testkit::peer::{PATIENCE, Stopwatch};

/// Short against anything a test measures, long against the cost of one look.
const INTERVAL: Duration = Duration::from_millis(5);

/// Looks again and again until `look` succeeds, and fails with its last complaint when patience ends.
#[track_caller]
pub(crate) fn until<T>(look: impl FnMut() -> Result<T, String>) -> T {
    until_within(PATIENCE, look)
}

/// The same for what takes longer.
///
/// # Panics
/// If `look` does not succeed within `limit`.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "statistics and files of another process can only be polled"
)]
pub fn until_within<T>(limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let stopwatch = Stopwatch::start();
    loop {
        match look() {
            Ok(value) => return value,
            Err(complaint) => {
                assert!(
                    stopwatch.elapsed() < limit,
                    "gave up after {limit:?}: {complaint}"
                );
            }
        }
        std::thread::sleep(INTERVAL);
    }
}

/// Gives the original the time to begin handling signals, which it does some time after it has begun to serve,
/// without a sign that it has.
#[expect(clippy::disallowed_methods, reason = "there is no event to await")]
pub(crate) fn settle() {
    std::thread::sleep(Duration::from_millis(100));
}
