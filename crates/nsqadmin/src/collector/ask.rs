//! The tasks that ask.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use nsq_clusterinfo::wire::{ChannelList, Info, NodeEntry, NodeList, NodeStats, TopicList};
use nsq_clusterinfo::{QueryError, Scope, escape};
use nsq_runtime::{Moment, Shutdown};
use serde::Deserialize;

use super::{Collector, wall_ms};

/// Of how many topics that nobody has the channels are asked for.
const INACTIVE_MAX: usize = 256;

/// How many of these questions are put at once.
const INACTIVE_AT_ONCE: usize = 16;

/// Asks one nsqd, again and again.
pub(super) async fn follow_node(collector: Collector, address: String, stop: Shutdown) {
    let follow = async {
        loop {
            wait_until_due(&collector, |moment| collector.node_due(&address, moment)).await;
            collector.ask_node(&address).await;
        }
    };
    tokio::select! {
        () = stop.triggered() => {}
        () = follow => {}
    }
}

/// Asks one nsqlookupd, again and again.
pub(super) async fn follow_nsqlookupd(collector: Collector, address: String, stop: Shutdown) {
    let follow = async {
        loop {
            wait_until_due(&collector, |moment| collector.nsqlookupd_due(&address, moment)).await;
            collector.ask_nsqlookupd(&address).await;
            collector.follow_nodes();
        }
    };
    tokio::select! {
        () = stop.triggered() => {}
        () = follow => {}
    }
}

async fn wait_until_due(collector: &Collector, due: impl Fn(Moment) -> Moment) {
    let shared = &collector.shared;
    loop {
        let nudged = shared.nudge.notified();
        let now = shared.clock.now();
        let due = due(now);
        if due <= now {
            return;
        }
        tokio::select! {
            () = nudged => {}
            () = shared.clock.sleep_until(due) => {}
        }
    }
}

impl Collector {
    fn node_due(&self, address: &str, now: Moment) -> Moment {
        let is_watched = self.shared.is_watched(now);
        let state = self.shared.state.lock();
        let processes = state.processes();
        state.nodes.get(address).map_or(Moment::FAR, |node| {
            self.shared
                .pace
                .due(node.last, &node.known.status, is_watched, processes)
        })
    }

    fn nsqlookupd_due(&self, address: &str, now: Moment) -> Moment {
        let is_watched = self.shared.is_watched(now);
        let mut state = self.shared.state.lock();
        let processes = state.processes();
        state.nsqlookupd(address).map_or(Moment::FAR, |it| {
            self.shared
                .pace
                .due(it.last, &it.known.status, is_watched, processes)
        })
    }

    async fn ask_node(&self, address: &str) {
        let shared = &self.shared;
        let now = shared.clock.now();
        let is_watched = shared.is_watched_with_clients(now);
        let (with_clients, is_unknown) = {
            let mut state = shared.state.lock();
            let Some(node) = state.nodes.get_mut(address) else {
                return;
            };
            let with_clients = shared.pace.wants_clients(node.last, now, is_watched);
            node.last.begun = Some(now);
            if with_clients {
                node.last.clients = Some(now);
            }
            node.known.status.ask(now);
            // Without nsqlookupds it has to be asked who it is.
            (with_clients, node.known.info.version.is_empty())
        };
        let scope = Scope {
            clients: with_clients,
            ..Scope::default()
        };
        let answer = shared.asker.get::<NodeStats>(&scope.url(address)).await;
        let info = match (&answer, is_unknown) {
            (Ok(_), true) => shared
                .asker
                .get::<Info>(&format!("http://{address}/info"))
                .await
                .ok(),
            _ => None,
        };
        let ended = shared.clock.now();
        let ended_ms = wall_ms(&shared.clock);
        {
            let mut state = shared.state.lock();
            state.version += 1;
            let Some(node) = state.nodes.get_mut(address) else {
                return;
            };
            node.last.ended = ended;
            match answer {
                Ok(stats) => {
                    node.known.status.answered(ended, ended_ms);
                    node.known.take(stats, ended, ended_ms, with_clients);
                }
                Err(error) => node.known.status.failed(plain(&error), ended, ended_ms),
            }
            if let Some(info) = info {
                let known = &mut node.known.info;
                known.hostname = info.hostname;
                known.tcp_port = info.tcp_port;
                known.version = info.version;
                known.topology_zone = info.topology_zone;
                known.topology_region = info.topology_region;
            }
        }
        shared.updated.notify_waiters();
    }

