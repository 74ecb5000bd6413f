//! nsqd's answers.

use serde::{Deserialize, Serialize};

use super::or_empty;

/// `/info`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Info {
    /// Its version.
    #[serde(deserialize_with = "or_empty")]
    pub version: String,
    /// The host to reach it at.
    #[serde(deserialize_with = "or_empty")]
    pub broadcast_address: String,
    /// The name of its machine.
    #[serde(deserialize_with = "or_empty")]
    pub hostname: String,
    /// The port that V2 is spoken at.
    #[serde(deserialize_with = "or_empty")]
    pub tcp_port: u16,
    /// The port that HTTP is spoken at.
    #[serde(deserialize_with = "or_empty")]
    pub http_port: u16,
    /// The zone it is in, if it says so.
    #[serde(deserialize_with = "or_empty")]
    pub topology_zone: String,
    /// The region it is in, if it says so.
    #[serde(deserialize_with = "or_empty")]
    pub topology_region: String,
}

/// `/stats?format=json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeStats {
    /// Its version.
    #[serde(deserialize_with = "or_empty")]
    pub version: String,
    /// `OK`, or `NOK - ` and why.
    #[serde(deserialize_with = "or_empty")]
    pub health: String,
    /// Unix seconds.
    #[serde(deserialize_with = "or_empty")]
    pub start_time: i64,
    /// What it has.
    #[serde(deserialize_with = "or_empty")]
    pub topics: Vec<Topic>,
    /// What its runtime reports.
    pub memory: Option<Memory>,
    /// Connections that have published, if clients were asked for.
    pub producers: Option<Vec<Client>>,
}

/// Memory of an nsqd, as Go's runtime counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
#[expect(
    missing_docs,
    reason = "the names are the keys of the answer, of Go's runtime.MemStats"
)]
pub struct Memory {
    pub heap_objects: u64,
    pub heap_idle_bytes: u64,
    pub heap_in_use_bytes: u64,
    pub heap_released_bytes: u64,
    pub gc_pause_usec_100: u64,
    pub gc_pause_usec_99: u64,
    pub gc_pause_usec_95: u64,
    pub next_gc_bytes: u64,
    pub gc_total_runs: u64,
}

/// A topic of one nsqd.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Topic {
    /// Its name.
    #[serde(deserialize_with = "or_empty")]
    pub topic_name: String,
    /// Messages that wait for a channel.
    #[serde(deserialize_with = "or_empty")]
    pub depth: i64,
    /// Those of them that are on disk.
    #[serde(deserialize_with = "or_empty")]
    pub backend_depth: i64,
    /// Messages published since the start.
    #[serde(deserialize_with = "or_empty")]
    pub message_count: i64,
    /// Bytes of them.
    #[serde(deserialize_with = "or_empty")]
    pub message_bytes: i64,
    /// Whether its messages stay in it.
    #[serde(deserialize_with = "or_empty")]
    pub paused: bool,
    /// Latency from publishing to finishing.
    #[serde(deserialize_with = "or_empty")]
    pub e2e_processing_latency: QuantileLatency,
    /// Its channels.
    #[serde(deserialize_with = "or_empty")]
    pub channels: Vec<Channel>,
}

/// A channel of one nsqd.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Channel {
    /// Its name.
    #[serde(deserialize_with = "or_empty")]
    pub channel_name: String,
    /// Messages that wait.
    #[serde(deserialize_with = "or_empty")]
    pub depth: i64,
    /// Those of them that are on disk.
    #[serde(deserialize_with = "or_empty")]
    pub backend_depth: i64,
    /// Messages that consumers hold.
    #[serde(deserialize_with = "or_empty")]
    pub in_flight_count: i64,
    /// Messages that are not due yet.
    #[serde(deserialize_with = "or_empty")]
    pub deferred_count: i64,
    /// Messages that consumers gave back.
    #[serde(deserialize_with = "or_empty")]
    pub requeue_count: i64,
    /// Messages that consumers held for too long.
    #[serde(deserialize_with = "or_empty")]
    pub timeout_count: i64,
    /// Messages that came in since the start.
    #[serde(deserialize_with = "or_empty")]
    pub message_count: i64,
    /// Deliveries within the zone of the node.
    #[serde(deserialize_with = "or_empty")]
    pub zone_local_msg_count: i64,
    /// Deliveries within its region, to other zones.
    #[serde(deserialize_with = "or_empty")]
    pub region_local_msg_count: i64,
    /// Deliveries elsewhere.
    #[serde(deserialize_with = "or_empty")]
    pub global_msg_count: i64,
    /// How many consumers are connected.
    #[serde(deserialize_with = "or_empty")]
    pub client_count: i64,
    /// They, if they were asked for.
    pub clients: Option<Vec<Client>>,
    /// Whether its messages stay in it.
    #[serde(deserialize_with = "or_empty")]
    pub paused: bool,
    /// Latency from publishing to finishing.
    #[serde(deserialize_with = "or_empty")]
    pub e2e_processing_latency: QuantileLatency,
}

