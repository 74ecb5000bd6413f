//! Lines that say how fast requests are answered.

use std::time::Duration;

use parking_lot::Mutex;

/// Enough for the 99th percentile to be one.
const ENOUGH: usize = 100;

/// The last answers of one destination, or of all.
///
/// Upstream: `github.com/nsqio/nsq/internal/.../timermetrics`, as the utilities use it.
#[derive(Debug)]
pub(crate) struct Status {
    /// What lines begin with.
    prefix: String,
    /// Answers between two lines; 0 for no lines.
    every: usize,
    /// Not more than `every`.
    times: Mutex<Vec<Duration>>,
}

impl Status {
    pub(crate) fn new(prefix: String, every: usize) -> Self {
        if (1..ENOUGH).contains(&every) {
            tracing::info!(
                "Warning: use more than 100 status values for accurate percentiles (configured with {every})"
            );
        }
        Self {
            prefix,
            every,
            times: Mutex::default(),
        }
    }

    /// Counts an answer, and says how the last ones were when there are enough of them.
    pub(crate) fn add(&self, took: Duration) {
        if self.every == 0 {
            return;
        }
        let full = {
            let mut times = self.times.lock();
            let full = (times.len() >= self.every).then(|| std::mem::take(&mut *times));
            times.push(took);
            full
        };
        if let Some(times) = full {
            tracing::info!("{} {}", self.prefix, summary(times));
        }
    }
}

/// Upstream's line about these times.
fn summary(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let count = u32::try_from(times.len()).unwrap_or(u32::MAX).max(1);
    let average = times.iter().sum::<Duration>() / count;
    format!(
        "finished {count} - 99th: {:.2}ms - 95th: {:.2}ms - avg: {:.2}ms",
        ms(percentile(&times, 99)),
        ms(percentile(&times, 95)),
        ms(average)
    )
}

/// One of the sorted times; upstream rounds the index up.
fn percentile(times: &[Duration], percent: usize) -> Duration {
    // The smallest integer that is not below percent/100 · n + 1/2.
    let index = (percent * times.len() + 50).div_ceil(100);
    let last = times.len().saturating_sub(1);
    times.get(index.min(last)).copied().unwrap_or_default()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_upstreams() {
        let times = [3_720_000, 3_700_000].map(Duration::from_nanos);
        assert_eq!(
            summary(times.to_vec()),
            "finished 2 - 99th: 3.72ms - 95th: 3.72ms - avg: 3.71ms"
        );
        let times = (0..250).map(Duration::from_millis).collect();
        assert_eq!(
            summary(times),
            "finished 250 - 99th: 248.00ms - 95th: 238.00ms - avg: 124.50ms"
        );
    }

    #[test]
    fn only_the_times_between_two_lines_are_kept() {
        let status = Status::new("[x]:".to_owned(), 2);
        for expected in [1, 2, 1, 2, 1] {
            status.add(Duration::ZERO);
            assert_eq!(status.times.lock().len(), expected);
        }
        let silent = Status::new("[x]:".to_owned(), 0);
        silent.add(Duration::ZERO);
        assert!(silent.times.lock().is_empty());
    }
}
