//! How long to wait before trying again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The longest first wait. Most restarts take no longer than a few of these.
const FIRST: Duration = Duration::from_millis(100);

/// The longest wait. Upstream tries every 15 s.
const LONGEST: Duration = Duration::from_secs(10);

/// Waits that double, each cut by up to half at random: the nsqds that lost the same nsqlookupd do not
/// come back in step.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    random: RandomState,
    count: u64,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self {
            next: FIRST,
            random: RandomState::new(),
            count: 0,
        }
    }

    /// Begins with the short waits again.
    pub(super) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// The next wait.
    pub(super) fn wait(&mut self) -> Duration {
        let longest = self.next;
        self.next = (longest * 2).min(LONGEST);
        self.count += 1;
        // The hash is as good as random: the standard library keys it so.
        let parts = self.random.hash_one(self.count) % 1024;
        longest / 2 + longest * u32::try_from(parts).unwrap_or(0) / 2048
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_begin_short_again() {
        let mut backoff = Backoff::new();
        let mut longest = FIRST;
        for _ in 0..20 {
            let wait = backoff.wait();
            assert!(longest / 2 <= wait && wait <= longest, "{wait:?} of {longest:?}");
            longest = (longest * 2).min(LONGEST);
        }
        assert_eq!(longest, LONGEST);
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
    }

    #[test]
    fn waits_differ() {
        let waits: Vec<_> = (0..10).map(|_| Backoff::new().wait()).collect();
        assert!(waits.iter().any(|wait| Some(wait) != waits.first()), "{waits:?}");
    }
}
