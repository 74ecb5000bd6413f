//! `topics` and `channels`: all of them, a row each.

use std::sync::Arc;

use nsq_http::{Parts, Response, State};

use super::answer::{Refusal, enveloped, params, respond};
use super::table::{Cell, Row, TableQuery, select};
use crate::collector::Collector;
use crate::daemon::Admin;
use crate::health::Severity;
use crate::history::SeriesRequest;
use crate::snapshot::{ChannelRow, Paused, Removed, TopicRow, View, is_ephemeral};

/// A quarter of an hour, in as many points as a small chart has pixels to spare.
const SPARK_SPAN_MS: i64 = 15 * 60_000;
const SPARK_POINTS: usize = 30;

fn word(problem: Option<Severity>) -> &'static str {
    problem.map_or("", Severity::word)
}

impl Row for TopicRow {
    const COLS: &'static [&'static str] = &[
        "key",
        "topic",
        "problem",
        "paused",
        "ephemeral",
        "depth",
        "memory_depth",
        "disk_depth",
        "backlog",
        "trend",
        "publish_rate",
        "publish_bytes_rate",
        "messages",
        "message_bytes",
        "worst_channel",
        "worst_depth",
        "channels",
        "consumers",
        "producers",
        "nodes",
        "nodes_of",
        "in_flight",
        "deferred",
        "out_rate",
        "requeue_rate",
        "timeout_rate",
        "e2e_ns",
        "partial",
        "inactive",
    ];

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.topic.as_str().into(),
            self.topic.as_str().into(),
            word(self.problem).into(),
            self.paused.word().into(),
            is_ephemeral(&self.topic).into(),
            self.depth.into(),
            (self.depth - self.disk_depth).into(),
            self.disk_depth.into(),
            self.backlog.into(),
            self.trend.into(),
            self.publish_rate.into(),
            self.bytes_rate.into(),
            self.messages.into(),
            self.message_bytes.into(),
            self.worst_channel.as_str().into(),
            self.worst_depth.into(),
            self.channels.into(),
            self.consumers.into(),
            self.producers.into(),
            self.nodes.into(),
            self.nodes_of.into(),
            self.in_flight.into(),
            self.deferred.into(),
            self.out_rate.into(),
            self.requeue_rate.into(),
            self.timeout_rate.into(),
            self.e2e_ns.clone().into(),
            self.partial.into(),
            self.inactive.into(),
        ]
    }

    fn has_text(&self, text: &str) -> bool {
        self.topic.to_lowercase().contains(text)
    }

    fn passes(&self, filter: &str) -> Option<bool> {
        Some(match filter {
            "problems" => self.problem.is_some(),
            "backlog" => self.backlog > 0,
            "paused" => self.paused != Paused::No,
            "no_channels" => self.channels == 0 && !self.inactive,
            "no_consumers" => self.consumers == 0 && !self.inactive,
            "ephemeral" => is_ephemeral(&self.topic),
            "inactive" => self.inactive,
            _ => return None,
        })
    }

    fn changed(&self) -> u64 {
        self.changed
    }
}

