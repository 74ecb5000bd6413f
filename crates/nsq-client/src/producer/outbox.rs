//! What is waiting to be sent, gathered into few commands.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use nsq_protocol::command::{BodyTooLong, Gathered, Limits, encode_dpub, encode_pub, parse_mpub_body};
use nsq_protocol::frame::SIZE_LEN;
use nsq_protocol::name::{TopicName, TopicRef};

use super::receipt::{Outcome, Receipt};
use crate::Error;

/// A command that has gathered this many bytes is full. It is large enough to make the cost of a command
/// and of a system call small for each message, and far below what nsqd takes for a body.
const GATHERED_BYTES_MAX: usize = 64 * 1024;

/// A command that has gathered this many messages is full.
const GATHERED_COUNT_MAX: usize = 1024;

/// Larger messages travel alone: nothing is saved by putting them together, and one that is too large for
/// nsqd is then refused alone at once.
const GATHERED_MESSAGE_MAX: usize = 16 * 1024;

/// Memory of commands that have been answered, kept for others.
const SPARE_MAX: usize = 4;

/// Smaller memory is not worth keeping.
const SPARE_BYTES_MIN: usize = 4 * 1024;

/// Commands in the order in which they go out.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Command>,
    /// Commands that have gone from the front, ever: the number of the first in the queue.
    taken: u64,
    /// The number of the command that gathers the messages of a topic, which may have gone meanwhile.
    gathering: HashMap<TopicName, u64>,
    pending: Pending,
    spare: Vec<BytesMut>,
}

/// What has come in and has not been answered, be it here or on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) commands: usize,
    /// Of bodies.
    pub(super) bytes: usize,
}

/// One command with those who wait for its answer.
#[derive(Debug)]
struct Command {
    content: Content,
    outcome: Arc<Outcome>,
    /// Bytes of its bodies.
    len: usize,
    /// How many bodies there are.
    messages: usize,
    /// They were gathered, and belong to nobody together.
    is_gathered: bool,
}

#[derive(Debug)]
enum Content {
    /// Still gathers.
    Open {
        topic: TopicName,
        messages: Gathered,
    },
    Ready(Bytes),
}

/// A command in bytes. It is kept until it is answered.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) bytes: Bytes,
    pub(super) outcome: Arc<Outcome>,
    /// Bytes of its bodies.
    len: usize,
    /// How many bodies there are.
    pub(super) messages: usize,
    /// They were gathered, and belong to nobody together.
    is_gathered: bool,
}

impl Encoded {
    /// Whether it carries messages that may be published without each other.
    pub(super) fn can_split(&self) -> bool {
        self.is_gathered && self.messages > 1
    }

    /// Each message as a command of its own, and the length of its body.
    fn pieces(&self) -> Vec<(Bytes, usize)> {
        let Some(end) = self.bytes.iter().position(|&byte| byte == b'\n') else {
            return Vec::new();
        };
        let (line, rest) = self.bytes.split_at(end);
        let (Some(topic), Some(body)) = (line.strip_prefix(b"MPUB "), rest.get(1 + SIZE_LEN..)) else {
            return Vec::new();
        };
        let (Ok(topic), Ok(bodies)) = (TopicRef::parse(topic), parse_mpub_body(body, &Limits::default()))
        else {
            return Vec::new();
        };
        let pieces = bodies.iter().filter_map(|body| {
            let mut bytes = BytesMut::with_capacity(body.len() + 128);
            encode_pub(&mut bytes, topic, body).ok()?;
            Some((bytes.freeze(), body.len()))
        });
        pieces.collect()
    }
}

impl Outbox {
    /// What has come in and has not been [answered](Self::answered).
    pub(super) fn pending(&self) -> Pending {
        self.pending
    }

