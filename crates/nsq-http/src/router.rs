//! Which handler a path and a method have, and what the others are told.

mod table;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use axum::handler::Handler;
use axum::http::request::Parts;
use axum::routing::{MethodFilter, on};
use hyper::{Method, StatusCode};
use nsq_net::Peer;
use tower::Service as _;

use self::table::Table;
use crate::reply;
use crate::{ApiError, Body, Request, Response, Service};

/// Builds [`Routes`] from paths, methods and axum handlers over a state `S`.
///
/// Paths are axum's: `/config/{opt}` has one parameter. Handlers may extract the
/// [`Peer`] of the connection as an extension.
pub struct Router<S> {
    axum: axum::Router<S>,
    table: Table,
}

impl<S: Clone + Send + Sync + 'static> Router<S> {
    /// A router without routes.
    pub fn new() -> Self {
        Self {
            axum: axum::Router::new(),
            table: Table::default(),
        }
    }

    /// Handles GET on `path`. Unlike in axum this does not cover HEAD, which NSQ refuses.
    pub fn get<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::GET, Method::GET, path, handler)
    }

    /// Handles POST on `path`.
    pub fn post<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::POST, Method::POST, path, handler)
    }

    /// Handles PUT on `path`.
    pub fn put<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::PUT, Method::PUT, path, handler)
    }

    /// Handles DELETE on `path`.
    pub fn delete<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::DELETE, Method::DELETE, path, handler)
    }

    /// Makes `method` on `path` known without a handler here: a [`Service`] in front of the routes
    /// answers it, and only the other methods, `OPTIONS` and redirects come this far.
    pub fn known(mut self, method: Method, path: &'static str) -> Self {
        self.table.insert(method, path);
        self
    }

    fn on<H, T>(mut self, filter: MethodFilter, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.table.insert(method, path);
        self.axum = self.axum.route(path, on(filter, handler));
        self
    }

    /// Completes the router with what its handlers share.
    pub fn with_state(self, state: S) -> Routes {
        let table = Arc::new(self.table);
        let missed = {
            let table = Arc::clone(&table);
            move |parts: Parts| std::future::ready(answer_missed(&table, &parts))
        };
        Routes {
            axum: self
                .axum
                .method_not_allowed_fallback(missed.clone())
                .fallback(missed)
                .with_state(state),
            table,
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Router<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for Router<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

/// A complete router: answers every request, known or not.
#[derive(Clone, Debug)]
pub struct Routes {
    axum: axum::Router,
    table: Arc<Table>,
}

impl Service for Routes {
    async fn call(&self, request: Request, peer: Peer) -> Response {
        let (mut parts, body) = request.into_parts();
        // axum would answer HEAD with the GET handler.
        if parts.method == Method::HEAD {
            return answer_missed(&self.table, &parts);
        }
        parts.extensions.insert(peer);
        let request = hyper::Request::from_parts(parts, body);
        match self.axum.clone().call(request).await {
            Ok(response) => response.map(Body::from_axum),
            Err(never) => match never {},
        }
    }
}

/// What a request gets that no handler is for.
fn answer_missed(table: &Table, parts: &Parts) -> Response {
    let (method, path) = (&parts.method, parts.uri.path());
    if let Some(fixed) = table.fixed(method, path) {
        let location = match parts.uri.query() {
            Some(query) => Cow::Owned(format!("{fixed}?{query}")),
            None => Cow::Borrowed(fixed.as_str()),
        };
        return reply::redirect(&location, method == Method::GET);
    }
    if method == Method::OPTIONS && path == "*" {
        return Response::new(Body::empty());
    }
    match table.allowed(path) {
        None => ApiError::not_found("NOT_FOUND").into(),
        Some(methods) if method == Method::OPTIONS => reply::allowed(Response::new(Body::empty()), &methods),
        Some(methods) => reply::allowed(
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED").into(),
            &methods,
        ),
    }
}
