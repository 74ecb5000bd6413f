//! Channels.

use serde::Serialize;

use super::{ALL_NODES, ClientStats, LatencyStats, Origin, client};
use crate::wire::Channel;

/// A channel of one node, or of several.
///
/// Upstream: internal/clusterinfo/types.go, `ChannelStats`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names are the keys of the answer")]
pub struct ChannelStats {
    /// The HTTP address of the nsqd, or [`ALL_NODES`].
    pub node: String,
    pub hostname: String,
    pub topic_name: String,
    pub channel_name: String,
    pub depth: i64,
    pub memory_depth: i64,
    pub backend_depth: i64,
    pub in_flight_count: i64,
    pub deferred_count: i64,
    pub requeue_count: i64,
    pub timeout_count: i64,
    pub message_count: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub delivery_msg_count: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub zone_local_msg_count: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub region_local_msg_count: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub global_msg_count: i64,
    pub client_count: i64,
    /// Of a merged channel: what each node has.
    pub nodes: Option<Vec<ChannelStats>>,
    /// Consumers, if they were asked for.
    pub clients: Option<Vec<ClientStats>>,
    pub paused: bool,
    pub e2e_processing_latency: LatencyStats,
}

impl ChannelStats {
    pub(super) fn of(channel: Channel, topic: &str, origin: &Origin) -> Self {
        let Channel {
            zone_local_msg_count,
            region_local_msg_count,
            global_msg_count,
            ..
        } = channel;
        Self {
            node: origin.node.clone(),
            hostname: origin.hostname.clone(),
            topic_name: topic.to_owned(),
            channel_name: channel.channel_name,
            depth: channel.depth,
            memory_depth: channel.depth.saturating_sub(channel.backend_depth),
            backend_depth: channel.backend_depth,
            in_flight_count: channel.in_flight_count,
            deferred_count: channel.deferred_count,
            requeue_count: channel.requeue_count,
            timeout_count: channel.timeout_count,
            message_count: channel.message_count,
            delivery_msg_count: zone_local_msg_count
                .saturating_add(region_local_msg_count)
                .saturating_add(global_msg_count),
            zone_local_msg_count,
            region_local_msg_count,
            global_msg_count,
            client_count: channel.client_count,
            nodes: None,
            clients: channel.clients.map(|clients| {
                let mut clients: Vec<_> = clients
                    .into_iter()
                    .map(|client| ClientStats::of(client, origin))
                    .collect();
                client::sort(&mut clients);
                clients
            }),
            paused: channel.paused,
            e2e_processing_latency: LatencyStats::of(&channel.e2e_processing_latency),
        }
    }

    /// Merges what each node has of one channel; `None` if nobody has it.
    pub fn merge(channels: Vec<Self>) -> Option<Self> {
        let first = channels.first()?;
        let mut merged = Self {
            node: ALL_NODES.to_owned(),
            topic_name: first.topic_name.clone(),
            channel_name: first.channel_name.clone(),
            e2e_processing_latency: LatencyStats::merged(&first.topic_name, &first.channel_name),
            ..Self::default()
        };
        let mut clients: Vec<ClientStats> = Vec::new();
        for channel in &channels {
            merged.add(channel);
            clients.extend(channel.clients.iter().flatten().cloned());
        }
        client::sort(&mut clients);
        merged.clients = (!clients.is_empty()).then_some(clients);
        merged.nodes = Some(sorted(channels));
        Some(merged)
    }

    fn add(&mut self, other: &Self) {
        for (own, other) in [
            (&mut self.depth, other.depth),
            (&mut self.memory_depth, other.memory_depth),
            (&mut self.backend_depth, other.backend_depth),
            (&mut self.in_flight_count, other.in_flight_count),
            (&mut self.deferred_count, other.deferred_count),
            (&mut self.requeue_count, other.requeue_count),
            (&mut self.timeout_count, other.timeout_count),
            (&mut self.message_count, other.message_count),
            (&mut self.delivery_msg_count, other.delivery_msg_count),
            (&mut self.zone_local_msg_count, other.zone_local_msg_count),
            (&mut self.region_local_msg_count, other.region_local_msg_count),
            (&mut self.global_msg_count, other.global_msg_count),
            (&mut self.client_count, other.client_count),
        ] {
            *own = own.saturating_add(other);
        }
        self.paused |= other.paused;
        self.e2e_processing_latency.add(&other.e2e_processing_latency);
    }
}

fn sorted(mut channels: Vec<ChannelStats>) -> Vec<ChannelStats> {
    channels.sort_by(|left, right| (&left.hostname, &left.node).cmp(&(&right.hostname, &right.node)));
    channels
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
pub(super) fn is_zero(count: &i64) -> bool {
    *count == 0
}
