//! What a server lets a peer take.

use std::time::Duration;

/// The bounds of a server's connections. Upstream has none of them but the size of a head, 1 MiB.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request line and its headers together. Beyond it the reply is 431 and the
    /// connection is closed.
    pub head_size_max: usize,
    /// Time for the head of a request from its first byte, and for the first byte of a connection.
    pub head_time: Duration,
    /// Time between two requests on one connection. Enforced lazily: an idle connection is closed
    /// after one to two such times.
    pub idle_time: Duration,
    /// The longest pause of a peer that is sending a body or taking a reply.
    pub stall_time: Duration,
    /// The average speed a peer must keep to after its first `stall_time`, in bytes per second:
    /// a peer that never pauses for long but sends byte by byte ties up a body as well.
    pub rate_min: u64,
    /// Time that requests in progress get to finish once the server is told to stop.
    pub drain_time: Duration,
    /// Connections at once; `None` leaves it to the descriptor limit.
    pub connections_max: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Real heads are a few hundred bytes; a topic and a channel name are 64 each.
            head_size_max: 64 * 1024,
            head_time: Duration::from_secs(30),
            // Clients keep connections in pools for minutes and post without retrying: closing
            // under their hands costs them a message.
            idle_time: Duration::from_secs(600),
            stall_time: Duration::from_secs(30),
            rate_min: 1024,
            drain_time: Duration::from_secs(1),
            connections_max: None,
        }
    }
}
