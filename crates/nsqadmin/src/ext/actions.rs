//! `actions`: changing topics and channels, or first seeing what would be lost.
//!
//! Processes are asked for their present numbers before they are changed, all at once. One that does not answer is part
//! of the answer, and is not asked again for the other targets.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::join_all;
use nsq_clusterinfo::wire::{Channel, NodeStats, Topic};
use nsq_clusterinfo::{Asker, QueryError, Scope, escape};
use nsq_http::{HandlerBody, Parts, Response, State, StatusCode, read_body};
use nsq_protocol::name::{ChannelName, TopicName};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Refusal, enveloped, require_ui, respond};
use super::clients::producers;
use crate::caller::Caller;
use crate::daemon::Admin;
use crate::notify;
use crate::snapshot::View;

/// A target is two names and an address.
const BODY_SIZE_MAX: usize = 256 << 10;

const TARGETS_MAX: usize = 500;

/// How many targets are dealt with at once.
const TARGETS_AT_ONCE: usize = 16;

/// How many names of clients are shown of each target.
const NAMES_MAX: usize = 20;

#[derive(Debug, Deserialize)]
struct Order {
    action: Verb,
    targets: Vec<Target>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Pause,
    Unpause,
    Empty,
    Delete,
    Create,
    Tombstone,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Unpause => "unpause",
            Self::Empty => "empty",
            Self::Delete => "delete",
            Self::Create => "create",
            Self::Tombstone => "tombstone",
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Target {
    topic: String,
    #[serde(default)]
    channel: String,
    /// Only this node; empty for all that have it.
    #[serde(default)]
    node: String,
}

impl Target {
    fn check(&self, verb: Verb) -> Result<(), Refusal> {
        let Self { topic, channel, node } = self;
        if TopicName::new(topic).is_err() {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "INVALID_TOPIC",
                format!("{topic:?} is no name."),
            ));
        }
        if !channel.is_empty() && ChannelName::new(channel).is_err() {
            let detail = format!("{channel:?} is no name.");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_CHANNEL", detail));
        }
        if verb == Verb::Tombstone && (node.is_empty() || !channel.is_empty()) {
            return Err(Refusal::invalid("A tombstone is for a topic on one node."));
        }
        Ok(())
    }

    /// What upstream calls such a change in notifications.
    fn notification(&self, verb: Verb) -> String {
        let kind = if self.channel.is_empty() {
            "topic"
        } else {
            "channel"
        };
        match verb {
            Verb::Tombstone => "tombstone_topic_producer".to_owned(),
            verb => format!("{}_{kind}", verb.word()),
        }
    }

    /// The path that makes the change at a process.
    fn path(&self, verb: Verb) -> String {
        let kind = if self.channel.is_empty() {
            "topic"
        } else {
            "channel"
        };
        let verb = if verb == Verb::Tombstone {
            Verb::Delete
        } else {
            verb
        };
        format!("{kind}/{}", verb.word())
    }

    fn query(&self) -> String {
        let mut query = format!("topic={}", escape(&self.topic));
        if !self.channel.is_empty() {
            query.push_str("&channel=");
            query.push_str(&escape(&self.channel));
        }
        query
    }
}

pub(super) async fn actions(State(admin): State<Arc<Admin>>, parts: Parts, body: HandlerBody) -> Response {
    respond(act(&admin, &parts, body).await)
}

async fn act(admin: &Arc<Admin>, parts: &Parts, body: HandlerBody) -> Result<Response, Refusal> {
    require_ui(parts)?;
    let caller = Caller(parts);
    if !admin.is_admin(caller) {
        return Err(Refusal::forbidden("Read only: ask an admin (see --admin-user)."));
    }
    let body = read_body(body, BODY_SIZE_MAX)
        .await
        .map_err(|error| Refusal::invalid(error.to_string()))?;
    let order: Order = serde_json::from_slice(&body).map_err(|error| Refusal::invalid(error.to_string()))?;
    if order.targets.is_empty() || order.targets.len() > TARGETS_MAX {
        return Err(Refusal::invalid(format!(
            "targets are needed, at most {TARGETS_MAX}"
        )));
    }
    let view = admin.collector.view();
    for target in &order.targets {
        target.check(order.action)?;
        if !target.node.is_empty() && view.node(&target.node).is_none() {
            let detail = format!("There is no nsqd {}.", target.node);
            return Err(Refusal::not_found("NODE_NOT_FOUND", detail, Vec::new()));
        }
    }
    let execution = Execution {
        verb: order.action,
        is_dry: order.dry_run,
        asker: Asker::new(admin.client.clone()),
        nsqlookupds: admin.nsqlookupds(),
        view: Arc::clone(&view),
        silent: Mutex::new(HashSet::new()),
    };
    let mut results = Vec::with_capacity(order.targets.len());
    for targets in order.targets.chunks(TARGETS_AT_ONCE) {
        results.extend(join_all(targets.iter().map(|target| execution.target(target))).await);
    }
    if !order.dry_run {
        for target in &order.targets {
            let action = notify::Action {
                verb: &target.notification(order.action),
                topic: &target.topic,
                channel: &target.channel,
                node: &target.node,
            };
            admin.tell(caller, &action);
        }
        admin.collector.hurry();
    }
    let sum = |field: &str| {
        results
            .iter()
            .filter_map(|result| result.get(field)?.as_i64())
            .sum::<i64>()
    };
    let data = json!({
        "dry_run": order.dry_run,
        "ok": results.iter().all(|result| result.get("ok") == Some(&Value::Bool(true))),
        "messages": sum("messages"),
        "clients": sum("clients"),
        "targets": results,
    });
    Ok(enveloped(&view, data))
}

