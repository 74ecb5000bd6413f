//! Publishing to one nsqd.
//!
//! A [`Producer`] is a handle. Behind it is an outbox, in which messages gather, and a task, which owns the
//! connection and empties the outbox. Neither adds a delay: what finds the connection idle leaves at once;
//! what comes while answers are outstanding leaves together.

mod outbox;
mod pool;
mod receipt;
mod task;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use atomic_waker::AtomicWaker;
use nsq_runtime::{Clock, Shutdown, TaskGroup};
use parking_lot::Mutex;
use tokio::sync::Notify;

use self::outbox::{Encoded, Outbox};
pub use self::pool::{PoolMember, ProducerPool};
use self::receipt::Outcome;
pub use self::receipt::Receipt;
use crate::conn::Dialer;
use crate::{Config, Error};

/// Bytes that a producer holds at most, waiting to be sent or answered, beyond one message of each task
/// that publishes. Who publishes faster waits.
const PENDING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long [`Producer::stop`] waits for the task, which ends where it waits.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// Publishes messages to one nsqd over one connection. Cloning gives another handle to the same.
///
/// It connects when it is first used, or by [`connect`](Self::connect), and again when it is used after a
/// failure, at growing intervals. Messages to one topic that are published by one task one after the other
/// arrive in that order. Messages that are published by many tasks, or with [`enqueue`](Self::enqueue), are
/// put into few commands together, without waiting for each other.
///
/// # When a connection is lost
/// A message fails with [`Error::NotConnected`] if it had been sent and not answered: whether it was
/// published is not known. What had not been sent, or stood behind a command that nsqd refused, goes to the
/// next connection instead; messages that travelled together with one that nsqd does not take are sent again
/// without it. A [`ProducerPool`] gives what has failed to another nsqd.
///
/// Must be used within a Tokio runtime.
///
/// ```no_run
/// use nsq_client::{Config, Producer};
///
/// # async fn example() -> Result<(), nsq_client::Error> {
/// let producer = Producer::new("127.0.0.1:4150", &Config::default())?;
/// producer.publish("orders", "one").await?;
///
/// // Many at once: the answers are awaited later.
/// let mut receipts = Vec::new();
/// for number in 0..1000 {
///     receipts.push(producer.enqueue("orders", number.to_string()).await?);
/// }
/// for receipt in receipts {
///     receipt.await?;
/// }
/// producer.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// Upstream: go-nsq producer.go.
#[derive(Clone)]
pub struct Producer {
    handle: Arc<Handle>,
}

/// What a producer has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProducerStats {
    /// Messages that nsqd has.
    pub messages_published: u64,
    /// Messages that failed.
    pub messages_failed: u64,
    /// Commands that were answered. The fewer there are for the messages, the more travelled together.
    pub commands: u64,
    /// Connections that were made.
    pub connections: u64,
}

/// Stops the task with the last producer.
struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// What the producers and their task share.
struct Shared {
    /// Tells the producers of a process apart in its log.
    id: u64,
    address: String,
    dialer: Dialer,
    state: Mutex<State>,
    /// Wakes the task when there is something for it.
    task: AtomicWaker,
    /// Wakes one who waits for room. Who finds it and leaves some wakes the next.
    room: Notify,
    /// Wakes all who wait for the last answer.
    drained: Notify,
    tasks: TaskGroup,
    stop: Shutdown,
}

struct State {
    outbox: Outbox,
    /// What the task is to be woken for.
    wants: Wants,
    /// Who asked for a connection and nothing else.
    connecting: Vec<Arc<Outcome>>,
    /// Sign of life to be sent.
    ping: bool,
    phase: Phase,
    stats: ProducerStats,
}

/// Where the producer is in its life.
///
/// ```text
///  New ──▶ Disconnected ◀──▶ Connected
///   └────────────┴───────────────┴─────▶ Stopped
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing has been asked of it, and there is no task.
    New,
    Disconnected,
    Connected,
    Stopped,
}

impl State {
    /// A command is done with; its outcome is yet to be told.
    fn complete(&mut self, command: Encoded, succeeded: bool) -> Arc<Outcome> {
        let messages = u64::try_from(command.messages).unwrap_or(u64::MAX);
        if succeeded {
            self.stats.messages_published += messages;
        } else {
            self.stats.messages_failed += messages;
        }
        self.outbox.answered(command)
    }

