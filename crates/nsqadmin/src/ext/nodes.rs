//! `nodes` and `nodes/{node}`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use nsq_clusterinfo::Version;
use nsq_http::{Path, Response, State};
use serde_json::{Value, json};

use super::answer::{Refusal, enveloped, millis, rate, respond};
use super::clients::{connections, producers};
use super::entity::{channel_fields, nearest, problems_of};
use super::table::whole;
use crate::daemon::Admin;
use crate::health::{Entity, Severity};
use crate::snapshot::{ChannelRates, Node, TopicRates, View, find_channel, find_topic, is_ephemeral};

pub(super) async fn nodes(State(admin): State<Arc<Admin>>) -> Response {
    let view = admin.collector.watch(false).await;
    let nodes: Vec<_> = view.nodes.iter().map(|node| row(&admin, &view, node)).collect();
    enveloped(&view, json!({ "nodes": nodes }))
}

pub(super) async fn node(State(admin): State<Arc<Admin>>, Path(address): Path<String>) -> Response {
    let view = admin.collector.watch(true).await;
    respond(node_of(&admin, &view, &address))
}

fn node_of(admin: &Admin, view: &View, address: &str) -> Result<Response, Refusal> {
    let node = view.node(address).ok_or_else(|| {
        let names: Vec<_> = view.nodes.iter().map(Node::address).collect();
        let nearest = nearest(address, names.iter().map(String::as_str));
        Refusal::not_found("NODE_NOT_FOUND", format!("There is no nsqd {address}."), nearest)
    })?;
    let consumers: Vec<_> = connections(view, |_, _| true)
        .into_iter()
        .filter(|it| it.is_on(address))
        .collect();
    let publishers: Vec<_> = producers(view, |_| true)
        .into_iter()
        .filter(|it| it.is_on(address))
        .collect();
    let data = json!({
        "node": row(admin, view, node),
        "topics": topics(view, node),
        "connections": whole(&consumers),
        "producers": whole(&publishers),
        "safe_to_stop": safe_to_stop(view, node),
        "problems": problems_of(admin, |entity| matches!(entity, Entity::Nsqd(known) if known == address)),
    });
    Ok(enveloped(view, data))
}

/// What a node holds, added up.
#[derive(Default)]
struct Sums {
    topics: usize,
    channels: usize,
    consumers: i64,
    depth: i64,
    disk_depth: i64,
    in_flight: i64,
    deferred: i64,
    messages: i64,
    publish: Option<f64>,
    out: Option<f64>,
}

impl Sums {
    fn of(node: &Node) -> Self {
        let mut sums = Self::default();
        let Some(sample) = &node.current else {
            return sums;
        };
        let base = node.base.as_deref();
        let window = base.map_or(Duration::ZERO, |base| sample.at - base.at);
        let mut topic_rates = TopicRates::default();
        let mut channel_rates = ChannelRates::default();
        for topic in &sample.stats.topics {
            let before = base.and_then(|base| find_topic(&base.stats, &topic.topic_name));
            topic_rates.add(TopicRates::between(before, topic, window));
            sums.topics += 1;
            sums.depth += topic.depth;
            sums.disk_depth += topic.backend_depth;
            sums.messages += topic.message_count;
            for channel in &topic.channels {
                let before = before.and_then(|topic| find_channel(topic, &channel.channel_name));
                channel_rates.add(ChannelRates::between(before, channel, window));
                sums.channels += 1;
                sums.consumers += channel.client_count;
                sums.depth += channel.depth;
                sums.disk_depth += channel.backend_depth;
                sums.in_flight += channel.in_flight_count;
                sums.deferred += channel.deferred_count;
            }
        }
        (sums.publish, sums.out) = (topic_rates.publish, channel_rates.out);
        sums
    }
}

