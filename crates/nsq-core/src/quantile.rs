//! Windowed end-to-end latency.

use std::collections::BTreeMap;
use std::time::Duration;

use nsq_runtime::Moment;

use crate::stats::LatencySnapshot;

/// Neighbouring bucket bounds differ by this factor, so an estimate is within 1 % of a true sample.
const GAMMA: f64 = 1.02;

/// Quantiles over a sliding window, in two halves of which the older is dropped at each half-window.
///
/// Samples are counted in buckets whose bounds grow by 2 %: bounded memory (one counter per bucket that
/// is hit; from a nanosecond to a day there are about 1,600) and a relative error of 1 %.
///
/// # Differs from upstream
/// Upstream (internal/quantile) keeps targeted quantile sketches with a rank error of 1 %; a relative
/// value error is at least as good for latencies, and merges without loss.
#[derive(Clone, Debug)]
pub(crate) struct LatencyWindow {
    half: Duration,
    started: Moment,
    current: Histogram,
    previous: Histogram,
}

/// Counts per bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    buckets: BTreeMap<u16, u64>,
    count: u64,
}

impl LatencyWindow {
    pub(crate) fn new(window: Duration, now: Moment) -> Self {
        let half = (window / 2).max(Duration::from_nanos(1));
        Self {
            half,
            started: now,
            current: Histogram::default(),
            previous: Histogram::default(),
        }
    }

    pub(crate) fn insert(&mut self, latency_ns: u64, now: Moment) {
        self.slide(now);
        self.current.insert(latency_ns);
    }

    /// Adds the samples of the window to `total`.
    pub(crate) fn add_to(&mut self, total: &mut Histogram, now: Moment) {
        self.slide(now);
        total.merge(&self.previous);
        total.merge(&self.current);
    }

    fn slide(&mut self, now: Moment) {
        let elapsed = now - self.started;
        if elapsed < self.half {
            return;
        }
        let aged = std::mem::take(&mut self.current);
        if elapsed < 2 * self.half {
            self.previous = aged;
            self.started = self.started + self.half;
        } else {
            self.previous = Histogram::default();
            self.started = now;
        }
    }
}

impl Histogram {
    fn insert(&mut self, value: u64) {
        *self.buckets.entry(bucket_of(value)).or_default() += 1;
        self.count += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (&bucket, &count) in &other.buckets {
            *self.buckets.entry(bucket).or_default() += count;
        }
        self.count += other.count;
    }

    pub(crate) fn snapshot(&self, quantiles: &[f64]) -> LatencySnapshot {
        let values = quantiles
            .iter()
            .map(|&quantile| (quantile, self.quantile(quantile)));
        LatencySnapshot {
            count: self.count,
            quantiles: values.collect(),
        }
    }

    /// The value below which the share `quantile` of the samples lies; 0 without samples.
    fn quantile(&self, quantile: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank among samples; off by one beyond 2^52 of them"
        )]
        let rank = ((self.count as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        for (&bucket, &count) in &self.buckets {
            seen += count;
            if seen >= rank {
                return value_of(bucket);
            }
        }
        0.0
    }
}

/// Bucket `n` holds what is above γ^(n-1) and up to γ^n; bucket 0 holds 0 and 1.
fn bucket_of(value: u64) -> u16 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the logarithm of a 64-bit number is below 2,300 to this base"
    )]
    let bucket = (value.max(1) as f64).log(GAMMA).ceil() as u16;
    bucket
}

/// The middle of a bucket, in the sense that both ends are equally far in relative terms.
fn value_of(bucket: u16) -> f64 {
    if bucket == 0 {
        1.0
    } else {
        (2.0 * GAMMA.powi(i32::from(bucket)) / (1.0 + GAMMA)).round()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::START + Duration::from_secs(seconds)
    }

    fn snapshot(window: &mut LatencyWindow, now: Moment) -> LatencySnapshot {
        let mut total = Histogram::default();
        window.add_to(&mut total, now);
        total.snapshot(&[1.0, 0.99, 0.5])
    }

    #[test]
    fn estimates_are_within_one_percent() {
        let mut window = LatencyWindow::new(Duration::from_secs(600), at(0));
        for latency_ns in 1..=100_000 {
            window.insert(latency_ns * 1_000, at(1));
        }
        let estimate = snapshot(&mut window, at(1));
        assert_eq!(estimate.count, 100_000);
        for ((quantile, value), expected) in estimate.quantiles.iter().zip([1e8, 0.99e8, 0.5e8]) {
            assert!(
                (value - expected).abs() <= 0.0101 * expected,
                "{quantile}: {value} is not near {expected}"
            );
        }
    }

    #[test]
    fn samples_leave_after_the_window() {
        let mut window = LatencyWindow::new(Duration::from_secs(10), at(0));
        window.insert(5, at(1));
        assert_eq!(snapshot(&mut window, at(4)).count, 1);
        window.insert(5, at(6));
        assert_eq!(snapshot(&mut window, at(9)).count, 2);
        assert_eq!(snapshot(&mut window, at(11)).count, 1);
        assert_eq!(snapshot(&mut window, at(40)).count, 0);
    }

    #[test]
    fn without_samples_the_estimates_are_zero() {
        let mut window = LatencyWindow::new(Duration::from_secs(10), at(0));
        let estimate = snapshot(&mut window, at(0));
        assert_eq!(estimate.quantiles, [(1.0, 0.0), (0.99, 0.0), (0.5, 0.0)]);
    }

    #[test]
    fn the_extremes_of_the_range_have_a_bucket() {
        let mut window = LatencyWindow::new(Duration::from_secs(10), at(0));
        window.insert(0, at(0));
        window.insert(u64::MAX, at(0));
        assert_eq!(snapshot(&mut window, at(0)).count, 2);
    }
}
