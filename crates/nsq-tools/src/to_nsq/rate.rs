//! Not more than so many messages per second.

use std::time::Duration;

use nsq_runtime::{Clock, Moment};

/// Allows messages at a rate. After a pause it allows at most those of one second at once.
///
/// Upstream: `apps/to_nsq/to_nsq.go`, `throttleEnabled`.
#[derive(Debug)]
pub(super) struct Rate {
    interval: Duration,
    /// How far the next message may be behind its time.
    arrears_max: Duration,
    /// When the next message is due.
    next: Moment,
    clock: Clock,
}

impl Rate {
    /// `per_second` is not zero.
    pub(super) fn new(per_second: u64, clock: Clock) -> Self {
        let interval = Duration::from_nanos(1_000_000_000 / per_second.clamp(1, 1_000_000_000));
        Self {
            interval,
            arrears_max: Duration::from_secs(1).saturating_sub(interval),
            next: clock.now(),
            clock,
        }
    }

    /// Waits until at least one message may go, and says how many may, at most `wanted`.
    pub(super) async fn allow(&mut self, wanted: usize) -> usize {
        self.clock.sleep_until(self.next).await;
        let now = self.clock.now();
        let arrears = now.since(self.next);
        self.next = self.next + arrears.saturating_sub(self.arrears_max);
        let mut allowed = 0;
        while allowed < wanted && self.next <= now {
            self.next = self.next + self.interval;
            allowed += 1;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use nsq_runtime::ManualClock;

    use super::*;

    #[tokio::test]
    async fn messages_go_one_by_one_and_a_pause_is_made_good_for_a_second_at_most() {
        let manual = ManualClock::new();
        let mut rate = Rate::new(10, manual.clock());
        assert_eq!(rate.allow(5).await, 1);
        manual.advance(Duration::from_millis(250));
        assert_eq!(rate.allow(5).await, 2);
        manual.advance(Duration::from_secs(60));
        assert_eq!(rate.allow(100).await, 10);
        manual.advance(Duration::from_millis(100));
        assert_eq!(rate.allow(100).await, 1);
    }
}
