//! How long a destination has taken lately.

use std::collections::VecDeque;
use std::time::Duration;

use nsq_runtime::Moment;

/// Buckets that are remembered, and the time of each: five minutes in all.
const BUCKETS: usize = 120;
const BUCKET_TIME: Duration = Duration::from_millis(2500);

/// Times of the last five minutes, summed up by bucket.
#[derive(Debug)]
pub(super) struct Timing {
    /// The oldest first; the last is the current one.
    buckets: VecDeque<Bucket>,
    current_since: Moment,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    sum_ms: u64,
    count: u64,
}

impl Timing {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            buckets: VecDeque::from(vec![Bucket::default(); BUCKETS]),
            current_since: now,
        }
    }

    pub(super) fn add(&mut self, now: Moment, took: Duration) {
        self.advance(now);
        if let Some(bucket) = self.buckets.back_mut() {
            bucket.sum_ms = bucket
                .sum_ms
                .saturating_add(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
            bucket.count += 1;
        }
    }

    /// A sum in which recent buckets weigh more, and one without requests counts as the one before; 0 if there is
    /// nothing to go by.
    #[expect(clippy::cast_precision_loss, reason = "a weight for a choice at random")]
    pub(super) fn weighted_ms(&mut self, now: Moment) -> f64 {
        self.advance(now);
        let mut last_ms = 0;
        let mut sum = 0.0;
        for (index, bucket) in self.buckets.iter().enumerate() {
            last_ms = bucket.sum_ms.checked_div(bucket.count).unwrap_or(last_ms);
            sum += last_ms as f64 * (index + 1) as f64 / BUCKETS as f64;
        }
        sum
    }

    fn advance(&mut self, now: Moment) {
        for _ in 0..BUCKETS {
            if now.since(self.current_since) < BUCKET_TIME {
                return;
            }
            self.current_since = self.current_since + BUCKET_TIME;
            self.buckets.pop_front();
            self.buckets.push_back(Bucket::default());
        }
        // Everything is older than what is remembered.
        self.current_since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_weigh_less_with_age_and_are_forgotten() {
        let mut timing = Timing::new(Moment::START);
        let at = |buckets: u32| Moment::START + BUCKET_TIME * buckets;
        assert!(timing.weighted_ms(at(0)) < f64::EPSILON);
        timing.add(at(0), Duration::from_millis(120));
        let newest = timing.weighted_ms(at(0));
        assert!((newest - 120.0).abs() < 1e-9, "{newest}");
        // Alone in its place of before, it also stands for the bucket behind it.
        let older = timing.weighted_ms(at(1));
        assert!((older - 239.0).abs() < 1e-9, "{older}");
        assert!(timing.weighted_ms(at(120)) < f64::EPSILON);
        timing.add(at(100_000), Duration::from_millis(5));
        assert!((timing.weighted_ms(at(100_000)) - 5.0).abs() < 1e-9);
    }
}
