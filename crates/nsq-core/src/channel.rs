//! A channel: one copy of its topic's messages, shared out among its consumers.

mod share;
#[cfg(test)]
mod tests;

pub(crate) use share::Credit;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::Moment;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::consumer::{AnswerError, Consumer};
use crate::core::Core;
use crate::deferred::{Deferred, Due};
use crate::files::{Files, QueueOwner};
use crate::guid::Guid;
use crate::in_flight::InFlight;
use crate::io::{IoState, IoTask};
use crate::message::Message;
use crate::quantile::{Histogram, LatencyWindow};
use crate::queue::{Claim, Command, Outcome, Parked, Put, Queue, StorageError};
use crate::stats::{ChannelSnapshot, LatencySnapshot};
use crate::timer::Timed;
use crate::waiting::{PerLocality, Waiting, Wakes, wake};

/// Why a consumer was not admitted.
#[derive(Debug)]
pub(crate) enum Refusal {
    Exiting,
    TooMany { limit: usize },
}

/// A channel of a topic.
///
/// A message that has arrived is in exactly one place: the queue, `deferred`, held by a consumer, or
/// abandoned by one.
///
/// Lock order: `Consumer::held`, then `state`. Whoever needs both from here collects the consumers
/// first and locks each without holding `state`.
///
/// Upstream: nsqd/channel.go.
pub struct Channel {
    topic: TopicName,
    name: ChannelName,
    core: Arc<Core>,
    /// For the timer and the I/O threads, which keep no channel alive.
    me: Weak<Self>,
    /// Whether `state` is in its first phase, for the topic, which asks with every publish.
    open: AtomicBool,
    state: Mutex<State>,
    files: Files,
    io: IoState,
    latency: Option<Mutex<LatencyWindow>>,
    requeue_count: AtomicU64,
    timeout_count: AtomicU64,
    late_fin_count: AtomicU64,
}

struct State {
    phase: Phase,
    paused: bool,
    queue: Queue,
    deferred: Deferred,
    /// In flight at consumers whose connection has ended.
    abandoned: InFlight,
    consumers: Vec<Arc<Consumer>>,
    waiting: Waiting,
    message_count: u64,
    /// Messages taken from memory, by the locality of who took them.
    taken: PerLocality<u64>,
    /// The earliest moment for which the timer is set.
    armed: Moment,
}

/// ```text
/// OPEN ──delete──▶ EXITING ─────────▶ (removed from the topic)
///   └───close────▶ CLOSING ──flush──▶ CLOSED
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Being deleted: nothing comes in, everything is dropped.
    Exiting,
    /// Clean stop: nothing goes out, and what comes back is still saved.
    Closing,
    /// Everything has been handed to the files.
    Closed,
}

impl Channel {
    pub(crate) fn new(core: &Arc<Core>, topic: &TopicName, name: &ChannelName) -> Arc<Self> {
        let ephemeral = name.is_ephemeral();
        let now = core.clock.now();
        let options = &core.options;
        let measured = !options.latency_quantiles.is_empty();
        Arc::new_cyclic(|me| Self {
            topic: topic.clone(),
            name: name.clone(),
            core: Arc::clone(core),
            me: me.clone(),
            open: AtomicBool::new(true),
            state: Mutex::new(State {
                phase: Phase::Open,
                paused: false,
                queue: Queue::new(options.queue(ephemeral)),
                deferred: Deferred::default(),
                abandoned: InFlight::default(),
                consumers: Vec::new(),
                waiting: Waiting::default(),
                message_count: 0,
                taken: PerLocality::default(),
                armed: Moment::FAR,
            }),
            files: Files::default(),
            io: IoState::default(),
            latency: measured.then(|| Mutex::new(LatencyWindow::new(options.latency_window, now))),
            requeue_count: AtomicU64::new(0),
            timeout_count: AtomicU64::new(0),
            late_fin_count: AtomicU64::new(0),
        })
    }

