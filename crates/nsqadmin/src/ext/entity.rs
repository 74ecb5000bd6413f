//! `topics/{topic}` and `topics/{topic}/{channel}`: everything about one of them.

use std::sync::Arc;
use std::time::Duration;

use nsq_clusterinfo::merge::LatencyStats;
use nsq_clusterinfo::wire::{Channel, QuantileLatency};
use nsq_http::{Path, Response, State};
use serde_json::{Value, json};

use super::answer::{Refusal, enveloped, rate, respond};
use super::clients::{connections, groups, producers};
use super::overview::list;
use super::table::{object, whole};
use crate::daemon::Admin;
use crate::health::{Entity, Problem};
use crate::snapshot::{ChannelRates, Node, TopicRates, View, find_channel, find_topic, is_ephemeral};

/// How many names are offered instead of one that does not exist.
const NEAREST_MAX: usize = 5;

pub(super) async fn topic(State(admin): State<Arc<Admin>>, Path(topic): Path<String>) -> Response {
    let view = admin.collector.watch(true).await;
    respond(topic_of(&admin, &view, &topic))
}

fn topic_of(admin: &Admin, view: &View, topic: &str) -> Result<Response, Refusal> {
    let row = view.topic(topic).ok_or_else(|| topic_not_found(view, topic))?;
    let channels = view.channels_of(topic);
    let nodes: Vec<_> = view
        .nodes
        .iter()
        .filter_map(|node| topic_on_node(view, node, topic))
        .collect();
    let registered = view
        .inactive
        .iter()
        .find(|it| it.topic == topic)
        .map(|it| it.channels.clone());
    let of_topic = connections(view, |known, _| known == topic);
    let data = json!({
        "topic": topic,
        "inactive": row.inactive,
        "ephemeral": is_ephemeral(topic),
        "row": object(row),
        "nodes": nodes,
        "channels": whole(channels),
        "connections": whole(&of_topic),
        "clients": whole(&groups(view, of_topic)),
        "producers": whole(&producers(view, |known| known == topic)),
        "registered_channels": registered.unwrap_or_default(),
        "problems": problems_of(admin, |entity| match entity {
            Entity::Topic(known) | Entity::Channel(known, _) => known == topic,
            _ => false,
        }),
    });
    Ok(enveloped(view, data))
}

pub(super) async fn channel(
    State(admin): State<Arc<Admin>>,
    Path((topic, channel)): Path<(String, String)>,
) -> Response {
    let view = admin.collector.watch(true).await;
    respond(channel_of(&admin, &view, &topic, &channel))
}

fn channel_of(admin: &Admin, view: &View, topic: &str, channel: &str) -> Result<Response, Refusal> {
    view.topic(topic).ok_or_else(|| topic_not_found(view, topic))?;
    let row = view.channel(topic, channel).ok_or_else(|| {
        let names = view.channels_of(topic).iter().map(|row| row.channel.as_str());
        Refusal::not_found(
            "CHANNEL_NOT_FOUND",
            format!("No nsqd has the channel {channel} of the topic {topic}."),
            nearest(channel, names),
        )
    })?;
    let nodes: Vec<_> = view
        .nodes
        .iter()
        .filter_map(|node| channel_on_node(view, node, topic, channel))
        .collect();
    let of_channel = connections(view, |known_topic, known| {
        known_topic == topic && known == channel
    });
    let data = json!({
        "topic": topic,
        "channel": channel,
        "ephemeral": is_ephemeral(channel),
        "row": object(row),
        "is_last": view.channels_of(topic).len() == 1,
        "nodes": nodes,
        "connections": whole(&of_channel),
        "clients": whole(&groups(view, of_channel)),
        "producers": whole(&producers(view, |known| known == topic)),
        "problems": problems_of(admin, |entity| {
            matches!(entity, Entity::Channel(known_topic, known) if known_topic == topic && known == channel)
        }),
    });
    Ok(enveloped(view, data))
}

/// The problems of some entities.
pub(super) fn problems_of(admin: &Admin, wanted: impl Fn(&Entity) -> bool) -> Value {
    let problems = admin.collector.problems();
    let wanted = |problem: &&Problem| wanted(&problem.finding.entity);
    list(problems.list.iter().filter(wanted))
}

fn topic_not_found(view: &View, topic: &str) -> Refusal {
    let names = view.topics.iter().map(|row| row.topic.as_str());
    Refusal::not_found(
        "TOPIC_NOT_FOUND",
        format!("Nobody knows a topic {topic}."),
        nearest(topic, names),
    )
}

/// What is true of a node whatever page it is on.
fn node_head(view: &View, node: &Node) -> Value {
    let trouble = node.status.trouble(view.now);
    json!({
        "node": node.address(), "hostname": node.info.hostname, "ok": trouble.is_none(), "error": trouble,
        "at": node.current.as_ref().map(|sample| sample.at_ms),
    })
}

/// Adds the fields of `more` to an object.
fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut object, more) {
        fields.extend(more);
    }
    object
}

