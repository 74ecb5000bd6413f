//! What operators write for an address, and what it means.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use crate::error::{NetError, Operation};

/// A place to listen on or to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A TCP endpoint.
    Tcp(HostPort),
    /// A unix stream socket; a leading `@` names a socket in the abstract namespace, as in Go.
    Unix(PathBuf),
}

impl Address {
    /// Reads `text` by Go NSQ's rule: what splits into host and port is TCP, and everything else,
    /// even `127.0.0.1` with its port forgotten, is the path of a unix socket.
    ///
    /// Upstream: `internal/util/unix_socket.go`, `TypeOfAddr`.
    pub fn parse(text: &str) -> Self {
        match HostPort::parse(text) {
            Ok(host_port) => Self::Tcp(host_port),
            Err(_) => Self::Unix(PathBuf::from(text)),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host_port) => host_port.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// A host and a port as written, neither looked up yet.
///
/// The host may be empty (every interface when listening, this machine when connecting), a name, or
/// an IP address; an IPv6 address is kept without its brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    host: String,
    port: String,
}

impl HostPort {
    /// Splits `text` by the rules of Go's `net.SplitHostPort`: the last colon separates the port,
    /// and a host with colons of its own stands in brackets.
    ///
    /// # Errors
    /// If there is no port, too many colons, or brackets where none belong.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let fail = |reason| {
            Err(AddressError {
                address: text.to_owned(),
                reason,
            })
        };
        let Some((before, port)) = text.rsplit_once(':') else {
            return fail("missing port in address");
        };
        let host = if let Some(bracketed) = text.strip_prefix('[') {
            let Some((host, after)) = bracketed.split_once(']') else {
                return fail("missing ']' in address");
            };
            if after.is_empty() {
                return fail("missing port in address");
            }
            if after.len() != port.len() + 1 {
                return fail(if after.starts_with(':') {
                    "too many colons in address"
                } else {
                    "missing port in address"
                });
            }
            host
        } else if before.contains(':') {
            return fail("too many colons in address");
        } else {
            before
        };
        if host.contains('[') || port.contains('[') {
            return fail("unexpected '[' in address");
        }
        if host.contains(']') || port.contains(']') {
            return fail("unexpected ']' in address");
        }
        Ok(Self {
            host: host.to_owned(),
            port: port.to_owned(),
        })
    }

    /// A host and a port that are already apart, such as a broadcast address and its port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port: port.to_string(),
        }
    }

    /// The host as written, without brackets; empty when none was given.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port as written; empty means 0.
    pub fn port(&self) -> &str {
        &self.port
    }

    /// All socket addresses this stands for, IPv4 first, as Go prefers them.
    ///
    /// # Errors
    /// If the port is no port, or the name does not resolve.
    pub(crate) async fn resolve(&self, operation: Operation) -> Result<Vec<SocketAddr>, NetError> {
        let port = self.port_number(operation)?;
        if self.host.is_empty() {
            return Ok(vec![SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)]);
        }
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let mut found: Vec<_> = tokio::net::lookup_host((self.host.as_str(), port))
            .await
            .map_err(|cause| NetError::lookup(operation, &self.host, cause))?
            .collect();
        if found.is_empty() {
            return Err(NetError::unresolved(
                operation,
                format!("lookup {}: no such host", self.host),
            ));
        }
        found.sort_by_key(SocketAddr::is_ipv6);
        Ok(found)
    }

    fn port_number(&self, operation: Operation) -> Result<u16, NetError> {
        if self.port.is_empty() {
            return Ok(0);
        }
        if !self.port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NetError::unresolved(
                operation,
                format!("lookup tcp/{}: unknown port", self.port),
            ));
        }
        self.port
            .parse()
            .map_err(|_| NetError::unresolved(operation, format!("address {}: invalid port", self.port)))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Why a text is not `host:port`, in the words of Go's `net.SplitHostPort`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    address: String,
    reason: &'static str,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "address {}: {}", self.address, self.reason)
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Host and port with a space between, or the error.
    fn split(text: &str) -> String {
        match HostPort::parse(text) {
            Ok(it) => format!("{} {}", it.host, it.port),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn host_and_port_split_at_the_last_colon() {
        assert_eq!(split("127.0.0.1:4150"), "127.0.0.1 4150");
        assert_eq!(split(":4150"), " 4150");
        assert_eq!(split("localhost:"), "localhost ");
        assert_eq!(split(":"), " ");
        assert_eq!(split("[::1]:4150"), "::1 4150");
        assert_eq!(split("[]:1"), " 1");
    }

    #[test]
    fn what_does_not_split_says_why_in_gos_words() {
        for (text, reason) in [
            ("", "missing port in address"),
            ("127.0.0.1", "missing port in address"),
            ("[::1]", "missing port in address"),
            ("[::1]x:1", "missing port in address"),
            ("::1:4150", "too many colons in address"),
            ("http://127.0.0.1:1", "too many colons in address"),
            ("[::1]:2:3", "too many colons in address"),
            ("[::1:4150", "missing ']' in address"),
            ("a[b:1", "unexpected '[' in address"),
            ("[a[b]:1", "unexpected '[' in address"),
            ("a]b:1", "unexpected ']' in address"),
            ("host:1]", "unexpected ']' in address"),
        ] {
            assert_eq!(split(text), format!("address {text}: {reason}"));
        }
    }

    #[test]
    fn what_is_not_host_and_port_is_a_unix_socket_path() {
        assert_eq!(
            Address::parse("/run/nsqd.sock"),
            Address::Unix("/run/nsqd.sock".into())
        );
        assert_eq!(Address::parse("127.0.0.1"), Address::Unix("127.0.0.1".into()));
        assert_eq!(
            Address::parse("[::1]:4150"),
            Address::Tcp(HostPort::new("::1", 4150))
        );
    }

    #[test]
    fn an_address_displays_as_it_was_written() {
        for text in [":4150", "[::1]:4150", "localhost:0", "/run/nsqd.sock"] {
            assert_eq!(Address::parse(text).to_string(), text);
        }
    }

    #[tokio::test]
    async fn a_port_that_is_no_port_is_refused_in_gos_words() {
        for (text, message) in [
            ("127.0.0.1:99999", "listen tcp: address 99999: invalid port"),
            ("127.0.0.1:nsq", "listen tcp: lookup tcp/nsq: unknown port"),
            ("127.0.0.1:-1", "listen tcp: lookup tcp/-1: unknown port"),
        ] {
            let error = HostPort::parse(text)
                .unwrap()
                .resolve(Operation::Listen)
                .await
                .unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
