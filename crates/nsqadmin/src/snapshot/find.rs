//! Topics and channels by name.

use nsq_clusterinfo::wire::{Channel, NodeStats, Topic};
use nsq_protocol::name::EPHEMERAL_SUFFIX;

/// Whether a topic or channel vanishes with its last user.
pub(crate) fn is_ephemeral(name: &str) -> bool {
    name.ends_with(EPHEMERAL_SUFFIX)
}

/// Sorts what is searched by name. nsqd answers it so; others may not.
pub(super) fn sort(stats: &mut NodeStats) {
    stats
        .topics
        .sort_by(|left, right| left.topic_name.cmp(&right.topic_name));
    for topic in &mut stats.topics {
        topic
            .channels
            .sort_by(|left, right| left.channel_name.cmp(&right.channel_name));
    }
}

/// A topic of sorted statistics.
pub(crate) fn find_topic<'s>(stats: &'s NodeStats, name: &str) -> Option<&'s Topic> {
    let at = stats
        .topics
        .binary_search_by(|topic| topic.topic_name.as_str().cmp(name))
        .ok()?;
    stats.topics.get(at)
}

/// A channel of a sorted topic.
pub(crate) fn find_channel<'s>(topic: &'s Topic, name: &str) -> Option<&'s Channel> {
    let at = topic
        .channels
        .binary_search_by(|channel| channel.channel_name.as_str().cmp(name))
        .ok()?;
    topic.channels.get(at)
}
