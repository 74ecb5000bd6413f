//! Latency distributions in constant memory.

/// Sub-buckets per power of two: every quantile is within 1/64 (1.6 %) of the true value.
const SUB_BUCKETS: usize = 64;

/// log2 of [`SUB_BUCKETS`].
const SUB_BITS: u32 = SUB_BUCKETS.trailing_zeros();

/// One linear range below [`SUB_BUCKETS`] and one range per power of two above.
const BUCKETS: usize = SUB_BUCKETS * (64 - SUB_BITS as usize + 1);

/// A log-linear histogram of nanoseconds; recording allocates nothing.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Box<[u64]>,
    count: u64,
    max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            count: 0,
            max_ns: 0,
        }
    }
}

impl Histogram {
    /// Adds one value.
    pub(crate) fn record(&mut self, value_ns: u64) {
        if let Some(slot) = self.counts.get_mut(bucket(value_ns)) {
            *slot += 1;
        }
        self.count += 1;
        self.max_ns = self.max_ns.max(value_ns);
    }

    /// How many values were recorded.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The largest value, exact; 0 when empty.
    pub(crate) fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The smallest value such that `permille` of 1,000 values are not above it, to the width of its bucket; 0 when
    /// empty.
    pub(crate) fn quantile_ns(&self, permille: u64) -> u64 {
        let rank = (self.count.saturating_mul(permille)).div_ceil(1000).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_edge(index).min(self.max_ns);
            }
        }
        self.max_ns
    }
}

/// The bucket of a value: values below [`SUB_BUCKETS`] have one each, above that the top bits choose.
fn bucket(value: u64) -> usize {
    let bits = u64::BITS - value.leading_zeros();
    let shift = bits.saturating_sub(SUB_BITS + 1);
    // The shifted value is below 2 * SUB_BUCKETS, so the conversion cannot fail.
    let top = usize::try_from(value >> shift).unwrap_or(0);
    shift as usize * SUB_BUCKETS + top
}

/// The largest value that falls into a bucket.
fn upper_edge(index: usize) -> u64 {
    let shift = (index / SUB_BUCKETS).saturating_sub(1);
    let top = (index - shift * SUB_BUCKETS) as u64;
    ((u128::from(top) + 1) << shift)
        .saturating_sub(1)
        .try_into()
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_are_exact() {
        let mut histogram = Histogram::default();
        for value in 1..=100 {
            histogram.record(value);
        }
        assert_eq!(histogram.quantile_ns(500), 50);
        assert_eq!(histogram.quantile_ns(990), 99);
        assert_eq!(histogram.quantile_ns(1000), 100);
        assert_eq!(histogram.count(), 100);
    }

    #[test]
    fn every_value_lies_within_its_bucket_and_the_bucket_is_narrow() {
        let mut value = 1_u64;
        while value < u64::MAX / 8 {
            for probe in [value, value + 1, value * 2 - 1] {
                let edge = upper_edge(bucket(probe));
                assert!(edge >= probe, "edge {edge} is below {probe}");
                assert!(
                    edge - probe <= probe / SUB_BUCKETS as u64,
                    "bucket of {probe} reaches to {edge}"
                );
            }
            value = value * 5 / 3 + 1;
        }
    }

    #[test]
    fn buckets_are_ordered_and_the_largest_value_has_one() {
        let edges: Vec<u64> = (0..=bucket(u64::MAX)).map(upper_edge).collect();
        assert!(edges.is_sorted());
        assert!(bucket(u64::MAX) < BUCKETS);
        assert_eq!(upper_edge(bucket(u64::MAX)), u64::MAX);
    }

    #[test]
    fn an_empty_histogram_answers_zero() {
        assert_eq!(Histogram::default().quantile_ns(990), 0);
        assert_eq!(Histogram::default().max_ns(), 0);
    }
}
