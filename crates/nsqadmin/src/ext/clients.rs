//! `clients`, `connections` and `producers`: who is connected.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use nsq_clusterinfo::wire::Client;
use nsq_http::{Parts, Response, State};
use serde_json::{Map, Value, json};

use super::answer::{Refusal, enveloped, params, respond};
use super::table::{Cell, Row, TableQuery, select};
use crate::daemon::Admin;
use crate::snapshot::{Node, View, client_rate};

/// A consumer's connection to a node.
pub(super) struct Connection {
    topic: String,
    channel: String,
    node: String,
    client: Client,
    finish_rate: Option<f64>,
    requeue_rate: Option<f64>,
    attributes: Value,
}

/// Connections of one consumer to several nodes: equal client id, host and user agent.
pub(super) struct Group {
    connections: Vec<Connection>,
    /// Nodes that have the channel.
    nodes_of: usize,
    /// Messages that wait on nodes it is not connected to.
    has_gap: bool,
    is_backlogged: bool,
}

/// A producer's connection to a node, and a topic it has published to.
pub(super) struct Producer {
    topic: String,
    node: String,
    client: Client,
    messages: i64,
    publish_rate: Option<f64>,
    attributes: Value,
}

fn attributes(client: &Client, node: &Node) -> Value {
    let mut known = Map::new();
    let mut put = |name: &str, value: Value| {
        known.insert(name.to_owned(), value);
    };
    if client.tls {
        put(
            "tls",
            json!({
                "version": client.tls_version, "cipher": client.tls_cipher_suite,
                "protocol": client.tls_negotiated_protocol, "mutual": client.tls_negotiated_protocol_is_mutual,
            }),
        );
    }
    if client.snappy {
        put("snappy", true.into());
    }
    if client.deflate {
        put("deflate", true.into());
    }
    if client.sample_rate > 0 {
        put("sample_rate", client.sample_rate.into());
    }
    if client.authed {
        put("authed", true.into());
        put("auth_identity", client.auth_identity.as_str().into());
        put("auth_identity_url", client.auth_identity_url.as_str().into());
    }
    if !client.topology_region.is_empty() || !client.topology_zone.is_empty() {
        put("region", client.topology_region.as_str().into());
        put("zone", client.topology_zone.as_str().into());
        let is_in_region = client.topology_region == node.info.topology_region;
        let is_in_zone = is_in_region && client.topology_zone == node.info.topology_zone;
        let locality = match (is_in_zone, is_in_region) {
            (true, _) => "zone",
            (false, true) => "region",
            (false, false) => "global",
        };
        put("locality", locality.into());
    }
    Value::Object(known)
}

/// The consumers of some channels.
pub(super) fn connections(view: &View, wanted: impl Fn(&str, &str) -> bool) -> Vec<Connection> {
    let mut connections = Vec::new();
    for node in &view.nodes {
        let Some(sample) = &node.clients else {
            continue;
        };
        let base = node.clients_base.as_deref();
        let window = base.map_or(Duration::ZERO, |base| sample.at - base.at);
        let before: HashMap<_, _> = base
            .iter()
            .flat_map(|base| &base.consumers)
            .map(|it| ((&it.topic, &it.channel, &it.client.remote_address), &it.client))
            .collect();
        let node_name = node.address();
        for consumer in sample
            .consumers
            .iter()
            .filter(|it| wanted(&it.topic, &it.channel))
        {
            let client = &consumer.client;
            let before = before.get(&(&consumer.topic, &consumer.channel, &client.remote_address));
            let rate = |count: fn(&Client) -> i64| client_rate(count(before?), count(client), window);
            connections.push(Connection {
                topic: consumer.topic.clone(),
                channel: consumer.channel.clone(),
                node: node_name.clone(),
                finish_rate: rate(|client| client.finish_count),
                requeue_rate: rate(|client| client.requeue_count),
                attributes: attributes(client, node),
                client: client.clone(),
            });
        }
    }
    connections.sort_by(|left, right| left.identity().cmp(&right.identity()));
    connections
}

