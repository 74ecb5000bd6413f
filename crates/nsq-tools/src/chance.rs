//! Chance, where nobody gains from guessing it.

use std::hash::{BuildHasher, RandomState};

/// Numbers at random.
#[derive(Debug)]
pub(crate) struct Chance {
    /// The standard library keys it so that its hashes cannot be foreseen.
    state: RandomState,
    count: u64,
}

impl Chance {
    pub(crate) fn new() -> Self {
        Self {
            state: RandomState::new(),
            count: 0,
        }
    }

    /// A number from 0 up to and without `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.count += 1;
        self.state.hash_one(self.count) % bound.max(1)
    }

    /// A number from 0 up to and without 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        // 32 bits are exact in a double, and finer than any choice here.
        let number = u32::try_from(self.below(1 << 32)).unwrap_or(u32::MAX);
        f64::from(number) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_ranges() {
        let mut chance = Chance::new();
        let mut sum = 0.0;
        for _ in 0..1000 {
            let fraction = chance.fraction();
            assert!((0.0..1.0).contains(&fraction));
            assert!(chance.below(3) < 3);
            sum += fraction;
        }
        assert!((400.0..600.0).contains(&sum), "{sum}");
    }
}
