//! The IDENTIFY request and the negotiated answer.
//!
//! A client describes itself and asks for features; nsqd checks what was asked against its limits and tells
//! what the connection will run with:
//!
//! 1. [`IdentifyRequest::from_json`] reads the body;
//! 2. [`IdentifyRequest::apply`] checks the numbers and yields the connection's new [`ClientSettings`];
//! 3. [`IdentifyRequest::negotiate`] grants features and yields the [`IdentifyResponse`], unless the client
//!    asked for none: the answer is then `OK`.
//!
//! Upstream: `nsqd/protocol_v2.go`, `IDENTIFY`; `nsqd/client_v2.go`, `Identify`.

mod negotiation;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use negotiation::{ClientSettings, IdentifyLimits, ServerInfo};
pub use request::IdentifyRequest;
pub use response::IdentifyResponse;