    fn check_running(&self) -> Result<(), Error> {
        match self.phase {
            Phase::Stopped => Err(Error::Stopped),
            Phase::New | Phase::Disconnected | Phase::Connected => Ok(()),
        }
    }
}

/// What the task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// It is awake and will look by itself.
    Nothing,
    /// Anything to send.
    Anything,
    /// A command that is full: enough are waiting for their answers.
    Full,
}

impl Producer {
    /// A producer for the nsqd at `address`, which is `host:port`. Nothing is connected yet.
    ///
    /// # Errors
    /// [`Error::Config`] if an option is out of range or a file cannot be used.
    pub fn new(address: impl Into<String>, config: &Config) -> Result<Self, Error> {
        Self::with_clock(address, config, Clock::system())
    }

    pub(crate) fn with_clock(
        address: impl Into<String>,
        config: &Config,
        clock: Clock,
    ) -> Result<Self, Error> {
        let shared = Shared {
            id: crate::log::next_id(),
            address: address.into(),
            dialer: Dialer::new(config, clock)?,
            state: Mutex::new(State {
                outbox: Outbox::default(),
                wants: Wants::Nothing,
                connecting: Vec::new(),
                ping: false,
                phase: Phase::New,
                stats: ProducerStats::default(),
            }),
            task: AtomicWaker::new(),
            room: Notify::new(),
            drained: Notify::new(),
            tasks: TaskGroup::new("producer"),
            stop: Shutdown::new(),
        };
        Ok(Self {
            handle: Arc::new(Handle {
                shared: Arc::new(shared),
            }),
        })
    }

    /// The address as it was given.
    pub fn address(&self) -> &str {
        &self.shared().address
    }

    /// Whether there is a connection.
    pub fn is_connected(&self) -> bool {
        self.shared().state.lock().phase == Phase::Connected
    }

    /// How many commands have not been answered or sent. Messages that leave together count once.
    pub fn pending(&self) -> usize {
        self.shared().state.lock().outbox.pending().commands
    }

    /// What has happened so far.
    pub fn stats(&self) -> ProducerStats {
        self.shared().state.lock().stats
    }

    /// Connects, unless there is a connection.
    ///
    /// # Errors
    /// nsqd is not reached or refuses the client, or [`Error::Stopped`].
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the attempt.
    pub async fn connect(&self) -> Result<(), Error> {
        let receipt = {
            let shared = self.shared();
            let mut state = shared.state.lock();
            state.check_running()?;
            if state.phase == Phase::Connected {
                return Ok(());
            }
            let outcome = Arc::default();
            let receipt = Receipt::of(&outcome);
            state.connecting.push(outcome);
            shared.rouse(&mut state, true);
            receipt
        };
        receipt.await
    }

    /// Publishes a message, and waits until nsqd has it.
    ///
    /// # Errors
    /// The topic or the message is invalid, nsqd is not reached or refuses the message, or
    /// [`Error::NotConnected`].
    ///
    /// # Cancel safety
    /// Dropping the future may leave the message to be published.
    pub async fn publish(&self, topic: impl AsRef<str>, body: impl AsRef<[u8]>) -> Result<(), Error> {
        self.enqueue(topic, body).await?.await
    }

    /// Publishes several messages, all or none, and waits until nsqd has them.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    ///
    /// # Cancel safety
    /// Dropping the future may leave the messages to be published.
    pub async fn multi_publish<B: AsRef<[u8]>>(
        &self,
        topic: impl AsRef<str>,
        bodies: &[B],
    ) -> Result<(), Error> {
        self.enqueue_multi(topic, bodies).await?.await
    }

    /// Publishes a message that channels hold back for `delay`, in whole milliseconds, and waits until nsqd
    /// has it.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    ///
    /// # Cancel safety
    /// Dropping the future may leave the message to be published.
    pub async fn deferred_publish(
        &self,
        topic: impl AsRef<str>,
        delay: Duration,
        body: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        self.enqueue_deferred(topic, delay, body).await?.await
    }

    /// Hands a message over for publishing, and returns as soon as there is room for it; the answer is the
    /// receipt's.
    ///
    /// # Errors
    /// The topic or the message is invalid, or [`Error::Stopped`].
    ///
    /// # Cancel safety
    /// Dropping the future publishes nothing.
    pub async fn enqueue(&self, topic: impl AsRef<str>, body: impl AsRef<[u8]>) -> Result<Receipt, Error> {
        let (topic, body) = (topic.as_ref(), body.as_ref());
        self.add(|outbox| outbox.publish(topic, body)).await
    }

