//! `/metrics`, for Prometheus.

use std::sync::Arc;

use bytes::Bytes;
use nsq_app::VERSION;
use nsq_app::metrics::{CONTENT_TYPE, Kind, Labels, Metric, put_process};
use nsq_http::header::{CONTENT_TYPE as CONTENT_TYPE_NAME, HeaderValue};
use nsq_http::{Body, Params, Response, State, reply};
use nsq_protocol::name::TopicName;

use super::Daemon;
use crate::daemon::Lookupd;
use crate::registration_db::{Census, TopicCensus};

const INFO: Metric = gauge("nsq_info", "Always 1; the version is a label.");

/// A metric, and where its value is.
type Column<T> = (Metric, fn(&T) -> usize);

const CENSUS: [Column<Census>; 6] = [
    (
        gauge("nsq_lookupd_producer_count", "Producers that are listed."),
        |census| census.active_producers,
    ),
    (
        gauge(
            "nsq_lookupd_inactive_producer_count",
            "Producers that are connected and have been silent for too long to be listed.",
        ),
        |census| census.inactive_producers,
    ),
    (gauge("nsq_lookupd_topic_count", "Number of topics."), |census| {
        census.topics
    }),
    (
        gauge("nsq_lookupd_channel_count", "Number of channels."),
        |census| census.channels,
    ),
    (
        gauge(
            "nsq_lookupd_registration_count",
            "Topics and channels, each counted for every producer that has it.",
        ),
        |census| census.registrations,
    ),
    (
        gauge("nsq_lookupd_tombstone_count", "Tombstones that hide a producer."),
        |census| census.tombstones,
    ),
];

const TOPICS: [Column<TopicCensus>; 2] = [
    (
        gauge(
            "nsq_lookupd_topic_producer_count",
            "Producers that are registered for the topic.",
        ),
        |topic| topic.producers,
    ),
    (
        gauge("nsq_lookupd_topic_channel_count", "Channels of the topic."),
        |topic| topic.channels,
    ),
];

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    let kind = Kind::Gauge;
    Metric { name, help, kind }
}

/// How much is registered. `include_topics=false` leaves out the topics, of which there may be too many for
/// time series of their own.
pub(super) async fn metrics(State(lookupd): Daemon, params: Params<'static>) -> Response {
    let include_topics = !matches!(params.get("include_topics").as_deref(), Some("false" | "0"));
    let overview = overview(&lookupd);
    let topics = include_topics.then(|| {
        TOPICS
            .into_iter()
            .flat_map(move |(metric, value)| column(Arc::clone(&lookupd), metric, value))
    });
    let pieces = std::iter::once(overview.into()).chain(topics.into_iter().flatten());
    let mut response = reply::plain(Body::pieces(pieces));
    response
        .headers_mut()
        .insert(CONTENT_TYPE_NAME, HeaderValue::from_static(CONTENT_TYPE));
    response
}

fn overview(lookupd: &Lookupd) -> Vec<u8> {
    let mut out = Vec::new();
    INFO.put_head(&mut out);
    INFO.put(&mut out, &Labels::of(&[("version", VERSION)]), 1);
    let census = lookupd.db.census();
    for (metric, value) in CENSUS {
        metric.put_alone(&mut out, value(&census));
    }
    put_process(&mut out, lookupd.started_at);
    out
}

/// One metric of all topics, a page of topics at a time; nothing at all without topics.
fn column(
    lookupd: Arc<Lookupd>,
    metric: Metric,
    value: fn(&TopicCensus) -> usize,
) -> impl Iterator<Item = Bytes> + Send + Unpin {
    let mut is_first = true;
    let mut rest = Some(None::<TopicName>);
    std::iter::from_fn(move || {
        let after = rest.take()?;
        let page = lookupd.db.topic_census(after.as_ref());
        rest = page.next.map(Some);
        let mut out = Vec::new();
        if std::mem::take(&mut is_first) && !page.items.is_empty() {
            metric.put_head(&mut out);
        }
        for topic in &page.items {
            metric.put(
                &mut out,
                &Labels::of(&[("topic", topic.name.as_str())]),
                value(topic),
            );
        }
        Some(out.into())
    })
}
