//! Waiting for a state that another process reports but does not announce.

use std::time::Duration;

use nsq_testkit::peer::{PATIENCE, Stopwatch};

/// Short against anything a test measures, long against the cost of one look.
const INTERVAL: Duration = Duration::from_millis(5);

/// Looks again and again until `look` succeeds, and fails with its last complaint when patience ends.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "statistics of another process can only be polled"
)]
pub(crate) fn until<T>(mut look: impl FnMut() -> Result<T, String>) -> T {
    let stopwatch = Stopwatch::start();
    loop {
        match look() {
            Ok(value) => return value,
            Err(complaint) => {
                assert!(
                    stopwatch.elapsed() < PATIENCE,
                    "gave up after {PATIENCE:?}: {complaint}"
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
