//! `/metrics`, for Prometheus.
//!
//! The metrics of topics, channels and clients have the names and labels of the exporter that most NSQ
//! installations run beside nsqd (`lovoo/nsq_exporter`), so that its dashboards show this nsqd as it is.

mod section;

use std::sync::Arc;
use std::time::Duration;

use nsq_app::VERSION;
use nsq_app::metrics::{CONTENT_TYPE, Kind, Labels, Metric, put_process};
use nsq_http::header::{CONTENT_TYPE as CONTENT_TYPE_NAME, HeaderValue};
use nsq_http::{Body, Params, Response, State, reply};
use nsq_net::Peer;

use super::Daemon;
use crate::daemon::Nsqd;
use crate::stats::{ChannelStats, ClientStats, Collector, LatencyStats, TopicStats, Turns};
use section::Section;

type Column<T> = (Metric, fn(&T) -> u64);

const TOPIC: [Column<TopicStats>; 5] = [
    (gauge("nsq_topic_channel_count", "Number of channels."), |topic| {
        topic.channels.len() as u64
    }),
    (
        gauge("nsq_topic_depth", "Messages that have not reached a channel."),
        |topic| topic.depth,
    ),
    (
        gauge("nsq_topic_backend_depth", "Those of them that are on disk."),
        |topic| topic.backend_depth,
    ),
    (
        counter("nsq_topic_message_count", "Messages published."),
        |topic| topic.message_count,
    ),
    (
        counter("nsq_topic_message_bytes", "Body bytes of the messages published."),
        |topic| topic.message_bytes,
    ),
];

const CHANNEL: [Column<ChannelStats>; 12] = [
    (
        gauge("nsq_channel_client_count", "Number of consumers."),
        |channel| channel.client_count as u64,
    ),
    (
        gauge("nsq_channel_depth", "Messages that wait for a consumer."),
        |channel| channel.depth,
    ),
    (
        gauge("nsq_channel_backend_depth", "Those of them that are on disk."),
        |channel| channel.backend_depth,
    ),
    (
        counter("nsq_channel_message_count", "Messages received from the topic."),
        |channel| channel.message_count,
    ),
    (
        gauge("nsq_channel_in_flight_count", "Messages sent and not answered."),
        |channel| channel.in_flight_count,
    ),
    (
        gauge(
            "nsq_channel_deferred_count",
            "Messages that wait for their delay to pass.",
        ),
        |channel| channel.deferred_count,
    ),
    (
        counter("nsq_channel_requeue_count", "Messages requeued by consumers."),
        |channel| channel.requeue_count,
    ),
    (
        counter("nsq_channel_timeout_count", "Messages not answered in time."),
        |channel| channel.timeout_count,
    ),
    (
        counter(
            "nsq_channel_late_fin_count",
            "FINs of messages that the client did not hold any more.",
        ),
        |channel| channel.late_fin_count,
    ),
    (
        counter(
            "nsq_channel_zone_local_msg_count",
            "Messages taken from memory by consumers of the same zone.",
        ),
        |channel| channel.zone_local_msg_count,
    ),
    (
        counter(
            "nsq_channel_region_local_msg_count",
            "Messages taken from memory by consumers of the same region.",
        ),
        |channel| channel.region_local_msg_count,
    ),
    (
        counter(
            "nsq_channel_global_msg_count",
            "Messages taken from memory by other consumers.",
        ),
        |channel| channel.global_msg_count,
    ),
];

const CLIENT: [Column<ClientStats>; 8] = [
    (
        gauge(
            "nsq_client_state",
            "State of the consumer: 3 subscribed, 4 closing.",
        ),
        |client| u64::from(client.state),
    ),
    (
        counter("nsq_client_finish_count", "Messages finished."),
        |client| client.finish_count,
    ),
    (
        counter("nsq_client_message_count", "Messages sent to the consumer."),
        |client| client.message_count,
    ),
    (
        gauge("nsq_client_ready_count", "RDY of the consumer."),
        |client| client.ready_count,
    ),
    (
        gauge("nsq_client_in_flight_count", "Messages sent and not answered."),
        |client| client.in_flight_count,
    ),
    (
        counter("nsq_client_requeue_count", "Messages requeued."),
        |client| client.requeue_count,
    ),
    (
        gauge(
            "nsq_client_connect_ts",
            "When the consumer connected, in Unix seconds.",
        ),
        |client| u64::try_from(client.connect_ts).unwrap_or(0),
    ),
    (
        gauge(
            "nsq_client_sample_rate",
            "Percentage of messages asked for; 0 for all.",
        ),
        |client| u64::try_from(client.sample_rate).unwrap_or(0),
    ),
];

const TOPIC_LATENCY: Metric = gauge(
    "nsq_topic_e2e_processing_latency_seconds",
    "Time from publishing to FIN over all channels.",
);
const CHANNEL_LATENCY: Metric = gauge(
    "nsq_channel_e2e_processing_latency_seconds",
    "Time from publishing to FIN.",
);

