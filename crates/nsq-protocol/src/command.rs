//! V2 commands, from client to nsqd.
//!
//! A command is a line of words separated by single spaces and ended by `\n`, with an optional `\r` before it.
//! Some are followed by a body: its size, a big-endian signed 32-bit integer, and that many bytes.
//!
//! | command | line | body |
//! |---|---|---|
//! | [`Identify`](Command::Identify) | `IDENTIFY` | JSON |
//! | [`Auth`](Command::Auth) | `AUTH` | secret |
//! | [`Sub`](Command::Sub) | `SUB <topic> <channel>` | |
//! | [`Pub`](Command::Pub) | `PUB <topic>` | message |
//! | [`Mpub`](Command::Mpub) | `MPUB <topic>` | messages, see [`MpubBodies`] |
//! | [`Dpub`](Command::Dpub) | `DPUB <topic> <milliseconds>` | message |
//! | [`Rdy`](Command::Rdy) | `RDY [<count>]` | |
//! | [`Fin`](Command::Fin) | `FIN <id>` | |
//! | [`Req`](Command::Req) | `REQ <id> <milliseconds>` | |
//! | [`Touch`](Command::Touch) | `TOUCH <id>` | |
//! | [`Cls`](Command::Cls) | `CLS` | |
//! | [`Nop`](Command::Nop) | `NOP` | |
//!
//! nsqd reads them with [`CommandDecoder`], which also finds every error that the bytes of a command can have,
//! in upstream's order and words. Clients write them with the `encode_*` functions.
//!
//! Upstream: `nsqd/protocol_v2.go`; go-nsq command.go.

use std::error::Error;
use std::fmt;

use crate::client_error::ClientError;
use crate::message::MessageId;
use crate::name::{ChannelRef, TopicRef};

mod decoder;
mod encode;
mod gather;
pub(crate) mod line;
mod mpub;
#[cfg(test)]
mod tests;

pub use decoder::CommandDecoder;
pub use encode::{
    BodyTooLong, encode_auth, encode_cls, encode_dpub, encode_fin, encode_identify, encode_mpub, encode_nop,
    encode_pub, encode_rdy, encode_req, encode_sub, encode_touch,
};
pub use gather::Gathered;
pub use line::LINE_LEN_MAX;
pub use mpub::{MpubBodies, MpubBodyError, MpubIter, parse_mpub_body};

/// The four bytes that a V2 client sends first.
pub const MAGIC_V2: &[u8; 4] = b"  V2";

/// A command's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Describe the client and negotiate features.
    Identify,
    /// Present a secret.
    Auth,
    /// Subscribe to a channel.
    Sub,
    /// Publish one message.
    Pub,
    /// Publish several messages, all or none.
    Mpub,
    /// Publish one message that is delivered later.
    Dpub,
    /// Set how many messages may be in flight.
    Rdy,
    /// Finish a message.
    Fin,
    /// Put a message back into its channel.
    Req,
    /// Restart a message's timeout.
    Touch,
    /// Ask for no further messages.
    Cls,
    /// Nothing but a sign of life.
    Nop,
}

impl Verb {
    /// The verb that a command line's first word names; case matters.
    #[inline]
    pub const fn from_bytes(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"FIN" => Self::Fin,
            b"PUB" => Self::Pub,
            b"RDY" => Self::Rdy,
            b"REQ" => Self::Req,
            b"NOP" => Self::Nop,
            b"SUB" => Self::Sub,
            b"CLS" => Self::Cls,
            b"MPUB" => Self::Mpub,
            b"DPUB" => Self::Dpub,
            b"AUTH" => Self::Auth,
            b"TOUCH" => Self::Touch,
            b"IDENTIFY" => Self::Identify,
            _ => return None,
        })
    }

    /// The name as it travels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identify => "IDENTIFY",
            Self::Auth => "AUTH",
            Self::Sub => "SUB",
            Self::Pub => "PUB",
            Self::Mpub => "MPUB",
            Self::Dpub => "DPUB",
            Self::Rdy => "RDY",
            Self::Fin => "FIN",
            Self::Req => "REQ",
            Self::Touch => "TOUCH",
            Self::Cls => "CLS",
            Self::Nop => "NOP",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The server's options that bound what a command may ask for.
///
/// Signed where upstream's option is: a nonsensical negative limit refuses everything, as it does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message body, in bytes (`--max-msg-size`).
    pub max_msg_size: i64,
    /// The longest body of any other command, in bytes (`--max-body-size`).
    pub max_body_size: i64,
    /// The highest RDY count (`--max-rdy-count`).
    pub max_rdy_count: i64,
    /// The longest delay of a DPUB, in whole milliseconds (`--max-req-timeout`).
    pub max_req_timeout_ms: u64,
}

impl Default for Limits {
    /// nsqd's defaults.
    fn default() -> Self {
        Self {
            max_msg_size: 1024 * 1024,
            max_body_size: 5 * 1024 * 1024,
            max_rdy_count: 2500,
            max_req_timeout_ms: 60 * 60 * 1000,
        }
    }
}

/// What a session says to a command before its parameters are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admit {
    /// Go on reading the command.
    Proceed,
    /// Skip the command's line without looking at its parameters. Meant for RDY after CLS; a command with a
    /// body must not be ignored, its body would be read as the next command.
    Ignore,
}

