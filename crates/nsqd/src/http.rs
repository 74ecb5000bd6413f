//! The HTTP API: one handler per endpoint.
//!
//! `/pub` and `/mpub` are answered before any routing, everything else goes through the router. A handler
//! that changes something runs to its end even if its client has gone.
//!
//! Upstream: nsqd/http.go.

mod channel;
mod config;
mod debug;
mod info;
mod metrics;
mod publish;
mod stats;
mod topic;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use nsq_core::StorageError;
use nsq_http::{
    ApiError, Method, Params, Request, Response, Router, Routes, Server, Service, State, StatusCode, reply,
};
use nsq_net::{Listener, LocalAddr, Peer};
use nsq_protocol::name::TopicRef;
use nsq_runtime::Shutdown;

use crate::daemon::Nsqd;
use crate::options::TlsRequired;

/// What the handlers share.
type Daemon = State<Arc<Nsqd>>;

/// Serves the API on `listener`, if there is one, until `shutdown`. Returns when the last connection has ended.
pub(crate) async fn serve(nsqd: &Arc<Nsqd>, listener: Option<Listener>, shutdown: Shutdown) {
    let Some(listener) = listener else {
        return shutdown.triggered().await;
    };
    if let Err(error) = server(nsqd, Transport::Plain).run(listener, shutdown).await {
        tracing::error!("HTTP: {error}");
    }
}

/// The same over TLS.
pub(crate) async fn serve_tls(nsqd: &Arc<Nsqd>, listener: Option<Listener>, shutdown: Shutdown) {
    let (Some(listener), Some(acceptor)) = (listener, nsqd.tls().acceptor()) else {
        return shutdown.triggered().await;
    };
    let server = server(nsqd, Transport::Tls);
    if let Err(error) = server.run_tls(listener, acceptor, shutdown).await {
        tracing::error!("HTTPS: {error}");
    }
}

fn server(nsqd: &Arc<Nsqd>, transport: Transport) -> Server<Api> {
    let api = Api {
        nsqd: Arc::clone(nsqd),
        routes: routes(Arc::clone(nsqd)),
        transport,
    };
    Server::new(api, nsqd.clock().clone())
}

/// How requests come in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Plain,
    Tls,
}

fn routes(nsqd: Arc<Nsqd>) -> Routes {
    Router::new()
        .get("/ping", info::ping)
        .get("/info", info::info)
        .get("/stats", stats::stats)
        .get("/metrics", metrics::metrics)
        .known(Method::POST, "/pub")
        .known(Method::POST, "/mpub")
        .post("/topic/create", topic::create)
        .post("/topic/delete", topic::delete)
        .post("/topic/empty", topic::empty)
        .post("/topic/pause", topic::pause)
        .post("/topic/unpause", topic::unpause)
        .post("/channel/create", channel::create)
        .post("/channel/delete", channel::delete)
        .post("/channel/empty", channel::empty)
        .post("/channel/pause", channel::pause)
        .post("/channel/unpause", channel::unpause)
        .get("/config/{opt}", config::get)
        .put("/config/{opt}", config::put)
        .get("/debug/pprof/", debug::index)
        .get("/debug/pprof/cmdline", debug::command_line)
        .get("/debug/pprof/symbol", debug::symbol)
        .post("/debug/pprof/symbol", debug::symbol)
        .get("/debug/pprof/profile", debug::profile)
        .get("/debug/pprof/heap", debug::profile)
        .get("/debug/pprof/goroutine", debug::profile)
        .get("/debug/pprof/block", debug::profile)
        .get("/debug/pprof/threadcreate", debug::profile)
        .put("/debug/setblockrate", debug::set_block_rate)
        .post("/debug/freememory", debug::free_memory)
        .with_state(nsqd)
}

struct Api {
    nsqd: Arc<Nsqd>,
    routes: Routes,
    transport: Transport,
}

impl Api {
    /// Whether nothing may be asked here, because there is no TLS. Looked up for each request, it costs
    /// nothing.
    fn refuses_plain(&self) -> bool {
        self.transport == Transport::Plain && self.nsqd.options().tls.required == TlsRequired::Yes
    }
}

impl Service for Api {
    async fn call(&self, mut request: Request, peer: Peer) -> Response {
        if self.refuses_plain() {
            return tls_required(&self.nsqd);
        }
        // All but `/pub` in boxes: a connection has room for the largest of these futures, and moves as many
        // bytes with each request.
        let Some(endpoint) = Publishing::asked_by(request.method(), request.uri().path()) else {
            return Box::pin(self.routes.call(request, peer)).await;
        };
        let uri = std::mem::take(request.uri_mut());
        let body = request.into_body();
        let result = match endpoint {
            Publishing::One => publish::publish(&self.nsqd, uri, body).await,
            Publishing::Many => Box::pin(publish::multi_publish(&self.nsqd, uri, body)).await,
        };
        result.unwrap_or_else(Response::from)
    }

    fn is_logged(&self, method: &Method, path: &str) -> bool {
        Publishing::asked_by(method, path).is_none()
            && !path.starts_with("/debug/pprof")
            && !self.refuses_plain()
    }
}

/// The endpoints that are answered before any routing.
enum Publishing {
    /// `/pub`
    One,
    /// `/mpub`
    Many,
}

impl Publishing {
    fn asked_by(method: &Method, path: &str) -> Option<Self> {
        match path {
            "/pub" if method == Method::POST => Some(Self::One),
            "/mpub" if method == Method::POST => Some(Self::Many),
            _ => None,
        }
    }
}

/// The answer to everything that comes without TLS where TLS is required. NSQ's clients go on at the port it
/// tells, which is 0 if nothing is served over TLS. The spaces are upstream's.
fn tls_required(nsqd: &Nsqd) -> Response {
    let https = nsqd.listening().https.as_ref();
    let port = https.and_then(LocalAddr::port).unwrap_or(0);
    let mut response = reply::json_bytes(format!(r#"{{"message": "TLS_REQUIRED", "https_port": {port}}}"#));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

/// The parameter `topic`, valid or not.
fn topic_param<'p>(params: &'p Params<'_>) -> Result<Cow<'p, str>, ApiError> {
    params.require("topic", "MISSING_ARG_TOPIC")
}

/// The name of a topic that may be made by naming it.
fn valid_topic(name: &str) -> Result<TopicRef<'_>, ApiError> {
    TopicRef::parse(name.as_bytes()).map_err(|_| ApiError::bad_request("INVALID_TOPIC"))
}

/// Logs why files could not be dealt with, and makes it the client's 500.
fn storage_failed(what: fmt::Arguments<'_>, error: &StorageError) -> ApiError {
    tracing::error!("{what} - {error}");
    ApiError::internal()
}