/// The same, grouped.
pub(super) fn groups(view: &View, connections: Vec<Connection>) -> Vec<Group> {
    let mut groups: BTreeMap<[String; 5], Vec<Connection>> = BTreeMap::new();
    for connection in connections {
        let client = &connection.client;
        let identity = [
            connection.topic.clone(),
            connection.channel.clone(),
            client.client_id.clone(),
            client.hostname.clone(),
            client.user_agent.clone(),
        ];
        groups.entry(identity).or_default().push(connection);
    }
    let grouped = groups.into_iter().map(|([topic, channel, ..], connections)| {
        let having: Vec<(String, i64)> = view
            .nodes
            .iter()
            .filter_map(|node| {
                let topic = crate::snapshot::find_topic(&node.current.as_ref()?.stats, &topic)?;
                let channel = crate::snapshot::find_channel(topic, &channel)?;
                Some((node.address(), channel.depth))
            })
            .collect();
        let is_connected = |address: &str| connections.iter().any(|it| it.node == address);
        Group {
            nodes_of: having.len(),
            has_gap: having
                .iter()
                .any(|(node, depth)| *depth > 0 && !is_connected(node)),
            is_backlogged: having.iter().any(|(_, depth)| *depth > 0),
            connections,
        }
    });
    grouped.collect()
}

/// Those who publish to some topics.
pub(super) fn producers(view: &View, wanted: impl Fn(&str) -> bool) -> Vec<Producer> {
    let mut producers = Vec::new();
    for node in &view.nodes {
        let Some(sample) = &node.clients else {
            continue;
        };
        let base = node.clients_base.as_deref();
        let window = base.map_or(Duration::ZERO, |base| sample.at - base.at);
        for client in &sample.producers {
            let before = base.and_then(|base| {
                let same = |it: &&Client| it.remote_address == client.remote_address;
                base.producers.iter().find(same)
            });
            for published in client.pub_counts.iter().filter(|it| wanted(&it.topic)) {
                let before =
                    before.and_then(|it| it.pub_counts.iter().find(|it| it.topic == published.topic));
                producers.push(Producer {
                    topic: published.topic.clone(),
                    node: node.address(),
                    messages: published.count,
                    publish_rate: before
                        .and_then(|before| client_rate(before.count, published.count, window)),
                    attributes: attributes(client, node),
                    client: client.clone(),
                });
            }
        }
    }
    producers.sort_by_cached_key(|it| (it.topic.clone(), it.client.client_id.clone(), it.key()));
    producers
}

impl Connection {
    fn identity(&self) -> [&str; 5] {
        let client = &self.client;
        [
            &self.topic,
            &self.channel,
            &client.client_id,
            &self.node,
            &client.remote_address,
        ]
    }

    fn key(&self) -> String {
        format!(
            "{}/{}@{}@{}",
            self.topic, self.channel, self.node, self.client.remote_address
        )
    }

    pub(super) fn is_on(&self, node: &str) -> bool {
        self.node == node
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client.client_id
    }

    pub(super) fn place(&self) -> (&str, &str, &str) {
        (&self.topic, &self.channel, &self.node)
    }
}

impl Producer {
    fn key(&self) -> String {
        format!("{}@{}@{}", self.topic, self.node, self.client.remote_address)
    }

    pub(super) fn is_on(&self, node: &str) -> bool {
        self.node == node
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client.client_id
    }
}

impl Group {
    fn first(&self) -> Option<&Connection> {
        self.connections.first()
    }

    fn sum(&self, count: fn(&Client) -> i64) -> i64 {
        self.connections.iter().map(|it| count(&it.client)).sum()
    }

    fn rate(&self, rate: fn(&Connection) -> Option<f64>) -> Option<f64> {
        let known: Vec<_> = self.connections.iter().filter_map(rate).collect();
        (!known.is_empty()).then(|| known.iter().sum())
    }

