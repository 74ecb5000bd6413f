//! Network failures, worded as Go's `net` package words them.

use std::fmt;
use std::io;

/// Opening, accepting, connecting or closing failed.
///
/// Displays as Go's `net.OpError`, for example
/// `listen tcp 127.0.0.1:4150: bind: address already in use`; the I/O error is kept as the source.
#[derive(Debug)]
pub struct NetError {
    operation: Operation,
    network: Network,
    /// Empty while the address has not been resolved.
    address: String,
    failure: Failure,
}

#[derive(Debug)]
enum Failure {
    /// The address stands for nothing, for example an unknown host.
    Unresolved {
        text: String,
        cause: Option<io::Error>,
    },
    /// A system call failed.
    System {
        call: &'static str,
        cause: io::Error,
    },
    TimedOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Listen,
    Accept,
    Dial,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Tcp,
    Unix,
}

impl NetError {
    pub(crate) fn system(
        operation: Operation,
        network: Network,
        address: impl fmt::Display,
        call: &'static str,
        cause: io::Error,
    ) -> Self {
        Self {
            operation,
            network,
            address: address.to_string(),
            failure: Failure::System { call, cause },
        }
    }

    pub(crate) fn unresolved(operation: Operation, text: String) -> Self {
        Self {
            operation,
            network: Network::Tcp,
            address: String::new(),
            failure: Failure::Unresolved { text, cause: None },
        }
    }

    pub(crate) fn lookup(operation: Operation, host: &str, cause: io::Error) -> Self {
        Self {
            operation,
            network: Network::Tcp,
            address: String::new(),
            failure: Failure::Unresolved {
                text: format!("lookup {host}: no such host"),
                cause: Some(cause),
            },
        }
    }

    pub(crate) fn timed_out(operation: Operation, network: Network, address: impl fmt::Display) -> Self {
        Self {
            operation,
            network,
            address: address.to_string(),
            failure: Failure::TimedOut,
        }
    }

    /// Whether a deadline passed before the operation was done.
    pub fn is_timeout(&self) -> bool {
        matches!(self.failure, Failure::TimedOut)
    }
}

/// A daemon cannot listen where it was told to.
///
/// Displays in upstream's words, with the address as it was given:
/// `listen (:4150) failed - listen tcp :4150: bind: address already in use`.
#[derive(Debug)]
pub struct ListenError {
    address: String,
    cause: NetError,
}

impl ListenError {
    /// That of `address`, because of `cause`.
    pub fn new(address: impl fmt::Display, cause: NetError) -> Self {
        Self {
            address: address.to_string(),
            cause,
        }
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listen ({}) failed - {}", self.address, self.cause)
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = match self.operation {
            Operation::Listen => "listen",
            Operation::Accept => "accept",
            Operation::Dial => "dial",
            Operation::Close => "close",
        };
        let network = match self.network {
            Network::Tcp => "tcp",
            Network::Unix => "unix",
        };
        write!(f, "{operation} {network}")?;
        if !self.address.is_empty() {
            write!(f, " {}", self.address)?;
        }
        match &self.failure {
            Failure::Unresolved { text, .. } => write!(f, ": {text}"),
            Failure::System { call, cause } => write!(f, ": {call}: {}", system_text(cause)),
            Failure::TimedOut => f.write_str(": i/o timeout"),
        }
    }
}

impl std::error::Error for NetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.failure {
            Failure::Unresolved { cause, .. } => cause.as_ref().map(|cause| cause as _),
            Failure::System { cause, .. } => Some(cause),
            Failure::TimedOut => None,
        }
    }
}

/// The message of a system error as Go prints it: the C library's text in lower case, without the
/// error number that Rust appends.
pub(crate) fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text
        .split_once(" (os error")
        .map_or(text.as_str(), |(text, _)| text);
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_failed_system_call_reads_as_in_go() {
        let error = NetError::system(
            Operation::Listen,
            Network::Tcp,
            "127.0.0.1:4150",
            "bind",
            Errno::ADDRINUSE.into(),
        );
        assert_eq!(
            error.to_string(),
            "listen tcp 127.0.0.1:4150: bind: address already in use"
        );
        let error = NetError::system(
            Operation::Accept,
            Network::Tcp,
            "[::]:4150",
            "accept4",
            Errno::MFILE.into(),
        );
        assert_eq!(
            error.to_string(),
            "accept tcp [::]:4150: accept4: too many open files"
        );
    }

    #[test]
    fn a_deadline_reads_as_in_go() {
        let error = NetError::timed_out(Operation::Dial, Network::Tcp, "10.0.0.1:4161");
        assert_eq!(error.to_string(), "dial tcp 10.0.0.1:4161: i/o timeout");
        assert!(error.is_timeout());
    }
}
