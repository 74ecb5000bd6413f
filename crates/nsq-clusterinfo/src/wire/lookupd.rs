//! nsqlookupd's answers.

use serde::Deserialize;

use super::or_empty;

/// `/topics`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TopicList {
    /// All names, of topics with and without producers.
    #[serde(default, deserialize_with = "or_empty")]
    pub topics: Vec<String>,
}

/// `/channels?topic=`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ChannelList {
    /// All names.
    #[serde(default, deserialize_with = "or_empty")]
    pub channels: Vec<String>,
}

/// `/lookup?topic=`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LookupAnswer {
    /// The topic's channels.
    #[serde(default, deserialize_with = "or_empty")]
    pub channels: Vec<String>,
    /// Who has the topic, apart from those who are inactive or tombstoned.
    #[serde(default, deserialize_with = "or_empty")]
    pub producers: Vec<NodeEntry>,
}

/// `/nodes`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct NodeList {
    /// Everyone who is active.
    #[serde(default, deserialize_with = "or_empty")]
    pub producers: Vec<NodeEntry>,
}

/// An nsqd as nsqlookupd knows it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeEntry {
    /// Where its connection to the nsqlookupd comes from.
    #[serde(deserialize_with = "or_empty")]
    pub remote_address: String,
    /// The name of its machine.
    #[serde(deserialize_with = "or_empty")]
    pub hostname: String,
    /// The host to reach it at.
    #[serde(deserialize_with = "or_empty")]
    pub broadcast_address: String,
    /// The port that V2 is spoken at.
    #[serde(deserialize_with = "or_empty")]
    pub tcp_port: u16,
    /// The port that HTTP is spoken at.
    #[serde(deserialize_with = "or_empty")]
    pub http_port: u16,
    /// Its version.
    #[serde(deserialize_with = "or_empty")]
    pub version: String,
    /// The zone it is in, if it says so.
    #[serde(deserialize_with = "or_empty")]
    pub topology_zone: String,
    /// The region it is in, if it says so.
    #[serde(deserialize_with = "or_empty")]
    pub topology_region: String,
    /// For each of the topics whether the node is hidden from lookups of it.
    #[serde(deserialize_with = "or_empty")]
    pub tombstones: Vec<bool>,
    /// What it has.
    #[serde(deserialize_with = "or_empty")]
    pub topics: Vec<String>,
}

impl NodeEntry {
    /// `host:port` of its HTTP server, IPv6 in brackets.
    pub fn http_address(&self) -> String {
        join(&self.broadcast_address, self.http_port)
    }

    /// `host:port` of its V2 server, IPv6 in brackets.
    pub fn tcp_address(&self) -> String {
        join(&self.broadcast_address, self.tcp_port)
    }

    /// Its topics, each with whether it is tombstoned.
    pub fn topics(&self) -> impl Iterator<Item = (&str, bool)> {
        let tombstones = self.tombstones.iter().copied().chain(std::iter::repeat(false));
        self.topics.iter().map(String::as_str).zip(tombstones)
    }
}

fn join(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_tombstones_than_topics_mean_none() {
        let node: NodeEntry = serde_json::from_str(
            r#"{"broadcast_address":"::1","http_port":1,"topics":["a","b"],"tombstones":[true]}"#,
        )
        .unwrap();
        assert_eq!(node.topics().collect::<Vec<_>>(), [("a", true), ("b", false)]);
        assert_eq!(node.http_address(), "[::1]:1");
    }

    #[test]
    fn nulls_are_empty() {
        let answer: LookupAnswer =
            serde_json::from_str(r#"{"channels":null,"producers":[{"tombstones":null}]}"#).unwrap();
        assert!(answer.channels.is_empty());
        assert_eq!(answer.producers.len(), 1);
    }
}
