//! Plain snapshots for HTTP, statsd and tests. The counters are described in `docs/` and mean what
//! upstream's mean (nsqd/stats.go); all start at zero with the process.

use nsq_protocol::name::{ChannelName, TopicName};

use crate::consumer::ConsumerSnapshot;

/// A topic at one moment.
#[derive(Clone, Debug)]
pub struct TopicSnapshot {
    /// Its name.
    pub name: TopicName,
    /// Messages in its own queue, in memory and on disk: those that have not reached a channel.
    pub depth: u64,
    /// The part of `depth` that is on disk.
    pub backend_depth: u64,
    /// When the message at the front of its own queue was accepted, in nanoseconds since the Unix epoch;
    /// `None` if there is none, or if it is on disk only.
    pub oldest_ns: Option<i64>,
    /// Messages accepted.
    pub message_count: u64,
    /// Their body bytes.
    pub message_bytes: u64,
    /// Whether messages are held back from the channels.
    pub paused: bool,
    /// Its channels, by name.
    pub channels: Vec<ChannelSnapshot>,
    /// End-to-end latency over all its channels.
    pub latency: LatencySnapshot,
}

/// A channel at one moment.
#[derive(Clone, Debug)]
pub struct ChannelSnapshot {
    /// Its name.
    pub name: ChannelName,
    /// Messages that wait to be delivered, in memory and on disk.
    pub depth: u64,
    /// The part of `depth` that is on disk.
    pub backend_depth: u64,
    /// When the message was accepted that is to be delivered next, in nanoseconds since the Unix epoch; `None`
    /// if there is none, or if it is on disk only.
    pub oldest_ns: Option<i64>,
    /// Messages delivered and not answered, including those of consumers that have gone.
    pub in_flight_count: u64,
    /// Messages that wait for their delay to pass.
    pub deferred_count: u64,
    /// Messages received from the topic.
    pub message_count: u64,
    /// Messages taken from memory by consumers of the server's zone.
    pub zone_local_msg_count: u64,
    /// Messages taken from memory by consumers of the server's region.
    pub region_local_msg_count: u64,
    /// Messages taken from memory by other consumers.
    pub global_msg_count: u64,
    /// Successful requeues.
    pub requeue_count: u64,
    /// Messages that timed out.
    pub timeout_count: u64,
    /// FINs of messages that the client did not hold: mostly, of those that had timed out.
    pub late_fin_count: u64,
    /// Its consumers, in the order they came; empty when they were not asked for.
    pub consumers: Vec<ConsumerSnapshot>,
    /// How many consumers there are.
    pub consumer_count: usize,
    /// Whether messages are held back from the consumers.
    pub paused: bool,
    /// End-to-end latency.
    pub latency: LatencySnapshot,
}

/// Time from publishing to FIN, estimated over the window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LatencySnapshot {
    /// Samples in the window.
    pub count: u64,
    /// Quantile and its value in nanoseconds, in the configured order; empty when switched off.
    pub quantiles: Vec<(f64, f64)>,
}
