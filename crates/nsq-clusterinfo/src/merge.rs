//! One answer made of those of several nodes, in the JSON shapes of nsqadmin's API.
//!
//! # Differs from upstream
//! There, the channels of a merged topic are those of its first node, into which the others are added; here they are
//! objects of their own. The least latency of a merged quantile is the least one, not that of the last node. Nodes are
//! sorted by address within a host, so that they do not change places between answers.

mod channel;
mod client;
mod latency;
mod node;
#[cfg(test)]
mod tests;
mod topic;

pub use channel::ChannelStats;
pub use client::ClientStats;
pub use latency::{LatencyStats, PercentileStats};

pub use node::{Node, NodeTopic, nodes};
pub use topic::TopicStats;

use crate::wire::NodeEntry;

/// What merged objects have for a node.
pub const ALL_NODES: &str = "*";

/// Where statistics are from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The HTTP address.
    pub node: String,
    /// The name of the machine.
    pub hostname: String,
    /// The region the node is in.
    pub region: String,
    /// The zone the node is in.
    pub zone: String,
    /// Wall time of the answer, Unix seconds, from which the ages of connections are counted.
    pub now_s: i64,
}

impl Origin {
    /// The origin of what `entry` answers.
    pub fn of(entry: &NodeEntry, now_s: i64) -> Self {
        Self {
            node: entry.http_address(),
            hostname: entry.hostname.clone(),
            region: entry.topology_region.clone(),
            zone: entry.topology_zone.clone(),
            now_s,
        }
    }
}
