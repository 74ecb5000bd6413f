//! Topics.

use std::collections::BTreeMap;

use serde::Serialize;

use super::channel::is_zero;
use super::{ALL_NODES, ChannelStats, LatencyStats, Origin};
use crate::wire::Topic;

/// A topic of one node, or of several.
///
/// Upstream: internal/clusterinfo/types.go, `TopicStats`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names are the keys of the answer")]
pub struct TopicStats {
    /// The HTTP address of the nsqd, or [`ALL_NODES`].
    pub node: String,
    pub hostname: String,
    pub topic_name: String,
    pub depth: i64,
    pub memory_depth: i64,
    pub backend_depth: i64,
    pub message_count: i64,
    pub delivery_msg_count: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub zone_local_msg_count: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub region_local_msg_count: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub global_msg_count: i64,
    /// Of a merged topic: what each node has.
    pub nodes: Option<Vec<TopicStats>>,
    pub channels: Option<Vec<ChannelStats>>,
    pub paused: bool,
    pub e2e_processing_latency: LatencyStats,
}

impl TopicStats {
    /// A topic of one node.
    pub fn of(topic: Topic, origin: &Origin) -> Self {
        let name = topic.topic_name;
        let channels = topic.channels.into_iter();
        let channels = channels
            .map(|channel| ChannelStats::of(channel, &name, origin))
            .collect();
        Self {
            node: origin.node.clone(),
            hostname: origin.hostname.clone(),
            depth: topic.depth,
            memory_depth: topic.depth.saturating_sub(topic.backend_depth),
            backend_depth: topic.backend_depth,
            message_count: topic.message_count,
            nodes: None,
            channels: Some(channels),
            paused: topic.paused,
            e2e_processing_latency: LatencyStats::of(&topic.e2e_processing_latency),
            topic_name: name,
            // nsqd counts deliveries by channel.
            ..Self::default()
        }
    }

    /// Merges what each node has of one topic; `None` if nobody has it.
    pub fn merge(mut topics: Vec<Self>) -> Option<Self> {
        let first = topics.first()?;
        let mut merged = Self {
            node: ALL_NODES.to_owned(),
            topic_name: first.topic_name.clone(),
            e2e_processing_latency: LatencyStats::merged(&first.topic_name, ""),
            ..Self::default()
        };
        let mut channels: BTreeMap<&str, Vec<ChannelStats>> = BTreeMap::new();
        for topic in &topics {
            merged.depth = merged.depth.saturating_add(topic.depth);
            merged.memory_depth = merged.memory_depth.saturating_add(topic.memory_depth);
            merged.backend_depth = merged.backend_depth.saturating_add(topic.backend_depth);
            merged.message_count = merged.message_count.saturating_add(topic.message_count);
            merged.paused |= topic.paused;
            merged.e2e_processing_latency.add(&topic.e2e_processing_latency);
            for channel in topic.channels.iter().flatten() {
                channels
                    .entry(&channel.channel_name)
                    .or_default()
                    .push(channel.clone());
            }
        }
        let channels: Vec<_> = channels.into_values().filter_map(ChannelStats::merge).collect();
        merged.channels = (!channels.is_empty()).then_some(channels);
        topics.sort_by(|left, right| (&left.hostname, &left.node).cmp(&(&right.hostname, &right.node)));
        merged.nodes = Some(topics);
        Some(merged)
    }
}