fn row(admin: &Admin, view: &View, node: &Node) -> Value {
    let address = node.address();
    let info = &node.info;
    let sums = Sums::of(node);
    let trouble = node.status.trouble(view.now);
    let stats = node.current.as_ref().map(|sample| &sample.stats);
    let known_to: Vec<_> = view
        .nsqlookupds
        .iter()
        .filter(|it| it.nodes.iter().any(|entry| entry.http_address() == address))
        .map(|it| it.address.as_str())
        .collect();
    let tombstones: Vec<_> = info
        .topics
        .iter()
        .flatten()
        .filter(|it| it.tombstoned)
        .map(|it| it.topic.as_str())
        .collect();
    let problem = admin.collector.problems().worst(&format!("node:{address}"));
    let since = node.status.trouble_since_ms(view.now, view.at_ms);
    json!({
        "node": address, "hostname": info.hostname, "broadcast_address": info.broadcast_address,
        "tcp_port": info.tcp_port, "http_port": info.http_port, "version": info.version,
        "out_of_date": Version::parse(&info.version) < Version::parse(&view.newest), "newest": view.newest,
        "region": info.topology_region, "zone": info.topology_zone,
        "ok": trouble.is_none(), "since": trouble.as_ref().and(since), "error": trouble,
        "last_ok": node.status.last_ok_ms, "latency_ms": millis(node.status.latency),
        "health": stats.map(|stats| stats.health.as_str()),
        "started_at": stats.map(|stats| stats.start_time * 1000),
        "known_to": known_to, "known_to_of": view.nsqlookupds.len(), "remote_addresses": info.remote_addresses,
        "topics": sums.topics, "channels": sums.channels, "consumers": sums.consumers,
        "producers": node.clients.as_ref().map(|clients| clients.producers.len()),
        "depth": sums.depth, "memory_depth": sums.depth - sums.disk_depth, "disk_depth": sums.disk_depth,
        "in_flight": sums.in_flight, "deferred": sums.deferred, "messages": sums.messages,
        "publish_rate": rate(sums.publish), "out_rate": rate(sums.out),
        "heap_bytes": stats.and_then(|stats| stats.memory).map(|memory| memory.heap_in_use_bytes),
        "memory": stats.and_then(|stats| stats.memory),
        "tombstones": tombstones, "problem": problem.map_or("", Severity::word),
    })
}

fn topics(view: &View, node: &Node) -> Vec<Value> {
    let Some(sample) = &node.current else {
        return Vec::new();
    };
    let base = node.base.as_deref();
    let window = base.map_or(Duration::ZERO, |base| sample.at - base.at);
    let is_tombstoned = |name: &str| {
        node.info
            .topics
            .iter()
            .flatten()
            .any(|it| it.topic == name && it.tombstoned)
    };
    let topics = sample.stats.topics.iter().map(|topic| {
        let before = base.and_then(|base| find_topic(&base.stats, &topic.topic_name));
        let rates = TopicRates::between(before, topic, window);
        let channels = topic.channels.iter().map(|channel| {
            let before = before.and_then(|topic| find_channel(topic, &channel.channel_name));
            let rates = ChannelRates::between(before, channel, window);
            let mut fields = channel_fields(channel, rates, &view.quantiles);
            if let Value::Object(fields) = &mut fields {
                fields.insert("channel".to_owned(), channel.channel_name.as_str().into());
            }
            fields
        });
        let waiting: i64 = topic.channels.iter().map(|channel| channel.depth).sum();
        json!({
            "topic": topic.topic_name, "paused": topic.paused, "tombstoned": is_tombstoned(&topic.topic_name),
            "depth": topic.depth, "memory_depth": topic.depth - topic.backend_depth,
            "disk_depth": topic.backend_depth, "backlog": topic.depth + waiting,
            "messages": topic.message_count, "message_bytes": topic.message_bytes,
            "publish_rate": rate(rates.publish), "publish_bytes_rate": rate(rates.bytes),
            "channels": channels.collect::<Vec<_>>(),
        })
    });
    topics.collect()
}

/// What would be missed, or lost, if the node were stopped.
fn safe_to_stop(view: &View, node: &Node) -> Value {
    let address = node.address();
    let sums = Sums::of(node);
    let mut only_here = Vec::new();
    let mut ephemeral = Vec::new();
    for topic in node.current.iter().flat_map(|sample| &sample.stats.topics) {
        let topic_name = &topic.topic_name;
        if is_ephemeral(topic_name) && topic.depth > 0 {
            ephemeral.push(topic_name.clone());
        }
        for channel in &topic.channels {
            let name = &channel.channel_name;
            let row = view.channel(topic_name, name);
            if is_ephemeral(name) || is_ephemeral(topic_name) {
                if channel.depth + channel.in_flight_count + channel.deferred_count > 0 {
                    ephemeral.push(format!("{topic_name}/{name}"));
                }
            } else if row.is_some_and(|row| row.nodes == 1) {
                only_here.push(format!("{topic_name}/{name}"));
            }
        }
    }
    let all = connections(view, |_, _| true);
    let elsewhere: BTreeSet<_> = all
        .iter()
        .filter(|it| !it.is_on(&address))
        .map(|it| (it.place().0, it.place().1, it.client_id()))
        .collect();
    let only_connected_here = all
        .iter()
        .filter(|it| it.is_on(&address))
        .filter(|it| !elsewhere.contains(&(it.place().0, it.place().1, it.client_id())))
        .count();
    let holds = sums.depth + sums.in_flight + sums.deferred;
    json!({
        "safe": holds == 0 && only_here.is_empty() && ephemeral.is_empty() && only_connected_here == 0,
        "messages": sums.depth, "in_flight": sums.in_flight, "deferred": sums.deferred,
        "only_here": only_here, "ephemeral": ephemeral, "clients_only_here": only_connected_here,
    })
}
