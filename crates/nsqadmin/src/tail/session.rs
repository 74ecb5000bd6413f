//! One viewer of one topic.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use nsq_client::{Config, Consumer, Error, Event, Message, MessageStream};
use nsq_runtime::{Clock, Moment, Shutdown};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::event::{self, Open};
use super::{Gate, LIFETIME, RECHECK_INTERVAL, Reason, VIEWER_PATIENCE};
use crate::collector::wall_ms;

/// Messages a session holds of one node, at most. They are answered at once.
const IN_FLIGHT_MAX: u32 = 50;

/// Events that wait for a viewer who is slow; further messages are skipped.
const EVENTS_MAX: usize = 256;

/// Whole bodies that are kept, for those of which only the beginning was shown.
const BODIES_MAX: usize = 1000;
const BODIES_SIZE_MAX: usize = 16 << 20;
const BODY_SIZE_MAX: usize = 1 << 20;

/// How long leaving a node in good order may take.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);

/// How often is told how many messages were skipped, and that the session is alive.
const TELL_INTERVAL: Duration = Duration::from_secs(1);
const KEEP_ALIVE_TICKS: u32 = 10;

/// A node that messages are watched on.
#[derive(Debug)]
pub(crate) struct Source {
    node: String,
    stream: MessageStream,
    lost: Arc<Lost>,
}

/// Tells that a connection has ended.
#[derive(Debug, Default)]
struct Lost {
    error: Mutex<Option<String>>,
    notify: Notify,
}

/// One viewer of one topic.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) topic: String,
    pub(crate) user: String,
    pub(crate) open: Open,
    gate: Gate,
    sources: Mutex<Vec<Source>>,
    sender: Sender<Bytes>,
    receiver: Mutex<Option<Receiver<Bytes>>>,
    bodies: Mutex<Bodies>,
    budget: Mutex<Budget>,
    skipped: AtomicU64,
    stop: Shutdown,
    has_ended: AtomicBool,
    viewer: Notify,
}

/// Bodies, the newest last.
#[derive(Debug, Default)]
struct Bodies {
    kept: VecDeque<(String, String, Bytes)>,
    size: usize,
}

impl Bodies {
    fn keep(&mut self, node: &str, id: String, body: &Bytes) {
        if body.len() > BODY_SIZE_MAX {
            return;
        }
        self.size += body.len();
        // A copy: the message shares the memory of all that came with it.
        self.kept
            .push_back((node.to_owned(), id, Bytes::copy_from_slice(body)));
        while self.kept.len() > BODIES_MAX || self.size > BODIES_SIZE_MAX {
            let Some((.., gone)) = self.kept.pop_front() else {
                break;
            };
            self.size -= gone.len();
        }
    }
}

/// How many messages may still be shown in this second.
#[derive(Debug)]
struct Budget {
    rate: u32,
    left: u32,
    until: Moment,
}

