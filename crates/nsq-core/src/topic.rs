//! A topic: takes messages in and hands a copy to each of its channels.

mod survey;

pub use survey::Survey;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::Moment;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::channel::{Channel, answered};
use crate::core::Core;
use crate::files::{Files, QueueOwner};
use crate::guid::GuidFactory;
use crate::io::{IoState, IoTask};
use crate::message::Message;
use crate::queue::{Claim, Command, Move, Outcome, Progress, Put, Queue, StorageError};
use crate::timer::Timed;
use crate::waiting::{Wakes, wake};

/// Messages moved from the topic's own queue to the channels under one lock.
const PUMP_MAX: usize = 256;

/// Rounds in which the pump works on the files of a channel before others get their turn.
const PUMP_ROUNDS: usize = 4;

/// How long the pump waits for a channel whose files take nothing.
const PUMP_RETRY: Duration = Duration::from_millis(500);

/// Why messages were not accepted. The texts are upstream's.
#[derive(Clone, Debug)]
pub enum PublishError {
    /// The topic is being deleted or closed.
    Exiting,
    /// They could not be written to disk. Some of a batch may have been kept, and some channels may have
    /// received them.
    Storage(StorageError),
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exiting => f.write_str("exiting"),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PublishError {}

/// Proof that messages were accepted, once they are safe: in memory they are at once, on disk after the
/// write.
#[derive(Debug)]
#[must_use = "the messages are only safe once the receipt says so"]
pub struct Receipt(Vec<oneshot::Receiver<Outcome>>);

impl Receipt {
    /// Whether the messages are safe already, so that there is nothing to wait for.
    pub fn is_settled(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits until the messages are safe.
    ///
    /// # Errors
    /// A queue could not write them.
    ///
    /// # Cancel safety
    /// The messages are written even if nobody waits.
    pub async fn settled(self) -> Result<(), PublishError> {
        let mut result = Ok(());
        for write in self.0 {
            // All are waited for: an answer must not come before the last write has ended.
            if let Err(error) = answered(write).await {
                result = Err(PublishError::Storage(error));
            }
        }
        result
    }
}

/// A topic and its channels on their way to a clean stop.
#[derive(Debug)]
#[must_use = "the messages are only safe once closing has ended"]
pub struct Closing(Vec<oneshot::Receiver<Outcome>>);

impl Closing {
    /// Waits until every message is in the files.
    ///
    /// # Errors
    /// Not everything could be written.
    ///
    /// # Cancel safety
    /// The messages are written even if nobody waits.
    pub async fn closed(self) -> Result<(), StorageError> {
        let mut outcome = Ok(());
        for wait in self.0 {
            if let Err(error) = answered(wait).await {
                outcome = Err(error);
            }
        }
        outcome
    }
}

/// A topic.
///
/// With channels, and not paused, messages go straight into them. The topic's own queue is used while
/// there is no channel or the topic is paused, and is drained by an I/O thread (the "pump") when that
/// ends; until it is empty, new messages go behind it.
///
/// Lock order: `state`, then the state of a channel.
///
/// Upstream: nsqd/topic.go.
pub struct Topic {
    name: TopicName,
    core: Arc<Core>,
    me: Weak<Self>,
    /// Whether `state` is in its last phase, for those who only want to know that.
    exiting: AtomicBool,
    state: Mutex<State>,
    files: Files,
    io: IoState,
}

struct State {
    phase: Phase,
    paused: bool,
    /// Set until every channel known from the metadata or from nsqlookupd exists: each of them is to
    /// receive the first message.
    starting: bool,
    channels: BTreeMap<ChannelName, Arc<Channel>>,
    queue: Queue,
    guids: GuidFactory,
    /// Holds the messages of one publish while they are handed out; empty otherwise.
    batch: Vec<Message>,
    message_count: u64,
    message_bytes: u64,
    /// Messages that channels have yet to write, and whose records are kept here until then.
    moving: Option<Moving>,
    /// When the pump tries again, if it must not move anything now.
    pump_at: Option<Moment>,
    armed: Moment,
}

/// A chunk on its way into the channels.
struct Moving {
    tickets: Vec<u64>,
    progress: Arc<Progress>,
}

/// ```text
/// OPEN ──delete──▶ EXITING
///   └───close────▶ CLOSING
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Being deleted: everything is dropped.
    Exiting,
    /// Clean stop: everything is saved.
    Closing,
}

/// What the pump did.
enum Pumped {
    /// There is nothing to move, or it must not be moved now.
    Nothing,
    /// The next messages have to be read from disk first.
    NotInMemory,
    /// A chunk was moved to these channels, or one before has yet to be written by them.
    Chunk(Vec<Arc<Channel>>),
    /// A channel could not take anything more at present.
    Blocked,
}

/// A publish keeps its batch buffer up to this size for the next one.
const BATCH_CAPACITY_KEPT: usize = 64;

impl Topic {
    /// A topic without channels. Nothing flows into channels until [`start`](Self::start).
    pub fn new(core: &Arc<Core>, name: TopicName) -> Arc<Self> {
        let ephemeral = name.is_ephemeral();
        let topic = Arc::new_cyclic(|me| Self {
            core: Arc::clone(core),
            me: me.clone(),
            state: Mutex::new(State {
                phase: Phase::Open,
                paused: false,
                starting: true,
                channels: BTreeMap::new(),
                queue: Queue::new(core.options.queue(ephemeral)),
                guids: core.guids(),
                batch: Vec::new(),
                message_count: 0,
                message_bytes: 0,
                moving: None,
                pump_at: None,
                armed: Moment::FAR,
            }),
            name,
            exiting: AtomicBool::new(false),
            files: Files::default(),
            io: IoState::default(),
        });
        topic.schedule_io();
        topic
    }

