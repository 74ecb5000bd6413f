//! `/stats`.

use std::sync::Arc;

use nsq_http::{ApiError, Body, Params, Response, State, reply};

use super::{Daemon, info};
use crate::daemon::Nsqd;
use crate::stats::{Collector, JsonReport, MemoryStats, Overview, Pieces, Render, TextReport, Topics};

/// The counters of this nsqd, for people or, with `format=json`, for programs.
pub(super) async fn stats(State(nsqd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    let filter = |name| params.get(name).filter(|value| !value.is_empty());
    let wants = |name| !matches!(params.get(name).as_deref(), Some("false" | "0"));
    let collector = Collector {
        nsqd: Arc::clone(&nsqd),
        topic: filter("topic").map(Into::into),
        channel: filter("channel").map(Into::into),
        include_clients: wants("include_clients"),
    };
    let topics = collector.topics();
    let topic_unknown = collector.topic.is_some() && topics.is_empty();
    let overview = overview(&nsqd, &collector, topic_unknown, wants("include_mem"));
    let topics = collector.collect_all(topics);
    Ok(match params.get("format").as_deref() {
        Some("json") => reply::json_bytes(body(JsonReport::new(overview, topic_unknown), topics).await),
        _ => reply::text(body(TextReport::new(overview), topics).await),
    })
}

fn overview(nsqd: &Nsqd, collector: &Collector, topic_unknown: bool, include_mem: bool) -> Overview {
    let clock = nsqd.clock();
    let producers = if topic_unknown {
        Vec::new()
    } else {
        collector.producers()
    };
    Overview {
        health: info::health(nsqd).text,
        start_time: nsqd.started_at(),
        start_time_local: nsqd.log().time().rfc3339(nsqd.started_at()),
        uptime: nsqd.uptime(),
        now: clock.wall_ns().div_euclid(1_000_000_000),
        memory: include_mem.then(MemoryStats::measure),
        producers,
    }
}

/// A short report as a whole, so that its length is known; a long one piece by piece.
async fn body<R>(form: R, topics: Topics) -> Body
where
    R: Render + Send + Unpin + 'static,
{
    let mut pieces = Pieces::new(form, topics);
    let first = loop {
        match pieces.next() {
            Some(nothing) if nothing.is_empty() => tokio::task::yield_now().await,
            first => break first.unwrap_or_default(),
        }
    };
    if pieces.is_done() {
        Body::from(first)
    } else {
        Body::pieces(std::iter::once(first).chain(pieces))
    }
}
