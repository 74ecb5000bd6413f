//! A consumer's side: taking messages and answering them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::Moment;

use crate::channel::{Channel, Credit, Refusal};
use crate::consumer::{AnswerError, ClientId, Consumer, ConsumerOptions, Signal};
use crate::guid::Guid;
use crate::message::Message;

/// Finished messages of which the channel is told at the latest; mostly it is when the consumer asks for more.
const FINISHED_MAX: usize = 256;

/// Why a client cannot consume from a channel. The texts are upstream's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscribeError {
    /// `--max-channel-consumers` is reached.
    TooManyConsumers {
        /// The topic.
        topic: TopicName,
        /// The channel.
        channel: ChannelName,
        /// The bound.
        limit: usize,
    },
    /// The channel is being deleted or closed.
    Exiting,
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyConsumers {
                topic,
                channel,
                limit,
            } => {
                write!(f, "consumers for {topic}:{channel} exceeds limit of {limit}")
            }
            Self::Exiting => f.write_str("exiting"),
        }
    }
}

impl std::error::Error for SubscribeError {}

impl Channel {
    /// Adds a consumer, with RDY 0.
    ///
    /// # Errors
    /// There are too many already, or the channel is going away.
    pub fn subscribe(
        self: &Arc<Self>,
        id: ClientId,
        options: ConsumerOptions,
    ) -> Result<Subscription, SubscribeError> {
        let consumer = Arc::new(Consumer::new(id, options));
        match self.admit(&consumer) {
            Ok(()) => Ok(Subscription::new(Arc::clone(self), consumer)),
            Err(Refusal::Exiting) => Err(SubscribeError::Exiting),
            Err(Refusal::TooMany { limit }) => Err(SubscribeError::TooManyConsumers {
                topic: self.topic().clone(),
                channel: self.name().clone(),
                limit,
            }),
        }
    }
}

/// A consumer's side of its subscription to a channel. Dropping it ends the subscription: what it holds
/// stays in flight, owned by nobody, until its timeout.
pub struct Subscription {
    channel: Arc<Channel>,
    consumer: Arc<Consumer>,
    /// Messages between the channel's queue and `held`; empty except within [`take`](Self::take).
    batch: VecDeque<Message>,
    random: u64,
}

impl Subscription {
    pub(crate) fn new(channel: Arc<Channel>, consumer: Arc<Consumer>) -> Self {
        // Any odd number starts the generator; consumers should not sample in step.
        let random = consumer.id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self {
            channel,
            consumer,
            batch: VecDeque::new(),
            random,
        }
    }

    /// The channel subscribed to.
    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// Sets the ceiling on messages in flight. Upstream: RDY.
    pub fn set_ready(&mut self, count: u64) {
        self.consumer.ready.store(count, Ordering::Relaxed);
    }

    /// The ceiling on messages in flight.
    pub fn ready(&self) -> u64 {
        self.consumer.ready.load(Ordering::Relaxed)
    }

    /// How many messages are held.
    pub fn in_flight(&self) -> u64 {
        self.consumer.in_flight.load(Ordering::Relaxed)
    }

    /// Passes a wake on to another consumer, for an owner that was woken and cannot take messages now.
    pub fn pass_on(&mut self, now: Moment) {
        let mut held = self.consumer.held.lock();
        self.channel.pop_for(
            &self.consumer,
            Credit::default(),
            now,
            &mut held.finished,
            &mut self.random,
            &mut self.batch,
        );
    }

    /// Takes messages, within RDY and about `bytes_max` of bodies (but at least one message if RDY
    /// allows), records them as in flight from `now` on and gives each to `deliver`. Returns how many.
    ///
    /// If it returns 0, the owner is woken ([`poll_signal`](Self::poll_signal)) when there may be more:
    /// after new messages, if RDY allowed one; else after the owner has called this again.
    pub fn take(&mut self, now: Moment, bytes_max: usize, mut deliver: impl FnMut(&Message)) -> usize {
        let consumer = &*self.consumer;
        let mut held = consumer.held.lock();
        let credit = self.ready().saturating_sub(held.len() as u64);
        self.channel.pop_for(
            &self.consumer,
            Credit {
                count: credit,
                bytes_max,
            },
            now,
            &mut held.finished,
            &mut self.random,
            &mut self.batch,
        );
        let count = self.batch.len();
        let deadline = now + consumer.options.msg_timeout;
        while let Some(mut message) = self.batch.pop_front() {
            message.attempts = message.attempts.saturating_add(1);
            deliver(held.insert(message, now, deadline));
        }
        add(&consumer.message_count, count as u64);
        consumer.note_held(&held);
        count
    }