impl Row for ChannelRow {
    const COLS: &'static [&'static str] = &[
        "key",
        "topic",
        "channel",
        "problem",
        "paused",
        "ephemeral",
        "depth",
        "memory_depth",
        "disk_depth",
        "backlog",
        "trend",
        "in_flight",
        "deferred",
        "requeued",
        "timed_out",
        "messages",
        "in_rate",
        "out_rate",
        "requeue_rate",
        "timeout_rate",
        "wait_s",
        "consumers",
        "rdy",
        "saturation",
        "nodes",
        "nodes_of",
        "e2e_ns",
        "partial",
    ];

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.key().into(),
            self.topic.as_str().into(),
            self.channel.as_str().into(),
            word(self.problem).into(),
            self.paused.word().into(),
            is_ephemeral(&self.channel).into(),
            self.depth.into(),
            (self.depth - self.disk_depth).into(),
            self.disk_depth.into(),
            self.depth.into(),
            self.trend.into(),
            self.in_flight.into(),
            self.deferred.into(),
            self.requeued.into(),
            self.timed_out.into(),
            self.messages.into(),
            self.in_rate.into(),
            self.out_rate.into(),
            self.requeue_rate.into(),
            self.timeout_rate.into(),
            self.wait_s().into(),
            self.consumers.into(),
            self.rdy.into(),
            self.saturation().into(),
            self.nodes.into(),
            self.nodes_of.into(),
            self.e2e_ns.clone().into(),
            self.partial.into(),
        ]
    }

    fn has_text(&self, text: &str) -> bool {
        self.key().to_lowercase().contains(text)
    }

    fn passes(&self, filter: &str) -> Option<bool> {
        Some(match filter {
            "problems" => self.problem.is_some(),
            "backlog" => self.depth > 0,
            "paused" => self.paused != Paused::No,
            "stalled" => self.depth > 0 && self.out_rate == Some(0.0) && self.paused == Paused::No,
            "no_consumers" => self.consumers == 0,
            "ephemeral" => is_ephemeral(&self.channel),
            _ => return None,
        })
    }

    fn changed(&self) -> u64 {
        self.changed
    }
}

/// What makes a table of rows.
trait Listed: Row {
    /// The columns of its small charts, and the metrics that they show.
    const SPARKS: &'static [(&'static str, &'static str)];

    /// Its name in the history.
    fn entity(&self) -> String;

    /// The key of a row of this kind that has gone.
    fn gone(removed: &Removed) -> Option<&String>;
}

impl Listed for TopicRow {
    const SPARKS: &'static [(&'static str, &'static str)] =
        &[("publish_spark", "publish"), ("backlog_spark", "backlog")];

    fn entity(&self) -> String {
        format!("topic:{}", self.topic)
    }

    fn gone(removed: &Removed) -> Option<&String> {
        match removed {
            Removed::Topic(key) => Some(key),
            Removed::Channel(_) => None,
        }
    }
}

impl Listed for ChannelRow {
    const SPARKS: &'static [(&'static str, &'static str)] = &[("depth_spark", "depth")];

    fn entity(&self) -> String {
        format!("channel:{}", self.key())
    }

    fn gone(removed: &Removed) -> Option<&String> {
        match removed {
            Removed::Channel(key) => Some(key),
            Removed::Topic(_) => None,
        }
    }
}

pub(super) async fn topics(State(admin): State<Arc<Admin>>, parts: Parts) -> Response {
    let view = admin.collector.watch(false).await;
    respond(answer(&admin.collector, &view, &view.topics, &parts))
}

pub(super) async fn channels(State(admin): State<Arc<Admin>>, parts: Parts) -> Response {
    let view = admin.collector.watch(false).await;
    respond(answer(&admin.collector, &view, &view.channels, &parts))
}

fn answer<R: Listed>(
    collector: &Collector,
    view: &View,
    rows: &[R],
    parts: &Parts,
) -> Result<Response, Refusal> {
    let query = TableQuery::of(&params(parts)?)?;
    let removed = |since| {
        let gone = || view.removed.iter().filter(|(seq, _)| *seq > since);
        view.remembers(since).then(|| {
            gone()
                .filter_map(|(_, removed)| R::gone(removed).cloned())
                .collect()
        })
    };
    let request = SeriesRequest {
        from_ms: view.at_ms - SPARK_SPAN_MS,
        to_ms: view.at_ms,
        points_max: SPARK_POINTS,
    };
    let sparks = |row: &R| {
        let entity = row.entity();
        let spark = |(_, metric): &(&str, &str)| {
            let series = collector.with_history(|history| history.series(&entity, metric, false, request));
            series.map_or(Cell::Null, |series| series.values.into())
        };
        R::SPARKS.iter().map(spark).collect()
    };
    let names: Vec<_> = R::SPARKS.iter().map(|(column, _)| *column).collect();
    let table = select(rows, &query, removed, &names, sparks)?;
    Ok(enveloped(view, table))
}
