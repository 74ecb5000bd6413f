//! One connection as messages see it: who is in flight, and what is to be said.
//!
//! Whoever answers a message writes the command into the output of its link under a short lock. The
//! [connection](super::connection) takes all that has gathered there and sends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use atomic_waker::AtomicWaker;
use bytes::BytesMut;
use nsq_protocol::command::{encode_cls, encode_fin, encode_nop, encode_rdy, encode_req, encode_touch};
use nsq_protocol::message::{Message as Received, MessageId};
use nsq_runtime::Moment;
use parking_lot::Mutex;

use super::shared::Shared;
use crate::Message;
use crate::backoff::Signal;
use crate::ready::MemberId;

/// How a message is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Finish,
    Requeue {
        /// The default for its attempts if `None`.
        delay: Option<Duration>,
        attempts: u16,
        /// Whether the consumer takes it for a failure.
        backoff: bool,
    },
}

/// One connection, shared by the task that owns it and the messages that came over it.
pub(crate) struct Link {
    id: MemberId,
    address: Arc<str>,
    shared: Arc<Shared>,
    state: Mutex<State>,
    /// Wakes the connection when there is output.
    task: AtomicWaker,
    /// When the last message came, in the nanoseconds of [`Moment`].
    last_message: AtomicU64,
    /// nsqd was asked to send no more messages.
    closing: AtomicBool,
    /// Answers go nowhere any more.
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    slots: Vec<Slot>,
    free: Vec<u32>,
    in_flight: usize,
    /// Commands in the order in which they will be sent.
    output: BytesMut,
    /// The connection waits for output.
    wants_output: bool,
    /// Counts the times the output was taken. A message need not be touched twice in one.
    epoch: u64,
}

/// What there is to know about a message in flight.
#[derive(Debug)]
struct Slot {
    /// Tells the messages apart that have used this slot one after the other.
    generation: u32,
    occupied: bool,
    /// The answer is not what the handler returns.
    detached: bool,
    id: MessageId,
    /// When it came or was touched last.
    since: Moment,
    touched_in: u64,
}

/// Finds a message's slot, as long as it has not been answered.
#[derive(Clone)]
pub(crate) struct Ticket {
    link: Arc<Link>,
    slot: u32,
    generation: u32,
}

impl Ticket {
    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(crate) fn answer(&self, answer: Answer) {
        self.link.answer(self, answer, false);
    }

    /// Answers by what the handler has returned, unless the message was taken out of its hands.
    pub(crate) fn answer_for_handler(&self, answer: Answer) {
        self.link.answer(self, answer, true);
    }

    pub(crate) fn detach(&self) {
        if let Some(slot) = self.link.state.lock().slot_of(self) {
            slot.detached = true;
        }
    }

    pub(crate) fn touch(&self) {
        let now = self.link.shared.dialer.clock.now();
        let mut state = self.link.state.lock();
        let epoch = state.epoch;
        let Some(slot) = state.slot_of(self).filter(|slot| slot.touched_in != epoch) else {
            return;
        };
        slot.since = now;
        slot.touched_in = epoch;
        let id = slot.id;
        encode_touch(&mut state.output, id);
        self.link.rouse(&mut state);
    }
}

impl State {
    fn slot_of(&mut self, ticket: &Ticket) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(usize::try_from(ticket.slot).ok()?)?;
        (slot.occupied && slot.generation == ticket.generation).then_some(slot)
    }

    fn occupy(&mut self, id: MessageId, now: Moment) -> (u32, u32) {
        self.in_flight += 1;
        if let Some(at) = self.free.pop()
            && let Some(slot) = usize::try_from(at).ok().and_then(|at| self.slots.get_mut(at))
        {
            *slot = Slot {
                generation: slot.generation,
                occupied: true,
                detached: false,
                id,
                since: now,
                touched_in: u64::MAX,
            };
            return (at, slot.generation);
        }
        let at = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot {
            generation: 0,
            occupied: true,
            detached: false,
            id,
            since: now,
            touched_in: u64::MAX,
        });
        (at, 0)
    }

    /// Takes a message out of flight, and says which it was.
    fn vacate(&mut self, ticket: &Ticket, for_handler: bool) -> Option<MessageId> {
        let slot = self.slot_of(ticket)?;
        if for_handler && slot.detached {
            return None;
        }
        slot.occupied = false;
        slot.generation = slot.generation.wrapping_add(1);
        let id = slot.id;
        self.free.push(ticket.slot);
        self.in_flight -= 1;
        Some(id)
    }
}

