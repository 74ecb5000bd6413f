//! Who is at the other end of a connection.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The other end of a connection.
///
/// Displays as Go's `RemoteAddr().String()`: `10.0.0.5:41568`, `[::1]:41568`, or `@` for a unix
/// socket, whose peer has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Address and port. An IPv4 peer of a dual-stack listener is kept as IPv4.
    Tcp(SocketAddr),
    /// A process on this machine.
    Unix,
}

impl Peer {
    pub(crate) fn tcp(addr: SocketAddr) -> Self {
        Self::Tcp(SocketAddr::new(addr.ip().to_canonical(), addr.port()))
    }

    /// The IP address; `None` for a unix socket.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(addr) => Some(addr.ip()),
            Self::Unix => None,
        }
    }

    /// The port; `None` for a unix socket.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(addr) => Some(addr.port()),
            Self::Unix => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix => f.write_str("@"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_displays_as_in_go() {
        let shown = |addr: &str| Peer::tcp(addr.parse().unwrap()).to_string();
        assert_eq!(shown("10.0.0.5:41568"), "10.0.0.5:41568");
        assert_eq!(shown("[::1]:41568"), "[::1]:41568");
        assert_eq!(shown("[::ffff:10.0.0.5]:41568"), "10.0.0.5:41568");
        assert_eq!(Peer::Unix.to_string(), "@");
    }
}