    fn nodes(&self) -> Vec<&str> {
        let mut nodes: Vec<_> = self.connections.iter().map(|it| it.node.as_str()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    #[expect(clippy::cast_precision_loss, reason = "a share")]
    fn saturation(&self) -> Option<f64> {
        let rdy = self.sum(|client| client.ready_count);
        (rdy > 0).then(|| self.sum(|client| client.in_flight_count) as f64 / rdy as f64)
    }

    fn is_backing_off(&self) -> bool {
        self.is_backlogged && self.sum(|client| client.ready_count) == 0
    }

    fn is_saturated(&self) -> bool {
        self.is_backlogged && self.saturation().is_some_and(|share| share >= 0.95)
    }

    fn problem(&self) -> &'static str {
        if self.is_backing_off() || self.is_saturated() || self.has_gap {
            "warn"
        } else {
            ""
        }
    }
}

impl Row for Group {
    const COLS: &'static [&'static str] = &[
        "key",
        "topic",
        "channel",
        "client_id",
        "hostname",
        "user_agent",
        "problem",
        "connections",
        "nodes",
        "nodes_of",
        "in_flight",
        "rdy",
        "saturation",
        "finished",
        "requeued",
        "messages",
        "finish_rate",
        "requeue_rate",
        "connected_at",
        "attributes",
        "node_list",
    ];

    fn cells(&self) -> Vec<Cell> {
        let Some(first) = self.first() else {
            return Vec::new();
        };
        let client = &first.client;
        let nodes = self.nodes();
        let key = [
            &first.topic,
            "/",
            &first.channel,
            "@",
            &client.client_id,
            "@",
            &client.hostname,
            "@",
            &client.user_agent,
        ];
        vec![
            key.concat().into(),
            first.topic.as_str().into(),
            first.channel.as_str().into(),
            client.client_id.as_str().into(),
            client.hostname.as_str().into(),
            client.user_agent.as_str().into(),
            self.problem().into(),
            count(self.connections.len()).into(),
            count(nodes.len()).into(),
            count(self.nodes_of).into(),
            self.sum(|client| client.in_flight_count).into(),
            self.sum(|client| client.ready_count).into(),
            self.saturation().into(),
            self.sum(|client| client.finish_count).into(),
            self.sum(|client| client.requeue_count).into(),
            self.sum(|client| client.message_count).into(),
            self.rate(|it| it.finish_rate).into(),
            self.rate(|it| it.requeue_rate).into(),
            self.connections
                .iter()
                .map(|it| it.client.connect_ts * 1000)
                .min()
                .into(),
            first.attributes.clone().into(),
            Value::from(nodes).into(),
        ]
    }

    fn has_text(&self, text: &str) -> bool {
        self.first().is_some_and(|first| first.has_text(text))
    }

    fn passes(&self, filter: &str) -> Option<bool> {
        Some(match filter {
            "backoff" => self.is_backing_off(),
            "saturated" => self.is_saturated(),
            "gap" => self.has_gap,
            "problems" => !self.problem().is_empty(),
            _ => return None,
        })
    }
}

impl Row for Connection {
    const COLS: &'static [&'static str] = &[
        "key",
        "topic",
        "channel",
        "node",
        "client_id",
        "hostname",
        "user_agent",
        "remote_address",
        "version",
        "in_flight",
        "rdy",
        "finished",
        "requeued",
        "messages",
        "finish_rate",
        "requeue_rate",
        "connected_at",
        "attributes",
    ];

    fn cells(&self) -> Vec<Cell> {
        let client = &self.client;
        let mut cells: Vec<Cell> = vec![
            self.key().into(),
            self.topic.as_str().into(),
            self.channel.as_str().into(),
            self.node.as_str().into(),
        ];
        cells.extend(name_cells(client));
        cells.extend([
            client.version.as_str().into(),
            client.in_flight_count.into(),
            client.ready_count.into(),
            client.finish_count.into(),
            client.requeue_count.into(),
            client.message_count.into(),
            self.finish_rate.into(),
            self.requeue_rate.into(),
            (client.connect_ts * 1000).into(),
            self.attributes.clone().into(),
        ]);
        cells
    }

    fn has_text(&self, text: &str) -> bool {
        is_in(text, [self.topic.as_str(), &self.channel]) || is_in(text, names(&self.client))
    }

    fn passes(&self, filter: &str) -> Option<bool> {
        (filter == "backoff").then_some(self.client.ready_count == 0)
    }
}

