//! Graphite: one figure of it, and the way there for browsers.
//!
//! Upstream: nsqadmin/http.go, `graphiteHandler`; nsqadmin/nsqadmin.go, `NewSingleHostReverseProxy`.

mod target;

use std::sync::Arc;

use nsq_clusterinfo::escape;
use nsq_http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use nsq_http::{
    ApiError, ClientReply, ClientRequest, Params, ParamsError, Parts, Response, Router, State, StatusCode,
    reply,
};
use serde::{Deserialize, Serialize};

use crate::daemon::Admin;
use crate::options::GraphiteUrl;

pub(crate) use target::target;

/// Images and series of a page are some hundred KiB.
const REPLY_SIZE_MAX: usize = 16 << 20;

pub(crate) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    router.get("/render", render).get("/api/graphite", rate)
}

/// A series in Graphite's JSON.
#[derive(Debug, Deserialize)]
pub(crate) struct Series {
    /// Its name.
    #[serde(default)]
    pub(crate) target: String,
    /// Pairs of a value, which may be missing, and a time in Unix seconds.
    pub(crate) datapoints: Vec<(Option<f64>, f64)>,
}

#[derive(Serialize)]
struct Rate {
    rate: String,
}

/// `/api/graphite?metric=rate&target=`: the messages per second of the last complete interval.
///
/// # Differs from upstream
/// A series without values has no rate, `N/A`; there it is a panic. The log has no password in it.
async fn rate(State(admin): State<Arc<Admin>>, parts: Parts) -> Result<Response, ApiError> {
    let params = Params::parse(parts.uri.query())
        .map_err(|_: ParamsError| ApiError::bad_request("INVALID_REQUEST"))?;
    if params.get("metric").as_deref() != Some("rate") {
        return Err(ApiError::bad_request("INVALID_ARG_METRIC"));
    }
    let target = params
        .get("target")
        .filter(|target| !target.is_empty())
        .ok_or(ApiError::bad_request("INVALID_ARG_TARGET"))?;
    let graphite = admin.options.graphite.as_ref().ok_or_else(ApiError::internal)?;
    let interval_s = admin.options.statsd_interval.as_secs();
    let url = format!(
        "{}?format=json&from=-{}sec&target={}&until=-{interval_s}sec",
        graphite.join("/render"),
        interval_s.saturating_mul(2),
        escape(&target)
    );
    tracing::info!("GRAPHITE: {url}");
    let series = series(&admin, graphite, &url).await.map_err(|error| {
        tracing::error!("graphite request failed - {error}");
        ApiError::internal()
    })?;
    let first = series.first().and_then(|series| series.datapoints.first());
    let rate = first
        .and_then(|(value, _)| *value)
        .map(|value| value / seconds(interval_s));
    let rate = match rate {
        Some(rate) if rate >= 0.0 => format!("{rate:.2}"),
        _ => "N/A".to_owned(),
    };
    Ok(reply::json(&Rate { rate }))
}

#[expect(clippy::cast_precision_loss, reason = "an interval is minutes")]
fn seconds(interval_s: u64) -> f64 {
    interval_s as f64
}

/// `/render`, if Graphite is to be reached by way of this nsqadmin.
///
/// # Differs from upstream
/// The path of the URL of Graphite counts, and the base path does not.
async fn render(State(admin): State<Arc<Admin>>, parts: Parts) -> Result<Response, ApiError> {
    let graphite = admin
        .options
        .graphite
        .as_ref()
        .filter(|_| admin.options.proxy_graphite);
    let graphite = graphite.ok_or(ApiError::not_found("NOT_FOUND"))?;
    let query = parts
        .uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let url = graphite.join("/render") + &query;
    let answered = ask(&admin, graphite, &url).await.map_err(|error| {
        tracing::error!("graphite request failed - {error}");
        ApiError::new(StatusCode::BAD_GATEWAY, "UPSTREAM_ERROR")
    })?;
    let mut response = Response::new(answered.body.into());
    *response.status_mut() = answered.status;
    if let Some(kind) = answered.headers.get(CONTENT_TYPE) {
        response.headers_mut().insert(CONTENT_TYPE, kind.clone());
    }
    Ok(response)
}

/// Where the series of some expressions are, from one Unix second to another.
pub(crate) fn render_url(
    graphite: &GraphiteUrl,
    from_s: i64,
    until_s: i64,
    points_max: usize,
    targets: impl Iterator<Item = String>,
) -> String {
    let mut url = format!(
        "{}?format=json&from={from_s}&until={until_s}&maxDataPoints={points_max}",
        graphite.join("/render")
    );
    for target in targets {
        url.push_str("&target=");
        url.push_str(&escape(&target));
    }
    url
}

/// The series that an address of Graphite answers, or why there are none, for people.
pub(crate) async fn series(admin: &Admin, graphite: &GraphiteUrl, url: &str) -> Result<Vec<Series>, String> {
    let reply = ask(admin, graphite, url)
        .await
        .map_err(|error| error.to_string())?;
    if reply.status != StatusCode::OK {
        return Err(format!("it answered {}", reply.status));
    }
    serde_json::from_slice(&reply.body).map_err(|_| "its answer is not understood".to_owned())
}

async fn ask(admin: &Admin, graphite: &GraphiteUrl, url: &str) -> Result<ClientReply, nsq_http::ClientError> {
    let mut request = ClientRequest::get(url);
    if let Some(Ok(authorization)) = graphite.authorization.as_deref().map(HeaderValue::from_str) {
        request = request.header(AUTHORIZATION, authorization);
    }
    admin
        .client
        .clone()
        .with_reply_size_max(REPLY_SIZE_MAX)
        .send(request)
        .await
}
