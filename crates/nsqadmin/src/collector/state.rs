//! Everybody who is asked, and what they said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nsq_clusterinfo::merge;
use nsq_clusterinfo::wire::NodeEntry;
use nsq_net::HostPort;
use nsq_runtime::{Moment, Shutdown};

use super::pace::LastAsked;
use crate::snapshot::{Node, Nsqlookupd};

/// Everybody who is asked. Owned by the collector; tasks change their own part.
#[derive(Debug)]
pub(super) struct State {
    /// Counts changes.
    pub(super) version: u64,
    pub(super) nsqlookupds: Vec<Followed<Nsqlookupd>>,
    /// By HTTP address.
    pub(super) nodes: BTreeMap<String, Followed<Node>>,
    configured: Vec<String>,
}

/// A process that has a task which asks it.
#[derive(Debug)]
pub(super) struct Followed<T> {
    pub(super) known: T,
    pub(super) last: LastAsked,
    /// Since when nobody knows it any more.
    unlisted: Option<Moment>,
    stop: Shutdown,
}

/// An nsqlookupd that was started anew knows nobody until the nsqds notice. What answers meanwhile is still there.
const UNLISTED_PATIENCE: Duration = Duration::from_secs(60);

/// Addresses that a task is to be started for, with what stops it.
type Added = Vec<(String, Shutdown)>;

impl State {
    pub(super) fn new(configured: Vec<String>) -> Self {
        Self {
            version: 0,
            nsqlookupds: Vec::new(),
            nodes: BTreeMap::new(),
            configured,
        }
    }

    /// How many processes are asked.
    pub(super) fn processes(&self) -> usize {
        self.nsqlookupds.len() + self.nodes.len()
    }

    pub(super) fn set_nsqlookupds(&mut self, addresses: &[String], stop: &Shutdown) -> Added {
        self.version += 1;
        let mut old = std::mem::take(&mut self.nsqlookupds);
        let mut added = Added::new();
        for address in addresses {
            if self.nsqlookupds.iter().any(|it| it.known.address == *address) {
                continue;
            }
            if let Some(at) = old.iter().position(|it| it.known.address == *address) {
                self.nsqlookupds.push(old.swap_remove(at));
                continue;
            }
            let stop = stop.child();
            added.push((address.clone(), stop.clone()));
            let known = Nsqlookupd {
                address: address.clone(),
                ..Nsqlookupd::default()
            };
            self.nsqlookupds.push(Followed {
                known,
                last: LastAsked::default(),
                unlisted: None,
                stop,
            });
        }
        if !old.is_empty() {
            // Nodes of another cluster are not missed.
            let lists = self.nsqlookupds.iter().flat_map(|it| &it.known.nodes);
            let listed: BTreeSet<_> = lists.map(NodeEntry::http_address).collect();
            self.nodes.retain(|address, node| {
                let is_kept = listed.contains(address);
                if !is_kept {
                    node.stop.trigger();
                }
                is_kept
            });
        }
        for gone in old {
            gone.stop.trigger();
        }
        added
    }

    /// Makes the nodes those that somebody knows, and for a while those that still answer.
    pub(super) fn sync_nodes(&mut self, stop: &Shutdown, now: Moment) -> Added {
        self.version += 1;
        let entries = self.nsqlookupds.iter().flat_map(|it| {
            let known = &it.known;
            known.nodes.iter().map(|entry| (known.address.as_str(), entry))
        });
        let wanted: BTreeMap<String, merge::Node> = if self.nsqlookupds.is_empty() {
            self.configured
                .iter()
                .filter_map(|address| Some((address.clone(), node_at(address)?)))
                .collect()
        } else {
            merge::nodes(entries)
                .into_iter()
                .map(|node| (node.http_address(), node))
                .collect()
        };
        self.nodes.retain(|address, node| {
            if wanted.contains_key(address) {
                node.unlisted = None;
                return true;
            }
            let since = *node.unlisted.get_or_insert(now);
            let is_kept = node.known.answers() && now - since < UNLISTED_PATIENCE;
            if !is_kept {
                node.stop.trigger();
            }
            is_kept
        });
        let is_lookup = !self.nsqlookupds.is_empty();
        let mut added = Added::new();
        for (address, info) in wanted {
            if let Some(known) = self.nodes.get_mut(&address) {
                if is_lookup {
                    known.known.info = info;
                }
                continue;
            }
            let stop = stop.child();
            added.push((address.clone(), stop.clone()));
            let known = Node {
                info,
                ..Node::default()
            };
            self.nodes.insert(
                address,
                Followed {
                    known,
                    last: LastAsked::default(),
                    unlisted: None,
                    stop,
                },
            );
        }
        added
    }

