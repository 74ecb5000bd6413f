//! Serving HTTP on the connections of a listener.

mod access_log;
mod connection;
mod encrypted;
mod limits;
mod monitor;
mod panic;
mod watch;

use std::future::Future;
use std::sync::Arc;

use hyper::Method;
use nsq_net::{Acceptor, Listener, NetError, Peer, Stream, tls};
use nsq_runtime::{Clock, Shutdown, TaskGroup};

pub use self::limits::Limits;
pub(crate) use self::monitor::Monitor;
use crate::{Request, Response};

/// Answers requests.
pub trait Service: Send + Sync + 'static {
    /// Answers one request of `peer`.
    ///
    /// The future is driven to its end even if the peer goes away meanwhile, unless the server has
    /// stopped and its drain time is over. A panic is answered with 500 `INTERNAL_ERROR`.
    fn call(&self, request: Request, peer: Peer) -> impl Future<Output = Response> + Send;

    /// Whether `method` requests for `path` appear in the access log.
    fn is_logged(&self, method: &Method, path: &str) -> bool {
        let _ = (method, path);
        true
    }

    /// Whether requests that change something are answered 403 `CROSS_SITE` instead of being served, when a browser
    /// sends them for a page of another site. Other clients are never refused.
    fn refuses_cross_site(&self) -> bool {
        true
    }
}

/// Serves one [`Service`] on any number of listeners.
#[derive(Debug)]
pub struct Server<S> {
    shared: Arc<Shared<S>>,
}

/// What all connections of a server use.
#[derive(Debug)]
struct Shared<S> {
    service: S,
    limits: Limits,
    clock: Clock,
}

impl<S: Service> Server<S> {
    /// A server with the default [`Limits`].
    pub fn new(service: S, clock: Clock) -> Self {
        Self::with_limits(service, clock, Limits::default())
    }

    /// A server with limits of its own.
    pub fn with_limits(service: S, clock: Clock, limits: Limits) -> Self {
        Self {
            shared: Arc::new(Shared {
                service,
                limits,
                clock,
            }),
        }
    }

    /// Serves the connections of `listener` until `stop` is triggered. Then the listener is closed,
    /// idle connections are, and requests in progress get [`Limits::drain_time`] to be answered.
    ///
    /// # Errors
    /// If accepting fails for good, or the file of a unix socket cannot be removed. Connections
    /// are stopped as above before the error is returned.
    pub async fn run(&self, listener: Listener, stop: Shutdown) -> Result<(), NetError> {
        self.accept(listener, stop, |stream, stop| {
            connection::serve(Arc::clone(&self.shared), stream, stop)
        })
        .await
    }

    /// The same over TLS. A client gets [`Limits::head_time`] for its handshake; one that speaks plain HTTP
    /// is told so, as Go does.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub async fn run_tls(
        &self,
        listener: Listener,
        acceptor: &tls::Acceptor,
        stop: Shutdown,
    ) -> Result<(), NetError> {
        self.accept(listener, stop, |stream, stop| {
            encrypted::serve(Arc::clone(&self.shared), stream, acceptor.clone(), stop)
        })
        .await
    }

    async fn accept<C>(
        &self,
        listener: Listener,
        stop: Shutdown,
        serve: impl Fn(Stream, Shutdown) -> C,
    ) -> Result<(), NetError>
    where
        C: Future<Output = ()> + Send + 'static,
    {
        let Shared { limits, clock, .. } = &*self.shared;
        let connections = TaskGroup::new("http connections");
        // Ends the connections when accepting fails, without stopping anything else of the caller's.
        let stop = stop.child();
        let mut acceptor = Acceptor::new(listener, clock.clone());
        if let Some(connections_max) = limits.connections_max {
            acceptor = acceptor.with_limit(connections_max);
        }
        let ended = acceptor
            .run(stop.triggered(), |socket, slot| {
                let connection = serve(Stream::from(socket), stop.child());
                connections.spawn(async move {
                    connection.await;
                    drop(slot);
                });
            })
            .await;
        stop.trigger();
        let closed = ended.and_then(Listener::close);
        // Every connection keeps to the drain time by itself; the factor covers scheduling.
        let left = connections.wait(clock, limits.drain_time * 2).await;
        if left > 0 {
            tracing::warn!("HTTP: {left} connections did not end in time");
        }
        closed
    }
}
