//! `series`: lines for charts.

mod graphite;

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
    respond(series_of(&admin, &view, &parts).await)
}

async fn series_of(admin: &Admin, view: &View, parts: &Parts) -> Result<Response, Refusal> {
    let params = params(parts)?;
    let query = Query::of(&params, view.at_ms)?;
    let data = match params.get("source").as_deref() {
        None | Some("" | "memory") => query.remembered(admin)?,
        Some("graphite") => query.of_graphite(admin).await?,
        Some(other) => return Err(Refusal::invalid(format!("there is no source {other}"))),
    };
    Ok(enveloped(view, data))
}

/// Which lines are wanted, and how long.
#[derive(Debug)]
struct Query {
    entities: Vec<String>,
    metrics: Vec<String>,
    request: SeriesRequest,
}

impl Query {
    fn of(params: &Params<'_>, now_ms: i64) -> Result<Self, Refusal> {
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
        let to_ms = number(params, "to")?.unwrap_or(now_ms).min(now_ms);
        let span_ms = number(params, "range_ms")?.unwrap_or(SPAN_DEFAULT_MS);
        let from_ms = number(params, "from")?.unwrap_or(to_ms.saturating_sub(span_ms));
        if from_ms > to_ms || to_ms - from_ms > SPAN_MAX_MS {
            return Err(Refusal::invalid("from is to be before to, and at most 7 days"));
        }
        let points = number(params, "points")?.and_then(|points| usize::try_from(points).ok());
        Ok(Self {
            entities: entities.into_iter().map(|entity| entity.to_string()).collect(),
            metrics: metrics.into_iter().map(str::to_owned).collect(),
            request: SeriesRequest {
                from_ms,
                to_ms,
                points_max: points.unwrap_or(POINTS_DEFAULT).clamp(1, POINTS_MAX),
            },
        })
    }

    /// The lines of the own history.
    fn remembered(&self, admin: &Admin) -> Result<Value, Refusal> {
        let mut lines: Vec<Value> = Vec::new();
        let (mut from, mut step) = (self.request.from_ms, 0);
        for entity in &self.entities {
            for metric in &self.metrics {
                let (name, is_max) = match metric.split_once(':') {
                    Some((name, "max")) => (name, true),
                    Some(_) => return Err(Refusal::invalid(format!("there is no metric {metric}"))),
                    None => (metric.as_str(), false),
                };
                let found = admin
                    .collector
                    .with_history(|history| history.series(entity, name, is_max, self.request));
                let found =
                    found.ok_or_else(|| Refusal::invalid(format!("{entity} has no metric {name}")))?;
                (from, step) = (found.from_ms, found.step_ms);
                lines.push(line(entity, metric, found.values));
            }
        }
        Ok(json!({"source": "memory", "step_ms": step, "from": from, "series": lines}))
    }
}

fn line(entity: &str, metric: &str, values: Vec<Option<f64>>) -> Value {
    let values: Vec<_> = values.into_iter().map(|value| value.map(rounded)).collect();
    json!({"entity": entity, "metric": metric, "values": values})
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