    /// The message is done. Upstream: nsqd/channel.go, `FinishMessage`.
    pub fn finish(&mut self, id: Guid) -> Result<(), AnswerError> {
        let mut held = self.consumer.held.lock();
        let Some(message) = held.remove(id) else {
            drop(held);
            self.channel.note_late_fin();
            return Err(self.channel.why_not_held(id));
        };
        self.consumer.note_held(&held);
        if let Some(ticket) = message.ticket() {
            held.finished.push(ticket);
            if held.finished.len() >= FINISHED_MAX {
                self.channel.consume(&mut held.finished);
            }
        }
        drop(held);
        add(&self.consumer.finish_count, 1);
        self.channel.note_latency(message.timestamp_ns);
        Ok(())
    }

    /// Tells the channel what was finished, for an owner that does not [`take`](Self::take) at present: of what it
    /// is not told, a crash brings back what is on disk.
    pub fn report_finished(&mut self) {
        let mut held = self.consumer.held.lock();
        if !held.finished.is_empty() {
            self.channel.consume(&mut held.finished);
        }
    }

    /// The message returns to the channel, at once or after `delay`. Upstream: nsqd/channel.go,
    /// `RequeueMessage`.
    pub fn requeue(&mut self, id: Guid, delay: Duration, now: Moment) -> Result<(), AnswerError> {
        let mut held = self.consumer.held.lock();
        let Some(message) = held.remove(id) else {
            drop(held);
            return Err(self.channel.why_not_held(id));
        };
        self.consumer.note_held(&held);
        // With the lock of `held`: whoever empties or closes the channel finds the message in one place.
        self.channel.give_back(message, delay, now)?;
        drop(held);
        add(&self.consumer.requeue_count, 1);
        Ok(())
    }

    /// Restarts the timeout of the message. Upstream: nsqd/channel.go, `TouchMessage`.
    pub fn touch(&mut self, id: Guid, now: Moment) -> Result<(), AnswerError> {
        let options = &self.consumer.options;
        let longest = self.channel.core().options().max_msg_timeout;
        let touched = self
            .consumer
            .held
            .lock()
            .touch(id, now + options.msg_timeout, longest);
        if touched {
            Ok(())
        } else {
            Err(self.channel.why_not_held(id))
        }
    }

    /// When the first held message times out, at which [`expire`](Self::expire) is to be called.
    pub fn next_deadline(&mut self) -> Option<Moment> {
        self.consumer.held.lock().next_deadline()
    }

    /// Returns the messages that have timed out to the channel.
    pub fn expire(&mut self, now: Moment) {
        let mut held = self.consumer.held.lock();
        let mut expired = Vec::new();
        while let Some(message) = held.pop_expired(now) {
            expired.push(message);
        }
        if !expired.is_empty() {
            self.consumer.note_held(&held);
            self.channel.time_out(expired);
        }
    }

    /// Ready when [`take`](Self::take) may find messages, or the channel has gone.
    pub fn poll_signal(&self, cx: &mut Context<'_>) -> Poll<Signal> {
        self.consumer.poll_signal(cx)
    }

    /// Gives back memory that a burst left behind; for an owner that has been quiet for a while.
    pub fn shrink(&mut self) {
        self.consumer.held.lock().shrink();
        self.batch.shrink_to(0);
    }
}

/// Adds to a counter that only its subscription writes, which spares an atomic read-modify-write.
#[inline]
fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.channel.unsubscribe(&self.consumer, &mut self.batch);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("channel", &self.channel.name())
            .field("client", &self.consumer.id)
            .finish_non_exhaustive()
    }
}
