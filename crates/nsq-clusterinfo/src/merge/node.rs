//! Nodes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Version;
use crate::wire::NodeEntry;

/// An nsqd as the cluster knows it.
///
/// Upstream: internal/clusterinfo/types.go, `Producer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Node {
    /// `<nsqlookupd>/<address that its connection comes from>`, one for each registration; `None` if there are no
    /// nsqlookupds.
    pub remote_addresses: Option<Vec<String>>,
    /// The first of these, without the nsqlookupd.
    pub remote_address: String,
    /// The name of its machine.
    pub hostname: String,
    /// The host to reach it at.
    pub broadcast_address: String,
    /// The port that V2 is spoken at.
    pub tcp_port: u16,
    /// The port that HTTP is spoken at.
    pub http_port: u16,
    /// Its version.
    pub version: String,
    /// The zone it is in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub topology_zone: String,
    /// The region it is in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub topology_region: String,
    /// What it has, by name; `None` if nothing.
    pub topics: Option<Vec<NodeTopic>>,
    /// Whether another node is newer.
    pub out_of_date: bool,
}

/// A topic that a node has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeTopic {
    /// Its name.
    pub topic: String,
    /// Whether the node is hidden from lookups of it, at any nsqlookupd.
    pub tombstoned: bool,
}

impl Node {
    fn of(entry: &NodeEntry) -> Self {
        Self {
            remote_addresses: None,
            remote_address: entry.remote_address.clone(),
            hostname: entry.hostname.clone(),
            broadcast_address: entry.broadcast_address.clone(),
            tcp_port: entry.tcp_port,
            http_port: entry.http_port,
            version: entry.version.clone(),
            topology_zone: entry.topology_zone.clone(),
            topology_region: entry.topology_region.clone(),
            topics: None,
            out_of_date: false,
        }
    }

    /// A node that was asked itself.
    pub(crate) fn alone(entry: &NodeEntry, topics: impl Iterator<Item = String>) -> Self {
        let mut node = Self::of(entry);
        node.set_topics(topics.map(|topic| (topic, false)).collect());
        node
    }

    /// `host:port` of its HTTP server, IPv6 in brackets.
    pub fn http_address(&self) -> String {
        let entry = NodeEntry {
            broadcast_address: self.broadcast_address.clone(),
            http_port: self.http_port,
            ..NodeEntry::default()
        };
        entry.http_address()
    }

    fn set_topics(&mut self, topics: BTreeMap<String, bool>) {
        let topics: Vec<_> = topics
            .into_iter()
            .map(|(topic, tombstoned)| NodeTopic { topic, tombstoned })
            .collect();
        self.topics = (!topics.is_empty()).then_some(topics);
    }
}

/// The nodes that nsqlookupds know, each entry with the address of the nsqlookupd, by host name and address.
///
/// # Differs from upstream
/// Topics and tombstones are those of all nsqlookupds, not of the one that answered first.
pub fn nodes<'a>(entries: impl Iterator<Item = (&'a str, &'a NodeEntry)>) -> Vec<Node> {
    let mut merged: BTreeMap<(String, String), (Node, BTreeMap<String, bool>)> = BTreeMap::new();
    let mut hostnames: BTreeMap<String, String> = BTreeMap::new();
    let mut newest = Version::parse("");
    for (nsqlookupd, entry) in entries {
        newest = newest.max(Version::parse(&entry.version));
        let address = entry.tcp_address();
        let hostname = hostnames
            .entry(address.clone())
            .or_insert_with(|| entry.hostname.clone());
        let (node, topics) = merged
            .entry((hostname.clone(), address))
            .or_insert_with(|| (Node::of(entry), BTreeMap::new()));
        let remote = match entry.remote_address.as_str() {
            "" => "N/A",
            remote => remote,
        };
        let remotes = node.remote_addresses.get_or_insert_default();
        remotes.push(format!("{nsqlookupd}/{remote}"));
        for (topic, is_tombstoned) in entry.topics() {
            *topics.entry(topic.to_owned()).or_default() |= is_tombstoned;
        }
    }
    let nodes = merged.into_values().map(|(mut node, topics)| {
        node.set_topics(topics);
        node.out_of_date = Version::parse(&node.version) < newest;
        node
    });
    nodes.collect()
}
