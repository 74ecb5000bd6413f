//! What `GET /stats` tells, as plain values, and its two forms.
//!
//! The fields are those of the JSON form, in its order. A report is rendered [piece by
//! piece](Pieces): with 10,000 channels it is megabytes long, and neither waits in memory as a whole
//! nor keeps a runtime thread from publishing while it is made.
//!
//! Upstream: `nsqd/stats.go`, and `doStats` and `printStats` in `nsqd/http.go`.

mod collect;
mod json;
mod memory;
mod pieces;
mod text;
mod turns;

use std::time::Duration;

use nsq_core::{ClientId, LatencySnapshot};
use nsq_net::Peer;
use serde::{Serialize, Serializer};

pub use self::collect::{Collector, Gathering, Topics};
pub use self::json::JsonReport;
pub use self::memory::MemoryStats;
pub use self::pieces::{Pieces, Render};
pub use self::text::TextReport;
pub(crate) use self::turns::Turns;

/// The part of a report that is not about a single topic.
#[derive(Clone, Debug)]
pub struct Overview {
    /// `OK`, or `NOK - ` and why the most recent write to a disk queue failed.
    pub health: String,
    /// When this nsqd was started, in Unix seconds.
    pub start_time: i64,
    /// The same in RFC 3339, for the text form.
    pub start_time_local: String,
    /// How long it has been running.
    pub uptime: Duration,
    /// The present, in Unix seconds: connection times are shown as time since.
    pub now: i64,
    /// Figures of the process; `None` if they were not asked for.
    pub memory: Option<MemoryStats>,
    /// The connections that have published.
    pub producers: Vec<ClientStats>,
}

/// A topic at one moment. The counters are explained at [`nsq_core::TopicSnapshot`].
#[derive(Clone, Debug)]
pub struct TopicStats {
    /// Its name.
    pub topic_name: String,
    /// Its channels by name, as far as they were asked for.
    pub channels: Vec<ChannelStats>,
    /// Messages in the topic's own queue.
    pub depth: u64,
    /// Those of them that are on disk.
    pub backend_depth: u64,
    /// When the oldest was accepted, in nanoseconds since the Unix epoch. Only for `/metrics`.
    pub oldest_ns: Option<i64>,
    /// Messages accepted.
    pub message_count: u64,
    /// Their body bytes.
    pub message_bytes: u64,
    /// Whether messages are held back from the channels.
    pub paused: bool,
    /// Latency over all channels.
    pub e2e_processing_latency: LatencyStats,
}

/// A channel at one moment. The counters are explained at [`nsq_core::ChannelSnapshot`].
#[derive(Clone, Debug, Serialize)]
pub struct ChannelStats {
    /// Its name.
    pub channel_name: String,
    /// Messages that wait to be delivered.
    pub depth: u64,
    /// Those of them that are on disk.
    pub backend_depth: u64,
    /// When the next was accepted, in nanoseconds since the Unix epoch. Only for `/metrics`.
    #[serde(skip)]
    pub oldest_ns: Option<i64>,
    /// Messages delivered and not answered.
    pub in_flight_count: u64,
    /// Messages whose delay has not passed.
    pub deferred_count: u64,
    /// Messages received from the topic.
    pub message_count: u64,
    /// Messages taken from memory by consumers of the same zone.
    #[serde(skip_serializing_if = "is_zero")]
    pub zone_local_msg_count: u64,
    /// Messages taken from memory by consumers of the same region.
    #[serde(skip_serializing_if = "is_zero")]
    pub region_local_msg_count: u64,
    /// Messages taken from memory by other consumers.
    #[serde(skip_serializing_if = "is_zero")]
    pub global_msg_count: u64,
    /// Successful requeues.
    pub requeue_count: u64,
    /// Messages that timed out.
    pub timeout_count: u64,
    /// FINs of messages that were not held any more. Only for `/metrics`.
    #[serde(skip)]
    pub late_fin_count: u64,
    /// How many consumers there are, listed or not.
    pub client_count: usize,
    /// The consumers; `None` if they were not asked for.
    pub clients: Option<Vec<ClientStats>>,
    /// Whether messages are held back from the consumers.
    pub paused: bool,
    /// Time from publishing to FIN.
    pub e2e_processing_latency: LatencyStats,
}

/// A V2 connection, as a consumer of a channel or as a producer.
///
/// The texts are the client's own; [`TextReport`] escapes them.
#[expect(clippy::struct_excessive_bools, reason = "these are upstream's fields")]
#[derive(Clone, Debug, Serialize)]
pub struct ClientStats {
    /// Which connection it is; upstream does not tell.
    #[serde(skip)]
    pub id: ClientId,
    /// What it calls itself.
    pub client_id: String,
    /// Its host, as it says.
    pub hostname: String,
    /// The protocol it speaks, `V2`.
    pub version: &'static str,
    /// Where it connects from.
    #[serde(serialize_with = "as_text")]
    pub remote_address: Peer,
    /// Its state as upstream counts them: 0 connected, 3 subscribed, 4 closing.
    pub state: u8,
    /// Its RDY.
    pub ready_count: u64,
    /// Messages sent and not answered.
    pub in_flight_count: u64,
    /// Messages sent.
    pub message_count: u64,
    /// Successful FINs.
    pub finish_count: u64,
    /// Successful REQs.
    pub requeue_count: u64,
    /// When it connected, in Unix seconds.
    pub connect_ts: i64,
    /// Percentage of messages it asked for; 0 for all.
    pub sample_rate: i32,
    /// Whether the connection is compressed with deflate.
    pub deflate: bool,
    /// Whether the connection is compressed with snappy.
    pub snappy: bool,
    /// Its library.
    pub user_agent: String,
    /// Whether an auth server has let it in.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub authed: bool,
    /// Who it is to the auth server.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub auth_identity: String,
    /// Where the auth server tells more.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub auth_identity_url: String,
    /// Where it is, finely.
    pub topology_zone: String,
    /// Where it is, coarsely.
    pub topology_region: String,
    /// Messages it has published, by topic.
    ///
    /// # Differs from upstream
    /// Upstream lists one topic, an arbitrary one unless the report is about a single topic.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pub_counts: Vec<PubCount>,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The cipher suite of an encrypted connection.
    pub tls_cipher_suite: String,
    /// `TLS1.0` to `TLS1.3`.
    pub tls_version: String,
    /// Always empty: nothing is negotiated.
    pub tls_negotiated_protocol: String,
    /// True exactly for encrypted connections.
    pub tls_negotiated_protocol_is_mutual: bool,
}

/// Messages that one connection has published to one topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PubCount {
    /// The topic.
    pub topic: String,
    /// Messages published to it.
    pub count: u64,
}

/// Time from publishing to FIN over the window.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LatencyStats {
    /// Samples in the window.
    pub count: u64,
    /// The quantiles in the configured order; `None` if there are none to tell.
    pub percentiles: Option<Vec<Percentile>>,
}

/// One quantile of a latency.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Percentile {
    /// Above 0, at most 1.
    pub quantile: f64,
    /// Nanoseconds.
    pub value: f64,
}

impl From<LatencySnapshot> for LatencyStats {
    fn from(latency: LatencySnapshot) -> Self {
        let percentiles = latency
            .quantiles
            .into_iter()
            .map(|(quantile, value)| Percentile { quantile, value })
            .collect::<Vec<_>>();
        Self {
            count: latency.count,
            percentiles: (!percentiles.is_empty()).then_some(percentiles),
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes the field by reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn as_text<S: Serializer>(peer: &Peer, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(peer)
}

#[cfg(test)]
mod tests;
