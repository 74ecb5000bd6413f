//! A consumer as a session of the daemon drives it: woken by its signal, and by its own answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use nsq_core::{AnswerError, Channel, ClientId, ConsumerOptions, Guid, Signal, Subscription};
use nsq_runtime::Moment;
use nsq_testkit::storage::Operation;

use crate::coverage::Reached;
use crate::model::{Held, Serial, take_expired};
use crate::world::World;

/// Stands for the number of a message whose body is damaged.
pub(crate) const DAMAGED: Serial = Serial::MAX;

/// Wakes a session by a flag.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// A session's side of a subscription.
pub(crate) struct Client {
    pub(crate) subscription: Subscription,
    pub(crate) channel: Arc<Channel>,
    pub(crate) id: ClientId,
    pub(crate) msg_timeout: Duration,
    pub(crate) sample_rate: u8,
    flag: Arc<Flag>,
    /// Asking for messages may yield some.
    pub(crate) may_take: bool,
    /// The output buffer is full: messages cannot be taken.
    pub(crate) is_blocked: bool,
    pub(crate) held: Vec<Held>,
    pub(crate) message_count: u64,
    pub(crate) finish_count: u64,
    pub(crate) requeue_count: u64,
}

impl Client {
    pub(crate) fn new(
        channel: &Arc<Channel>,
        id: ClientId,
        options: ConsumerOptions,
        subscription: Subscription,
    ) -> Self {
        let flag = Arc::new(Flag::default());
        // A session polls as soon as it exists, which puts its waker in place.
        flag.0.store(true, Ordering::Release);
        Self {
            subscription,
            channel: Arc::clone(channel),
            id,
            msg_timeout: options.msg_timeout,
            sample_rate: options.sample_rate,
            flag,
            may_take: false,
            is_blocked: false,
            held: Vec::new(),
            message_count: 0,
            finish_count: 0,
            requeue_count: 0,
        }
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.flag.0.load(Ordering::Acquire)
    }

    /// Whether the session has something to do.
    pub(crate) fn is_runnable(&self) -> bool {
        self.is_woken() || (self.may_take && !self.is_blocked)
    }

    /// Whether it waits for messages that it could take.
    pub(crate) fn is_hungry(&self) -> bool {
        !self.is_blocked && self.subscription.ready() > self.held.len() as u64
    }
}

