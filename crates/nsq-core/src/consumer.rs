//! A consumer of a channel: what it holds and how it is woken.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use atomic_waker::AtomicWaker;
use nsq_runtime::Moment;
use parking_lot::Mutex;

use crate::channel::Channel;
use crate::guid::Guid;
use crate::in_flight::InFlight;
use crate::message::Message;
use crate::stats::ConsumerSnapshot;

/// Identifies a client connection within this nsqd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// Where a consumer is, as seen from this nsqd. Upstream: nsqd/channel.go, topology-aware delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locality {
    /// In the server's zone.
    Zone,
    /// In the server's region.
    Region,
    /// Elsewhere, or unknown.
    #[default]
    Global,
}

/// What a client asks for when it subscribes.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerOptions {
    /// How long it may hold a message before that returns to the channel.
    pub msg_timeout: Duration,
    /// Percentage of messages it wants, 1 to 99; 0 for all.
    pub sample_rate: u8,
    /// Where it is.
    pub locality: Locality,
}

/// Why a message could not be answered. The texts are upstream's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// Nobody holds a message of this id.
    NotInFlight,
    /// Another consumer holds it, or held it when its connection ended.
    NotOwner,
    /// The channel is being closed.
    Exiting,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotInFlight => "ID not in flight",
            Self::NotOwner => "client does not own message",
            Self::Exiting => "exiting",
        })
    }
}

impl std::error::Error for AnswerError {}

/// What a channel knows of one of its consumers. The owner of the [`Subscription`] changes it; the
/// channel reaches in to empty, close and count.
pub(crate) struct Consumer {
    pub(crate) id: ClientId,
    pub(crate) options: ConsumerOptions,
    /// Messages it has not answered. Taken before the lock of the channel, never after.
    pub(crate) held: Mutex<InFlight>,
    /// Set before the waker is woken: there may be messages, or `closed` may have been set.
    signal: AtomicBool,
    waker: AtomicWaker,
    closed: AtomicBool,
    /// A [`Presence`]; changed under the channel's lock.
    presence: AtomicU8,
    pub(crate) ready: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    pub(crate) message_count: AtomicU64,
    pub(crate) finish_count: AtomicU64,
    pub(crate) requeue_count: AtomicU64,
}

/// Where a consumer stands with [`Waiting`](crate::waiting::Waiting).
///
/// ```text
/// BUSY ──finds nothing──▶ WAITING ──chosen──▶ WOKEN ──asks──▶ BUSY
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Presence {
    /// Not listed: it will ask for messages by itself.
    Busy = 0,
    /// In the list of those to be woken.
    Waiting = 1,
    /// Taken off the list and woken; counted until it asks for messages.
    Woken = 2,
}

impl Consumer {
    pub(crate) fn new(id: ClientId, options: ConsumerOptions) -> Self {
        Self {
            id,
            options,
            held: Mutex::default(),
            signal: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            closed: AtomicBool::new(false),
            presence: AtomicU8::new(Presence::Busy as u8),
            ready: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            message_count: AtomicU64::new(0),
            finish_count: AtomicU64::new(0),
            requeue_count: AtomicU64::new(0),
        }
    }

    pub(crate) fn wake(&self) {
        self.signal.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Tells the owner to end its connection.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake();
    }

    pub(crate) fn presence(&self) -> Presence {
        match self.presence.load(Ordering::Relaxed) {
            1 => Presence::Waiting,
            2 => Presence::Woken,
            _ => Presence::Busy,
        }
    }

    pub(crate) fn set_presence(&self, presence: Presence) {
        self.presence.store(presence as u8, Ordering::Relaxed);
    }

    /// Publishes how many messages are held, for statistics. Called with the lock of `held`.
    pub(crate) fn note_held(&self, held: &InFlight) {
        self.in_flight.store(held.len() as u64, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> ConsumerSnapshot {
        ConsumerSnapshot {
            client: self.id,
            ready_count: self.ready.load(Ordering::Relaxed),
            in_flight_count: self.in_flight.load(Ordering::Relaxed),
            message_count: self.message_count.load(Ordering::Relaxed),
            finish_count: self.finish_count.load(Ordering::Relaxed),
            requeue_count: self.requeue_count.load(Ordering::Relaxed),
        }
    }
}

/// Why a consumer was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// There may be messages to take.
    Messages,
    /// The channel is gone: the connection is to be closed.
    Closed,
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
        self.channel
            .pop_for(&self.consumer, 0, 0, now, &mut self.random, &mut self.batch);
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
            credit,
            bytes_max,
            now,
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
            return Err(self.channel.why_not_held(id));
        };
        self.consumer.note_held(&held);
        drop(held);
        add(&self.consumer.finish_count, 1);
        self.channel.note_latency(message.timestamp_ns);
        Ok(())
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
        let consumer = &self.consumer;
        if !consumer.signal.swap(false, Ordering::Acquire) {
            consumer.waker.register(cx.waker());
            // A signal given before the waker was in place has woken nobody.
            if !consumer.signal.swap(false, Ordering::Acquire) {
                return Poll::Pending;
            }
        }
        Poll::Ready(if consumer.closed.load(Ordering::Acquire) {
            Signal::Closed
        } else {
            Signal::Messages
        })
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

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("id", &self.id)
            .field("options", &self.options)
            .finish_non_exhaustive()
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
