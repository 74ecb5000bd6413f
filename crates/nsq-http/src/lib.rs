//! The HTTP dialect NSQ speaks, both sides.
//!
//! A [`Server`] serves a [`Service`] over the connections of one listener: HTTP/1.0 and 1.1 with
//! keep-alive, bounded in size and time against slow and hostile peers, a panic answered with 500.
//! A [`Router`] is the usual service: axum's routing and extraction, with 404, 405, `OPTIONS` and
//! redirects as NSQ words them. [`reply`] and [`ApiError`] make the "V1" answers, [`Params`] reads
//! a query string as Go does, and the [`Client`] asks such servers.
//!
//! Requests that change something are refused when a browser sends them for a page of another site.
//!
//! What the endpoints do is left to the daemons. There is no HTTP/2 and no compression.
//!
//! ```
//! use nsq_http::{Params, Response, Router, ApiError, reply};
//!
//! async fn lookup(params: Params<'static>) -> Result<Response, ApiError> {
//!     let topic = params.get("topic").ok_or(ApiError::bad_request("MISSING_ARG_TOPIC"))?;
//!     Ok(reply::text(topic.into_owned()))
//! }
//!
//! let routes = Router::new()
//!     .get("/ping", || async { reply::plain("OK") })
//!     .get("/lookup", lookup)
//!     .with_state(());
//! # drop(routes);
//! ```

mod body;
mod client;
mod cross_site;
mod duration;
mod error;
mod json;
mod params;
pub mod reply;
mod request;
mod router;
mod server;

pub use axum::extract::{Path, State};
pub use axum::http::request::Parts;
pub use hyper::{Method, StatusCode, Uri, header};

pub use body::Body;
pub use client::{Client, ClientError, ClientReply, ClientRequest, KeepAlive, StatusReply};
pub use error::ApiError;
pub use json::{to_json, write_json};
pub use params::{Params, ParamsError};
pub use reply::Response;
pub use request::{BodyError, HandlerBody, Request, RequestBody, read_body};
pub use router::{Router, Routes};
pub use server::{Limits, Server, Service};
