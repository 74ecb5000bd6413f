//! How much counters have grown since the push before.

use std::collections::HashMap;
use std::mem;

use nsq_protocol::name::{ChannelName, TopicName};

/// The counters of a topic that are sent as differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TopicCounts {
    pub(super) messages: u64,
    pub(super) bytes: u64,
}

/// The counters of a channel that are sent as differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ChannelCounts {
    pub(super) messages: u64,
    pub(super) requeues: u64,
    pub(super) timeouts: u64,
}

/// The counters of the last push, by name; all start at 0. What no longer exists is forgotten.
#[derive(Debug, Default)]
pub(super) struct Counters {
    before: HashMap<TopicName, Known>,
    now: HashMap<TopicName, Known>,
    gc_runs_before: u64,
}

#[derive(Debug, Default)]
struct Known {
    counts: TopicCounts,
    channels: HashMap<ChannelName, ChannelCounts>,
}

impl Counters {
    /// Begins a push.
    pub(super) fn begin(&mut self) {
        self.before = mem::take(&mut self.now);
    }

    pub(super) fn topic(&mut self, name: &TopicName, counts: TopicCounts) -> TopicCounts {
        let before = self
            .before
            .get(name)
            .map_or_else(TopicCounts::default, |known| known.counts);
        self.now.entry(name.clone()).or_default().counts = counts;
        TopicCounts {
            messages: growth(before.messages, counts.messages),
            bytes: growth(before.bytes, counts.bytes),
        }
    }

    pub(super) fn channel(
        &mut self,
        topic: &TopicName,
        name: &ChannelName,
        counts: ChannelCounts,
    ) -> ChannelCounts {
        let known = self.before.get(topic);
        let before = known.and_then(|known| known.channels.get(name)).copied();
        let before = before.unwrap_or_default();
        let known = self.now.entry(topic.clone()).or_default();
        known.channels.insert(name.clone(), counts);
        ChannelCounts {
            messages: growth(before.messages, counts.messages),
            requeues: growth(before.requeues, counts.requeues),
            timeouts: growth(before.timeouts, counts.timeouts),
        }
    }

    pub(super) fn gc_runs(&mut self, count: u64) -> u64 {
        growth(mem::replace(&mut self.gc_runs_before, count), count)
    }
}

/// A counter that has shrunk belongs to something that was deleted and created again: all it counts is new.
///
/// # Differs from upstream
/// There the difference is negative then.
fn growth(before: u64, now: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(counters: &mut Counters, topic: &str, messages: u64) -> u64 {
        let counts = TopicCounts { messages, bytes: 0 };
        counters.topic(&TopicName::new(topic).unwrap(), counts).messages
    }

    #[test]
    fn the_first_push_counts_from_the_start_and_the_others_from_the_one_before() {
        let mut counters = Counters::default();
        counters.begin();
        assert_eq!(messages(&mut counters, "t", 5), 5);
        counters.begin();
        assert_eq!(messages(&mut counters, "t", 7), 2);
        counters.begin();
        assert_eq!(messages(&mut counters, "t", 7), 0);
    }

    #[test]
    fn a_topic_that_was_created_again_has_never_less_than_nothing() {
        let mut counters = Counters::default();
        counters.begin();
        messages(&mut counters, "t", 5);
        counters.begin();
        assert_eq!(messages(&mut counters, "t", 2), 2);
    }

    #[test]
    fn what_was_gone_for_a_push_is_forgotten() {
        let mut counters = Counters::default();
        counters.begin();
        messages(&mut counters, "t", 5);
        counters.begin();
        messages(&mut counters, "other", 1);
        counters.begin();
        assert_eq!(messages(&mut counters, "t", 9), 9);
        assert_eq!(counters.now.len(), 1);
    }
}
