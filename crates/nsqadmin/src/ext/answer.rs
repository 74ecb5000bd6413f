//! What every answer is wrapped in, and what a refusal looks like.

use nsq_http::header::HeaderValue;
use nsq_http::{ApiError, Params, Parts, Response, StatusCode, reply};
use serde::Serialize;
use serde_json::Value;

use crate::snapshot::{Counts, Source, View};

/// A number to three digits behind the point: what is behind them is noise, and would make every row a new one.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// A rate, `null` if it is not known.
pub(super) fn rate(rate: Option<f64>) -> Value {
    rate.map_or(Value::Null, |rate| rounded(rate).into())
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    seq: u64,
    at: i64,
    age_ms: u64,
    upstreams: Upstreams,
    sources: Vec<SourceOut<'a>>,
    partial: bool,
    data: T,
}

#[derive(Serialize)]
struct Upstreams {
    nsqlookupd: CountsOut,
    nsqd: CountsOut,
}

#[derive(Serialize)]
struct CountsOut {
    ok: usize,
    of: usize,
}

impl From<Counts> for CountsOut {
    fn from(Counts { ok, of }: Counts) -> Self {
        Self { ok, of }
    }
}

#[derive(Serialize)]
struct SourceOut<'a> {
    id: &'a str,
    kind: &'a str,
    ok: bool,
    error: &'a str,
    since: Option<i64>,
    last_ok: Option<i64>,
    latency_ms: u64,
}

/// 200 with `data`, and what it was made of.
pub(super) fn enveloped<T: Serialize>(view: &View, data: T) -> Response {
    let sources = view.sources.iter().map(|source: &Source| SourceOut {
        id: &source.id,
        kind: source.kind,
        ok: false,
        error: &source.error,
        since: source.since_ms,
        last_ok: source.last_ok_ms,
        latency_ms: millis(source.latency),
    });
    reply::json(&Envelope {
        seq: view.seq,
        at: view.at_ms,
        age_ms: millis(view.age),
        upstreams: Upstreams {
            nsqlookupd: view.nsqlookupds_ok.into(),
            nsqd: view.nodes_ok.into(),
        },
        sources: sources.collect(),
        partial: view.partial,
        data,
    })
}

pub(super) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A request that is refused: a code for programs, a sentence for people, and perhaps more.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: RefusalBody,
}

#[derive(Debug, Serialize)]
struct RefusalBody {
    message: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nearest: Vec<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            body: RefusalBody {
                message: code,
                detail: detail.into(),
                nearest: Vec::new(),
            },
        }
    }

    /// 400 `INVALID_REQUEST`.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", detail)
    }

    /// 404, with names that are like the one that was asked for.
    pub(super) fn not_found(code: &'static str, detail: impl Into<String>, nearest: Vec<String>) -> Self {
        let mut refusal = Self::new(StatusCode::NOT_FOUND, code, detail);
        refusal.body.nearest = nearest;
        refusal
    }

    /// 403 `FORBIDDEN`.
    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", detail)
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let mut response = reply::json(&refusal.body);
        *response.status_mut() = refusal.status;
        response
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::new(error.status(), "INVALID_REQUEST", error.code().to_owned())
    }
}

/// Turns a handler's refusal into a response.
pub(super) fn respond(outcome: Result<Response, Refusal>) -> Response {
    outcome.unwrap_or_else(Response::from)
}

/// The query of a request.
pub(super) fn params(parts: &Parts) -> Result<Params<'static>, Refusal> {
    Params::parse(parts.uri.query())
        .map(Params::into_owned)
        .map_err(|error| Refusal::invalid(error.to_string()))
}

/// Refuses what a form of another site could send.
pub(super) fn require_ui(parts: &Parts) -> Result<(), Refusal> {
    let is = |name: &str, wanted: &str| {
        let value = parts.headers.get(name).map(HeaderValue::to_str);
        value.is_some_and(|value| value.is_ok_and(|value| value.split(';').next() == Some(wanted)))
    };
    if is("content-type", "application/json") && is("x-nsqadmin-ui", "1") {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::BAD_REQUEST,
        "UI_HEADER_REQUIRED",
        "This needs Content-Type: application/json and X-NSQAdmin-UI: 1.",
    ))
}