const TOPIC_AGE: Metric = gauge(
    "nsq_topic_oldest_message_age_seconds",
    "How long the oldest message has waited that has not reached a channel.",
);
const CHANNEL_AGE: Metric = gauge(
    "nsq_channel_oldest_message_age_seconds",
    "Time since the publication of the message that is next to be delivered.",
);

const FLUSHES: Metric = Metric {
    name: "nsq_flush_size_bytes",
    help: "How much was sent to a client at once.",
    kind: Kind::Histogram,
};
const SYNCS: Metric = Metric {
    name: "nsq_fsync_duration_seconds",
    help: "How long a sync of a disk queue has taken.",
    kind: Kind::Histogram,
};

const INFO: Metric = gauge("nsq_info", "Always 1; the version is a label.");
const HEALTHY: Metric = gauge(
    "nsq_healthy",
    "Whether all disk queues and the metadata file can be written.",
);
const UNHEALTHY: Metric = gauge(
    "nsq_unhealthy_queues",
    "Disk queues, and metadata files, that cannot be written.",
);
const CONNECTIONS: Metric = gauge("nsq_connections", "Connections of producers and consumers.");
const LOOKUPD: Metric = gauge(
    "nsq_lookupd_connected",
    "Whether this nsqd is registered at the nsqlookupd.",
);

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    let kind = Kind::Gauge;
    Metric { name, help, kind }
}

const fn counter(name: &'static str, help: &'static str) -> Metric {
    let kind = Kind::Counter;
    Metric { name, help, kind }
}

/// Everything that can be counted or measured. `include_clients=false` leaves consumers out, of which there
/// may be too many for a time series each.
pub(super) async fn metrics(State(nsqd): Daemon, params: Params<'static>) -> Response {
    let include_clients = !matches!(params.get("include_clients").as_deref(), Some("false" | "0"));
    let mut tables = Tables::new(nsqd.clock().wall_ns());
    tables.collect(&nsqd, include_clients).await;
    let overview = std::iter::once(overview(&nsqd).into());
    let mut response = reply::plain(Body::pieces(overview.chain(tables.into_pieces())));
    response
        .headers_mut()
        .insert(CONTENT_TYPE_NAME, HeaderValue::from_static(CONTENT_TYPE));
    response
}

fn overview(nsqd: &Nsqd) -> Vec<u8> {
    let mut out = Vec::new();
    INFO.put_head(&mut out);
    INFO.put(&mut out, &Labels::of(&[("version", VERSION)]), 1);
    HEALTHY.put_alone(&mut out, u8::from(nsqd.storage_error().is_none()));
    UNHEALTHY.put_alone(&mut out, nsqd.core().unhealthy_queues());
    CONNECTIONS.put_alone(&mut out, nsqd.clients().count());
    let flushes = nsqd.flush_sizes().snapshot();
    FLUSHES.put_histogram(&mut out, flushes.buckets, flushes.count, flushes.sum);
    let syncs = nsqd.core().sync_times_ns();
    let in_seconds = syncs
        .buckets
        .iter()
        .map(|&(bound, count)| (seconds(bound), count));
    SYNCS.put_histogram(&mut out, in_seconds, syncs.count, seconds(syncs.sum));
    let lookupds = nsqd.lookupds();
    if !lookupds.is_empty() {
        LOOKUPD.put_head(&mut out);
    }
    for lookupd in lookupds {
        let labels = Labels::of(&[("address", &lookupd.address)]);
        LOOKUPD.put(&mut out, &labels, u8::from(lookupd.connected));
    }
    put_process(&mut out, nsqd.started_at());
    out
}

fn seconds(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64()
}

/// The samples of one scrape, taken at once: the metrics of a topic fit to each other, although each stands
/// with those of other topics.
struct Tables {
    topics: Section<u64, 5>,
    channels: Section<u64, 12>,
    clients: Section<u64, 8>,
    /// One sample for each topic and channel whose oldest message is known.
    topic_ages: Section<f64, 1>,
    channel_ages: Section<f64, 1>,
    /// The present, in nanoseconds since the Unix epoch.
    now_ns: i64,
    /// One sample for each percentile.
    topic_latencies: Section<f64, 1>,
    channel_latencies: Section<f64, 1>,
    /// The same in nanoseconds, by the names that the exporter has for two percentiles.
    named_latencies: [Named; 4],
}

/// A percentile that has a metric of its own.
struct Named {
    quantile: f64,
    about: About,
    samples: Section<f64, 1>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Topic,
    Channel,
}

