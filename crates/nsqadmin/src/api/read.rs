//! What is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use nsq_clusterinfo::merge::{ALL_NODES, ChannelStats, Node, Origin, TopicStats};
use nsq_clusterinfo::wire::{NodeEntry, NodeStats};
use nsq_clusterinfo::{Scope, wire};
use nsq_http::{ApiError, Params, Parts, Path, Response, State, StatusCode};
use serde::Serialize;

use super::{answer, upstream_error};
use crate::daemon::Admin;

type Daemon = State<Arc<Admin>>;

#[derive(Serialize)]
struct Topics<T> {
    topics: T,
}

/// The names of all topics, or with `inactive=true` those that nobody has, with their channels.
pub(super) async fn topics(State(admin): Daemon, parts: Parts) -> Result<Response, ApiError> {
    let params = Params::parse(parts.uri.query())
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let failed = |failed| upstream_error("get topics", &failed);
    let mut warnings = Vec::new();
    if params.get("inactive").as_deref() == Some("true") {
        let topics = admin
            .cluster()
            .inactive_topics()
            .await
            .map_err(failed)?
            .collect(&mut warnings);
        return Ok(answer(Topics { topics }, &warnings));
    }
    let topics = admin
        .cluster()
        .topics()
        .await
        .map_err(failed)?
        .collect(&mut warnings);
    Ok(answer(Topics { topics }, &warnings))
}