    /// As [`multi_publish`](Self::multi_publish), without waiting for the answer.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue).
    ///
    /// # Cancel safety
    /// Dropping the future publishes nothing.
    pub async fn enqueue_multi<B: AsRef<[u8]>>(
        &self,
        topic: impl AsRef<str>,
        bodies: &[B],
    ) -> Result<Receipt, Error> {
        let topic = topic.as_ref();
        self.add(|outbox| Ok((outbox.multi_publish(topic, bodies)?, true)))
            .await
    }

    /// As [`deferred_publish`](Self::deferred_publish), without waiting for the answer.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue).
    ///
    /// # Cancel safety
    /// Dropping the future publishes nothing.
    pub async fn enqueue_deferred(
        &self,
        topic: impl AsRef<str>,
        delay: Duration,
        body: impl AsRef<[u8]>,
    ) -> Result<Receipt, Error> {
        let (topic, body) = (topic.as_ref(), body.as_ref());
        let defer_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.add(|outbox| Ok((outbox.deferred_publish(topic, defer_ms, body)?, true)))
            .await
    }

    /// Connects if necessary and sends a sign of life, to which nsqd has no answer.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the attempt to connect.
    pub async fn ping(&self) -> Result<(), Error> {
        self.connect().await?;
        let shared = self.shared();
        let mut state = shared.state.lock();
        state.ping = true;
        shared.rouse(&mut state, true);
        Ok(())
    }

    /// Waits until everything that was published before has been answered, well or badly.
    ///
    /// # Cancel safety
    /// Dropping the future only stops the wait.
    pub async fn flush(&self) {
        loop {
            let drained = self.shared().drained.notified();
            if self.pending() == 0 {
                return;
            }
            drained.await;
        }
    }

    /// Closes the connection. What is waiting fails with [`Error::NotConnected`], and what is published
    /// later with [`Error::Stopped`]; [`flush`](Self::flush) first to lose nothing.
    ///
    /// # Cancel safety
    /// Dropping the future only stops the wait for the end.
    pub async fn stop(&self) {
        self.begin_stop();
        let shared = self.shared();
        shared.tasks.wait(&shared.dialer.clock, STOP_PATIENCE).await;
    }

    /// Stops without waiting for the end.
    fn begin_stop(&self) {
        self.shared().stop();
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Puts something into the outbox once there is room for it; `put` also says whether it should not wait
    /// for more.
    async fn add(
        &self,
        mut put: impl FnMut(&mut Outbox) -> Result<(Receipt, bool), Error>,
    ) -> Result<Receipt, Error> {
        let shared = self.shared();
        if let Some(receipt) = shared.try_add(&mut put)? {
            return Ok(receipt);
        }
        loop {
            // Made before the look, so that room made in between is not missed.
            let room = shared.room.notified();
            if let Some(receipt) = shared.try_add(&mut put)? {
                // One was woken for room that may be enough for several.
                shared.room.notify_one();
                return Ok(receipt);
            }
            room.await;
        }
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("address", &self.shared().address)
            .finish_non_exhaustive()
    }
}

/// A producer shows as its address. Upstream: go-nsq producer.go, `String`.
impl fmt::Display for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shared().address)
    }
}

impl Shared {
    /// `None` if there is no room.
    fn try_add(
        self: &Arc<Self>,
        put: &mut impl FnMut(&mut Outbox) -> Result<(Receipt, bool), Error>,
    ) -> Result<Option<Receipt>, Error> {
        let mut state = self.state.lock();
        state.check_running()?;
        if state.outbox.pending().bytes >= PENDING_BYTES_MAX {
            return Ok(None);
        }
        let (receipt, is_full) = put(&mut state.outbox)?;
        self.rouse(&mut state, is_full);
        Ok(Some(receipt))
    }

    /// Wakes the task if it waits for what is there now, and starts it if this is the first.
    fn rouse(self: &Arc<Self>, state: &mut State, is_full: bool) {
        if state.phase == Phase::New {
            state.phase = Phase::Disconnected;
            self.tasks.spawn(task::run(Arc::clone(self)));
        } else if state.wants == Wants::Anything || (is_full && state.wants == Wants::Full) {
            state.wants = Wants::Nothing;
            self.task.wake();
        }
    }

    fn stop(&self) {
        self.state.lock().phase = Phase::Stopped;
        self.stop.trigger();
        self.task.wake();
        self.room.notify_waiters();
    }
}