    /// Adds a message to the command that gathers the messages of its topic. Says whether that command
    /// should not wait for more.
    pub(super) fn publish(&mut self, topic: &str, body: &[u8]) -> Result<(Receipt, bool), Error> {
        if body.is_empty() {
            return Err(Error::EmptyMessage);
        }
        if body.len() > GATHERED_MESSAGE_MAX {
            return Ok((
                self.multi_publish_as(topic, &[body], Gathered::into_command)?,
                true,
            ));
        }
        let at = match self.gathering_at(topic) {
            Some(at) => at,
            None => self.start_gathering(topic)?,
        };
        let command = self
            .queue
            .get_mut(at)
            .ok_or(Error::Unexpected("end of the queue"))?;
        let receipt = Receipt::of_one(&command.outcome, command.messages);
        let Content::Open { messages, .. } = &mut command.content else {
            return Err(Error::Unexpected("end of gathering"));
        };
        messages.push(body).map_err(too_long)?;
        command.len += body.len();
        command.messages += 1;
        self.pending.bytes += body.len();
        let is_full = messages.encoded_len() >= GATHERED_BYTES_MAX || messages.count() >= GATHERED_COUNT_MAX;
        if is_full {
            self.gathering.remove(topic);
            if let Some(command) = self.queue.get_mut(at) {
                command.close()?;
            }
        }
        Ok((receipt, is_full))
    }

    /// Adds a command of its own for several messages, which are published all or none.
    pub(super) fn multi_publish<B: AsRef<[u8]>>(
        &mut self,
        topic: &str,
        bodies: &[B],
    ) -> Result<Receipt, Error> {
        self.multi_publish_as(topic, bodies, Gathered::into_mpub)
    }

