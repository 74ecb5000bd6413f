//! One nsqlookupd.

use std::collections::BTreeMap;

use nsq_clusterinfo::wire::NodeEntry;

use super::Status;

/// What is known of one nsqlookupd. What it said before stays known while it does not answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nsqlookupd {
    pub(crate) address: String,
    pub(crate) status: Status,
    /// Empty until it has said so.
    pub(crate) version: String,
    pub(crate) topics: Vec<String>,
    pub(crate) nodes: Vec<NodeEntry>,
    /// Channels of topics that nobody has.
    pub(crate) inactive: BTreeMap<String, Vec<String>>,
}

/// A topic that nobody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inactive {
    pub(crate) topic: String,
    pub(crate) channels: Vec<String>,
    /// Who knows it, in the order of the nsqlookupds; `None` for one that does not answer.
    pub(crate) known_to: Vec<Option<bool>>,
}

/// A node that is hidden from lookups of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tombstone {
    pub(crate) topic: String,
    pub(crate) node: String,
    pub(crate) nsqlookupds: Vec<String>,
}
