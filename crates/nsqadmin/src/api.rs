//! What Go's nsqadmin answers below `/api`, with its fields, statuses and side effects.
//!
//! # Differs from upstream
//! A channel that nobody has is 404 `CHANNEL_NOT_FOUND`, not a panic. Names of topics and channels that are to be
//! changed have to be valid, and a node to be tombstoned has to be one of the cluster. Empty lists are `[]`.
//!
//! Upstream: nsqadmin/http.go.

mod body;
mod change;
mod read;

use std::fmt::Display;
use std::sync::Arc;

use nsq_clusterinfo::NobodyAnswered;
use nsq_http::{ApiError, Response, Router, StatusCode, reply};
use serde::Serialize;

use crate::daemon::Admin;

pub(crate) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    router
        .get("/api/topics", read::topics)
        .post("/api/topics", change::create)
        .get("/api/topics/{topic}", read::topic)
        .post("/api/topics/{topic}", change::act_on_topic)
        .delete("/api/topics/{topic}", change::delete_topic)
        .get("/api/topics/{topic}/{channel}", read::channel)
        .post("/api/topics/{topic}/{channel}", change::act_on_channel)
        .delete("/api/topics/{topic}/{channel}", change::delete_channel)
        .get("/api/nodes", read::nodes)
        .get("/api/nodes/{node}", read::node)
        .delete("/api/nodes/{node}", change::tombstone)
        .get("/api/counter", read::counter)
}

/// An answer, and in `message` who did not contribute to it.
#[derive(Serialize)]
struct Answer<T> {
    #[serde(flatten)]
    value: T,
    message: String,
}

/// An answer of nothing but a message.
#[derive(Serialize)]
struct Done {
    message: String,
}

fn answer<T: Serialize>(value: T, warnings: &[String]) -> Response {
    reply::json(&Answer {
        value,
        message: message(warnings),
    })
}

fn done(warnings: &[String]) -> Response {
    reply::json(&Done {
        message: message(warnings),
    })
}

fn message(warnings: &[String]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    let text = warnings.join("; ");
    tracing::warn!("{text}");
    format!("WARNING: {text}")
}

/// 502: nobody could answer what was asked in order to `what`.
fn upstream_error(what: impl Display, failed: &NobodyAnswered) -> ApiError {
    tracing::error!("failed to {what} - {failed}");
    ApiError::new(StatusCode::BAD_GATEWAY, format!("UPSTREAM_ERROR: {failed}"))
}