    /// The name.
    pub fn name(&self) -> &ChannelName {
        &self.name
    }

    /// The name of its topic.
    pub fn topic(&self) -> &TopicName {
        &self.topic
    }

    /// Lists a consumer, unless there are too many already or the channel is going away.
    pub(crate) fn admit(&self, consumer: &Arc<Consumer>) -> Result<(), Refusal> {
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            return Err(Refusal::Exiting);
        }
        match self.core.options.max_channel_consumers {
            Some(limit) if state.consumers.len() >= limit => Err(Refusal::TooMany { limit }),
            _ => {
                state.consumers.push(Arc::clone(consumer));
                Ok(())
            }
        }
    }

    /// Holds messages back from the consumers. What is in flight stays so.
    pub fn pause(&self) {
        self.state.lock().paused = true;
    }

    /// Delivers again.
    pub fn unpause(&self) {
        let mut wakes = Wakes::new();
        let mut state = self.state.lock();
        state.paused = false;
        let available = state.queue.available();
        state.choose_waiting(available.max(1), &mut wakes);
        drop(state);
        wake(wakes);
    }

    /// Whether messages are held back.
    pub fn is_paused(&self) -> bool {
        self.state.lock().paused
    }

    /// Whether the channel is being deleted or closed: new consumers are refused.
    pub fn is_exiting(&self) -> bool {
        self.state.lock().phase != Phase::Open
    }

    /// How many messages wait for a consumer, in memory and on disk.
    pub fn depth(&self) -> u64 {
        self.state.lock().queue.depth()
    }

    /// Drops everything: the queue, in-flight and deferred messages. Consumers stay.
    ///
    /// # Errors
    /// The files could not be removed.
    ///
    /// # Cancel safety
    /// The content is dropped even if nobody waits for the files.
    pub async fn empty(&self) -> Result<(), StorageError> {
        let reply = {
            let mut state = self.state.lock();
            match state.phase {
                Phase::Open => {}
                // Everything is being dropped.
                Phase::Exiting => return Ok(()),
                // What is to be saved cannot be dropped any more.
                Phase::Closing | Phase::Closed => return Err(StorageError::new("exiting")),
            }
            let (reply, wait) = oneshot::channel();
            state.queue.empty(reply);
            state.deferred = Deferred::default();
            state.abandoned = InFlight::default();
            wait
        };
        self.schedule_io();
        for consumer in self.consumers() {
            let mut held = consumer.held.lock();
            *held = InFlight::default();
            consumer.note_held(&held);
            drop(held);
            // It may have been at its RDY.
            consumer.wake();
        }
        answered(reply).await
    }

    /// Marks the channel as being deleted: consumers are told to close, new ones are refused. Returns
    /// false if it was on its way already.
    pub(crate) fn begin_delete(&self) -> bool {
        let mut state = self.state.lock();
        let first = state.phase == Phase::Open;
        if first {
            self.leave(&mut state, Phase::Exiting);
        }
        first
    }

    /// Drops everything, the files too, after [`begin_delete`](Self::begin_delete).
    pub(crate) async fn finish_delete(&self) -> Result<(), StorageError> {
        for consumer in self.consumers() {
            consumer.close();
            *consumer.held.lock() = InFlight::default();
        }
        let (reply, wait) = oneshot::channel();
        {
            let mut state = self.state.lock();
            state.queue.command(Command::Delete, reply);
            state.deferred = Deferred::default();
            state.abandoned = InFlight::default();
        }
        self.schedule_io();
        answered(wait).await
    }

    /// Ends the channel for a clean stop: every message is written to the files, which are synced.
    ///
    /// Upstream: nsqd/channel.go, `Close` and `flush`.
    pub(crate) fn begin_close(&self) -> oneshot::Receiver<Outcome> {
        let (reply, wait) = oneshot::channel();
        let consumers = {
            let mut state = self.state.lock();
            if state.phase == Phase::Open {
                self.leave(&mut state, Phase::Closing);
            }
            state.consumers.clone()
        };
        let (mut in_flight, mut finished) = (Vec::new(), Vec::new());
        for consumer in consumers {
            consumer.close();
            let mut held = consumer.held.lock();
            finished.append(&mut held.finished);
            in_flight.append(&mut held.take_all());
        }
        let mut state = self.state.lock();
        state.phase = Phase::Closed;
        finished.append(&mut state.abandoned.finished);
        state.queue.consume(&mut finished);
        in_flight.append(&mut state.abandoned.take_all());
        state.take_deferred();
        let deferred = state.deferred.take_all();
        let deferred_in_files = state.deferred.take_in_files();
        let memory = state.queue.available();
        let deferred_len = deferred.len() + deferred_in_files.len();
        if memory + in_flight.len() + deferred_len > 0 {
            tracing::info!(
                "CHANNEL({}): flushing {memory} memory {} in-flight {} deferred messages to backend",
                self.name,
                in_flight.len(),
                deferred_len
            );
        }
        state.queue.command(Command::Close, reply);
        state.queue.save(in_flight);
        state.queue.save_deferred(deferred, deferred_in_files);
        drop(state);
        self.schedule_io();
        wait
    }

    /// Resolves once the files have been opened and `depth` counts what they hold.
    pub(crate) fn schedule_io(&self) {
        if let Some(me) = self.me.upgrade() {
            self.core.io.schedule(&me);
        }
    }

    /// A snapshot of the counters; of each consumer only if asked for.
    pub fn snapshot(&self, include_consumers: bool) -> ChannelSnapshot {
        let state = self.state.lock();
        let consumers = &state.consumers;
        let held: u64 = consumers
            .iter()
            .map(|consumer| consumer.in_flight.load(Ordering::Relaxed))
            .sum();
        ChannelSnapshot {
            name: self.name.clone(),
            depth: state.queue.depth(),
            backend_depth: state.queue.backend_depth(),
            oldest_ns: state.queue.oldest_ns(),
            in_flight_count: held + state.abandoned.len() as u64,
            deferred_count: state.deferred.len() as u64 + state.queue.deferring(),
            message_count: state.message_count,
            zone_local_msg_count: state.taken.zone,
            region_local_msg_count: state.taken.region,
            global_msg_count: state.taken.global,
            requeue_count: self.requeue_count.load(Ordering::Relaxed),
            timeout_count: self.timeout_count.load(Ordering::Relaxed),
            late_fin_count: self.late_fin_count.load(Ordering::Relaxed),
            consumer_count: consumers.len(),
            consumers: if include_consumers {
                consumers.iter().map(|consumer| consumer.snapshot()).collect()
            } else {
                Vec::new()
            },
            paused: state.paused,
            latency: LatencySnapshot::default(),
        }
    }

    /// Counts a FIN that came too late.
    pub(crate) fn note_late_fin(&self) {
        self.late_fin_count.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds the samples of this channel's window to `total`.
    pub(crate) fn add_latency(&self, total: &mut Histogram) {
        if let Some(latency) = &self.latency {
            latency.lock().add_to(total, self.core.clock.now());
        }
    }

    /// Puts messages from the topic behind all others. `claim` says who is told once they are written, if some are.
    pub(crate) fn put(
        &self,
        messages: impl ExactSizeIterator<Item = Message>,
        claim: impl FnOnce() -> Claim,
        wakes: &mut Wakes,
    ) {
        let count = messages.len();
        let mut state = self.state.lock();
        if !state.accepts() {
            return;
        }
        state.message_count += count as u64;
        let put = state.put(messages, claim);
        state.choose_waiting(count, wakes);
        let service = matches!(put, Put::Disk);
        drop(state);
        if service {
            self.schedule_io();
        }
    }

    /// Takes in a message from the topic that is to wait until `due` first. `claim` says who is told once it is
    /// written, if it is.
    pub(crate) fn put_deferred(&self, mut message: Message, due: Moment, claim: impl FnOnce() -> Claim) {
        let mut state = self.state.lock();
        if !state.accepts() {
            return;
        }
        state.message_count += 1;
        message.clear_aside();
        self.defer(state, message, due, claim);
    }

    /// Messages of these records are finished.
    pub(crate) fn consume(&self, finished: &mut Vec<u64>) {
        let mut state = self.state.lock();
        state.queue.consume(finished);
        let service = state.queue.want();
        self.arm(&mut state, self.core.clock.now());
        drop(state);
        if service {
            self.schedule_io();
        }
    }

    /// Whether messages from the topic's files would have no place here.
    pub(crate) fn is_blocked(&self) -> bool {
        self.state.lock().queue.is_blocked()
    }

    /// Whether messages wait to be written.
    pub(crate) fn is_behind(&self) -> bool {
        self.state.lock().queue.is_behind()
    }

    /// Takes messages off the queue for a consumer, into `batch`.
    pub(crate) fn pop_for(
        &self,
        consumer: &Arc<Consumer>,
        credit: Credit,
        now: Moment,
        finished: &mut Vec<u64>,
        random: &mut u64,
        batch: &mut VecDeque<Message>,
    ) {
        let mut wakes = Wakes::new();
        let mut state = self.state.lock();
        state.waiting.settle(consumer);
        let has_finished = !finished.is_empty();
        if has_finished {
            state.queue.consume(finished);
        }
        if !state.delivers() {
            // Registered all the same: unpausing wakes who waits.
            state.waiting.register(consumer, self.core.options.topology_aware);
            if has_finished {
                self.arm(&mut state, now);
            }
            return;
        }
        if credit.count > 0 {
            state.pop_share(consumer, credit, random, batch);
            // With nothing in the batch, what it took was sampled away, and there may be more.
            if state.queue.available() == 0 || batch.is_empty() {
                state.waiting.register(consumer, self.core.options.topology_aware);
            }
        }
        // Who was woken for more than it took passes the rest on.
        if state.queue.available() > 0 && state.waiting.woken() == 0 {
            state.choose_waiting(1, &mut wakes);
        }
        let service = state.queue.want();
        self.arm(&mut state, now);
        drop(state);
        wake(wakes);
        if service {
            self.schedule_io();
        }
    }

    /// A message returns from its consumer, at once or after `delay`.
    pub(crate) fn give_back(
        &self,
        mut message: Message,
        delay: Duration,
        now: Moment,
    ) -> Result<(), AnswerError> {
        message.detach();
        let mut wakes = Wakes::new();
        let state = self.state.lock();
        if !state.saves() {
            return Err(AnswerError::Exiting);
        }
        self.requeue_count.fetch_add(1, Ordering::Relaxed);
        if delay.is_zero() {
            self.put_back(state, [message], &mut wakes);
        } else {
            self.defer(state, message, now + delay, || Claim::Nobody);
        }
        wake(wakes);
        Ok(())
    }

    /// Messages return because their consumer did not answer in time.
    pub(crate) fn time_out(&self, mut expired: Vec<Message>) {
        let mut wakes = Wakes::new();
        self.timeout_count
            .fetch_add(expired.len() as u64, Ordering::Relaxed);
        for message in &mut expired {
            message.detach();
        }
        let state = self.state.lock();
        // Otherwise the channel is being deleted.
        if state.saves() {
            self.put_back(state, expired, &mut wakes);
        }
        wake(wakes);
    }

    /// Why a consumer that answered `id` does not hold it.
    pub(crate) fn why_not_held(&self, id: Guid) -> AnswerError {
        let consumers = {
            let state = self.state.lock();
            if state.abandoned.contains(id) {
                return AnswerError::NotOwner;
            }
            state.consumers.clone()
        };
        if consumers.iter().any(|consumer| consumer.held.lock().contains(id)) {
            AnswerError::NotOwner
        } else {
            AnswerError::NotInFlight
        }
    }

    pub(crate) fn note_latency(&self, timestamp_ns: i64) {
        if let Some(latency) = &self.latency {
            let clock = &self.core.clock;
            let elapsed = clock.wall_ns().saturating_sub(timestamp_ns);
            latency
                .lock()
                .insert(u64::try_from(elapsed).unwrap_or(0), clock.now());
        }
    }

    /// Ends a subscription. What the consumer holds stays in flight, and waits for its timeout.
    pub(crate) fn unsubscribe(&self, consumer: &Arc<Consumer>, batch: &mut VecDeque<Message>) {
        let now = self.core.clock.now();
        let mut wakes = Wakes::new();
        let mut held = consumer.held.lock();
        let mut state = self.state.lock();
        state.consumers.retain(|other| !Arc::ptr_eq(other, consumer));
        state.waiting.remove(consumer);
        let mut returned: Vec<_> = batch.drain(..).collect();
        state.queue.consume(&mut held.finished);
        if state.saves() {
            if self.core.options.requeue_on_disconnect {
                returned.append(&mut held.take_all());
            } else {
                state.abandoned.absorb(std::mem::take(&mut *held));
            }
        }
        consumer.note_held(&held);
        let abandoned = self.name.is_ephemeral() && state.consumers.is_empty() && state.phase == Phase::Open;
        if abandoned {
            self.leave(&mut state, Phase::Exiting);
        }
        self.arm(&mut state, now);
        if state.queue.available() > 0 {
            state.choose_waiting(1, &mut wakes);
        }
        // It may have been woken to ask for what is on disk.
        let service = state.waiting.len() > 0 && state.queue.want();
        self.put_back(state, returned, &mut wakes);
        drop(held);
        wake(wakes);
        if service {
            self.schedule_io();
        }
        if abandoned {
            self.core.observer.channel_abandoned(&self.topic, &self.name);
        }
    }

    /// Whether messages that reach it are kept.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    fn leave(&self, state: &mut State, phase: Phase) {
        state.phase = phase;
        self.open.store(false, Ordering::Release);
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    fn consumers(&self) -> Vec<Arc<Consumer>> {
        self.state.lock().consumers.clone()
    }

    /// Queues messages that were here before, behind all others, and releases the lock.
    fn put_back<I>(&self, mut state: parking_lot::MutexGuard<'_, State>, messages: I, wakes: &mut Wakes)
    where
        I: IntoIterator<Item = Message, IntoIter: ExactSizeIterator>,
    {
        let messages = messages.into_iter();
        let count = messages.len();
        if count == 0 {
            return;
        }
        let put = state.put(messages, || Claim::Nobody);
        state.choose_waiting(count, wakes);
        drop(state);
        if matches!(put, Put::Disk) {
            self.schedule_io();
        }
    }

    /// Keeps a message until it is due, in memory or in the files, and releases the lock.
    fn defer(
        &self,
        mut state: parking_lot::MutexGuard<'_, State>,
        mut message: Message,
        due: Moment,
        claim: impl FnOnce() -> Claim,
    ) {
        let here = state.deferred.len_here();
        message.detach();
        if let Some(message) = state.queue.defer(message, due, here, claim) {
            state.deferred.insert(due, message);
            self.arm_at(&mut state, due);
        } else {
            drop(state);
            self.schedule_io();
        }
    }

    /// Sets the timer for the earliest thing to come.
    fn arm(&self, state: &mut State, now: Moment) {
        let deadlines = [
            state.deferred.next_due(),
            state.abandoned.next_deadline(),
            state.queue.next_deadline(now, self.core.options.sync_timeout),
        ];
        if let Some(at) = deadlines.into_iter().flatten().min() {
            self.arm_at(state, at);
        }
    }

    fn arm_at(&self, state: &mut State, at: Moment) {
        if at < state.armed {
            state.armed = at;
            let timed: Weak<Self> = self.me.clone();
            self.core.timers.schedule(at, timed);
        }
    }
}

impl State {
    /// Whether messages come in from the topic.
    fn accepts(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether messages that come back have a place.
    fn saves(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Closing)
    }

    /// Whether messages go out.
    fn delivers(&self) -> bool {
        self.phase == Phase::Open && !self.paused
    }

    fn put(
        &mut self,
        messages: impl ExactSizeIterator<Item = Message>,
        claim: impl FnOnce() -> Claim,
    ) -> Put {
        // Upstream hands a message directly to a consumer that waits, even without a memory queue.
        if self.queue.is_ephemeral() && self.queue.memory_max() == 0 {
            let room = (self.waiting.len() + self.waiting.woken()).saturating_sub(self.queue.available());
            for message in messages.take(room) {
                self.queue.put_for_waiting(message);
            }
            return Put::Memory;
        }
        self.queue.put(messages, claim)
    }

    /// Takes in the deferred messages that the files have by now.
    fn take_deferred(&mut self) {
        for (due, parked) in self.queue.take_deferred() {
            match parked {
                Parked::Here(mut message) => {
                    message.detach();
                    self.deferred.insert(due, message);
                }
                Parked::InFiles(ticket) => self.deferred.insert_in_files(due, ticket),
            }
        }
    }

    /// Chooses consumers for `count` messages that have come.
    fn choose_waiting(&mut self, count: usize, wakes: &mut Wakes) {
        if self.delivers() {
            self.waiting.choose(count, wakes);
        }
    }
}

/// What became of a command. Without an answer the I/O threads are gone, and nothing can be said.
pub(crate) async fn answered(reply: oneshot::Receiver<Outcome>) -> Outcome {
    reply
        .await
        .unwrap_or_else(|_| Err(StorageError::new("the queue was closed")))
}

impl QueueOwner for Channel {
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
        format!("{}:{}", self.topic, self.name)
    }

    fn put_failed(&self, error: &StorageError) {
        tracing::error!(
            "CHANNEL({}): failed to write message to backend - {error}",
            self.name
        );
    }

    fn progressed(&self) {
        let mut wakes = Wakes::new();
        let mut state = self.state.lock();
        state.take_deferred();
        let available = state.queue.available();
        let unclaimed = available.saturating_sub(state.waiting.woken());
        state.choose_waiting(unclaimed, &mut wakes);
        if state.waiting.len() > 0 {
            // They found memory empty when they asked; there may be something on disk by now.
            state.queue.want();
        }
        self.arm(&mut state, self.core.clock.now());
        drop(state);
        wake(wakes);
    }
}

