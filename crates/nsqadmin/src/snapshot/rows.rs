//! What a table of topics or channels has of each.

use crate::health::Severity;

/// On how many of its nodes something is paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Paused {
    #[default]
    No,
    Some,
    All,
}

impl Paused {
    pub(super) fn of(paused: usize, of: usize) -> Self {
        match paused {
            0 => Self::No,
            paused if paused < of => Self::Some,
            _ => Self::All,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Some => "some",
            Self::All => "all",
        }
    }
}

/// A topic, of all nodes. Rates are per second.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TopicRow {
    pub(crate) topic: String,
    pub(crate) problem: Option<Severity>,
    pub(crate) paused: Paused,
    /// Messages in the topic itself.
    pub(crate) depth: i64,
    pub(crate) disk_depth: i64,
    /// Those and the ones in its channels.
    pub(crate) backlog: i64,
    pub(crate) trend: Option<f64>,
    pub(crate) publish_rate: Option<f64>,
    pub(crate) bytes_rate: Option<f64>,
    pub(crate) messages: i64,
    pub(crate) message_bytes: i64,
    pub(crate) worst_channel: String,
    pub(crate) worst_depth: i64,
    pub(crate) channels: i64,
    pub(crate) consumers: i64,
    /// `None` until clients were asked for.
    pub(crate) producers: Option<i64>,
    pub(crate) nodes: i64,
    pub(crate) nodes_of: i64,
    pub(crate) in_flight: i64,
    pub(crate) deferred: i64,
    pub(crate) out_rate: Option<f64>,
    pub(crate) requeue_rate: Option<f64>,
    pub(crate) timeout_rate: Option<f64>,
    /// By quantile of the view, in nanoseconds; that of the slowest node.
    pub(crate) e2e_ns: Vec<Option<f64>>,
    /// A node's part is old or missing.
    pub(crate) partial: bool,
    /// Registered, and nobody has it.
    pub(crate) inactive: bool,
    /// Nodes that hold messages of it and have no channel for them, with how many.
    pub(crate) stranded: Vec<(String, i64)>,
    /// The state of the snapshot in which it changed last.
    pub(crate) changed: u64,
}

/// A channel, of all nodes. Rates are per second.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ChannelRow {
    pub(crate) topic: String,
    pub(crate) channel: String,
    pub(crate) problem: Option<Severity>,
    pub(crate) paused: Paused,
    pub(crate) depth: i64,
    pub(crate) disk_depth: i64,
    pub(crate) trend: Option<f64>,
    pub(crate) in_flight: i64,
    pub(crate) deferred: i64,
    pub(crate) requeued: i64,
    pub(crate) timed_out: i64,
    pub(crate) messages: i64,
    pub(crate) in_rate: Option<f64>,
    pub(crate) out_rate: Option<f64>,
    pub(crate) requeue_rate: Option<f64>,
    pub(crate) timeout_rate: Option<f64>,
    pub(crate) consumers: i64,
    /// What its consumers are ready for; `None` until clients were asked for.
    pub(crate) rdy: Option<i64>,
    /// How many of them are ready for nothing.
    pub(crate) idle_consumers: i64,
    pub(crate) nodes: i64,
    pub(crate) nodes_of: i64,
    /// Nodes that have the topic and not the channel.
    pub(crate) missing_on: Vec<String>,
    /// Nodes on which messages wait while all its consumers are connected elsewhere, with how many.
    pub(crate) unserved: Vec<(String, i64)>,
    pub(crate) e2e_ns: Vec<Option<f64>>,
    pub(crate) partial: bool,
    pub(crate) changed: u64,
}

impl ChannelRow {
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.topic, self.channel)
    }

    /// How long the last message in the queue will wait, in seconds; -1 for ever, `None` for not at all.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn wait_s(&self) -> Option<f64> {
        let out = self.out_rate?;
        match self.depth {
            0 => None,
            depth if out > 0.0 => Some(depth as f64 / out),
            _ => Some(-1.0),
        }
    }

    /// In-flight messages by what consumers are ready for.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub(crate) fn saturation(&self) -> Option<f64> {
        let rdy = self.rdy.filter(|rdy| *rdy > 0)?;
        Some(self.in_flight as f64 / rdy as f64)
    }
}