/// Latency at some quantiles.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct QuantileLatency {
    /// Of how many messages.
    #[serde(deserialize_with = "or_empty")]
    pub count: i64,
    /// In the order in which they are configured; `None` if none are.
    pub percentiles: Option<Vec<Percentile>>,
}

/// Latency at one quantile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Percentile {
    /// In (0,1].
    #[serde(deserialize_with = "or_empty")]
    pub quantile: f64,
    /// Nanoseconds.
    #[serde(deserialize_with = "or_empty")]
    pub value: f64,
}

/// A V2 connection.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(
    missing_docs,
    reason = "the names are the keys of the answer; units are in nsqd's documentation"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the answer")]
pub struct Client {
    #[serde(deserialize_with = "or_empty")]
    pub client_id: String,
    #[serde(deserialize_with = "or_empty")]
    pub hostname: String,
    #[serde(deserialize_with = "or_empty")]
    pub version: String,
    #[serde(deserialize_with = "or_empty")]
    pub remote_address: String,
    #[serde(deserialize_with = "or_empty")]
    pub ready_count: i64,
    #[serde(deserialize_with = "or_empty")]
    pub in_flight_count: i64,
    #[serde(deserialize_with = "or_empty")]
    pub message_count: i64,
    #[serde(deserialize_with = "or_empty")]
    pub finish_count: i64,
    #[serde(deserialize_with = "or_empty")]
    pub requeue_count: i64,
    #[serde(deserialize_with = "or_empty")]
    pub connect_ts: i64,
    #[serde(deserialize_with = "or_empty")]
    pub sample_rate: i64,
    #[serde(deserialize_with = "or_empty")]
    pub deflate: bool,
    #[serde(deserialize_with = "or_empty")]
    pub snappy: bool,
    #[serde(deserialize_with = "or_empty")]
    pub user_agent: String,
    #[serde(deserialize_with = "or_empty")]
    pub authed: bool,
    #[serde(deserialize_with = "or_empty")]
    pub auth_identity: String,
    #[serde(deserialize_with = "or_empty")]
    pub auth_identity_url: String,
    #[serde(deserialize_with = "or_empty")]
    pub topology_zone: String,
    #[serde(deserialize_with = "or_empty")]
    pub topology_region: String,
    #[serde(deserialize_with = "or_empty")]
    pub tls: bool,
    #[serde(deserialize_with = "or_empty")]
    pub tls_cipher_suite: String,
    #[serde(deserialize_with = "or_empty")]
    pub tls_version: String,
    #[serde(deserialize_with = "or_empty")]
    pub tls_negotiated_protocol: String,
    #[serde(deserialize_with = "or_empty")]
    pub tls_negotiated_protocol_is_mutual: bool,
    #[serde(deserialize_with = "or_empty")]
    pub pub_counts: Vec<PubCount>,
}

/// What a producer has published to one topic.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PubCount {
    /// The topic.
    #[serde(deserialize_with = "or_empty")]
    pub topic: String,
    /// Messages since it connected.
    #[serde(deserialize_with = "or_empty")]
    pub count: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_and_missing_keys_are_empty() {
        let stats: NodeStats = serde_json::from_str(
            r#"{"health":null,"topics":[{"topic_name":"t","channels":[{"channel_name":"c","clients":null,
            "e2e_processing_latency":null}]},{"topic_name":"u","channels":null}],"producers":null,"new":{}}"#,
        )
        .unwrap();
        assert_eq!(stats.topics.len(), 2);
        assert_eq!(
            stats.topics[0].channels[0].e2e_processing_latency,
            QuantileLatency::default()
        );
        assert!(stats.topics[0].channels[0].clients.is_none());
        let empty: NodeStats = serde_json::from_str(r#"{"topics":null}"#).unwrap();
        assert!(empty.topics.is_empty());
    }

    #[test]
    fn garbage_is_refused() {
        for garbage in ["", "[", "[1]", r#"{"topics":5}"#, r#"{"topics":[{"depth":"x"}]}"#] {
            assert!(serde_json::from_str::<NodeStats>(garbage).is_err(), "{garbage}");
        }
    }
}
