//! A message in the hands of a consumer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nsq_protocol::message::{MessageHeader, MessageId};

use crate::consumer::link::{Answer, Link, Ticket};

/// A message that nsqd waits to hear about.
///
/// It is answered once: finished, so that it is gone, or requeued, so that it comes again. It may be moved
/// to another task and be answered there, at any time before nsqd loses patience;
/// [`touch`](Self::touch) asks for more.
///
/// # When it is dropped without an answer
/// A message of a [`MessageStream`](crate::MessageStream), or one for which
/// [`disable_auto_response`](Self::disable_auto_response) was called, is requeued as
/// [`requeue`](Self::requeue) does without a delay. In a handler it is otherwise answered by what the handler
/// returns.
///
/// Upstream: go-nsq message.go.
pub struct Message {
    header: MessageHeader,
    body: Bytes,
    ticket: Ticket,
    /// What the handler returns is the answer.
    managed: bool,
    answered: bool,
}

impl Message {
    pub(crate) fn new(header: MessageHeader, body: Bytes, ticket: Ticket) -> Self {
        Self {
            header,
            body,
            ticket,
            managed: false,
            answered: false,
        }
    }

    /// Leaves the answer to what the handler returns, and returns what the answer is given with.
    pub(crate) fn manage(&mut self) -> Ticket {
        self.managed = true;
        self.ticket.clone()
    }

    /// The connection it came over.
    pub(crate) fn link(&self) -> &Arc<Link> {
        self.ticket.link()
    }

    /// The name of the message, the same in all channels of the topic.
    pub fn id(&self) -> MessageId {
        self.header.id
    }

    /// What was published. A clone shares the memory of this message and of those that came with it.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// When nsqd accepted the message, in nanoseconds since the Unix epoch.
    pub fn timestamp_ns(&self) -> i64 {
        self.header.timestamp_ns
    }

    /// How often it has been sent to a consumer, this time included.
    pub fn attempts(&self) -> u16 {
        self.header.attempts
    }

    /// The address of the nsqd it came from, as it was given or found.
    pub fn nsqd_address(&self) -> &str {
        self.link().address()
    }

    /// Keeps what the handler returns from being the answer to this message: it will be given by whoever has
    /// the message.
    pub fn disable_auto_response(&mut self) {
        if std::mem::take(&mut self.managed) {
            self.ticket.detach();
        }
    }

    /// The message has been dealt with.
    pub fn finish(mut self) {
        self.answer(Answer::Finish);
    }

    /// Puts the message back, to come again after `delay`; without one, after
    /// [`default_requeue_delay`](crate::Config::default_requeue_delay) for each attempt it has had. The
    /// consumer takes it for a failure, and pauses.
    pub fn requeue(mut self, delay: Option<Duration>) {
        let attempts = self.header.attempts;
        self.answer(Answer::Requeue {
            delay,
            attempts,
            backoff: true,
        });
    }

    /// As [`requeue`](Self::requeue), without being taken for a failure.
    pub fn requeue_without_backoff(mut self, delay: Option<Duration>) {
        let attempts = self.header.attempts;
        self.answer(Answer::Requeue {
            delay,
            attempts,
            backoff: false,
        });
    }

    /// Asks nsqd for as much time as at the start.
    pub fn touch(&self) {
        self.ticket.touch();
    }

    fn answer(&mut self, answer: Answer) {
        self.answered = true;
        self.ticket.answer(answer);
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        if !self.answered && !self.managed {
            let attempts = self.header.attempts;
            self.answer(Answer::Requeue {
                delay: None,
                attempts,
                backoff: true,
            });
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.header.id)
            .field("attempts", &self.header.attempts)
            .field("timestamp_ns", &self.header.timestamp_ns)
            .field("nsqd_address", &self.nsqd_address())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
