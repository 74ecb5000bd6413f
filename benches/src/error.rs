//! Why a measurement could not be made.

use std::fmt;
use std::io;
use std::time::Duration;

/// A failed measurement. Noise is never an error: only broken servers, broken promises and broken input are.
#[derive(Debug)]
pub(crate) enum Error {
    /// The operating system refused something.
    Io {
        /// What was being done, with the path or address.
        doing: String,
        /// The cause.
        source: io::Error,
    },
    /// The server answered an error, or something that is not the protocol.
    Protocol(String),
    /// The server lost, repeated, changed or hastened a message.
    Mismatch(String),
    /// A step did not finish within its bound.
    TooSlow {
        /// The step and how far it came.
        doing: String,
        /// The bound.
        limit: Duration,
    },
    /// The server process did not start, or ended by itself.
    Server(String),
    /// The command line asks for something that does not exist.
    Usage(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
            Self::Protocol(what) | Self::Mismatch(what) | Self::Server(what) | Self::Usage(what) => {
                f.write_str(what)
            }
            Self::TooSlow { doing, limit } => {
                write!(f, "{doing} did not finish within {:.0} s", limit.as_secs_f64())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<nsq_client::Error> for Error {
    fn from(error: nsq_client::Error) -> Self {
        Self::Protocol(error.to_string())
    }
}

/// Result of everything here.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Says what was being done when the operating system refused.
pub(crate) trait Doing<T> {
    /// Wraps the cause; `what` names the path or address.
    fn doing<D: Into<String>>(self, what: impl FnOnce() -> D) -> Result<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing<D: Into<String>>(self, what: impl FnOnce() -> D) -> Result<T> {
        self.map_err(|source| Error::Io {
            doing: what().into(),
            source,
        })
    }
}

impl<T> Doing<T> for rustix::io::Result<T> {
    fn doing<D: Into<String>>(self, what: impl FnOnce() -> D) -> Result<T> {
        self.map_err(io::Error::from).doing(what)
    }
}