impl Link {
    pub(super) fn new(id: MemberId, address: Arc<str>, shared: Arc<Shared>) -> Self {
        let now = shared.dialer.clock.now();
        Self {
            id,
            address,
            shared,
            state: Mutex::default(),
            task: AtomicWaker::new(),
            last_message: AtomicU64::new(now.as_nanos()),
            closing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn id(&self) -> MemberId {
        self.id
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn task(&self) -> &AtomicWaker {
        &self.task
    }

    /// Whether the connection has ended: nsqd sends its messages to others.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn last_message(&self) -> Moment {
        Moment::from_nanos(self.last_message.load(Ordering::Relaxed))
    }

    pub(super) fn in_flight(&self) -> usize {
        self.state.lock().in_flight
    }

    /// Turns what has been received into messages in flight.
    pub(super) fn admit(self: &Arc<Self>, received: &mut Vec<Received>, messages: &mut Vec<Message>) {
        let now = self.shared.dialer.clock.now();
        self.last_message.store(now.as_nanos(), Ordering::Relaxed);
        let mut state = self.state.lock();
        for Received { header, body } in received.drain(..) {
            let (slot, generation) = state.occupy(header.id, now);
            let ticket = Ticket {
                link: Arc::clone(self),
                slot,
                generation,
            };
            messages.push(Message::new(header, body, ticket));
        }
    }

    fn answer(&self, ticket: &Ticket, answer: Answer, for_handler: bool) {
        let mut state = self.state.lock();
        let Some(id) = state.vacate(ticket, for_handler) else {
            return;
        };
        let signal = match answer {
            Answer::Finish => Signal::Success,
            Answer::Requeue { backoff: true, .. } => Signal::Failure,
            Answer::Requeue { backoff: false, .. } => Signal::Neutral,
        };
        if self.shared.heeds(signal) {
            // What it does to the RDY counts is told before the message is answered.
            drop(state);
            self.shared.signal(signal);
            state = self.state.lock();
        }
        match answer {
            Answer::Finish => {
                self.shared.counters.finished.fetch_add(1, Ordering::Relaxed);
                encode_fin(&mut state.output, id);
            }
            Answer::Requeue { delay, attempts, .. } => {
                self.shared.counters.requeued.fetch_add(1, Ordering::Relaxed);
                let delay = delay.unwrap_or_else(|| self.shared.requeue_delay(attempts));
                let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                encode_req(&mut state.output, id, delay_ms);
            }
        }
        self.rouse(&mut state);
    }

    /// Wakes the connection, unless it is awake.
    fn rouse(&self, state: &mut State) {
        if std::mem::take(&mut state.wants_output) {
            self.task.wake();
        }
    }

    pub(super) fn send_rdy(&self, count: u32) {
        self.send(|output| encode_rdy(output, count.into()));
    }

    /// Asks for no more messages, unless that was done: nsqd takes a second time for a mistake.
    pub(super) fn send_cls(&self) {
        if !self.closing.swap(true, Ordering::AcqRel) {
            self.send(encode_cls);
        }
    }

    pub(super) fn send_nop(&self) {
        self.send(encode_nop);
    }

    fn send(&self, encode: impl FnOnce(&mut BytesMut)) {
        let mut state = self.state.lock();
        encode(&mut state.output);
        self.rouse(&mut state);
    }

    /// Touches what has been held for longer than `held`.
    pub(super) fn touch_all(&self, now: Moment, held: Duration) {
        let mut state = self.state.lock();
        let State { slots, output, .. } = &mut *state;
        for slot in slots.iter_mut().filter(|slot| slot.occupied) {
            if now - slot.since >= held {
                slot.since = now;
                encode_touch(output, slot.id);
            }
        }
        self.rouse(&mut state);
    }

    /// Takes all output into `empty`; says whether there was any. If there was none, the connection will be
    /// woken for it.
    pub(super) fn take_output(&self, empty: &mut BytesMut) -> bool {
        let mut state = self.state.lock();
        if state.output.is_empty() {
            state.wants_output = true;
            return false;
        }
        state.wants_output = false;
        state.epoch += 1;
        empty.clear();
        std::mem::swap(empty, &mut state.output);
        true
    }

    /// The connection has ended. Messages that are still held are nobody's business any more.
    pub(super) fn end(&self) {
        self.closed.store(true, Ordering::Release);
        let mut state = self.state.lock();
        state.in_flight = 0;
        state.slots.clear();
        state.free.clear();
        state.output = BytesMut::new();
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