    /// The name.
    pub fn name(&self) -> &TopicName {
        &self.name
    }

    /// Lets messages flow into the channels.
    pub fn start(&self) {
        self.state.lock().starting = false;
        self.schedule_io();
    }

    /// Accepts messages with these bodies, to be delivered at once.
    ///
    /// # Errors
    /// The topic is being deleted or closed. That they could not be stored is said by the receipt.
    pub fn publish(&self, bodies: impl ExactSizeIterator<Item = Bytes>) -> Result<Receipt, PublishError> {
        self.accept(bodies, 0)
    }

    /// Accepts a message that channels hold back for `defer_ms` milliseconds once it reaches them.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn publish_deferred(&self, body: Bytes, defer_ms: u32) -> Result<Receipt, PublishError> {
        self.accept(std::iter::once(body), defer_ms)
    }

    fn accept(
        &self,
        bodies: impl ExactSizeIterator<Item = Bytes>,
        defer_ms: u32,
    ) -> Result<Receipt, PublishError> {
        let clock = &self.core.clock;
        let (now, wall_ns) = (clock.now(), clock.wall_ns());
        let mut wakes = Wakes::new();
        let mut receipt = Receipt(Vec::new());
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.phase != Phase::Open {
            return Err(PublishError::Exiting);
        }
        let mut batch = std::mem::take(&mut state.batch);
        batch.reserve_exact(bodies.len());
        for body in bodies {
            state.message_bytes += body.len() as u64;
            let mut message = Message::new(state.guids.next(wall_ns), wall_ns, body);
            message.set_defer_ms(defer_ms);
            batch.push(message);
        }
        state.message_count += batch.len() as u64;

        if state.flows() && state.queue.is_empty() {
            let last = state.channels.len() - 1;
            for (index, channel) in state.channels.values().enumerate() {
                if defer_ms > 0 {
                    let due = now + Duration::from_millis(u64::from(defer_ms));
                    for message in &batch {
                        channel.put_deferred(message.clone(), due, || receipt.claim());
                    }
                } else if index < last {
                    channel.put(batch.iter().cloned(), || receipt.claim(), &mut wakes);
                } else {
                    channel.put(batch.drain(..), || receipt.claim(), &mut wakes);
                }
            }
        } else if let Put::Disk = state.queue.put(batch.drain(..), || receipt.claim()) {
            self.schedule_io();
        }
        batch.clear();
        batch.shrink_to(BATCH_CAPACITY_KEPT);
        state.batch = batch;
        drop(guard);
        wake(wakes);
        Ok(receipt)
    }

