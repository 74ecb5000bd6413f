//! `series`: lines for charts.

use std::sync::Arc;

use nsq_http::{Params, Parts, Response, State};
use serde_json::{Value, json};

use super::answer::{Refusal, enveloped, params, respond, rounded};
use crate::daemon::Admin;
use crate::history::SeriesRequest;
use crate::snapshot::View;

const ENTITIES_MAX: usize = 100;
const METRICS_MAX: usize = 16;
const POINTS_DEFAULT: usize = 300;
const POINTS_MAX: usize = 2000;

/// An hour.
const SPAN_DEFAULT_MS: i64 = 3_600_000;
/// All that is remembered.
const SPAN_MAX_MS: i64 = 7 * 24 * 3_600_000;

pub(super) async fn series(State(admin): State<Arc<Admin>>, parts: Parts) -> Response {
    let view = admin.collector.view();
    respond(series_of(&admin, &view, &parts))
}

fn series_of(admin: &Admin, view: &View, parts: &Parts) -> Result<Response, Refusal> {
    let params = params(parts)?;
    let entities: Vec<_> = params.all("entity").into_iter().take(ENTITIES_MAX + 1).collect();
    if entities.is_empty() || entities.len() > ENTITIES_MAX {
        return Err(Refusal::invalid(format!(
            "entity is needed, at most {ENTITIES_MAX} times"
        )));
    }
    let metrics = params.get("metric").unwrap_or_default();
    let metrics: Vec<_> = metrics.split(',').filter(|metric| !metric.is_empty()).collect();
    if metrics.is_empty() || metrics.len() > METRICS_MAX {
        return Err(Refusal::invalid(format!(
            "metric is needed, up to {METRICS_MAX} with commas"
        )));
    }
    let to_ms = number(&params, "to")?.unwrap_or(view.at_ms).min(view.at_ms);
    let span_ms = number(&params, "range_ms")?.unwrap_or(SPAN_DEFAULT_MS);
    let from_ms = number(&params, "from")?.unwrap_or(to_ms.saturating_sub(span_ms));
    if from_ms > to_ms || to_ms - from_ms > SPAN_MAX_MS {
        return Err(Refusal::invalid("from is to be before to, and at most 7 days"));
    }
    let points = number(&params, "points")?.and_then(|points| usize::try_from(points).ok());
    let request = SeriesRequest {
        from_ms,
        to_ms,
        points_max: points.unwrap_or(POINTS_DEFAULT).clamp(1, POINTS_MAX),
    };
    let mut lines: Vec<Value> = Vec::new();
    let (mut from, mut step) = (from_ms, 0);
    for entity in &entities {
        for metric in &metrics {
            let (name, is_max) = match metric.split_once(':') {
                Some((name, "max")) => (name, true),
                Some(_) => return Err(Refusal::invalid(format!("there is no metric {metric}"))),
                None => (*metric, false),
            };
            let found = admin
                .collector
                .with_history(|history| history.series(entity, name, is_max, request));
            let found = found.ok_or_else(|| Refusal::invalid(format!("{entity} has no metric {name}")))?;
            (from, step) = (found.from_ms, found.step_ms);
            let values: Vec<_> = found.values.into_iter().map(|value| value.map(rounded)).collect();
            lines.push(json!({"entity": entity, "metric": metric, "values": values}));
        }
    }
    Ok(enveloped(
        view,
        json!({"step_ms": step, "from": from, "series": lines}),
    ))
}

fn number(params: &Params<'_>, name: &'static str) -> Result<Option<i64>, Refusal> {
    match params.get(name).as_deref() {
        None | Some("") => Ok(None),
        Some(text) => {
            let number: i64 = text
                .parse()
                .map_err(|_| Refusal::invalid(format!("{name} is no number")))?;
            // Far from where a calculation could overflow.
            Ok(Some(number.clamp(0, i64::MAX / 1_000_000)))
        }
    }
}
