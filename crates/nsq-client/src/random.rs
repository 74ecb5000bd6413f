//! Chance, for jitter and for turns.

use std::hash::{BuildHasher, RandomState};

/// Numbers that are as good as random where nobody gains from guessing them.
#[derive(Debug)]
pub(crate) struct Random {
    /// The standard library keys it so that its hashes cannot be foreseen.
    state: RandomState,
    count: u64,
}

impl Random {
    pub(crate) fn new() -> Self {
        Self {
            state: RandomState::new(),
            count: 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.state.hash_one(self.count)
    }

    /// A number from 0 up to and without 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        // 32 bits are exact in a double, and more than any wait needs.
        f64::from((self.next() >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
    }

    /// An index below `len`, or 0 if there is none.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        usize::try_from(self.next() % len.max(1)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_ranges_and_reach_all_of_them() {
        let mut random = Random::new();
        let mut seen = [false; 3];
        for _ in 0..1000 {
            assert!((0.0..1.0).contains(&random.fraction()));
            seen[random.index(3)] = true;
        }
        assert_eq!(seen, [true; 3]);
        assert_eq!(random.index(0), 0);
    }
}
