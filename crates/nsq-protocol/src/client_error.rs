//! A failure as the client sees it: code, text for the wire, private cause for the log.
//!
//! The constructors below hold the exact text of every error that a session finds while it carries a command
//! out. The ones about the bytes of a command come from [`command`](crate::command).

use std::error::Error;
use std::fmt;

use crate::command::Verb;
use crate::error_code::ErrorCode;
use crate::message::MessageId;
use crate::name::{ChannelRef, TopicRef};
use crate::one_line::OneLine;

#[cfg(test)]
mod tests;

/// An error that is sent to the client.
///
/// Its text may hold bytes the client sent, byte for byte, so it is not a string. `Display` prints the text
/// for a log, with what is not UTF-8 replaced and control characters escaped; the cause is not part of it.
///
/// Upstream: internal/protocol/errors.go, `ClientErr` and `FatalClientErr`. Here the code decides what is fatal.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientError(Box<Detail>);

/// Boxed, because the successful path carries a `Result` of this for every command.
#[derive(Clone, PartialEq, Eq)]
struct Detail {
    code: ErrorCode,
    text: Vec<u8>,
    cause: Option<String>,
}

impl ClientError {
    /// An error with the text `<code> <description>`.
    pub fn new(code: ErrorCode, description: impl AsRef<[u8]>) -> Self {
        Self::from_text(
            code,
            [code.as_str().as_bytes(), b" ", description.as_ref()].concat(),
        )
    }

    fn from_text(code: ErrorCode, text: Vec<u8>) -> Self {
        Self(Box::new(Detail {
            code,
            text,
            cause: None,
        }))
    }

    /// Adds what lies behind the error, for the log alone.
    #[must_use]
    pub fn with_cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// The first word of the text.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The data of the error frame.
    pub fn text(&self) -> &[u8] {
        &self.0.text
    }

    /// What lies behind the error; never sent.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Whether the connection ends with this error.
    pub fn is_fatal(&self) -> bool {
        self.0.code.is_fatal()
    }

    /// The four bytes that open a connection name no protocol.
    pub fn bad_protocol() -> Self {
        Self::from_text(ErrorCode::BadProtocol, ErrorCode::BadProtocol.as_str().into())
    }

    /// The command is not allowed in the connection's state.
    pub fn wrong_state(verb: Verb) -> Self {
        Self::new(ErrorCode::Invalid, format!("cannot {verb} in current state"))
    }

    /// Only IDENTIFY is allowed before TLS; `name` is the command's first word as received.
    pub fn tls_required(name: &[u8]) -> Self {
        let description = [b"cannot ".as_slice(), name, b" in current state (TLS required)"].concat();
        Self::new(ErrorCode::Invalid, description)
    }

    /// SUB from a client that asked for no heartbeats.
    pub fn heartbeats_disabled() -> Self {
        Self::new(ErrorCode::Invalid, "cannot SUB with heartbeats disabled")
    }

    /// SUB found the channel full, closing or being deleted.
    pub fn sub_failed(reason: impl fmt::Display) -> Self {
        Self::failed(ErrorCode::SubFailed, "SUB", reason)
    }

    /// SUB found as many consumers on the channel as `--max-channel-consumers` allows.
    pub fn too_many_consumers(topic: TopicRef<'_>, channel: ChannelRef<'_>, consumers_max: u64) -> Self {
        Self::sub_failed(format_args!(
            "consumers for {topic}:{channel} exceeds limit of {consumers_max}"
        ))
    }

    /// PUB could not queue its message.
    pub fn pub_failed(reason: impl fmt::Display) -> Self {
        Self::failed(ErrorCode::PubFailed, "PUB", reason)
    }

    /// MPUB could not queue its messages.
    pub fn mpub_failed(reason: impl fmt::Display) -> Self {
        Self::failed(ErrorCode::MpubFailed, "MPUB", reason)
    }

    /// DPUB could not queue its message.
    pub fn dpub_failed(reason: impl fmt::Display) -> Self {
        Self::failed(ErrorCode::DpubFailed, "DPUB", reason)
    }

    fn failed(code: ErrorCode, verb: &str, reason: impl fmt::Display) -> Self {
        let reason = reason.to_string();
        Self::new(code, format!("{verb} failed {reason}")).with_cause(reason)
    }

    /// FIN of a message that this client does not hold.
    pub fn fin_failed(id: MessageId, reason: impl fmt::Display) -> Self {
        Self::message_failed(ErrorCode::FinFailed, Verb::Fin, id, reason)
    }

    /// REQ of a message that this client does not hold, or that could not be requeued.
    pub fn req_failed(id: MessageId, reason: impl fmt::Display) -> Self {
        Self::message_failed(ErrorCode::ReqFailed, Verb::Req, id, reason)
    }

    /// TOUCH of a message that this client does not hold.
    pub fn touch_failed(id: MessageId, reason: impl fmt::Display) -> Self {
        Self::message_failed(ErrorCode::TouchFailed, Verb::Touch, id, reason)
    }

    fn message_failed(code: ErrorCode, verb: Verb, id: MessageId, reason: impl fmt::Display) -> Self {
        let reason = reason.to_string();
        let verb = verb.as_str().as_bytes();
        Self::new(
            code,
            [verb, b" ", id.as_bytes(), b" failed ", reason.as_bytes()].concat(),
        )
        .with_cause(reason)
    }

    /// Both compressions would be granted.
    pub fn both_compressions() -> Self {
        Self::new(
            ErrorCode::IdentifyFailed,
            "cannot enable both deflate and snappy compression",
        )
    }

    /// The TLS handshake, or sending an answer during an upgrade, failed.
    pub fn identify_failed(reason: impl fmt::Display) -> Self {
        Self::failed(ErrorCode::IdentifyFailed, "IDENTIFY", reason)
    }

    /// AUTH on a connection that already has its authorizations.
    pub fn auth_already_set() -> Self {
        Self::new(ErrorCode::Invalid, "AUTH already set")
    }

    /// AUTH sent to a server that has no auth server.
    pub fn auth_disabled() -> Self {
        Self::new(ErrorCode::AuthDisabled, "AUTH disabled")
    }

    /// No auth server answered validly, at AUTH or when authorizations were renewed.
    pub fn auth_failed() -> Self {
        Self::new(ErrorCode::AuthFailed, "AUTH failed")
    }

    /// The auth server knows the secret but grants nothing.
    pub fn no_authorizations() -> Self {
        Self::new(ErrorCode::Unauthorized, "AUTH no authorizations found")
    }

    /// The answer to AUTH could not be sent.
    pub fn auth_error(reason: impl fmt::Display) -> Self {
        Self::new(ErrorCode::AuthError, format!("AUTH error {reason}"))
    }

    /// The command needs a successful AUTH before it.
    pub fn auth_first(verb: Verb) -> Self {
        Self::new(ErrorCode::AuthFirst, format!("AUTH required before {verb}"))
    }

    /// No authorization permits the command; publishes name no channel.
    pub fn unauthorized(verb: Verb, topic: TopicRef<'_>, channel: Option<ChannelRef<'_>>) -> Self {
        let channel = channel.map_or("", ChannelRef::as_str);
        Self::new(
            ErrorCode::Unauthorized,
            format!("AUTH failed for {verb} on \"{topic}\" \"{channel}\""),
        )
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OneLine(&String::from_utf8_lossy(&self.0.text)).fmt(f)
    }
}

impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientError")
            .field("text", &format_args!("{}", self.0.text.escape_ascii()))
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl Error for ClientError {}
