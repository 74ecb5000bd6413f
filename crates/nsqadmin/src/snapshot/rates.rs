//! How fast counters move, from one sample of a node to a later one.
//!
//! Deltas are taken per node and then added up. A counter that has fallen says nothing: the topic was deleted and made
//! anew meanwhile.

use std::time::Duration;

use nsq_clusterinfo::wire::{Channel, Topic};

/// Per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TopicRates {
    pub(crate) publish: Option<f64>,
    pub(crate) bytes: Option<f64>,
}

/// Per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ChannelRates {
    pub(crate) incoming: Option<f64>,
    /// What left the queue: finished, sampled away, emptied. nsqd counts none of them by channel.
    pub(crate) out: Option<f64>,
    pub(crate) requeue: Option<f64>,
    pub(crate) timeout: Option<f64>,
}

impl TopicRates {
    pub(crate) fn between(base: Option<&Topic>, current: &Topic, window: Duration) -> Self {
        let Some(base) = base else {
            return Self::default();
        };
        let publish = rate(base.message_count, current.message_count, window);
        Self {
            publish,
            bytes: publish.and_then(|_| rate(base.message_bytes, current.message_bytes, window)),
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        add(&mut self.publish, other.publish);
        add(&mut self.bytes, other.bytes);
    }
}

impl ChannelRates {
    pub(crate) fn between(base: Option<&Channel>, current: &Channel, window: Duration) -> Self {
        let Some(base) = base else {
            return Self::default();
        };
        let Some(incoming) = rate(base.message_count, current.message_count, window) else {
            return Self::default();
        };
        let change = change(held(base), held(current), window);
        Self {
            incoming: Some(incoming),
            out: Some((incoming - change).max(0.0)),
            requeue: rate(base.requeue_count, current.requeue_count, window),
            timeout: rate(base.timeout_count, current.timeout_count, window),
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        add(&mut self.incoming, other.incoming);
        add(&mut self.out, other.out);
        add(&mut self.requeue, other.requeue);
        add(&mut self.timeout, other.timeout);
    }
}

fn held(channel: &Channel) -> i64 {
    channel
        .depth
        .saturating_add(channel.in_flight_count)
        .saturating_add(channel.deferred_count)
}

/// The rate of a counter of a client.
pub(crate) fn client_rate(base: i64, current: i64, window: Duration) -> Option<f64> {
    rate(base, current, window)
}

/// Adds what is known to what is known.
pub(super) fn add(sum: &mut Option<f64>, more: Option<f64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0.0) + more);
    }
}

fn rate(base: i64, current: i64, window: Duration) -> Option<f64> {
    (current >= base && !window.is_zero()).then(|| change(base, current, window))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "differences of counters within seconds"
)]
fn change(base: i64, current: i64, window: Duration) -> f64 {
    current.saturating_sub(base) as f64 / window.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn channel(messages: i64, depth: i64, requeued: i64) -> Channel {
        Channel {
            message_count: messages,
            depth,
            requeue_count: requeued,
            ..Channel::default()
        }
    }

    #[test]
    fn what_came_in_and_is_not_there_has_left() {
        let rates = ChannelRates::between(Some(&channel(100, 50, 0)), &channel(200, 30, 5), WINDOW);
        assert_eq!((rates.incoming, rates.out), (Some(10.0), Some(12.0)));
        assert_eq!((rates.requeue, rates.timeout), (Some(0.5), Some(0.0)));
    }

    #[test]
    fn rates_are_never_negative() {
        let grown = ChannelRates::between(Some(&channel(100, 0, 0)), &channel(100, 70, 0), WINDOW);
        assert_eq!(grown.out, Some(0.0));
        let begun_anew = ChannelRates::between(Some(&channel(100, 0, 0)), &channel(5, 0, 0), WINDOW);
        assert_eq!(begun_anew, ChannelRates::default());
    }

    #[test]
    fn without_an_earlier_sample_there_is_no_rate() {
        assert_eq!(
            ChannelRates::between(None, &channel(9, 9, 9), WINDOW),
            ChannelRates::default()
        );
        let mut sum = ChannelRates::default();
        sum.add(ChannelRates::default());
        assert_eq!(sum.out, None);
        sum.add(ChannelRates {
            out: Some(2.0),
            ..ChannelRates::default()
        });
        assert_eq!(sum.out, Some(2.0));
    }
}