impl Row for Producer {
    const COLS: &'static [&'static str] = &[
        "key",
        "topic",
        "node",
        "client_id",
        "hostname",
        "user_agent",
        "remote_address",
        "messages",
        "publish_rate",
        "connected_at",
        "attributes",
    ];

    fn cells(&self) -> Vec<Cell> {
        let client = &self.client;
        let mut cells: Vec<Cell> = vec![
            self.key().into(),
            self.topic.as_str().into(),
            self.node.as_str().into(),
        ];
        cells.extend(name_cells(client));
        cells.extend([
            self.messages.into(),
            self.publish_rate.into(),
            (client.connect_ts * 1000).into(),
            self.attributes.clone().into(),
        ]);
        cells
    }

    fn has_text(&self, text: &str) -> bool {
        is_in(text, [self.topic.as_str()]) || is_in(text, names(&self.client))
    }

    fn passes(&self, _: &str) -> Option<bool> {
        None
    }
}

/// What a client says of itself, and where it is.
fn names(client: &Client) -> [&str; 4] {
    [
        &client.client_id,
        &client.hostname,
        &client.user_agent,
        &client.remote_address,
    ]
}

/// The cells of these names.
fn name_cells(client: &Client) -> impl Iterator<Item = Cell> {
    names(client).map(Cell::from).into_iter()
}

/// Whether `text`, in lower case, is in one of some fields.
fn is_in<'f>(text: &str, fields: impl IntoIterator<Item = &'f str>) -> bool {
    fields
        .into_iter()
        .any(|field| field.to_lowercase().contains(text))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

type Daemon = State<Arc<Admin>>;

pub(super) async fn get_groups(State(admin): Daemon, parts: Parts) -> Response {
    let view = admin.collector.watch(true).await;
    respond(answer(
        &view,
        &parts,
        &groups(&view, connections(&view, |_, _| true)),
    ))
}

pub(super) async fn get_connections(State(admin): Daemon, parts: Parts) -> Response {
    let view = admin.collector.watch(true).await;
    respond(answer(&view, &parts, &connections(&view, |_, _| true)))
}

pub(super) async fn get_producers(State(admin): Daemon, parts: Parts) -> Response {
    let view = admin.collector.watch(true).await;
    respond(answer(&view, &parts, &producers(&view, |_| true)))
}

/// These tables have no deltas: their rows are not remembered from one state to the next.
fn answer<R: Row>(view: &View, parts: &Parts, rows: &[R]) -> Result<Response, Refusal> {
    let query = TableQuery::of(&params(parts)?)?;
    let table = select(rows, &query, |_| None, &[], |_| Vec::new())?;
    Ok(enveloped(view, table))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes_of(client: Value) -> Value {
        let mut node = Node::default();
        (node.info.topology_region, node.info.topology_zone) = ("r1".to_owned(), "z1".to_owned());
        attributes(&serde_json::from_value(client).unwrap(), &node)
    }

    #[test]
    fn attributes_are_those_that_apply() {
        assert_eq!(attributes_of(json!({"client_id": "c"})), json!({}));
        let all = attributes_of(json!({
            "tls": true, "tls_version": "TLS1.3", "tls_cipher_suite": "suite", "tls_negotiated_protocol": "p",
            "tls_negotiated_protocol_is_mutual": true, "snappy": true, "deflate": true, "sample_rate": 42,
            "authed": true, "auth_identity": "joe", "auth_identity_url": "http://joe", "topology_region": "r1",
            "topology_zone": "z2",
        }));
        let wanted = json!({
            "tls": {"version": "TLS1.3", "cipher": "suite", "protocol": "p", "mutual": true}, "snappy": true,
            "deflate": true, "sample_rate": 42, "authed": true, "auth_identity": "joe",
            "auth_identity_url": "http://joe", "region": "r1", "zone": "z2", "locality": "region",
        });
        assert_eq!(all, wanted);
    }

    #[test]
    fn near_is_the_same_zone_of_the_same_region() {
        for (region, zone, locality) in [
            ("r1", "z1", "zone"),
            ("r1", "z2", "region"),
            ("r2", "z1", "global"),
        ] {
            let known = attributes_of(json!({"topology_region": region, "topology_zone": zone}));
            assert_eq!(known["locality"], locality, "{region} {zone}");
        }
    }
}
