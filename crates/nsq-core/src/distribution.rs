//! How values of one kind are distributed, for whoever asks from time to time.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts values by size. Two relaxed additions per value, from any thread.
#[derive(Debug)]
pub struct Distribution<const N: usize> {
    /// Ascending.
    bounds: [u64; N],
    /// Values up to the bound of the same index that are above the one before.
    counts: [AtomicU64; N],
    /// Values above all bounds.
    beyond: AtomicU64,
    sum: AtomicU64,
}

/// A [`Distribution`] at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionSnapshot {
    /// Each bound, ascending, and how many values were at most that.
    pub buckets: Vec<(u64, u64)>,
    /// How many values there were.
    pub count: u64,
    /// Their sum. As the parts are read one after the other, it may lag behind `count` or be ahead of it.
    pub sum: u64,
}

impl<const N: usize> Distribution<N> {
    /// No values yet, to be counted by these ascending bounds.
    pub fn new(bounds: [u64; N]) -> Self {
        debug_assert!(bounds.is_sorted(), "{bounds:?}");
        Self {
            bounds,
            counts: [const { AtomicU64::new(0) }; N],
            beyond: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts a value.
    pub fn note(&self, value: u64) {
        let mut buckets = self.bounds.iter().zip(&self.counts);
        let count = buckets
            .find(|(bound, _)| value <= **bound)
            .map_or(&self.beyond, |(_, count)| count);
        count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What has been counted.
    pub fn snapshot(&self) -> DistributionSnapshot {
        let mut count = 0;
        let buckets = self
            .bounds
            .iter()
            .zip(&self.counts)
            .map(|(bound, values)| {
                count += values.load(Ordering::Relaxed);
                (*bound, count)
            })
            .collect();
        DistributionSnapshot {
            buckets,
            count: count + self.beyond.load(Ordering::Relaxed),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_for_every_bound_that_it_does_not_exceed() {
        let distribution = Distribution::new([10, 100]);
        for value in [0, 10, 11, 100, 101] {
            distribution.note(value);
        }
        assert_eq!(
            distribution.snapshot(),
            DistributionSnapshot {
                buckets: vec![(10, 2), (100, 4)],
                count: 5,
                sum: 222,
            }
        );
    }
}