struct Execution {
    verb: Verb,
    is_dry: bool,
    asker: Asker,
    nsqlookupds: Arc<[String]>,
    view: Arc<View>,
    /// Who has not answered within this order.
    silent: Mutex<HashSet<String>>,
}

/// What a node has of a target.
#[derive(Default)]
struct Held {
    depth: i64,
    in_flight: i64,
    deferred: i64,
    clients: i64,
    client_ids: Vec<String>,
}

impl Held {
    fn messages(&self) -> i64 {
        self.depth + self.in_flight + self.deferred
    }

    fn add(&mut self, other: Self) {
        self.depth += other.depth;
        self.in_flight += other.in_flight;
        self.deferred += other.deferred;
        self.clients += other.clients;
        self.client_ids.extend(other.client_ids);
    }

    fn add_channel(&mut self, channel: &Channel) {
        self.depth += channel.depth;
        self.in_flight += channel.in_flight_count;
        self.deferred += channel.deferred_count;
        self.clients += channel.client_count;
        let ids = channel
            .clients
            .iter()
            .flatten()
            .map(|client| client.client_id.clone());
        self.client_ids.extend(ids);
    }
}

impl Execution {
    /// Deals with one target, everywhere.
    async fn target(&self, target: &Target) -> Value {
        let mut nodes: Vec<Value> = Vec::new();
        let mut held = Held::default();
        // Before the nsqds: nobody should find what is about to go.
        if self.concerns_nsqlookupds(target) && !self.is_dry {
            nodes.extend(self.tell_nsqlookupds(target).await);
        }
        let addresses = self.nodes_of(target);
        let outcomes = join_all(addresses.iter().map(|address| self.node(target, address))).await;
        for (address, outcome) in addresses.iter().zip(outcomes) {
            nodes.push(match outcome {
                Ok(Some(here)) => {
                    let line = json!({
                        "node": address, "kind": "nsqd", "ok": true, "error": null,
                        "messages": here.messages(), "clients": here.clients,
                    });
                    held.add(here);
                    line
                }
                // It has not the topic, or the channel, and needs no change.
                Ok(None) => continue,
                Err(error) => failed_line(address, "nsqd", &error),
            });
        }
        held.client_ids.sort_unstable();
        held.client_ids.dedup();
        held.client_ids.truncate(NAMES_MAX);
        let mut publishing: Vec<_> = producers(&self.view, |topic| topic == target.topic)
            .iter()
            .map(|it| it.client_id().to_owned())
            .collect();
        publishing.dedup();
        publishing.truncate(NAMES_MAX);
        let is_last = !target.channel.is_empty() && self.view.channels_of(&target.topic).len() == 1;
        json!({
            "topic": target.topic, "channel": target.channel, "node": target.node,
            "ok": nodes.iter().all(|node| node.get("ok") == Some(&Value::Bool(true))),
            "messages": held.messages(), "depth": held.depth, "in_flight": held.in_flight,
            "deferred": held.deferred, "clients": held.clients, "client_ids": held.client_ids,
            "producers": publishing, "is_last": is_last, "nodes": nodes,
        })
    }

    fn concerns_nsqlookupds(&self, target: &Target) -> bool {
        match self.verb {
            Verb::Pause | Verb::Unpause | Verb::Empty => false,
            Verb::Tombstone => true,
            // A retry at one node, or a creation there.
            Verb::Delete | Verb::Create => target.node.is_empty(),
        }
    }

