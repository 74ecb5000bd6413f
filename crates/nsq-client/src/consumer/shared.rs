//! What the parts of a consumer share.
//!
//! Locks: the state of a consumer comes before the state of a link. Hooks are called without either.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use nsq_flags::GoDuration;
use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::{Moment, Shutdown, TaskGroup};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::link::Link;
use super::queue::Queue;
use crate::backoff::{Backoff, Signal, Step};
use crate::conn::Dialer;
use crate::discovery::Lookupd;
use crate::ready::{MemberId, Ready};
use crate::{Event, Message};

/// When a pause ends while nothing is connected, it goes on for this long. Upstream: go-nsq consumer.go.
const PAUSE_AGAIN: Duration = Duration::from_secs(1);

/// Part of its RDY at which a connection counts as starved. Upstream: go-nsq consumer.go, `IsStarved`.
const STARVED_PERCENT: u64 = 85;

/// Something of the application's to be called with what has happened.
type Hook<T> = Option<Arc<dyn Fn(&T) + Send + Sync>>;

/// Something of the application's that chooses among addresses.
type Filter = Option<Arc<dyn Fn(Vec<String>) -> Vec<String> + Send + Sync>>;

/// What the application wants to be asked or told.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) on_event: Hook<Event>,
    pub(crate) on_give_up: Hook<Message>,
    pub(crate) discovery_filter: Filter,
}

/// Counts since the consumer was made.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) received: AtomicU64,
    pub(crate) finished: AtomicU64,
    pub(crate) requeued: AtomicU64,
}

pub(crate) struct Shared {
    pub(super) id: u64,
    pub(crate) topic: TopicName,
    pub(super) channel: ChannelName,
    pub(crate) dialer: Dialer,
    pub(crate) hooks: Hooks,
    /// Touch messages that are held for long.
    pub(super) auto_touch: bool,
    pub(super) queue: Queue,
    pub(crate) counters: Counters,
    pub(super) state: Mutex<State>,
    /// The level of the backoff, for those who only want to know whether it matters.
    backoff_level: AtomicU32,
    /// Wakes the manager when its next deadline may have changed.
    pub(super) manager: Notify,
    /// Wakes discovery before its time: a connection was lost, or there is another nsqlookupd.
    pub(crate) poll_now: Notify,
    /// Tells discovery that an nsqd could not be reached, though it may have been found.
    pub(crate) unreachable: Notify,
    /// Wakes who waits for the end of connections.
    pub(super) departed: Notify,
    pub(super) stopping: AtomicBool,
    /// Ends everything that connects or waits to.
    pub(crate) stop: Shutdown,
    /// The consumer has stopped.
    pub(super) ended: Shutdown,
    pub(super) tasks: TaskGroup,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) ready: Ready,
    pub(super) backoff: Backoff,
    pub(super) links: HashMap<MemberId, Arc<Link>>,
    next_member: u64,
    /// Every nsqd that is connected or being connected to, with what ends that.
    pub(super) addresses: HashMap<String, Shutdown>,
    pub(super) lookupds: Vec<Lookupd>,
    pub(super) discovering: bool,
    /// When the RDY counts are looked at next.
    pub(super) redistribute_at: Moment,
}

impl Shared {
    pub(super) fn new(
        topic: TopicName,
        channel: ChannelName,
        dialer: Dialer,
        hooks: Hooks,
        auto_touch: bool,
    ) -> Arc<Self> {
        let config = &dialer.config;
        let state = State {
            ready: Ready::new(config),
            backoff: Backoff::new(config),
            links: HashMap::new(),
            next_member: 0,
            addresses: HashMap::new(),
            lookupds: Vec::new(),
            discovering: false,
            redistribute_at: dialer.clock.now() + config.rdy_redistribute_interval,
        };
        Arc::new(Self {
            id: crate::log::next_id(),
            topic,
            channel,
            dialer,
            hooks,
            auto_touch,
            queue: Queue::default(),
            counters: Counters::default(),
            state: Mutex::new(state),
            backoff_level: AtomicU32::new(0),
            manager: Notify::new(),
            poll_now: Notify::new(),
            unreachable: Notify::new(),
            departed: Notify::new(),
            stopping: AtomicBool::new(false),
            stop: Shutdown::new(),
            ended: Shutdown::new(),
            tasks: TaskGroup::new("consumer"),
        })
    }

    /// How a log line of this consumer begins.
    pub(crate) fn prefix(&self) -> String {
        format!("{:4} [{}/{}]", self.id, self.topic, self.channel)
    }