impl Budget {
    fn take(&mut self, now: Moment) -> bool {
        if now >= self.until {
            self.left = self.rate;
            self.until = now + Duration::from_secs(1);
        }
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

impl Source {
    /// Subscribes on a node: the gate has said that it is safe, and is asked again right behind.
    pub(crate) async fn connect(
        gate: &Gate,
        node: &str,
        tcp_address: &str,
        channel: &str,
        config: &Config,
    ) -> Result<Self, Reason> {
        let mut config = config.clone();
        config.max_in_flight = IN_FLIGHT_MAX;
        // Whatever a message has been through elsewhere.
        config.max_attempts = 0;
        let lost = Arc::new(Lost::default());
        let told = Arc::clone(&lost);
        let stream = Consumer::builder(gate.topic.as_str(), channel)
            .config(&config)
            .on_event(move |event| {
                if let Event::Disconnected { error, .. } = event {
                    *told.error.lock() = Some(error.as_ref().map_or_else(String::new, Error::to_string));
                    told.notify.notify_one();
                }
            })
            .nsqd(tcp_address)
            .stream()
            .await
            .map_err(|error| Reason::of(&error))?;
        let source = Self {
            node: node.to_owned(),
            stream,
            lost,
        };
        gate.check(node).await?;
        Ok(source)
    }

    pub(crate) fn node(&self) -> &str {
        &self.node
    }
}

impl Session {
    /// A session that shows up to `rate` messages per second.
    pub(crate) fn new(
        open: Open,
        user: String,
        gate: Gate,
        rate: u32,
        sources: Vec<Source>,
        stop: Shutdown,
    ) -> Self {
        let (sender, receiver) = channel(EVENTS_MAX);
        Self {
            id: open.id.clone(),
            topic: gate.topic.clone(),
            user,
            open,
            gate,
            sources: Mutex::new(sources),
            sender,
            receiver: Mutex::new(Some(receiver)),
            bodies: Mutex::default(),
            budget: Mutex::new(Budget {
                rate,
                left: rate,
                until: Moment::START,
            }),
            skipped: AtomicU64::new(0),
            stop,
            has_ended: AtomicBool::new(false),
            viewer: Notify::new(),
        }
    }

    /// The events, for the one viewer; `None` if there is one already.
    pub(crate) fn events(&self) -> Option<Receiver<Bytes>> {
        let receiver = self.receiver.lock().take()?;
        self.viewer.notify_one();
        Some(receiver)
    }

    /// A whole body that was shown in part.
    pub(crate) fn body(&self, node: &str, id: &str) -> Option<Bytes> {
        let bodies = self.bodies.lock();
        let same = |kept: &&(String, String, Bytes)| kept.1 == id && (node.is_empty() || kept.0 == node);
        bodies.kept.iter().rev().find(same).map(|(.., body)| body.clone())
    }

    pub(crate) fn stop(&self) {
        self.stop.trigger();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    /// Shows messages until the viewer leaves, the time is over, or nothing is left to watch.
    pub(super) async fn run(&self, clock: &Clock, stop: &Shutdown) {
        let sources = std::mem::take(&mut *self.sources.lock());
        let _ = self.sender.try_send(event::event("open", &self.open));
        let watching = async {
            let left = join_all(sources.into_iter().map(|source| self.watch(source, clock))).await;
            match left.into_iter().next() {
                Some(Reason::NoDurableChannel) => ("no_durable_channel", Reason::NoDurableChannel.detail()),
                Some(reason) => ("upstream", reason.detail()),
                None => ("upstream", String::new()),
            }
        };
        let (reason, detail) = tokio::select! {
            ended = watching => ended,
            () = self.tell(clock) => ("stopped", String::new()),
            () = self.left_alone(clock) => ("stopped", "Nobody looked.".to_owned()),
            () = self.sender.closed() => ("stopped", String::new()),
            () = self.stop.triggered() => ("stopped", String::new()),
            () = stop.triggered() => ("stopped", "This nsqadmin stops.".to_owned()),
            () = clock.sleep(LIFETIME) => ("expired", "A session lasts ten minutes.".to_owned()),
        };
        tracing::info!("TAIL: {} of {} has ended: {reason}", self.id, self.topic);
        let _ = self.sender.try_send(event::end(reason, &detail));
        self.has_ended.store(true, Ordering::Relaxed);
    }

    /// Ends when nobody has come to look in time.
    async fn left_alone(&self, clock: &Clock) {
        tokio::select! {
            () = self.viewer.notified() => std::future::pending().await,
            () = clock.sleep(VIEWER_PATIENCE) => {}
        }
    }

    /// Tells of skipped messages, and keeps the connection alive.
    async fn tell(&self, clock: &Clock) {
        for tick in 1_u32.. {
            clock.sleep(TELL_INTERVAL).await;
            match self.skipped.swap(0, Ordering::Relaxed) {
                0 if tick % KEEP_ALIVE_TICKS == 0 => {
                    let _ = self.sender.try_send(event::keep_alive());
                }
                0 => {}
                count => {
                    if self.sender.try_send(event::skipped(count)).is_err() {
                        self.skipped.fetch_add(count, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    /// Shows the messages of one node until it has to be left, and says why.
    async fn watch(&self, mut source: Source, clock: &Clock) -> Reason {
        let reason = self.watch_until_lost(&mut source, clock).await;
        // Before anybody is told: the channel goes with the connection.
        leave(&mut source.stream, clock).await;
        let _ = self.sender.send(event::node_lost(&source.node, &reason)).await;
        reason
    }

    async fn watch_until_lost(&self, source: &mut Source, clock: &Clock) -> Reason {
        let Source { node, stream, lost } = source;
        let showing = async {
            loop {
                tokio::select! {
                    message = stream.next() => match message {
                        Some(message) => self.show(node, message, clock),
                        None => return Reason::Unreachable("the connection has ended".to_owned()),
                    },
                    // The consumer would connect again, and subscribing could create the topic anew.
                    () = lost.notify.notified() => {
                        let error = lost.error.lock().take().unwrap_or_default();
                        return Reason::Unreachable(error);
                    }
                }
            }
        };
        tokio::select! {
            reason = showing => reason,
            reason = self.guard(node, clock) => reason,
        }
    }

    /// Looks every few seconds whether the node has to be left.
    async fn guard(&self, node: &str, clock: &Clock) -> Reason {
        loop {
            clock.sleep(RECHECK_INTERVAL).await;
            match self.gate.check(node).await {
                // A node that does not answer its API for once still has its channels.
                Ok(()) | Err(Reason::Unreachable(_)) => {}
                Err(reason) => return reason,
            }
        }
    }

    fn show(&self, node: &str, message: Message, clock: &Clock) {
        let is_shown = self.budget.lock().take(clock.now());
        let shown = is_shown && {
            let event = event::message(node, &message, wall_ms(clock));
            self.sender.try_send(event).is_ok()
        };
        if shown {
            self.bodies
                .lock()
                .keep(node, message.id().to_string(), message.body());
        } else {
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
        message.finish();
    }
}

/// Leaves a node in good order.
async fn leave(stream: &mut MessageStream, clock: &Clock) {
    stream.consumer().begin_stop();
    let drained = async {
        while let Some(message) = stream.next().await {
            message.finish();
        }
        stream.consumer().stopped().await;
    };
    tokio::select! {
        () = drained => {}
        () = clock.sleep(LEAVE_PATIENCE) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_its_budget() {
        let at = |millis: u64| Moment::from_nanos(millis * 1_000_000);
        let mut budget = Budget {
            rate: 2,
            left: 2,
            until: Moment::START,
        };
        let taken: Vec<_> = [0, 1, 2, 999, 1000, 1001, 1002]
            .map(|millis| budget.take(at(millis)))
            .to_vec();
        assert_eq!(taken, [true, true, false, false, true, true, false]);
    }

    #[test]
    fn kept_bodies_are_bounded() {
        let mut bodies = Bodies::default();
        let body = Bytes::from(vec![0; 100 << 10]);
        for number in 0..3000 {
            bodies.keep("a", number.to_string(), &body);
        }
        assert!(bodies.size <= BODIES_SIZE_MAX && bodies.kept.len() <= BODIES_MAX);
        assert_eq!(bodies.kept.back().unwrap().1, "2999");
        bodies.keep("a", "huge".to_owned(), &Bytes::from(vec![0; BODY_SIZE_MAX + 1]));
        assert_eq!(bodies.kept.back().unwrap().1, "2999");
    }
}