impl IoTask for Channel {
    fn io_state(&self) -> &IoState {
        &self.io
    }

    fn run_io(&self) -> bool {
        crate::files::service(self)
    }
}

impl Timed for Channel {
    fn on_timer(self: Arc<Self>, now: Moment) {
        let mut wakes = Wakes::new();
        let mut returned = Vec::new();
        let mut state = self.state.lock();
        if now < state.armed {
            // An entry that an earlier one has replaced. To arm again would add another for ever.
            return;
        }
        state.armed = Moment::FAR;
        if !state.saves() {
            return;
        }
        while let Some(message) = state.abandoned.pop_expired(now) {
            returned.push(message);
        }
        self.timeout_count
            .fetch_add(returned.len() as u64, Ordering::Relaxed);
        let mut in_files = Vec::new();
        while let Some(due) = state.deferred.pop_due(now) {
            match due {
                Due::Here(message) => returned.push(message),
                Due::InFiles(ticket) => in_files.push(ticket),
            }
        }
        let service = !in_files.is_empty();
        state.queue.push_due(in_files);
        let service = state.queue.on_timer(now) || service;
        self.arm(&mut state, now);
        self.put_back(state, returned, &mut wakes);
        wake(wakes);
        if service {
            self.schedule_io();
        }
    }
}

impl Drop for Channel {
    /// One that is deleted while its files cannot be opened must not be unhealthy for ever.
    fn drop(&mut self) {
        self.core.health.forget(|| self.files_name());
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("topic", &self.topic)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
