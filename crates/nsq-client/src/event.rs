//! What happens to a consumer, for those who watch it.

use std::fmt;
use std::time::Duration;

use nsq_flags::GoDuration;
use nsq_protocol::message::MessageId;

use crate::Error;

/// Something that happened to a consumer.
///
/// Given to the hook that was set with [`ConsumerBuilder::on_event`](crate::ConsumerBuilder::on_event).
///
/// Upstream: go-nsq delegates.go, `ConnDelegate`, and what go-nsq only logs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A connection was made and has subscribed.
    Connected {
        /// The address of the nsqd.
        nsqd: String,
    },
    /// A connection could not be made, or nsqd refused the subscription.
    ConnectFailed {
        /// The address of the nsqd.
        nsqd: String,
        /// Why.
        error: Error,
    },
    /// A connection has ended.
    Disconnected {
        /// The address of the nsqd.
        nsqd: String,
        /// Why; `None` if it was closed in good order.
        error: Option<Error>,
    },
    /// nsqd sent an error and kept the connection, such as for a message that was answered too late.
    ProtocolError {
        /// The address of the nsqd.
        nsqd: String,
        /// Its words.
        text: String,
    },
    /// An nsqlookupd could not be asked.
    LookupFailed {
        /// The address of the nsqlookupd.
        nsqlookupd: String,
        /// Why.
        reason: String,
    },
    /// The handler failed.
    HandlerFailed {
        /// The message.
        id: MessageId,
        /// The handler's words, or that it panicked.
        reason: String,
    },
    /// A message was tried too often, and was finished.
    GaveUp {
        /// The message.
        id: MessageId,
        /// How often it had been sent.
        attempts: u16,
    },
    /// Failures make the consumer pause.
    Backoff {
        /// How often failure has won over success.
        level: u32,
        /// How long the pause is.
        duration: Duration,
    },
    /// A pause is over: one message is tried.
    Testing,
    /// The consumer is out of its pauses.
    Resumed,
    /// The consumer has stopped.
    Stopped,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { nsqd } => write!(f, "connected to {nsqd}"),
            Self::ConnectFailed { nsqd, error } => write!(f, "cannot connect to {nsqd}: {error}"),
            Self::Disconnected { nsqd, error: None } => write!(f, "disconnected from {nsqd}"),
            Self::Disconnected {
                nsqd,
                error: Some(error),
            } => write!(f, "lost the connection to {nsqd}: {error}"),
            Self::ProtocolError { nsqd, text } => write!(f, "error from {nsqd}: {text}"),
            Self::LookupFailed { nsqlookupd, reason } => write!(f, "cannot ask {nsqlookupd}: {reason}"),
            Self::HandlerFailed { id, reason } => write!(f, "the handler failed for {id}: {reason}"),
            Self::GaveUp { id, attempts } => write!(f, "gave {id} up, which had {attempts} attempts"),
            Self::Backoff { level, duration } => {
                let duration = GoDuration::from(*duration);
                write!(f, "pausing for {duration}, backoff level {level}")
            }
            Self::Testing => f.write_str("trying one message"),
            Self::Resumed => f.write_str("resumed"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}