    async fn ask_nsqlookupd(&self, address: &str) {
        let shared = &self.shared;
        let now = shared.clock.now();
        {
            let mut state = shared.state.lock();
            let Some(nsqlookupd) = state.nsqlookupd(address) else {
                return;
            };
            nsqlookupd.last.begun = Some(now);
            nsqlookupd.known.status.ask(now);
        }
        let answer = self.hear(address).await;
        let ended = shared.clock.now();
        let ended_ms = wall_ms(&shared.clock);
        {
            let mut state = shared.state.lock();
            state.version += 1;
            let Some(nsqlookupd) = state.nsqlookupd(address) else {
                return;
            };
            nsqlookupd.last.ended = ended;
            let known = &mut nsqlookupd.known;
            match answer {
                Ok(heard) => {
                    known.status.answered(ended, ended_ms);
                    known.topics = heard.topics.topics;
                    known.nodes = heard.nodes.producers;
                    known.inactive = heard.inactive;
                    known.version = heard.version;
                }
                Err(error) => known.status.failed(plain(&error), ended, ended_ms),
            }
        }
        shared.updated.notify_waiters();
    }

    async fn hear(&self, address: &str) -> Result<Heard, QueryError> {
        #[derive(Default, Deserialize)]
        struct Version {
            #[serde(default)]
            version: String,
        }
        let asker = &self.shared.asker;
        let topics: TopicList = asker.get(&format!("http://{address}/topics")).await?;
        let nodes: NodeList = asker.get(&format!("http://{address}/nodes")).await?;
        let version: Version = asker
            .get(&format!("http://{address}/info"))
            .await
            .unwrap_or_default();
        let inactive = self.inactive(address, &topics, &nodes).await;
        Ok(Heard {
            topics,
            nodes,
            version: version.version,
            inactive,
        })
    }

    /// The channels of topics that this nsqlookupd knows nobody of.
    async fn inactive(
        &self,
        address: &str,
        topics: &TopicList,
        nodes: &NodeList,
    ) -> BTreeMap<String, Vec<String>> {
        let mut left: Vec<&str> = topics.topics.iter().map(String::as_str).collect();
        left.sort_unstable();
        for (topic, is_tombstoned) in nodes.producers.iter().flat_map(NodeEntry::topics) {
            if let (false, Ok(at)) = (is_tombstoned, left.binary_search(&topic)) {
                left.remove(at);
            }
        }
        left.truncate(INACTIVE_MAX);
        let mut inactive = BTreeMap::new();
        for some in left.chunks(INACTIVE_AT_ONCE) {
            let asked = some.iter().map(|topic| async move {
                let url = format!("http://{address}/channels?topic={}", escape(topic));
                let list: ChannelList = self.shared.asker.get(&url).await.ok()?;
                Some(((*topic).to_owned(), list.channels))
            });
            inactive.extend(join_all(asked).await.into_iter().flatten());
        }
        inactive
    }
}

struct Heard {
    topics: TopicList,
    nodes: NodeList,
    version: String,
    inactive: BTreeMap<String, Vec<String>>,
}

/// Why there was no answer, for people.
fn plain(error: &QueryError) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let text = error.to_string();
    match error {
        // The URL is no news to anyone.
        QueryError::Http(_) => text
            .rsplit_once("\": ")
            .map_or(text.clone(), |(_, cause)| cause.to_owned()),
        QueryError::Answer { .. } => "its answer is not understood".to_owned(),
        _ => text,
    }
}
