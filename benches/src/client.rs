//! Clients that cost less than the server they load: one thread drives many connections, requests are rendered once,
//! and answers are counted in the receive buffer.

pub(crate) mod admin;
pub(crate) mod consumer;
pub(crate) mod handler;
pub(crate) mod paced;
pub(crate) mod producer;
pub(crate) mod registrant;

use std::net::SocketAddr;

/// Where a server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    /// V2.
    pub(crate) tcp: SocketAddr,
    /// HTTP.
    pub(crate) http: SocketAddr,
}