impl Tables {
    fn new(now_ns: i64) -> Self {
        let named = |quantile, about, name| Named {
            quantile,
            about,
            samples: Section::new([gauge(name, "Time from publishing to FIN, in nanoseconds.")]),
        };
        Self {
            topics: Section::new(TOPIC.map(|(metric, _)| metric)),
            channels: Section::new(CHANNEL.map(|(metric, _)| metric)),
            clients: Section::new(CLIENT.map(|(metric, _)| metric)),
            topic_ages: Section::new([TOPIC_AGE]),
            channel_ages: Section::new([CHANNEL_AGE]),
            now_ns,
            topic_latencies: Section::new([TOPIC_LATENCY]),
            channel_latencies: Section::new([CHANNEL_LATENCY]),
            named_latencies: [
                named(0.99, About::Topic, "nsq_topic_e2e_latency_99_percentile"),
                named(0.95, About::Topic, "nsq_topic_e2e_latency_95_percentile"),
                named(0.99, About::Channel, "nsq_channel_e2e_latency_99p"),
                named(0.95, About::Channel, "nsq_channel_e2e_latency_95p"),
            ],
        }
    }

    async fn collect(&mut self, nsqd: &Arc<Nsqd>, include_clients: bool) {
        let collector = Collector {
            nsqd: Arc::clone(nsqd),
            topic: None,
            channel: None,
            include_clients,
        };
        let mut turns = Turns::default();
        for topic in collector.topics() {
            let Some(topic) = collector.collect(&topic).await else {
                continue;
            };
            self.add(&topic);
            for channel in &topic.channels {
                self.add_channel(&topic, channel);
                turns.next().await;
            }
            turns.next().await;
        }
    }

    fn add(&mut self, topic: &TopicStats) {
        let labels = Labels::of(&[("topic", &topic.topic_name), ("paused", as_text(topic.paused))]);
        self.add_latency(About::Topic, &labels, &topic.e2e_processing_latency);
        if let Some(age) = self.age(topic.depth, topic.oldest_ns) {
            self.topic_ages.add(labels.clone(), [age]);
        }
        self.topics.add(labels, TOPIC.map(|(_, value)| value(topic)));
    }

    fn add_channel(&mut self, topic: &TopicStats, channel: &ChannelStats) {
        let labels = Labels::of(&[
            ("topic", &topic.topic_name),
            ("channel", &channel.channel_name),
            ("paused", as_text(channel.paused)),
        ]);
        self.add_latency(About::Channel, &labels, &channel.e2e_processing_latency);
        if let Some(age) = self.age(channel.depth, channel.oldest_ns) {
            self.channel_ages.add(labels.clone(), [age]);
        }
        self.channels
            .add(labels, CHANNEL.map(|(_, value)| value(channel)));
        for client in channel.clients.iter().flatten() {
            let labels = client_labels(topic, channel, client);
            self.clients.add(labels, CLIENT.map(|(_, value)| value(client)));
        }
    }

    /// How many seconds ago the oldest message was published; 0 if there is none. It is not known of one that is on
    /// disk only.
    fn age(&self, depth: u64, oldest_ns: Option<i64>) -> Option<f64> {
        let age_ns = match oldest_ns {
            Some(oldest_ns) => self.now_ns.saturating_sub(oldest_ns),
            None if depth == 0 => 0,
            None => return None,
        };
        // The clock may have been set back since.
        Some(seconds(u64::try_from(age_ns).unwrap_or(0)))
    }

    fn add_latency(&mut self, about: About, labels: &Labels, latency: &LatencyStats) {
        for percentile in latency.percentiles.iter().flatten() {
            let samples = match about {
                About::Topic => &mut self.topic_latencies,
                About::Channel => &mut self.channel_latencies,
            };
            samples.add(
                labels.and("quantile", percentile.quantile),
                [percentile.value / 1e9],
            );
            for named in &mut self.named_latencies {
                if named.about == about && (named.quantile - percentile.quantile).abs() < f64::EPSILON {
                    named.samples.add(labels.clone(), [percentile.value]);
                }
            }
        }
    }

    fn into_pieces(self) -> impl Iterator<Item = bytes::Bytes> + Send + Unpin + 'static {
        let named = self.named_latencies.into_iter();
        self.topics
            .into_pieces()
            .chain(self.topic_ages.into_pieces())
            .chain(self.topic_latencies.into_pieces())
            .chain(self.channels.into_pieces())
            .chain(self.channel_ages.into_pieces())
            .chain(self.channel_latencies.into_pieces())
            .chain(named.flat_map(|named| named.samples.into_pieces()))
            .chain(self.clients.into_pieces())
    }
}

fn client_labels(topic: &TopicStats, channel: &ChannelStats, client: &ClientStats) -> Labels {
    let remote_address = match client.remote_address {
        // All of them are called `@`, and two samples must not have the same labels.
        Peer::Unix => format!("@{}", client.id.0),
        peer @ Peer::Tcp(_) => peer.to_string(),
    };
    Labels::of(&[
        ("topic", &topic.topic_name),
        ("channel", &channel.channel_name),
        ("deflate", as_text(client.deflate)),
        ("snappy", as_text(client.snappy)),
        ("tls", as_text(client.tls)),
        ("client_id", &client.client_id),
        ("hostname", &client.hostname),
        ("version", client.version),
        ("remote_address", &remote_address),
    ])
}

fn as_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