/// Statistics of those who have a topic, each with its origin.
async fn stats_of(
    admin: &Admin,
    scope: Scope<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<(Origin, NodeStats)>, ApiError> {
    let cluster = admin.cluster();
    let producers = cluster
        .producers(scope.topic)
        .await
        .map_err(|failed| upstream_error("get topic producers", &failed))?
        .collect(warnings);
    let addresses: Vec<_> = producers.iter().map(NodeEntry::http_address).collect();
    let stats = cluster
        .stats(&addresses, scope)
        .await
        .map_err(|failed| {
            let what = if scope.channel.is_empty() {
                "topic"
            } else {
                "channel"
            };
            upstream_error(format_args!("get {what} metadata"), &failed)
        })?
        .collect(warnings);
    let now_s = admin.now_s();
    let with_origin = stats
        .into_iter()
        .filter_map(|(at, stats)| Some((Origin::of(producers.get(at)?, now_s), stats)));
    Ok(with_origin.collect())
}

/// A topic, merged of all who have it.
pub(super) async fn topic(State(admin): Daemon, Path(topic): Path<String>) -> Result<Response, ApiError> {
    let mut warnings = Vec::new();
    let scope = Scope {
        topic: &topic,
        ..Scope::default()
    };
    let stats = stats_of(&admin, scope, &mut warnings).await?;
    let topics = stats.into_iter().flat_map(|(origin, stats)| {
        let wanted = stats.topics.into_iter().filter(|known| known.topic_name == topic);
        wanted
            .map(|known| TopicStats::of(known, &origin))
            .collect::<Vec<_>>()
    });
    let merged = TopicStats::merge(topics.collect()).unwrap_or_else(|| TopicStats {
        node: ALL_NODES.to_owned(),
        topic_name: topic.clone(),
        ..TopicStats::default()
    });
    Ok(answer(merged, &warnings))
}

/// A channel, merged of all who have it.
pub(super) async fn channel(
    State(admin): Daemon,
    Path((topic, channel)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let mut warnings = Vec::new();
    let scope = Scope {
        topic: &topic,
        channel: &channel,
        clients: true,
    };
    let stats = stats_of(&admin, scope, &mut warnings).await?;
    let channels = stats.into_iter().flat_map(|(origin, stats)| {
        let wanted = stats.topics.into_iter().filter(|known| known.topic_name == topic);
        let channels = wanted.flat_map(|known| TopicStats::of(known, &origin).channels.unwrap_or_default());
        channels
            .filter(|known| known.channel_name == channel)
            .collect::<Vec<_>>()
    });
    let merged = ChannelStats::merge(channels.collect()).ok_or(ApiError::not_found("CHANNEL_NOT_FOUND"))?;
    Ok(answer(merged, &warnings))
}

#[derive(Serialize)]
struct Nodes {
    nodes: Vec<Node>,
}

/// All nodes.
pub(super) async fn nodes(State(admin): Daemon) -> Result<Response, ApiError> {
    let mut warnings = Vec::new();
    let nodes = all_nodes(&admin, &mut warnings).await?;
    Ok(answer(Nodes { nodes }, &warnings))
}

async fn all_nodes(admin: &Admin, warnings: &mut Vec<String>) -> Result<Vec<Node>, ApiError> {
    let nodes = admin.cluster().nodes().await;
    Ok(nodes
        .map_err(|failed| upstream_error("get nodes", &failed))?
        .collect(warnings))
}

fn origin_of(node: &Node, now_s: i64) -> Origin {
    Origin {
        node: node.http_address(),
        hostname: node.hostname.clone(),
        region: node.topology_region.clone(),
        zone: node.topology_zone.clone(),
        now_s,
    }
}

#[derive(Serialize)]
struct OneNode {
    node: String,
    topics: Vec<TopicStats>,
    total_messages: i64,
    total_clients: usize,
}

/// What one node has.
pub(super) async fn node(State(admin): Daemon, Path(node): Path<String>) -> Result<Response, ApiError> {
    let mut warnings = Vec::new();
    let nodes = all_nodes(&admin, &mut warnings).await?;
    let known = nodes
        .iter()
        .find(|known| known.http_address() == node)
        .ok_or(ApiError::not_found("NODE_NOT_FOUND"))?;
    let scope = Scope {
        clients: true,
        ..Scope::default()
    };
    let stats = admin
        .cluster()
        .stats(std::slice::from_ref(&node), scope)
        .await
        .map_err(|failed| upstream_error("get nsqd stats", &failed))?
        .collect(&mut warnings);
    let origin = origin_of(known, admin.now_s());
    let topics = stats.into_iter().flat_map(|(_, stats)| stats.topics);
    let topics: Vec<_> = topics.map(|topic| TopicStats::of(topic, &origin)).collect();
    let channels = || {
        topics
            .iter()
            .filter_map(|topic| topic.channels.as_ref())
            .flatten()
    };
    let answered = OneNode {
        total_messages: topics.iter().map(|topic| topic.message_count).sum(),
        total_clients: channels()
            .map(|channel| channel.clients.as_ref().map_or(0, Vec::len))
            .sum(),
        node,
        topics,
    };
    Ok(answer(answered, &warnings))
}

#[derive(Serialize)]
struct Counter {
    stats: BTreeMap<String, Entry>,
}

#[derive(Serialize)]
struct Entry {
    node: String,
    topic_name: String,
    channel_name: String,
    message_count: i64,
}

/// The messages of every channel of every node.
pub(super) async fn counter(State(admin): Daemon) -> Result<Response, ApiError> {
    let mut warnings = Vec::new();
    let nodes = all_nodes(&admin, &mut warnings).await?;
    let addresses: Vec<_> = nodes.iter().map(Node::http_address).collect();
    let all = admin
        .cluster()
        .stats(&addresses, Scope::default())
        .await
        .map_err(|failed| upstream_error("get nsqd stats", &failed))?
        .collect(&mut warnings);
    let mut stats = BTreeMap::new();
    for (at, node_stats) in all {
        let Some(node) = addresses.get(at) else {
            continue;
        };
        for (topic, channel) in channels_of(node_stats) {
            let entry = Entry {
                node: node.clone(),
                message_count: channel.message_count,
                topic_name: topic,
                channel_name: channel.channel_name,
            };
            stats.insert(
                format!("{}:{}:{node}", entry.topic_name, entry.channel_name),
                entry,
            );
        }
    }
    Ok(answer(Counter { stats }, &warnings))
}

fn channels_of(stats: NodeStats) -> impl Iterator<Item = (String, wire::Channel)> {
    stats.topics.into_iter().flat_map(|topic| {
        let name = topic.topic_name;
        topic
            .channels
            .into_iter()
            .map(move |channel| (name.clone(), channel))
    })
}
