//! Upstream's columns: one row per interval, over all nodes.

use std::time::Duration;

use nsq_clusterinfo::merge::ChannelStats;

/// What stands above the rows.
pub(super) const HEADER: &str = "\
------rate------+----------------depth----------------+--------------metadata---------------
ingress  egress |   total     mem    disk inflt   def |     req     t-o         msgs clients
";

/// Rows between two headers, so that one is always on the screen.
pub(super) const ROWS_PER_HEADER: u64 = 25;

/// The row of what changed from `before` to `now` in `interval`.
///
/// Upstream: `apps/nsq_stat/nsq_stat.go`, `statLoop`.
pub(super) fn row(before: &ChannelStats, now: &ChannelStats, interval: Duration) -> String {
    let messages = now.message_count.saturating_sub(before.message_count);
    let grown = now.depth.saturating_sub(before.depth);
    format!(
        "{:7} {:7} | {:7} {:7} {:7} {:5} {:5} | {:7} {:7} {:12} {:7}\n",
        per_second(messages, interval),
        per_second(messages.saturating_sub(grown), interval),
        now.depth,
        now.memory_depth,
        now.backend_depth,
        now.in_flight_count,
        now.deferred_count,
        now.requeue_count,
        now.timeout_count,
        now.message_count,
        now.client_count,
    )
}

/// Whole messages per second, towards zero.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a rate, computed as upstream does; what does not fit saturates"
)]
pub(super) fn per_second(count: i64, interval: Duration) -> i64 {
    (count as f64 / interval.as_secs_f64()) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    // Captured from the original.
    #[test]
    fn a_row_stands_below_its_header() {
        let before = ChannelStats {
            depth: 25,
            message_count: 25,
            ..ChannelStats::default()
        };
        let now = ChannelStats {
            depth: 50,
            memory_depth: 10,
            backend_depth: 40,
            message_count: 50,
            ..ChannelStats::default()
        };
        assert_eq!(
            row(&before, &now, Duration::from_secs(1)),
            "     25       0 |      50      10      40     0     0 |       0       0           50       0\n"
        );
        assert_eq!(
            HEADER.lines().last().map(str::len),
            Some(row(&before, &now, Duration::from_secs(1)).len() - 1)
        );
    }

    #[test]
    fn rates_are_cut_and_may_be_negative() {
        assert_eq!(per_second(5, Duration::from_secs(2)), 2);
        assert_eq!(per_second(-5, Duration::from_secs(2)), -2);
        assert_eq!(per_second(1, Duration::from_millis(10)), 100);
    }
}
