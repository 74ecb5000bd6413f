//! Snapshots that are made bit by bit.

use std::sync::Arc;
use std::vec;

use nsq_protocol::name::ChannelName;

use super::Topic;
use crate::channel::Channel;
use crate::core::Core;
use crate::quantile::Histogram;
use crate::stats::{ChannelSnapshot, LatencySnapshot, TopicSnapshot};

/// A snapshot of a topic in the making. It gives those of the wanted channels, by name, each taken when it is asked
/// for: there may be ten thousand, and who takes them can let others have the thread in between.
///
/// The topic's own values are those of the beginning, except for the latency, which is over all channels.
#[derive(Debug)]
pub struct Survey<W> {
    core: Arc<Core>,
    topic: TopicSnapshot,
    rest: vec::IntoIter<Arc<Channel>>,
    wanted: W,
    include_consumers: bool,
    /// Over the channels so far; `None` if nothing is measured.
    latency: Option<Histogram>,
}

impl Topic {
    /// Begins a snapshot of the topic and of the channels that `wanted` accepts; of each consumer only if asked for.
    pub fn survey<W: Fn(&ChannelName) -> bool>(&self, include_consumers: bool, wanted: W) -> Survey<W> {
        let state = self.state.lock();
        let channels: Vec<_> = state.channels.values().map(Arc::clone).collect();
        let is_measured = !self.core.options.latency_quantiles.is_empty() && !channels.is_empty();
        Survey {
            core: Arc::clone(&self.core),
            topic: TopicSnapshot {
                name: self.name.clone(),
                depth: state.queue.depth(),
                backend_depth: state.queue.backend_depth(),
                oldest_ns: state.queue.oldest_ns(),
                message_count: state.message_count,
                message_bytes: state.message_bytes,
                paused: state.paused,
                channels: Vec::new(),
                latency: LatencySnapshot::default(),
            },
            rest: channels.into_iter(),
            wanted,
            include_consumers,
            latency: is_measured.then(Histogram::default),
        }
    }

    /// A snapshot of the topic and of the channels that `wanted` accepts, in one go; of each consumer only if asked
    /// for.
    pub fn snapshot(&self, include_consumers: bool, wanted: impl Fn(&ChannelName) -> bool) -> TopicSnapshot {
        let mut survey = self.survey(include_consumers, wanted);
        let channels = survey.by_ref().collect();
        TopicSnapshot {
            channels,
            ..survey.finish()
        }
    }
}

impl<W: Fn(&ChannelName) -> bool> Iterator for Survey<W> {
    type Item = ChannelSnapshot;

    fn next(&mut self) -> Option<ChannelSnapshot> {
        for channel in self.rest.by_ref() {
            let mut own = Histogram::default();
            if let Some(total) = &mut self.latency {
                channel.add_latency(&mut own);
                total.merge(&own);
            }
            if (self.wanted)(channel.name()) {
                let mut snapshot = channel.snapshot(self.include_consumers);
                snapshot.latency = own.snapshot(&self.core.options.latency_quantiles);
                return Some(snapshot);
            }
        }
        None
    }
}

impl<W> Survey<W> {
    /// The topic itself, without its channels. The latency is over those that were asked for.
    pub fn finish(mut self) -> TopicSnapshot {
        if let Some(total) = self.latency.take() {
            self.topic.latency = total.snapshot(&self.core.options.latency_quantiles);
        }
        self.topic
    }
}