    /// Whether everybody who answers has done so lately, and everybody else was given the chance.
    pub(super) fn is_fresh(&self, now: Moment, fresh: Duration, with_clients: bool) -> bool {
        let is_fresh = |at: Moment| now - at <= fresh;
        let are_nodes_fresh = self.nodes.values().all(|node| {
            let is_waited_for = node.known.status.trouble(now).is_none();
            let sample = node
                .known
                .current
                .as_ref()
                .is_some_and(|sample| is_fresh(sample.at));
            let clients = !with_clients
                || node
                    .known
                    .clients
                    .as_ref()
                    .is_some_and(|sample| is_fresh(sample.at));
            !is_waited_for || (sample && clients)
        });
        let are_known = self.nsqlookupds.iter().all(|it| !it.known.status.is_new());
        are_nodes_fresh && are_known
    }

    /// What is known of everybody.
    pub(super) fn copy(&self) -> (Vec<Node>, Vec<Nsqlookupd>) {
        let mut nodes: Vec<_> = self.nodes.values().map(|node| node.known.clone()).collect();
        nodes.sort_by_cached_key(|node| (node.info.hostname.clone(), node.address()));
        let nsqlookupds = self.nsqlookupds.iter().map(|it| it.known.clone()).collect();
        (nodes, nsqlookupds)
    }

    /// Makes everybody due who answers.
    pub(super) fn forget_when_asked(&mut self) {
        let of_nodes = self
            .nodes
            .values_mut()
            .map(|it| (&mut it.last, it.known.status.failures));
        let of_nsqlookupds = self
            .nsqlookupds
            .iter_mut()
            .map(|it| (&mut it.last, it.known.status.failures));
        for (last, failures) in of_nodes.chain(of_nsqlookupds) {
            if failures == 0 {
                last.begun = None;
            }
        }
    }

    pub(super) fn nsqlookupd(&mut self, address: &str) -> Option<&mut Followed<Nsqlookupd>> {
        self.nsqlookupds.iter_mut().find(|it| it.known.address == address)
    }
}

/// A node of which only the address is known.
fn node_at(address: &str) -> Option<merge::Node> {
    let parsed = HostPort::parse(address).ok()?;
    Some(merge::Node {
        broadcast_address: parsed.host().to_owned(),
        http_port: parsed.port().parse().ok()?,
        ..merge::Node::default()
    })
}

#[cfg(test)]
mod tests {
    use nsq_clusterinfo::wire::NodeStats;

    use super::*;

    fn entry(host: &str) -> NodeEntry {
        NodeEntry {
            broadcast_address: host.to_owned(),
            hostname: host.to_owned(),
            tcp_port: 1,
            http_port: 2,
            ..NodeEntry::default()
        }
    }

    fn addresses(added: &Added) -> Vec<&str> {
        added.iter().map(|(address, _)| address.as_str()).collect()
    }

    #[test]
    fn nodes_are_those_that_some_nsqlookupd_knows() {
        let mut state = State::new(Vec::new());
        let stop = Shutdown::new();
        let added = state.set_nsqlookupds(&["l1".to_owned(), "l2".to_owned(), "l1".to_owned()], &stop);
        assert_eq!(addresses(&added), ["l1", "l2"]);
        state.nsqlookupd("l1").unwrap().known.nodes = vec![entry("a"), entry("b")];
        state.nsqlookupd("l2").unwrap().known.nodes = vec![entry("b"), entry("::1")];
        assert_eq!(
            addresses(&state.sync_nodes(&stop, Moment::START)),
            ["[::1]:2", "a:2", "b:2"]
        );
        state.nsqlookupd("l1").unwrap().known.nodes.clear();
        assert!(state.sync_nodes(&stop, Moment::START).is_empty());
        let left: Vec<_> = state.nodes.keys().map(String::as_str).collect();
        assert_eq!(left, ["[::1]:2", "b:2"]);
        assert!(state.set_nsqlookupds(&["l2".to_owned()], &stop).is_empty());
        assert_eq!(state.processes(), 3);
    }

    #[test]
    fn a_node_that_still_answers_is_not_dropped_at_once() {
        let at = |seconds: u64| Moment::from_nanos(seconds * 1_000_000_000);
        let mut state = State::new(Vec::new());
        let stop = Shutdown::new();
        state.set_nsqlookupds(&["l1".to_owned()], &stop);
        state.nsqlookupd("l1").unwrap().known.nodes = vec![entry("a"), entry("b")];
        state.sync_nodes(&stop, at(100));
        let answering = state.nodes.get_mut("a:2").unwrap();
        answering
            .known
            .take(NodeStats::default(), at(100), 100_000, false);
        state.nsqlookupd("l1").unwrap().known.nodes.clear();
        for (seconds, left) in [(110, 1), (150, 1), (170, 0)] {
            state.sync_nodes(&stop, at(seconds));
            assert_eq!(state.nodes.len(), left, "{seconds}");
        }
    }

    #[test]
    fn without_nsqlookupds_nodes_are_those_configured() {
        let mut state = State::new(vec!["127.0.0.1:4151".to_owned(), "[::1]:4151".to_owned()]);
        let added = state.sync_nodes(&Shutdown::new(), Moment::START);
        assert_eq!(addresses(&added), ["127.0.0.1:4151", "[::1]:4151"]);
        let (nodes, _) = state.copy();
        assert_eq!(nodes[0].address(), "127.0.0.1:4151");
    }
}