impl World {
    /// Lets a session run once, as it does when it was woken. Its connection ends if the channel did.
    pub(crate) fn run_client(&mut self, index: usize) {
        let now = self.now();
        let client = &mut self.clients[index];
        client.flag.0.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&client.flag));
        let mut cx = Context::from_waker(&waker);
        let mut is_signalled = false;
        while let Poll::Ready(signal) = client.subscription.poll_signal(&mut cx) {
            if signal == Signal::Closed {
                self.drop_client(index);
                return;
            }
            is_signalled = true;
        }
        if is_signalled {
            client.may_take = true;
            if client.is_blocked {
                client.subscription.pass_on(now);
                self.coverage.note(Reached::WakePassedOn);
            }
        }
        if client.may_take && !client.is_blocked {
            self.take(index);
        }
    }

    fn take(&mut self, index: usize) {
        let now = self.now();
        let bytes_max = self.rng.pick(&[1, 300, 10_000, usize::MAX]).unwrap();
        let client = &mut self.clients[index];
        let channel = Arc::clone(&client.channel);
        let (held_before, ready) = (client.held.len() as u64, client.subscription.ready());
        let before = channel.snapshot(false);
        let mut taken = Vec::new();
        let count = client.subscription.take(now, bytes_max, |message| {
            let serial = serial_of(&message.body).unwrap_or(DAMAGED);
            taken.push((serial, message.id, message.attempts));
        });
        let popped = before.depth - channel.depth();
        client.may_take = count > 0;
        client.message_count += count as u64;
        assert_eq!(count, taken.len());
        assert!(
            count == 0 || held_before + count as u64 <= ready,
            "{held_before} held and {count} taken with RDY {ready}"
        );
        let in_memory = before.depth - before.backend_depth;
        let is_capped = bytes_max < usize::MAX && 0 < popped && popped < in_memory.min(ready - held_before);
        self.coverage.note_if(is_capped, Reached::TakeCappedByBytes);
        let reads = self.storage.calls(Operation::Read);
        if let Some(model) = self.live_channel(&channel) {
            let is_unread = in_memory == 0 && model.reads_when_dry == reads;
            self.coverage.note_if(popped > 0 && is_unread, Reached::HandOut);
        }
        if count > 0 {
            let id = self.clients[index].id;
            self.trace(format!("  {id:?} took {taken:?}"));
        }
        self.delivered(index, popped, taken);
    }

    fn delivered(&mut self, index: usize, popped: u64, taken: Vec<(Serial, Guid, u16)>) {
        let now = self.now();
        let channel = Arc::clone(&self.clients[index].channel);
        let is_sampling = self.clients[index].sample_rate > 0;
        let count = taken.len() as u64;
        assert!(
            is_sampling || popped == count,
            "{popped} left the queue, {count} arrived"
        );
        let restarts = self.restarts;
        let sync_every = self.setup.sync_every;
        let topic_born = self
            .topics
            .get(channel.topic().as_str())
            .map(|topic| topic.created_at);
        let deadline = now + self.clients[index].msg_timeout;
        if is_sampling && popped > 0 {
            let model = self.live_channel(&channel).expect("only a live channel delivers");
            model.dropped += popped - count;
            for (serial, ..) in &taken {
                model.delivered.insert(*serial);
            }
            let depth = model.queue.depth().saturating_sub(popped);
            model.queue.blur(depth);
            self.coverage.note_if(popped > count, Reached::SampledAway);
        }
        for (serial, id, attempts) in taken {
            if serial == DAMAGED {
                self.delivered_damaged(index, id, attempts, deadline);
                continue;
            }
            let info = &self.messages[usize::try_from(serial).unwrap()];
            let is_own =
                info.topic == channel.topic().as_str() && topic_born.is_some_and(|born| born <= serial);
            let known_id = info.id;
            let model = self.live_channel(&channel).expect("only a live channel delivers");
            let may_be = is_own && !model.dead.contains(&serial);
            assert!(may_be, "message {serial} does not belong into {channel:?}");
            let mut synced = false;
            if !is_sampling {
                let entry = model
                    .queue
                    .deliver(serial, attempts, may_be)
                    .unwrap_or_else(|why| panic!("{why}"));
                synced = entry.as_ref().is_some_and(|entry| entry.synced);
                match entry {
                    Some(entry) if entry.serial.is_some() && !model.queue.is_recovering => {
                        assert_eq!(attempts, entry.attempts.saturating_add(1), "attempts of {serial}");
                    }
                    _ => assert!(attempts > 0),
                }
            }
            model.owed.remove(&serial);
            model.delivered.insert(serial);
            model.come_back += u64::from(model.finished_synced.remove(&serial));
            assert!(
                model.come_back <= sync_every,
                "{} messages came back that had been finished long before a crash",
                model.come_back
            );
            let came_back = model.finished_before.contains(&serial);
            self.coverage.note_if(came_back, Reached::FinishedCameBack);
            if restarts == 0 {
                assert!(
                    known_id.is_none_or(|known| known == id),
                    "the id of {serial} has changed"
                );
                self.messages[usize::try_from(serial).unwrap()].id = Some(id);
            }
            let client = &mut self.clients[index];
            assert!(
                client.held.iter().all(|held| held.id != id),
                "two messages in flight have the id {id:?}"
            );
            client.held.push(Held {
                serial,
                id,
                attempts,
                deadline,
                delivered_at: now,
                synced,
            });
        }
    }

    /// The format has no checksum: a write that a crash has torn may come back with a damaged body.
    fn delivered_damaged(&mut self, index: usize, id: Guid, attempts: u16, deadline: Moment) {
        assert!(self.is_torn, "a damaged body, and nothing was ever torn");
        let now = self.now();
        let channel = Arc::clone(&self.clients[index].channel);
        let is_sampling = self.clients[index].sample_rate > 0;
        let model = self.live_channel(&channel).expect("only a live channel delivers");
        if !is_sampling {
            model
                .queue
                .deliver(DAMAGED, attempts, true)
                .unwrap_or_else(|why| panic!("{why}"));
        }
        self.clients[index].held.push(Held {
            serial: DAMAGED,
            id,
            attempts,
            deadline,
            delivered_at: now,
            synced: false,
        });
    }

    /// FIN of one of its messages.
    pub(crate) fn finish(&mut self, index: usize, held: usize) {
        let client = &mut self.clients[index];
        let held = client.held.remove(held);
        let line = format!("  {:?} finishes {}", client.id, held.serial);
        let outcome = client.subscription.finish(held.id);
        let channel = Arc::clone(&client.channel);
        let Some(model) = self.live_channel(&channel) else {
            assert_eq!(outcome, Err(AnswerError::NotInFlight));
            return;
        };
        assert_eq!(outcome, Ok(()));
        model.finished += 1;
        model.finished_since.insert(held.serial);
        self.trace(line);
        let client = &mut self.clients[index];
        client.finish_count += 1;
        client.may_take = true;
        if client.is_blocked {
            client.subscription.report_finished();
        }
    }

    /// REQ of one of its messages.
    pub(crate) fn requeue(&mut self, index: usize, held: usize, delay: Duration) {
        let now = self.now();
        let group = self.new_group();
        let client = &mut self.clients[index];
        let held = client.held.remove(held);
        let line = format!("  {:?} requeues {} for {delay:?}", client.id, held.serial);
        let backend_depth = client.channel.snapshot(false).backend_depth;
        let outcome = client.subscription.requeue(held.id, delay, now);
        let channel = Arc::clone(&client.channel);
        let Some(model) = self.live_channel(&channel) else {
            assert_eq!(outcome, Err(AnswerError::NotInFlight));
            return;
        };
        assert_eq!(outcome, Ok(()));
        model.requeue_count += 1;
        let entry = held.into_entry(group);
        self.trace(line);
        if delay.is_zero() {
            let grown = channel.snapshot(false).backend_depth > backend_depth;
            self.coverage.note_if(grown, Reached::RequeuedToDisk);
            self.coverage.note(Reached::RequeuedAtOnce);
            self.arrive(&channel, vec![entry]);
        } else {
            let waiting = crate::model::Waiting {
                due: now + delay,
                order: group,
                entry,
            };
            let model = self.live_channel(&channel).expect("it was live");
            model.deferred.push(waiting);
            self.coverage.note(Reached::RequeuedWithDelay);
        }
        let client = &mut self.clients[index];
        client.requeue_count += 1;
        client.may_take = true;
    }

    /// TOUCH of one of its messages.
    pub(crate) fn touch(&mut self, index: usize, held: usize) {
        let now = self.now();
        let channel = Arc::clone(&self.clients[index].channel);
        let is_live = self.live_channel(&channel).is_some();
        let client = &mut self.clients[index];
        let held = &mut client.held[held];
        let outcome = client.subscription.touch(held.id, now);
        if !is_live {
            assert_eq!(outcome, Err(AnswerError::NotInFlight));
            return;
        }
        assert_eq!(outcome, Ok(()));
        let longest = held.delivered_at + self.setup.max_msg_timeout;
        held.deadline = (now + client.msg_timeout).min(longest);
        let is_limited = held.deadline == longest;
        client.may_take = true;
        self.coverage.note(Reached::Touched);
        self.coverage.note_if(is_limited, Reached::TouchedToTheLimit);
    }

    /// An answer to a message that this client does not hold.
    pub(crate) fn answer_wrongly(&mut self, index: usize, id: Guid) {
        let now = self.now();
        let channel = Arc::clone(&self.clients[index].channel);
        let is_held = |held: &Held| held.id == id;
        if self.clients[index].held.iter().any(is_held) {
            return;
        }
        let others = self
            .clients
            .iter()
            .filter(|other| Arc::ptr_eq(&other.channel, &channel));
        let is_anothers = others.flat_map(|other| &other.held).any(is_held);
        let expected = match self.live_channel(&channel) {
            Some(model) if is_anothers || model.abandoned.iter().any(is_held) => AnswerError::NotOwner,
            _ => AnswerError::NotInFlight,
        };
        self.coverage.note(if expected == AnswerError::NotOwner {
            Reached::AnsweredAnothersMessage
        } else {
            Reached::AnsweredNobodysMessage
        });
        let kind = self.rng.below(3);
        let subscription = &mut self.clients[index].subscription;
        let outcome = match kind {
            0 => subscription.finish(id),
            1 => subscription.touch(id, now),
            _ => subscription.requeue(id, Duration::ZERO, now),
        };
        // Ids are made unique per holder only: after a crash two copies may have one id.
        if self.restarts == 0 {
            assert_eq!(outcome, Err(expected));
        } else {
            assert!(outcome.is_err());
        }
    }

    /// Ends a connection.
    pub(crate) fn drop_client(&mut self, index: usize) {
        let group = self.new_group();
        let client = self.clients.swap_remove(index);
        self.coverage
            .note_if(client.is_woken() && !client.is_blocked, Reached::LeftWhileWoken);
        let channel = Arc::clone(&client.channel);
        self.trace(format!("  {:?} of {:?} leaves", client.id, channel.name()));
        drop(client.subscription);
        let requeues = self.setup.requeue_on_disconnect;
        if let Some(model) = self.live_channel(&channel) {
            if requeues {
                let entries = client.held.into_iter().map(|held| held.into_entry(group));
                let entries = entries.collect();
                self.arrive(&channel, entries);
            } else {
                model.abandoned.extend(client.held);
            }
        }
        self.drain_events();
    }

    /// The timers of the sessions.
    pub(crate) fn expire_clients(&mut self) {
        let now = self.now();
        for index in 0..self.clients.len() {
            let client = &mut self.clients[index];
            let due = client.subscription.next_deadline();
            let channel = Arc::clone(&client.channel);
            if self.live_channel(&channel).is_none() {
                continue;
            }
            let client = &mut self.clients[index];
            assert_eq!(due, client.held.iter().map(|held| held.deadline).min());
            if due.is_none_or(|due| due > now) {
                continue;
            }
            client.subscription.expire(now);
            client.subscription.shrink();
            client.may_take = true;
            let group = self.new_group();
            let entries = take_expired(&mut self.clients[index].held, now, group);
            let model = self.live_channel(&channel).unwrap();
            model.timeout_count += entries.len() as u64;
            let serials: Vec<_> = entries.iter().filter_map(|entry| entry.serial).collect();
            self.trace(format!("  timed out: {serials:?}"));
            self.arrive(&channel, entries);
            self.coverage.note(Reached::TimedOut);
        }
    }
}

/// The number of a message; `None` if its body is damaged.
pub(crate) fn serial_of(body: &[u8]) -> Option<Serial> {
    let (digits, rest) = body.split_first_chunk::<8>()?;
    let is_whole = rest.iter().all(|byte| *byte == b'.');
    std::str::from_utf8(digits)
        .ok()?
        .parse()
        .ok()
        .filter(|_| is_whole)
}