    /// The channel of this name, made if there is none. Returns whether it was made.
    ///
    /// # Errors
    /// The topic is being deleted or closed.
    pub fn channel_or_create(&self, name: &ChannelName) -> Result<(Arc<Channel>, bool), PublishError> {
        let mut state = self.state.lock();
        if let Some(channel) = state.channels.get(name) {
            return Ok((Arc::clone(channel), false));
        }
        if state.phase != Phase::Open {
            return Err(PublishError::Exiting);
        }
        let channel = Channel::new(&self.core, &self.name, name);
        state.channels.insert(name.clone(), Arc::clone(&channel));
        drop(state);
        tracing::info!("TOPIC({}): new channel({name})", self.name);
        channel.schedule_io();
        // What has gathered while there was no channel is the first one's.
        self.schedule_io();
        self.core.observer.channel_created(&self.name, name);
        Ok((channel, true))
    }

    /// The channel of this name, if there is one.
    pub fn channel(&self, name: &str) -> Option<Arc<Channel>> {
        self.state.lock().channels.get(name).map(Arc::clone)
    }

    /// All channels, by name.
    pub fn channels(&self) -> Vec<Arc<Channel>> {
        self.state.lock().channels.values().map(Arc::clone).collect()
    }

    /// Deletes a channel with all it holds; its consumers are told to close. Returns false if there is
    /// none of this name.
    ///
    /// # Errors
    /// The files could not be removed. The channel is gone all the same.
    pub async fn delete_channel(&self, name: &ChannelName) -> Result<bool, StorageError> {
        let Some(channel) = self.channel(name.as_str()) else {
            return Ok(false);
        };
        // An ephemeral channel marks itself when its last consumer leaves.
        channel.begin_delete();
        tracing::info!("TOPIC({}): deleting channel {name}", self.name);
        tracing::info!("CHANNEL({name}): deleting");
        self.core.observer.channel_deleting(&self.name, name);
        let outcome = channel.finish_delete().await;
        let mut state = self.state.lock();
        if state
            .channels
            .get(name)
            .is_some_and(|current| Arc::ptr_eq(current, &channel))
        {
            state.channels.remove(name);
        }
        let abandoned = self.name.is_ephemeral() && state.channels.is_empty() && state.phase == Phase::Open;
        drop(state);
        self.core.observer.channel_deleted(&self.name, name);
        if abandoned {
            self.core.observer.topic_abandoned(&self.name);
        }
        outcome.map(|()| true)
    }

    /// Marks the topic as being deleted: publishing fails from now on. Returns false if it was on its way
    /// already.
    pub fn begin_delete(&self) -> bool {
        let mut state = self.state.lock();
        let first = state.phase == Phase::Open;
        state.phase = Phase::Exiting;
        self.exiting.store(true, Ordering::Release);
        first
    }

    /// Drops everything, its channels too, after [`begin_delete`](Self::begin_delete).
    ///
    /// # Errors
    /// Files could not be removed. The content is gone all the same.
    pub async fn finish_delete(&self) -> Result<(), StorageError> {
        let mut outcome = Ok(());
        for channel in self.channels() {
            if let Err(error) = self.delete_channel(channel.name()).await {
                outcome = Err(error);
            }
        }
        let (reply, wait) = oneshot::channel();
        self.state.lock().queue.command(Command::Delete, reply);
        self.schedule_io();
        answered(wait).await.and(outcome)
    }

    /// Whether the topic is being deleted or closed, so that publishing fails.
    pub fn is_exiting(&self) -> bool {
        self.exiting.load(Ordering::Acquire)
    }

    /// Opens the files of the topic and its channels and counts what they hold, unless that has happened:
    /// for the start, before anything is served. Blocks on the disk.
    pub fn open_files(&self) {
        crate::files::service(self);
        for channel in self.channels() {
            crate::files::service(&*channel);
        }
    }