/// What a session says to an MPUB before its body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdmitMpub {
    /// Go on reading the command.
    Proceed,
    /// It cannot be told yet: leave the command where it is. It is decoded anew, from its first byte, once the
    /// session knows.
    Postpone,
}

/// The session's part in decoding: whether a command is allowed now.
///
/// The order of checks shows on the wire: a client that sends a bad SUB in the wrong state hears about the
/// state. So the decoder asks at the moment upstream would check, once per command, however many pieces the
/// command arrives in.
pub trait Admission {
    /// Whether the command is allowed in the connection's present state. Asked before any parameter is looked
    /// at; `verb` is `None` for an unknown command, and `name` is the line's first word as received.
    ///
    /// # Errors
    ///
    /// What to send instead: the state forbids the command, TLS is required first, or SUB came from a client
    /// without heartbeats.
    fn admit(&mut self, verb: Option<Verb>, name: &[u8]) -> Result<Admit, ClientError>;

    /// Whether MPUB may publish to `topic`. Asked before any byte of the body is read, and the place where
    /// upstream creates the topic.
    ///
    /// # Errors
    ///
    /// What to send instead: authorization is missing or does not reach this topic.
    fn admit_mpub(&mut self, topic: TopicRef<'_>) -> Result<AdmitMpub, ClientError>;
}

/// A command whose bytes are valid, borrowed from the receive buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'b> {
    /// Describe the client and negotiate features.
    Identify {
        /// JSON, not looked at yet: see [`IdentifyRequest`](crate::identify::IdentifyRequest).
        body: &'b [u8],
    },
    /// Present a secret.
    Auth {
        /// Any bytes.
        secret: &'b [u8],
    },
    /// Subscribe to a channel.
    Sub {
        /// Where the channel is.
        topic: TopicRef<'b>,
        /// What to subscribe to.
        channel: ChannelRef<'b>,
    },
    /// Publish one message.
    Pub {
        /// Where to.
        topic: TopicRef<'b>,
        /// The message; never empty.
        body: &'b [u8],
    },
    /// Publish several messages, all or none.
    Mpub {
        /// Where to.
        topic: TopicRef<'b>,
        /// The messages; at least one, none empty.
        bodies: MpubBodies<'b>,
    },
    /// Publish one message that is delivered later.
    Dpub {
        /// Where to.
        topic: TopicRef<'b>,
        /// How long each channel holds the message back, in milliseconds.
        defer_ms: u64,
        /// The message; never empty.
        body: &'b [u8],
    },
    /// Set how many messages may be in flight.
    Rdy {
        /// The ceiling; 0 pauses delivery.
        count: u64,
    },
    /// Finish a message.
    Fin {
        /// Which one.
        id: MessageId,
    },
    /// Put a message back into its channel.
    Req {
        /// Which one.
        id: MessageId,
        /// How long the channel holds it back, in milliseconds; as received, not limited yet.
        timeout_ms: u64,
    },
    /// Restart a message's timeout.
    Touch {
        /// Which one.
        id: MessageId,
    },
    /// Ask for no further messages.
    Cls,
    /// Nothing but a sign of life.
    Nop,
}

impl Command<'_> {
    /// The command's name.
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Identify { .. } => Verb::Identify,
            Self::Auth { .. } => Verb::Auth,
            Self::Sub { .. } => Verb::Sub,
            Self::Pub { .. } => Verb::Pub,
            Self::Mpub { .. } => Verb::Mpub,
            Self::Dpub { .. } => Verb::Dpub,
            Self::Rdy { .. } => Verb::Rdy,
            Self::Fin { .. } => Verb::Fin,
            Self::Req { .. } => Verb::Req,
            Self::Touch { .. } => Verb::Touch,
            Self::Cls => Verb::Cls,
            Self::Nop => Verb::Nop,
        }
    }
}

/// What [`CommandDecoder::decode`] found at the front of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded<'b> {
    /// The pending command is not complete.
    NeedMore {
        /// The bytes that the pending command takes in the buffer as far as is known, always more than there
        /// are now. It is room to make, not a number to wait for: it may rise with every call, and an MPUB
        /// may be complete before the size it announced is reached.
        total: usize,
    },
    /// A complete command.
    Command {
        /// The command.
        command: Command<'b>,
        /// The bytes it took; the next command begins after them.
        consumed: usize,
    },
    /// A command that [`Admission::admit`] chose to ignore.
    Ignored {
        /// The bytes it took; the next command begins after them.
        consumed: usize,
    },
    /// A command that [`Admission::admit_mpub`] chose to postpone; nothing was consumed.
    Postponed,
}

/// Why the pending command cannot be carried out. The connection ends with either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// Send this to the client, then close the connection.
    Client(ClientError),
    /// No newline within [`LINE_LEN_MAX`] bytes: close the connection without a word.
    LineTooLong,
}

impl From<ClientError> for DecodeError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(error) => error.fmt(f),
            Self::LineTooLong => write!(f, "command line longer than {LINE_LEN_MAX} bytes"),
        }
    }
}

impl Error for DecodeError {}