/// What a node has of a topic; `None` if it has not and should not.
fn topic_on_node(view: &View, node: &Node, name: &str) -> Option<Value> {
    let registered = node.info.topics.iter().flatten().find(|it| it.topic == name);
    let sample = node.current.as_deref();
    let topic = sample.and_then(|sample| find_topic(&sample.stats, name));
    let head = with(
        node_head(view, node),
        json!({"tombstoned": registered.is_some_and(|it| it.tombstoned)}),
    );
    let Some((topic, sample)) = topic.zip(sample) else {
        // Registered, and nothing is known: the node does not answer, or has not been asked yet.
        return registered.map(|_| head);
    };
    let base = node.base.as_deref();
    let window = base.map_or(Duration::ZERO, |base| sample.at - base.at);
    let before = base.and_then(|base| find_topic(&base.stats, name));
    let rates = TopicRates::between(before, topic, window);
    let missing: Vec<_> = view
        .channels_of(name)
        .iter()
        .map(|row| row.channel.as_str())
        .filter(|channel| find_channel(topic, channel).is_none())
        .collect();
    let (e2e_ns, e2e_average) = latency(&topic.e2e_processing_latency, &view.quantiles);
    Some(with(
        head,
        json!({
            "paused": topic.paused, "depth": topic.depth, "memory_depth": topic.depth - topic.backend_depth,
            "disk_depth": topic.backend_depth, "messages": topic.message_count,
            "message_bytes": topic.message_bytes, "publish_rate": rate(rates.publish),
            "publish_bytes_rate": rate(rates.bytes), "channels": topic.channels.len(),
            "missing_channels": missing, "e2e_ns": e2e_ns, "e2e_average": e2e_average,
            "backlog": topic.depth + topic.channels.iter().map(|channel| channel.depth).sum::<i64>(),
        }),
    ))
}

/// What a node has of a channel; `None` if it has not the topic either.
fn channel_on_node(view: &View, node: &Node, topic_name: &str, name: &str) -> Option<Value> {
    let head = node_head(view, node);
    let registered = node.info.topics.iter().flatten().any(|it| it.topic == topic_name);
    let sample = node.current.as_deref();
    let topic = sample.and_then(|sample| find_topic(&sample.stats, topic_name));
    let Some((topic, sample)) = topic.zip(sample) else {
        return registered.then(|| with(head, json!({"missing": true})));
    };
    let Some(channel) = find_channel(topic, name) else {
        return Some(with(head, json!({"missing": true})));
    };
    let base = node.base.as_deref();
    let window = base.map_or(Duration::ZERO, |base| sample.at - base.at);
    let before = base
        .and_then(|base| find_topic(&base.stats, topic_name))
        .and_then(|topic| find_channel(topic, name));
    let fields = channel_fields(
        channel,
        ChannelRates::between(before, channel, window),
        &view.quantiles,
    );
    Some(with(with(head, json!({"missing": false})), fields))
}

/// The figures of a channel on one node.
pub(super) fn channel_fields(channel: &Channel, rates: ChannelRates, quantiles: &[f64]) -> Value {
    let (zone, region, global) = (
        channel.zone_local_msg_count,
        channel.region_local_msg_count,
        channel.global_msg_count,
    );
    let delivery =
        (zone + region + global > 0).then(|| json!({"zone": zone, "region": region, "global": global}));
    let (e2e_ns, e2e_average) = latency(&channel.e2e_processing_latency, quantiles);
    json!({
        "paused": channel.paused, "depth": channel.depth, "memory_depth": channel.depth - channel.backend_depth,
        "disk_depth": channel.backend_depth, "in_flight": channel.in_flight_count,
        "deferred": channel.deferred_count, "requeued": channel.requeue_count, "timed_out": channel.timeout_count,
        "messages": channel.message_count, "consumers": channel.client_count, "in_rate": rate(rates.incoming),
        "out_rate": rate(rates.out), "requeue_rate": rate(rates.requeue), "timeout_rate": rate(rates.timeout),
        "delivery": delivery, "e2e_ns": e2e_ns, "e2e_average": e2e_average,
    })
}

/// The latency at each quantile of the view, and upstream's mean of them.
fn latency(latency: &QuantileLatency, quantiles: &[f64]) -> (Vec<Option<f64>>, Vec<Option<f64>>) {
    let stats = LatencyStats::of(latency);
    let at = |quantile: &f64| {
        let percentiles = stats.percentiles.iter().flatten();
        percentiles
            .filter(|_| latency.count > 0)
            .find(|it| it.quantile.total_cmp(quantile).is_eq())
    };
    let values = quantiles
        .iter()
        .map(|quantile| at(quantile).and_then(|it| it.value))
        .collect();
    let averages = quantiles
        .iter()
        .map(|quantile| at(quantile).map(|it| it.average))
        .collect();
    (values, averages)
}

/// Names that begin like `wanted`, or that hold it, or that it holds.
pub(super) fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let common = |name: &str| {
        name.bytes()
            .zip(wanted.bytes())
            .take_while(|(left, right)| left == right)
            .count()
    };
    let mut scored: Vec<_> = names
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let is_inside = lower.contains(&wanted) || wanted.contains(&lower);
            let score = common(&lower) + if is_inside { 64 } else { 0 };
            (score >= 2).then_some((score, name))
        })
        .collect();
    scored.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(right.1)));
    scored
        .into_iter()
        .take(NEAREST_MAX)
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_alike_are_offered() {
        let names = ["orders", "orders.created", "payments", "order", "ordinary"];
        assert_eq!(
            nearest("order", names.into_iter()),
            ["order", "orders", "orders.created", "ordinary"]
        );
        assert_eq!(nearest("ORDERS.CREATE", names.into_iter())[0], "orders.created");
        assert!(nearest("x", names.into_iter()).is_empty());
    }
}