    /// Ends the topic and its channels for a clean stop: every message is written to the files. Begins at
    /// once; the result tells when it has ended.
    pub fn begin_close(&self) -> Closing {
        tracing::info!("TOPIC({}): closing", self.name);
        {
            let mut state = self.state.lock();
            if state.phase == Phase::Open {
                state.phase = Phase::Closing;
            }
            self.exiting.store(true, Ordering::Release);
        }
        let mut waits = Vec::new();
        for channel in self.channels() {
            tracing::info!("CHANNEL({}): closing", channel.name());
            waits.push(channel.begin_close());
        }
        let (reply, wait) = oneshot::channel();
        self.state.lock().queue.command(Command::Close, reply);
        self.schedule_io();
        waits.push(wait);
        Closing(waits)
    }

    /// Drops the topic's own queue; the channels are not touched.
    ///
    /// # Errors
    /// The files could not be removed.
    pub async fn empty(&self) -> Result<(), StorageError> {
        let (reply, wait) = oneshot::channel();
        {
            let mut state = self.state.lock();
            match state.phase {
                Phase::Open => {}
                // Everything is being dropped.
                Phase::Exiting => return Ok(()),
                // What is to be saved cannot be dropped any more.
                Phase::Closing => return Err(StorageError::new("exiting")),
            }
            state.queue.empty(reply);
        }
        self.schedule_io();
        answered(wait).await
    }

    /// Holds messages back from the channels.
    pub fn pause(&self) {
        self.state.lock().paused = true;
    }

    /// Lets messages flow into the channels again.
    pub fn unpause(&self) {
        self.state.lock().paused = false;
        self.schedule_io();
    }

    /// Whether messages are held back.
    pub fn is_paused(&self) -> bool {
        self.state.lock().paused
    }

    fn schedule_io(&self) {
        if let Some(me) = self.me.upgrade() {
            self.core.io.schedule(&me);
        }
    }

    /// Takes notice of messages that have arrived in the files of all channels.
    fn settle_move(&self) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Some(arrived) = state.moving.as_ref().and_then(|moving| moving.progress.outcome()) else {
            return;
        };
        if let Some(Moving { mut tickets, .. }) = state.moving.take()
            && arrived
        {
            state.queue.consume(&mut tickets);
        }
        state.queue.set_moving(false);
    }

    /// Moves one chunk from the topic's own queue to the channels.
    fn pump(&self) -> Pumped {
        let now = self.core.clock.now();
        let mut wakes = Wakes::new();
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if !state.flows() || state.phase != Phase::Open || state.queue.is_empty() {
            return Pumped::Nothing;
        }
        let channels: Vec<_> = state.channels.values().map(Arc::clone).collect();
        if channels.iter().any(|channel| channel.is_blocked()) {
            state.pump_at = Some(now + PUMP_RETRY);
            return Pumped::Blocked;
        }
        if state.moving.is_some() || channels.iter().any(|channel| channel.is_behind()) {
            return Pumped::Chunk(channels);
        }
        let mut chunk = Vec::new();
        let mut tickets = Vec::new();
        while chunk.len() < PUMP_MAX
            && let Some(taken) = state.queue.pop()
        {
            let mut message = taken.message;
            let defer_ms = state.queue.take_delay(&message);
            tickets.extend(message.ticket());
            message.clear_aside();
            chunk.push((message, defer_ms));
        }
        if chunk.is_empty() {
            return if state.queue.want() {
                Pumped::NotInMemory
            } else {
                Pumped::Nothing
            };
        }
        let moving = self.begin_move(state, tickets);
        let claim = || moving.clone().map_or(Claim::Nobody, Claim::Move);
        for run in chunk.chunk_by(|one, next| (one.1 > 0) == (next.1 > 0)) {
            let deferred = run.first().is_some_and(|(_, defer_ms)| *defer_ms > 0);
            for channel in &channels {
                if deferred {
                    for (message, defer_ms) in run {
                        let due = now + Duration::from_millis(u64::from(*defer_ms));
                        channel.put_deferred(message.clone(), due, claim);
                    }
                } else {
                    channel.put(run.iter().map(|(message, _)| message.clone()), claim, &mut wakes);
                }
            }
        }
        drop(guard);
        wake(wakes);
        Pumped::Chunk(channels)
    }

    /// Messages leave the topic's files when the channels have them as safe as the durability asks for: at once,
    /// if that is in memory.
    fn begin_move(&self, state: &mut State, mut tickets: Vec<u64>) -> Option<Arc<Move>> {
        if !self.core.options.durability.writes() || tickets.is_empty() {
            state.queue.consume(&mut tickets);
            return None;
        }
        let me = self.me.clone();
        let (moving, progress) = Move::new(move || {
            if let Some(topic) = me.upgrade() {
                topic.schedule_io();
            }
        });
        state.moving = Some(Moving { tickets, progress });
        state.queue.set_moving(true);
        Some(moving)
    }
}

