//! nsqlookupd's answers.

use std::borrow::Cow;
use std::fmt::Write as _;

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
    /// `host:port` of its HTTP server, IPv6 in brackets. It can stand in a URL whatever the node says its host is: what
    /// no host has in it is escaped.
    ///
    /// # Differs from upstream
    /// There, a node that registers as `host/path?` chooses what is asked of `host`.
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
    let host = if host.contains(ENDS_A_HOST) {
        Cow::Owned(escape_ends(host))
    } else {
        Cow::Borrowed(host)
    };
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// Whether the host of a URL ends at this character, or it may not be in a URL at all.
const ENDS_A_HOST: fn(char) -> bool =
    |character| matches!(character, '/' | '?' | '#' | '@' | '\\' | ' ') || character.is_control();

fn escape_ends(host: &str) -> String {
    let mut escaped = String::with_capacity(host.len() + 8);
    for character in host.chars() {
        if ENDS_A_HOST(character) {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{:02X}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
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
    fn a_host_cannot_be_more_of_a_url_than_a_host() {
        for (host, address) in [
            ("h", "h:1"),
            ("héte.example", "héte.example:1"),
            ("fe80::1%eth0", "[fe80::1%eth0]:1"),
            ("h/latest/data?x=", "h%2Flatest%2Fdata%3Fx=:1"),
            ("h#", "h%23:1"),
            ("a@h", "a%40h:1"),
            ("h:80/x?", "[h:80%2Fx%3F]:1"),
            ("h\\x y\r\n", "h%5Cx%20y%0D%0A:1"),
        ] {
            assert_eq!(join(host, 1), address);
        }
    }

    #[test]
    fn nulls_are_empty() {
        let answer: LookupAnswer =
            serde_json::from_str(r#"{"channels":null,"producers":[{"tombstones":null}]}"#).unwrap();
        assert!(answer.channels.is_empty());
        assert_eq!(answer.producers.len(), 1);
    }
}
