//! `/metrics`, for Prometheus: the snapshot, added up over nodes.
//!
//! Everything of a single nsqd is in the `/metrics` of that nsqd. Here is what nobody else knows: sums, who does not
//! answer, and how many problems there are.

use std::sync::Arc;

use nsq_app::metrics::{CONTENT_TYPE, Kind, Labels, Metric, put_process};
use nsq_http::header::{CONTENT_TYPE as CONTENT_TYPE_NAME, HeaderValue};
use nsq_http::{Body, Response, Router, State};

use crate::daemon::Admin;
use crate::health::Severity;
use crate::snapshot::{ChannelRow, TopicRow, View};

pub(crate) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    router.get("/metrics", metrics)
}

const UP: Metric = gauge("nsqadmin_upstream_up", "Whether the process answers.");
const PROBLEMS: Metric = gauge("nsqadmin_problems", "Problems that the cluster has.");
const HISTORY: Metric = gauge("nsqadmin_history_bytes", "Memory that the history takes.");

/// A metric, and where its value is.
type Column<T> = (Metric, fn(&T) -> i64);

const TOPICS: [Column<TopicRow>; 5] = [
    (
        gauge(
            "nsqadmin_topic_depth",
            "Messages in the topic itself, on all nodes.",
        ),
        |row| row.depth,
    ),
    (
        gauge(
            "nsqadmin_topic_backlog",
            "Messages in the topic and its channels, on all nodes.",
        ),
        |row| row.backlog,
    ),
    (
        counter(
            "nsqadmin_topic_message_count",
            "Messages published, on all nodes.",
        ),
        |row| row.messages,
    ),
    (
        gauge("nsqadmin_topic_channel_count", "Channels of the topic."),
        |row| row.channels,
    ),
    (
        gauge("nsqadmin_topic_node_count", "Nodes that have the topic."),
        |row| row.nodes,
    ),
];

const CHANNELS: [Column<ChannelRow>; 7] = [
    (
        gauge("nsqadmin_channel_depth", "Messages that wait, on all nodes."),
        |row| row.depth,
    ),
    (
        gauge(
            "nsqadmin_channel_in_flight_count",
            "Messages that consumers hold.",
        ),
        |row| row.in_flight,
    ),
    (
        gauge(
            "nsqadmin_channel_deferred_count",
            "Messages that are not due yet.",
        ),
        |row| row.deferred,
    ),
    (
        counter(
            "nsqadmin_channel_message_count",
            "Messages that came in, on all nodes.",
        ),
        |row| row.messages,
    ),
    (
        counter(
            "nsqadmin_channel_requeue_count",
            "Messages that consumers gave back.",
        ),
        |row| row.requeued,
    ),
    (
        counter(
            "nsqadmin_channel_timeout_count",
            "Messages that consumers held for too long.",
        ),
        |row| row.timed_out,
    ),
    (
        gauge("nsqadmin_channel_client_count", "Consumers that are connected."),
        |row| row.consumers,
    ),
];

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    let kind = Kind::Gauge;
    Metric { name, help, kind }
}

const fn counter(name: &'static str, help: &'static str) -> Metric {
    let kind = Kind::Counter;
    Metric { name, help, kind }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    let view = admin.collector.view();
    let mut out = Vec::new();
    put_upstreams(&mut out, &view);
    let problems = admin.collector.problems();
    PROBLEMS.put_head(&mut out);
    for severity in [Severity::Crit, Severity::Warn, Severity::Info] {
        let count = problems
            .list
            .iter()
            .filter(|it| it.finding.severity == severity)
            .count();
        PROBLEMS.put(&mut out, &Labels::of(&[("severity", severity.word())]), count);
    }
    let topics = view.topics.iter().filter(|row| !row.inactive);
    let topics = topics.map(|row| (Labels::of(&[("topic", &row.topic)]), row));
    put_columns(&mut out, &TOPICS, &topics.collect::<Vec<_>>());
    let channels = view.channels.iter();
    let channels = channels.map(|row| {
        (
            Labels::of(&[("topic", &row.topic), ("channel", &row.channel)]),
            row,
        )
    });
    put_columns(&mut out, &CHANNELS, &channels.collect::<Vec<_>>());
    HISTORY.put_alone(
        &mut out,
        admin.collector.with_history(crate::history::History::bytes),
    );
    put_process(&mut out, admin.started_s);
    let mut response = Response::new(Body::from(out));
    response
        .headers_mut()
        .insert(CONTENT_TYPE_NAME, HeaderValue::from_static(CONTENT_TYPE));
    response
}

fn put_upstreams(out: &mut Vec<u8>, view: &View) {
    UP.put_head(out);
    for nsqlookupd in &view.nsqlookupds {
        let labels = Labels::of(&[("kind", "nsqlookupd"), ("address", &nsqlookupd.address)]);
        UP.put(
            out,
            &labels,
            u8::from(nsqlookupd.status.trouble(view.now).is_none()),
        );
    }
    for node in &view.nodes {
        let labels = Labels::of(&[("kind", "nsqd"), ("address", &node.address())]);
        UP.put(out, &labels, u8::from(node.status.trouble(view.now).is_none()));
    }
}

fn put_columns<T>(out: &mut Vec<u8>, columns: &[Column<T>], rows: &[(Labels, &T)]) {
    for (metric, value) in columns {
        metric.put_head(out);
        for (labels, row) in rows {
            metric.put(out, labels, value(row));
        }
    }
}
