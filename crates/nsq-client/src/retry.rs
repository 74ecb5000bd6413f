//! How long to wait before connecting again.

use std::time::Duration;

use crate::random::Random;

/// The longest first wait. Most restarts take no longer than a few of these.
const FIRST: Duration = Duration::from_millis(100);

/// Waits that double, each cut by up to half at random: the clients that lost the same nsqd do not come
/// back in step.
#[derive(Debug)]
pub(crate) struct Retry {
    next: Duration,
    longest: Duration,
    random: Random,
}

impl Retry {
    /// Waits of at most `longest`.
    pub(crate) fn up_to(longest: Duration) -> Self {
        Self {
            next: FIRST.min(longest),
            longest,
            random: Random::new(),
        }
    }

    /// Begins with the short waits again.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST.min(self.longest);
    }

    /// The next wait.
    pub(crate) fn wait(&mut self) -> Duration {
        let longest = self.next;
        self.next = (longest * 2).min(self.longest);
        longest.mul_f64(0.5 + self.random.fraction() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_begin_short_again() {
        let bound = Duration::from_secs(5);
        let mut retry = Retry::up_to(bound);
        let mut longest = FIRST;
        for _ in 0..20 {
            let wait = retry.wait();
            assert!(longest / 2 <= wait && wait <= longest, "{wait:?} of {longest:?}");
            longest = (longest * 2).min(bound);
        }
        retry.reset();
        assert!(retry.wait() <= FIRST);
    }
}
