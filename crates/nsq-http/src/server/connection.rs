//! One connection from its first byte to its last.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{StatusCode, Version};
use hyper_util::rt::TokioIo;
use nsq_net::{Peer, Stream};
use nsq_runtime::Shutdown;

use super::access_log::AccessLog;
use super::monitor::{Monitor, Monitored, Phase};
use super::watch::Watch;
use super::{Service, Shared, panic};
use crate::reply::{self, WithStatus};
use crate::{ApiError, RequestBody, Response, cross_site};

/// Bounds how much a connection buffers of what it reads, and so how large a step through a body is.
const READ_BUFFER_MAX: usize = 64 * 1024;

/// Serves `stream` until either side closes it, a limit is exceeded, or `stop` is triggered and the
/// request in progress, if any, is answered.
pub(super) async fn serve<S: Service>(shared: Arc<Shared<S>>, stream: Stream, stop: Shutdown) {
    let peer = stream.peer();
    let monitor = Arc::new(Monitor::default());
    let io = TokioIo::new(Monitored::new(stream, Arc::clone(&monitor)));
    let service = service_fn(|request| {
        monitor.begin_request();
        answer(Arc::clone(&shared), Arc::clone(&monitor), request, peer)
    });
    let connection = http1::Builder::new()
        // A client may close its sending side and still wait for the reply, as in Go. It also means
        // that a handler is not dropped because its client has gone.
        .half_close(true)
        .title_case_headers(true)
        .max_buf_size(READ_BUFFER_MAX.max(shared.limits.head_size_max))
        .max_header_size(shared.limits.head_size_max)
        .header_read_timeout(None)
        .serve_connection(io, service);

    let mut connection = pin!(connection);
    let mut stopped = pin!(stop.triggered());
    let mut watch = Watch::new(&shared.limits, &shared.clock, &monitor);
    let mut draining = false;
    poll_fn(|cx| {
        if !draining && stopped.as_mut().poll(cx).is_ready() {
            draining = true;
            monitor.hurry();
            connection.as_mut().graceful_shutdown();
            watch.drain();
        }
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // The first poll of a body only tells hyper that it is wanted, and wakes the task to read
        // it. Doing that now mostly completes the request, and its time need not be watched.
        if monitor.phase() == Phase::Body && connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // A connection that exceeds a limit is dropped as it is.
        watch.poll_overdue(&monitor, cx)
    })
    .await;
}

/// Answers one request, whatever it is, and logs it.
async fn answer<S: Service>(
    shared: Arc<Shared<S>>,
    monitor: Arc<Monitor>,
    request: hyper::Request<Incoming>,
    peer: Peer,
) -> Result<Response, Infallible> {
    let Shared { service, clock, .. } = &*shared;
    let response = if let Some(problem) = host_problem(&request) {
        monitor.abandon_input();
        refuse(problem)
    } else {
        let (method, uri) = (request.method(), request.uri());
        let is_logged = service.is_logged(method, uri.path());
        let log = is_logged
            .then(|| AccessLog::begin(method, uri, peer, clock))
            .flatten();
        let response = if service.refuses_cross_site() && cross_site::is_forged(&request) {
            monitor.abandon_input();
            ApiError::new(StatusCode::FORBIDDEN, "CROSS_SITE")
                .closing()
                .into()
        } else {
            let request = request.map(|body| RequestBody::new(body, Arc::clone(&monitor)));
            let response = panic::caught(pin!(service.call(request, peer))).await;
            response.unwrap_or_else(|payload| {
                tracing::error!("panic in HTTP handler - {}", panic::message(&*payload));
                ApiError::internal().into()
            })
        };
        if let Some(log) = log {
            log.end(response.status(), clock);
        }
        response
    };
    monitor.end_request();
    Ok(response)
}

/// HTTP/1.1 asks for exactly one Host header.
fn host_problem(request: &hyper::Request<Incoming>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_11 => Some("missing required Host header"),
        (Some(_), Some(_)) => Some("too many Host headers"),
        _ => None,
    }
}

/// Refuses a request that breaks the protocol, as Go's server does before any handler.
fn refuse(problem: &str) -> Response {
    let mut response =
        reply::plain(format!("400 Bad Request: {problem}")).with_status(StatusCode::BAD_REQUEST);
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