impl State {
    /// Whether messages go on to channels. Those of a topic whose only channels are being deleted wait for
    /// the next one.
    fn flows(&self) -> bool {
        !self.paused && !self.starting && self.channels.values().any(|channel| channel.is_open())
    }
}

impl Receipt {
    fn claim(&mut self) -> Claim {
        let (sender, receiver) = oneshot::channel();
        self.0.push(receiver);
        Claim::Publisher(sender)
    }
}

impl QueueOwner for Topic {
    fn me(&self) -> Option<Arc<Self>> {
        self.me.upgrade()
    }

    fn with_queue<R>(&self, work: impl FnOnce(&mut Queue) -> R) -> R {
        work(&mut self.state.lock().queue)
    }

    fn files(&self) -> &Files {
        &self.files
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn files_name(&self) -> String {
        self.name.to_string()
    }

    fn put_failed(&self, error: &StorageError) {
        tracing::error!(
            "TOPIC({}) ERROR: failed to write message to backend - {error}",
            self.name
        );
    }

    fn progressed(&self) {
        let now = self.core.clock.now();
        let mut state = self.state.lock();
        let deadline = state.queue.next_deadline(now, self.core.options.sync_timeout);
        if let Some(at) = [deadline, state.pump_at].into_iter().flatten().min()
            && at < state.armed
        {
            state.armed = at;
            let timed: Weak<Self> = self.me.clone();
            self.core.timers.schedule(at, timed);
        }
    }
}

impl IoTask for Topic {
    fn io_state(&self) -> &IoState {
        &self.io
    }

    /// Serves the topic's files, and pumps.
    fn run_io(&self) -> bool {
        self.settle_move();
        let more = crate::files::service(self);
        let channels = match self.pump() {
            Pumped::Nothing => return more,
            Pumped::NotInMemory => return true,
            Pumped::Blocked => {
                self.progressed();
                return more;
            }
            Pumped::Chunk(channels) => channels,
        };
        // The channels' writes are done here, before more is moved: the pump cannot run ahead of their disks.
        let mut is_behind = false;
        for channel in channels {
            for _ in 0..PUMP_ROUNDS {
                if !channel.is_behind() || !crate::files::service(&*channel) {
                    break;
                }
            }
            is_behind |= channel.is_behind();
        }
        // While all wait for a sync, its end brings the next.
        more || is_behind || self.state.lock().moving.is_none()
    }
}

impl Timed for Topic {
    fn on_timer(self: Arc<Self>, now: Moment) {
        let service = {
            let mut state = self.state.lock();
            if now < state.armed {
                // An entry that an earlier one has replaced. To arm again would add another for ever.
                return;
            }
            state.armed = Moment::FAR;
            let pump = state.pump_at.take_if(|at| *at <= now).is_some();
            state.queue.on_timer(now) || pump
        };
        if service {
            self.schedule_io();
        }
        self.progressed();
    }
}

impl Drop for Topic {
    /// One that is deleted while its files cannot be opened must not be unhealthy for ever.
    fn drop(&mut self) {
        self.core.health.forget(|| self.files_name());
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
