//! `overview` and `problems`: what one sees first.

use std::sync::Arc;

use nsq_http::{Response, State};
use serde_json::{Value, json};

use super::answer::{enveloped, rate};
use crate::collector::Problems;
use crate::daemon::Admin;
use crate::health::{Entity, Problem, Severity};
use crate::history::SeriesRequest;

/// A quarter of an hour.
const SPAN_MS: i64 = 15 * 60_000;
const POINTS_MAX: usize = 180;

pub(super) async fn overview(State(admin): State<Arc<Admin>>) -> Response {
    let view = admin.collector.watch(false).await;
    let problems = admin.collector.problems();
    let request = SeriesRequest {
        from_ms: view.at_ms - SPAN_MS,
        to_ms: view.at_ms,
        points_max: POINTS_MAX,
    };
    let series = admin.collector.with_history(|history| {
        let of = |metric: &str| history.series("cluster", metric, false, request);
        let first = of("publish");
        let values = |metric| of(metric).map(|series| series.values).unwrap_or_default();
        json!({
            "from": first.as_ref().map(|series| series.from_ms), "step_ms": first.as_ref().map(|series| series.step_ms),
            "publish": values("publish"), "out": values("out"), "backlog": values("backlog"),
            "in_flight": values("in_flight"), "timeout": values("timeout"),
        })
    });
    let totals = &view.totals;
    let data = json!({
        "totals": {
            "topics": totals.topics, "channels": totals.channels, "consumers": totals.consumers,
            "producers": totals.producers, "depth": totals.backlog, "in_flight": totals.in_flight,
            "deferred": totals.deferred, "publish_rate": rate(totals.publish_rate),
            "publish_bytes_rate": rate(totals.bytes_rate), "out_rate": rate(totals.out_rate),
            "requeue_rate": rate(totals.requeue_rate), "timeout_rate": rate(totals.timeout_rate),
            "trend": rate(totals.trend), "channel_messages": totals.channel_messages,
        },
        "series": series,
        "problems": list(&problems.list),
        "counts": counts(&problems),
        "inactive_topics": view.inactive.len(),
        "tombstones": view.tombstones.len(),
    });
    enveloped(&view, data)
}

pub(super) async fn problems(State(admin): State<Arc<Admin>>) -> Response {
    let view = admin.collector.watch(false).await;
    let problems = admin.collector.problems();
    enveloped(
        &view,
        json!({"problems": list(&problems.list), "counts": counts(&problems)}),
    )
}

/// Problems as they are answered.
pub(super) fn list<'p>(problems: impl IntoIterator<Item = &'p Problem>) -> Value {
    problems.into_iter().map(problem).collect()
}

fn problem(problem: &Problem) -> Value {
    let finding = &problem.finding;
    json!({
        "rule": finding.rule, "severity": finding.severity.word(), "entity": entity(&finding.entity),
        "since": problem.since_ms, "text": finding.text, "affected": finding.affected, "link": finding.link,
    })
}

fn entity(entity: &Entity) -> Value {
    match entity {
        Entity::Cluster => json!({"kind": "cluster"}),
        Entity::Nsqlookupd(address) => json!({"kind": "nsqlookupd", "node": address}),
        Entity::Nsqd(address) => json!({"kind": "nsqd", "node": address}),
        Entity::Topic(topic) => json!({"kind": "topic", "topic": topic}),
        Entity::Channel(topic, channel) => json!({"kind": "channel", "topic": topic, "channel": channel}),
    }
}

fn counts(problems: &Problems) -> Value {
    let count = |severity: Severity| {
        problems
            .list
            .iter()
            .filter(|it| it.finding.severity == severity)
            .count()
    };
    json!({"crit": count(Severity::Crit), "warn": count(Severity::Warn), "info": count(Severity::Info)})
}
