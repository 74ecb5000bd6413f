//! What goes wrong between a client and nsqd.

use std::fmt;
use std::io;
use std::sync::Arc;

use nsq_net::NetError;
use nsq_net::tls::HandshakeError;
use nsq_protocol::error_code::ErrorCode;
use nsq_protocol::frame::FrameError;

use crate::ConfigError;

/// A failure, by what can be done about it.
///
/// Cheap to clone: everybody whose message was on a connection gets the failure of that connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// An option is out of range or cannot be used.
    Config(ConfigError),
    /// Not the name of a topic.
    InvalidTopic(String),
    /// Not the name of a channel.
    InvalidChannel(String),
    /// Not an address of the kind that is needed.
    InvalidAddress(String),
    /// A message without a byte, which nsqd does not take, or no messages at all.
    EmptyMessage,
    /// A message, or all of one call together, is longer than the protocol can carry.
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// nsqd was not reached.
    Connect(Arc<NetError>),
    /// nsqd refused IDENTIFY; its words.
    Identify(String),
    /// nsqd wants a secret, and there is none.
    AuthRequired,
    /// nsqd did not take the secret; its words.
    Auth(String),
    /// The TLS handshake failed.
    Tls(Arc<HandshakeError>),
    /// nsqd answered with an error.
    Protocol(ProtocolError),
    /// What nsqd sent is none of its protocol.
    Frame(FrameError),
    /// nsqd sent an answer that nobody has asked for, or another than was due.
    Unexpected(&'static str),
    /// The connection failed.
    Io(Arc<io::Error>),
    /// nsqd closed the connection.
    Closed,
    /// nsqd was silent for longer than the read timeout, or took nothing for longer than the write timeout.
    TimedOut,
    /// The connection was lost while this was waiting for its answer: it may or may not have been carried
    /// out.
    NotConnected,
    /// There is a connection to this nsqd, or one is being made.
    AlreadyConnected,
    /// None of the nsqds of a pool can be reached.
    NoneHealthy,
    /// What nsqlookupd is asked cannot be removed: it is the only one.
    LastLookupd(String),
    /// The producer or consumer has been stopped.
    Stopped,
}

/// An error that nsqd answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolError {
    code: Option<ErrorCode>,
    text: String,
}

impl ProtocolError {
    pub(crate) fn new(text: &[u8]) -> Self {
        Self {
            code: ErrorCode::of(text),
            text: String::from_utf8_lossy(text).into_owned(),
        }
    }

    /// The code; `None` for one that this library does not know.
    pub fn code(&self) -> Option<ErrorCode> {
        self.code
    }

    /// nsqd's words, the code included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nsqd closes the connection behind it.
    pub(crate) fn is_fatal(&self) -> bool {
        self.code.is_none_or(ErrorCode::is_fatal)
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error {
    /// Whether the same may succeed later or at another nsqd: nothing is wrong with what was asked.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect(_)
            | Self::Tls(_)
            | Self::Frame(_)
            | Self::Unexpected(_)
            | Self::Io(_)
            | Self::Closed
            | Self::TimedOut
            | Self::NoneHealthy
            | Self::NotConnected => true,
            Self::Protocol(error) => matches!(
                error.code,
                Some(
                    ErrorCode::PubFailed
                        | ErrorCode::MpubFailed
                        | ErrorCode::DpubFailed
                        | ErrorCode::AuthFailed
                )
            ),
            Self::Config(_)
            | Self::InvalidTopic(_)
            | Self::InvalidChannel(_)
            | Self::InvalidAddress(_)
            | Self::EmptyMessage
            | Self::TooLong { .. }
            | Self::Identify(_)
            | Self::AuthRequired
            | Self::Auth(_)
            | Self::AlreadyConnected
            | Self::LastLookupd(_)
            | Self::Stopped => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::InvalidTopic(_) => f.write_str("invalid topic name"),
            Self::InvalidChannel(_) => f.write_str("invalid channel name"),
            Self::InvalidAddress(reason) => f.write_str(reason),
            Self::EmptyMessage => f.write_str("nothing to publish: nsqd takes no empty messages"),
            Self::TooLong { len } => write!(f, "{len} bytes are more than the protocol can carry"),
            Self::Connect(error) => error.fmt(f),
            Self::Identify(text) => write!(f, "failed to IDENTIFY - {text}"),
            Self::AuthRequired => f.write_str("Auth Required"),
            Self::Auth(text) => write!(f, "Error authenticating {text}"),
            Self::Tls(error) => error.fmt(f),
            Self::Protocol(error) => error.fmt(f),
            Self::Frame(error) => error.fmt(f),
            Self::Unexpected(what) => write!(f, "unexpected {what}"),
            Self::Io(error) => error.fmt(f),
            Self::Closed => f.write_str("EOF"),
            Self::TimedOut => f.write_str("i/o timeout"),
            Self::NotConnected => f.write_str("not connected"),
            Self::AlreadyConnected => f.write_str("already connected"),
            Self::NoneHealthy => f.write_str("no nsqd can be reached"),
            Self::LastLookupd(address) => write!(
                f,
                "cannot disconnect from only remaining nsqlookupd HTTP address {address}"
            ),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Connect(error) => Some(&**error),
            Self::Tls(error) => Some(&**error),
            Self::Frame(error) => Some(error),
            Self::Io(error) => Some(&**error),
            _ => None,
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}