    fn multi_publish_as<B: AsRef<[u8]>>(
        &mut self,
        topic: &str,
        bodies: &[B],
        encode: fn(Gathered, TopicRef<'_>) -> Result<Bytes, BodyTooLong>,
    ) -> Result<Receipt, Error> {
        let topic = topic_name(topic)?;
        let len: usize = bodies.iter().map(|body| body.as_ref().len()).sum();
        // With their sizes, and some for the line in front of them.
        let room = len + 4 * bodies.len() + 128;
        let mut messages = Gathered::reusing(BytesMut::with_capacity(room));
        for body in bodies {
            if body.as_ref().is_empty() {
                return Err(Error::EmptyMessage);
            }
            messages.push(body.as_ref()).map_err(too_long)?;
        }
        if messages.count() == 0 {
            return Err(Error::EmptyMessage);
        }
        // What the topic gathers from here on must not overtake these.
        self.stop_gathering(&topic)?;
        let bytes = encode(messages, topic.as_name_ref()).map_err(too_long)?;
        Ok(self.push(bytes, len, bodies.len()))
    }

    /// Adds a message that is held back for `defer_ms` milliseconds.
    pub(super) fn deferred_publish(
        &mut self,
        topic: &str,
        defer_ms: u64,
        body: &[u8],
    ) -> Result<Receipt, Error> {
        if body.is_empty() {
            return Err(Error::EmptyMessage);
        }
        let topic = topic_name(topic)?;
        let mut bytes = BytesMut::with_capacity(body.len() + 128);
        encode_dpub(&mut bytes, topic.as_name_ref(), defer_ms, body).map_err(too_long)?;
        Ok(self.push(bytes.freeze(), body.len(), 1))
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether the next command is complete.
    pub(super) fn is_front_ready(&self) -> bool {
        let front = self.queue.front();
        front.is_some_and(|command| matches!(command.content, Content::Ready(_)))
    }

    /// Takes the next command, whether or not it could gather more.
    pub(super) fn take(&mut self) -> Option<Encoded> {
        let mut command = self.queue.pop_front()?;
        let number = self.taken;
        self.taken += 1;
        if let Content::Open { topic, .. } = &command.content
            && self.gathering.get(topic) == Some(&number)
        {
            let topic = topic.clone();
            self.gathering.remove(&topic);
        }
        match command.close() {
            Ok(bytes) => Some(Encoded {
                bytes,
                outcome: command.outcome,
                len: command.len,
                messages: command.messages,
                is_gathered: command.is_gathered,
            }),
            Err(error) => {
                self.forget(command.len);
                command.outcome.answer(Err(error));
                None
            }
        }
    }

    /// Puts commands back in front, which have been taken and not carried out.
    pub(super) fn put_back(&mut self, commands: impl DoubleEndedIterator<Item = Encoded>) {
        for command in commands.rev() {
            self.taken = self.taken.wrapping_sub(1);
            self.queue.push_front(Command {
                content: Content::Ready(command.bytes),
                outcome: command.outcome,
                len: command.len,
                messages: command.messages,
                is_gathered: command.is_gathered,
            });
        }
    }

    /// Takes a command apart of which nsqd has taken nothing because of one of its messages: only that one
    /// is to fail. They are to be [put back](Self::put_back).
    pub(super) fn split(&mut self, command: &Encoded) -> Vec<Encoded> {
        let pieces = command.pieces();
        self.forget(command.len);
        let outcomes = command.outcome.split(pieces.len());
        let commands = pieces.into_iter().zip(outcomes).map(|((bytes, len), outcome)| {
            self.pending.commands += 1;
            self.pending.bytes += len;
            Encoded {
                bytes,
                outcome,
                len,
                messages: 1,
                is_gathered: false,
            }
        });
        commands.collect()
    }

    /// A command has been answered. Its memory is kept for others; who waits is yet to be told.
    pub(super) fn answered(&mut self, command: Encoded) -> Arc<Outcome> {
        self.forget(command.len);
        self.recycle(command.bytes);
        command.outcome
    }

    fn forget(&mut self, len: usize) {
        self.pending.commands -= 1;
        self.pending.bytes -= len;
    }

    fn recycle(&mut self, bytes: Bytes) {
        if self.spare.len() < SPARE_MAX
            && (SPARE_BYTES_MIN..=2 * GATHERED_BYTES_MAX).contains(&bytes.len())
            && let Ok(buffer) = bytes.try_into_mut()
        {
            self.spare.push(buffer);
        }
    }

    fn push(&mut self, bytes: Bytes, len: usize, messages: usize) -> Receipt {
        let outcome = Arc::default();
        let receipt = Receipt::of(&outcome);
        self.pending.commands += 1;
        self.pending.bytes += len;
        self.queue.push_back(Command {
            content: Content::Ready(bytes),
            outcome,
            len,
            messages,
            is_gathered: false,
        });
        receipt
    }

    /// Where the command is that gathers the messages of `topic`.
    fn gathering_at(&self, topic: &str) -> Option<usize> {
        // Nearly always it is the last one, and comparing one name is cheaper than hashing it.
        if let Some(Command {
            content: Content::Open { topic: last, .. },
            ..
        }) = self.queue.back()
            && last.as_str() == topic
        {
            return Some(self.queue.len() - 1);
        }
        let number = self.gathering.get(topic)?;
        usize::try_from(number.wrapping_sub(self.taken)).ok()
    }

    fn start_gathering(&mut self, topic: &str) -> Result<usize, Error> {
        let topic = topic_name(topic)?;
        let at = self.queue.len();
        let number = self.taken.wrapping_add(u64::try_from(at).unwrap_or(u64::MAX));
        self.gathering.insert(topic.clone(), number);
        let messages = Gathered::reusing(self.spare.pop().unwrap_or_default());
        self.pending.commands += 1;
        self.queue.push_back(Command {
            content: Content::Open { topic, messages },
            outcome: Arc::default(),
            len: 0,
            messages: 0,
            is_gathered: true,
        });
        Ok(at)
    }

    fn stop_gathering(&mut self, topic: &TopicName) -> Result<(), Error> {
        let Some(at) = self.gathering_at(topic) else {
            return Ok(());
        };
        self.gathering.remove(topic);
        match self.queue.get_mut(at) {
            Some(command) => command.close().map(drop),
            None => Ok(()),
        }
    }
}

impl Command {
    /// Gathers no more.
    fn close(&mut self) -> Result<Bytes, Error> {
        let bytes = match &mut self.content {
            Content::Ready(bytes) => bytes.clone(),
            Content::Open { topic, messages } => {
                let bytes = std::mem::take(messages)
                    .into_command(topic.as_name_ref())
                    .map_err(too_long)?;
                self.content = Content::Ready(bytes.clone());
                bytes
            }
        };
        Ok(bytes)
    }
}

fn topic_name(topic: &str) -> Result<TopicName, Error> {
    TopicName::new(topic).map_err(|_| Error::InvalidTopic(topic.to_owned()))
}

fn too_long(error: BodyTooLong) -> Error {
    Error::TooLong { len: error.len }
}

#[cfg(test)]
mod tests;
