//! The server and the client over real sockets.

mod access_log;
mod bounds;
mod client;
mod dialect;
mod support;
