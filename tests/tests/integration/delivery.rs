//! What happens to a message between its publication and its end, seen by consumers and in the statistics.

mod counters;
mod deferred;
mod delete;
mod disconnect;
mod empty;
mod ephemeral;
mod fan_out;
mod message_id;
mod order;
mod pause;
mod requeue;
mod sample_rate;
mod timeout;
mod topology;
mod touch;

use std::ops::Range;
use std::time::Duration;

use nsq_tests::Message;

/// How late the original may notice that something is due on a channel younger than its refresh interval of five
/// seconds, and what a busy machine adds. What this nsqd promises beyond it is tested where it is promised.
const SCAN: Duration = Duration::from_secs(7);

/// The bodies of messages as sorted text, for deliveries whose order is not promised.
pub(crate) fn sorted_bodies(messages: &[Message]) -> Vec<&str> {
    let mut bodies: Vec<_> = messages.iter().map(Message::text).collect();
    bodies.sort_unstable();
    bodies
}

/// The bodies of messages as text.
pub(crate) fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(Message::text).collect()
}

/// Never early, and late by at most a queue scan.
fn due_after(delay: Duration) -> Range<Duration> {
    delay..delay + SCAN
}

/// Never early, and late only by what a busy machine adds.
fn on_time_after(delay: Duration) -> Range<Duration> {
    delay..delay + Duration::from_millis(700)
}
