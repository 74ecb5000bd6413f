//! The HTTP API: one handler per endpoint.
//!
//! Listings that may be long are made page by page while they are sent.
//!
//! # Differs from upstream
//! `*` as a topic means nothing but that name, which no topic has. There it means every topic, also where a
//! topic is deleted. The profiles of the Go runtime (`/debug/pprof`) do not exist.
//!
//! Upstream: nsqlookupd/http.go.

mod change;
mod debug;
mod listing;
mod metrics;
mod pages;

use std::borrow::Cow;
use std::sync::Arc;

use nsq_app::VERSION;
use nsq_http::{ApiError, Params, Response, Router, Routes, Server, State, reply};
use nsq_net::{Listener, NetError};
use nsq_runtime::Shutdown;
use serde::Serialize;

use crate::daemon::Lookupd;

/// What the handlers share.
type Daemon = State<Arc<Lookupd>>;

/// Serves the API on `listener` until `shutdown`. Returns when the last connection has ended.
pub(crate) async fn serve(
    lookupd: &Arc<Lookupd>,
    listener: Listener,
    shutdown: Shutdown,
) -> Result<(), NetError> {
    let server = Server::new(routes(Arc::clone(lookupd)), lookupd.clock.clone());
    server.run(listener, shutdown).await
}

fn routes(lookupd: Arc<Lookupd>) -> Routes {
    Router::new()
        .get("/ping", ping)
        .get("/info", info)
        .get("/debug", debug::debug)
        .get("/metrics", metrics::metrics)
        .get("/lookup", listing::lookup)
        .get("/topics", listing::topics)
        .get("/channels", listing::channels)
        .get("/nodes", listing::nodes)
        .post("/topic/create", change::create_topic)
        .post("/topic/delete", change::delete_topic)
        .post("/channel/create", change::create_channel)
        .post("/channel/delete", change::delete_channel)
        .post("/topic/tombstone", change::tombstone_topic)
        .with_state(lookupd)
}

async fn ping() -> Response {
    reply::plain("OK")
}

async fn info() -> Response {
    #[derive(Serialize)]
    struct Info {
        version: &'static str,
    }
    reply::json(&Info { version: VERSION })
}

/// The parameter `topic`, valid or not.
fn topic_param<'p>(params: &'p Params<'_>) -> Result<Cow<'p, str>, ApiError> {
    params.require("topic", "MISSING_ARG_TOPIC")
}