    /// The nsqds that the target may be on.
    fn nodes_of(&self, target: &Target) -> Vec<String> {
        if !target.node.is_empty() {
            return vec![target.node.clone()];
        }
        if self.verb == Verb::Create && target.channel.is_empty() {
            return Vec::new();
        }
        let having = self.view.nodes.iter().filter(|node| {
            let registered = node
                .info
                .topics
                .iter()
                .flatten()
                .any(|it| it.topic == target.topic);
            let sample = node.current.as_ref();
            registered
                || sample.is_some_and(|it| crate::snapshot::find_topic(&it.stats, &target.topic).is_some())
        });
        having.map(crate::snapshot::Node::address).collect()
    }

    async fn tell_nsqlookupds(&self, target: &Target) -> Vec<Value> {
        let (path, query) = match self.verb {
            Verb::Tombstone => (
                "topic/tombstone".to_owned(),
                format!("{}&node={}", target.query(), escape(&target.node)),
            ),
            verb => (target.path(verb), target.query()),
        };
        let told = self.nsqlookupds.iter().map(|address| {
            let url = format!("http://{address}/{path}?{query}");
            async move {
                match self.guarded(address, self.asker.post(&url)).await {
                    Ok(()) => json!({"node": address, "kind": "nsqlookupd", "ok": true, "error": null, "messages": 0, "clients": 0}),
                    Err(error) => failed_line(address, "nsqlookupd", &error),
                }
            }
        });
        join_all(told).await
    }

    /// Looks at what a node has of the target, and changes it if this is no dry run. `None` if it has nothing.
    async fn node(&self, target: &Target, address: &str) -> Result<Option<Held>, String> {
        let is_creation = self.verb == Verb::Create;
        let mut held = Held::default();
        if !is_creation {
            let scope = Scope {
                topic: &target.topic,
                channel: &target.channel,
                clients: true,
            };
            let stats: NodeStats = self
                .guarded_value(address, self.asker.get(&scope.url(address)))
                .await?;
            let Some(topic) = stats.topics.iter().find(|topic| topic.topic_name == target.topic) else {
                return Ok(None);
            };
            match self.held(target, topic) {
                Some(found) => held = found,
                None => return Ok(None),
            }
        }
        if !self.is_dry {
            if is_creation && !target.channel.is_empty() && !target.node.is_empty() {
                // There is no nsqlookupd from which the node could learn of the topic.
                let topic = Target {
                    channel: String::new(),
                    ..target.clone()
                };
                self.change(&topic, address).await?;
            }
            self.change(target, address).await?;
        }
        Ok(Some(held))
    }

    async fn change(&self, target: &Target, address: &str) -> Result<(), String> {
        let url = format!("http://{address}/{}?{}", target.path(self.verb), target.query());
        self.guarded(address, self.asker.post(&url)).await
    }

    /// What would be lost of a topic on one node.
    fn held(&self, target: &Target, topic: &Topic) -> Option<Held> {
        let mut held = Held::default();
        if !target.channel.is_empty() {
            let channel = topic
                .channels
                .iter()
                .find(|channel| channel.channel_name == target.channel)?;
            held.add_channel(channel);
            return Some(held);
        }
        held.depth = topic.depth;
        // Emptying a topic leaves the messages of its channels alone.
        if matches!(self.verb, Verb::Delete | Verb::Tombstone) {
            for channel in &topic.channels {
                held.add_channel(channel);
            }
        }
        Some(held)
    }

    async fn guarded(
        &self,
        address: &str,
        change: impl Future<Output = Result<(), QueryError>>,
    ) -> Result<(), String> {
        let gone =
            |error: &QueryError| error.is_not_found() && matches!(self.verb, Verb::Delete | Verb::Tombstone);
        match self.guarded_value_with(address, change).await {
            // It is gone already, which is what was wanted.
            Err(Some(error)) if gone(&error) => Ok(()),
            Err(error) => Err(error.map_or_else(silence, |error| error.to_string())),
            Ok(()) => Ok(()),
        }
    }

    async fn guarded_value<T>(
        &self,
        address: &str,
        question: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, String> {
        let outcome = self.guarded_value_with(address, question).await;
        outcome.map_err(|error| error.map_or_else(silence, |error| error.to_string()))
    }

    /// Asks, unless the process has been silent before; no error then.
    async fn guarded_value_with<T>(
        &self,
        address: &str,
        question: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, Option<QueryError>> {
        if self.silent.lock().contains(address) {
            return Err(None);
        }
        question.await.map_err(|error| {
            if error.is_timeout() {
                self.silent.lock().insert(address.to_owned());
            }
            Some(error)
        })
    }
}

fn silence() -> String {
    "it has not answered before".to_owned()
}

fn failed_line(address: &str, kind: &str, error: &str) -> Value {
    json!({"node": address, "kind": kind, "ok": false, "error": error, "messages": 0, "clients": 0})
}
