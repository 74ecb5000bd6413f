//! What a channel knows of a consumer: what it holds, and how it is woken.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;

use crate::in_flight::InFlight;

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

/// Why a consumer was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// There may be messages to take.
    Messages,
    /// The channel is gone: the connection is to be closed.
    Closed,
}

/// A consumer at one moment.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerSnapshot {
    /// Which client it is.
    pub client: ClientId,
    /// Its RDY.
    pub ready_count: u64,
    /// Messages sent and not answered.
    pub in_flight_count: u64,
    /// Messages sent.
    pub message_count: u64,
    /// Successful FINs.
    pub finish_count: u64,
    /// Successful REQs.
    pub requeue_count: u64,
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

    /// Ready when the consumer was woken since the last time.
    pub(crate) fn poll_signal(&self, cx: &mut Context<'_>) -> Poll<Signal> {
        if !self.signal.swap(false, Ordering::Acquire) {
            self.waker.register(cx.waker());
            // A signal given before the waker was in place has woken nobody.
            if !self.signal.swap(false, Ordering::Acquire) {
                return Poll::Pending;
            }
        }
        Poll::Ready(if self.closed.load(Ordering::Acquire) {
            Signal::Closed
        } else {
            Signal::Messages
        })
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

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("id", &self.id)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
