//! Limit servers: the least a process can do and still serve the same clients over the same sockets.
//!
//! They say what the machine's TCP and the generator allow, so that a daemon's figures can be read as a share of that.
//! They run as processes of their own and are metered like any other server. They are one thread on bare readiness
//! events, keep no promises about messages, and understand only what the generator sends.

mod broker;
mod http;
mod server;
mod session;

use std::fmt;
use std::str::FromStr;

pub(crate) use server::serve;

/// What a limit server does with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Parses every command, answers, and drops the bytes.
    Sink,
    /// Counts what is published and delivers as many ready-made messages, within RDY.
    Source,
    /// Keeps what is published and delivers it to every channel, within RDY: no ids to look up, no timeouts, no
    /// requeues.
    Relay,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sink => "sink",
            Self::Source => "source",
            Self::Relay => "relay",
        })
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sink" => Ok(Self::Sink),
            "source" => Ok(Self::Source),
            "relay" => Ok(Self::Relay),
            other => Err(format!("{other} is none of sink, source, relay")),
        }
    }
}