    pub(crate) fn emit(&self, event: &Event) {
        if let Some(hook) = &self.hooks.on_event {
            hook(event);
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// How long a message waits that is requeued without a delay of its own.
    pub(super) fn requeue_delay(&self, attempts: u16) -> Duration {
        let config = &self.dialer.config;
        let delay = config.default_requeue_delay.saturating_mul(attempts.into());
        delay.min(config.max_requeue_delay)
    }

    /// Whether a signal can change anything: a success does only after failures.
    pub(super) fn heeds(&self, signal: Signal) -> bool {
        !self.is_stopping() && (signal == Signal::Failure || self.backoff_level.load(Ordering::Relaxed) > 0)
    }

    /// Pauses, resumes, or goes on, by what became of a message.
    pub(super) fn signal(&self, signal: Signal) {
        let now = self.dialer.clock.now();
        let step = {
            let mut state = self.state.lock();
            let step = state.backoff.apply(signal, now);
            match step {
                Step::Nothing => {}
                Step::Pause { .. } => state.ready.pause(now),
                Step::Exit => state.ready.distribute(now),
            }
            self.backoff_level.store(state.backoff.level(), Ordering::Relaxed);
            Self::send_changes(&mut state);
            step
        };
        match step {
            Step::Nothing => {}
            Step::Pause { level, duration } => {
                tracing::warn!(
                    "{} backing off for {} (backoff level {level}), setting all to RDY 0",
                    self.prefix(),
                    GoDuration::from(duration)
                );
                self.manager.notify_one();
                self.emit(&Event::Backoff { level, duration });
            }
            Step::Exit => {
                let share = self.state.lock().ready.share();
                tracing::warn!("{} exiting backoff, returning all to RDY {share}", self.prefix());
                self.emit(&Event::Resumed);
            }
        }
    }

    /// Sends what has changed.
    fn send_changes(state: &mut State) {
        for (id, count) in state.ready.take_changes() {
            if let Some(link) = state.links.get(&id) {
                link.send_rdy(count);
            }
        }
    }

    /// A new connection takes part. `None` once the consumer is stopping.
    pub(super) fn join(self: &Arc<Self>, address: &str, max_rdy: u32) -> Option<Arc<Link>> {
        let now = self.dialer.clock.now();
        let mut state = self.state.lock();
        if self.is_stopping() {
            return None;
        }
        let max_in_flight = state.ready.max_in_flight();
        let id = MemberId(state.next_member);
        state.next_member += 1;
        let link = Arc::new(Link::new(id, address.into(), Arc::clone(self)));
        state.links.insert(id, Arc::clone(&link));
        state.ready.add(id, max_rdy, now);
        if state.backoff.level() == 0 {
            state.ready.distribute(now);
            Self::send_changes(&mut state);
        }
        drop(state);
        if max_rdy < max_in_flight {
            tracing::warn!(
                "{} ({address}) max RDY count {max_rdy} < consumer max in flight {max_in_flight}, truncation \
                 possible",
                self.prefix()
            );
        }
        self.manager.notify_one();
        Some(link)
    }

    /// A connection has gone.
    pub(super) fn leave(&self, link: &Link) {
        let now = self.dialer.clock.now();
        link.end();
        let mut state = self.state.lock();
        let in_backoff = state.backoff.level() > 0;
        state.links.remove(&link.id());
        let left = state.links.len();
        state.ready.remove(link.id(), in_backoff);
        if !in_backoff {
            state.ready.distribute(now);
            Self::send_changes(&mut state);
        }
        drop(state);
        tracing::warn!("{} there are {left} connections left alive", self.prefix());
        self.manager.notify_one();
    }

    /// A connection is to be closed in good order.
    pub(super) fn close_link(&self, link: &Link) {
        Self::close_locked(&mut self.state.lock().ready, link);
    }

    /// Asks every connection to send no more messages, before anything else is said to it.
    pub(super) fn close_links(state: &mut State) {
        let State { ready, links, .. } = state;
        for link in links.values() {
            Self::close_locked(ready, link);
        }
    }

    fn close_locked(ready: &mut Ready, link: &Link) {
        ready.close(link.id());
        link.send_cls();
    }

    pub(super) fn change_max_in_flight(&self, max_in_flight: u32) {
        let now = self.dialer.clock.now();
        let mut state = self.state.lock();
        state.ready.set_max_in_flight(max_in_flight);
        if state.backoff.level() == 0 {
            state.ready.distribute(now);
            Self::send_changes(&mut state);
        }
        drop(state);
        self.manager.notify_one();
    }

    /// Does what is due by now; returns when to come again.
    pub(super) fn run_timers(&self, now: Moment) -> Moment {
        let mut state = self.state.lock();
        let mut testing = false;
        if state.backoff.until() <= now {
            if state.ready.test(now) {
                testing = true;
                state.backoff.begin_test();
            } else {
                state.backoff.pause(now, PAUSE_AGAIN);
            }
        }
        state.ready.retry(now);
        if state.redistribute_at <= now {
            state.redistribute_at = now + self.dialer.config.rdy_redistribute_interval;
            if !state.backoff.is_pausing() {
                let in_backoff = state.backoff.level() > 0;
                let State { ready, links, .. } = &mut *state;
                ready.redistribute(now, in_backoff, |id| {
                    links.get(&id).map_or(now, |link| link.last_message())
                });
            }
        }
        Self::send_changes(&mut state);
        // Nothing to look at is looked at when that changes.
        let redistribute_at = if state.ready.is_empty() {
            Moment::FAR
        } else {
            state.redistribute_at
        };
        let next = redistribute_at
            .min(state.backoff.until())
            .min(state.ready.next_retry());
        drop(state);
        if testing {
            tracing::warn!("{} backoff timeout expired, sending RDY 1", self.prefix());
            self.emit(&Event::Testing);
        }
        next
    }

    /// Whether a connection holds nearly all that it may.
    pub(super) fn is_starved(&self) -> bool {
        let state = self.state.lock();
        state.links.values().any(|link| {
            let in_flight = u64::try_from(link.in_flight()).unwrap_or(u64::MAX);
            let rdy = u64::from(state.ready.count_of(link.id()));
            in_flight > 0 && in_flight >= rdy * STARVED_PERCENT / 100
        })
    }
}
