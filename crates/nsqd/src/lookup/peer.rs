//! One nsqlookupd, and the task that keeps it informed.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use nsq_protocol::lookup::{IdentifyReplyError, LookupdInfo, MAGIC_V1, encode_identify, encode_ping};
use nsq_protocol::name::TopicName;
use nsq_runtime::{Clock, Moment, Shutdown};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::backoff::Backoff;
use super::changes::{Change, Changes};
use super::connection::{Connection, Failure};
use super::registrations::{Registrations, Step};
use crate::daemon::Nsqd;

/// Time between two PINGs. Upstream: nsqd/lookup.go, `lookupLoop`.
const PING_INTERVAL: Duration = Duration::from_secs(15);

/// A connection that has lasted so long is a good one: after it the waits begin short again.
const STEADY: Duration = Duration::from_secs(10);

/// Something new to tell ends a wait, but connections are not tried more often than this.
const RETRY_MIN: Duration = Duration::from_secs(1);

/// Commands that are sent together. Their answers, six bytes each, fit into any socket buffer while
/// nobody reads them.
const COMMANDS_MAX: usize = 256;

/// How much of an answer that cannot be read is logged.
const REPLY_SHOWN_MAX: usize = 128;

/// One nsqlookupd. Its task owns the connection; the rest of nsqd tells it what has changed.
#[derive(Debug)]
pub(super) struct Peer {
    address: String,
    /// Topics to look at, noted by anyone, taken by the task, which is then `woken`.
    changes: Mutex<Changes>,
    woken: Notify,
    /// What it said of itself when it identified last, also while it is not connected.
    info: Mutex<Option<LookupdInfo>>,
    /// Everything is registered through a connection that lasts.
    connected: AtomicBool,
    stop: Shutdown,
}

impl Peer {
    pub(super) fn new(address: String, stop: Shutdown) -> Self {
        Self {
            address,
            changes: Mutex::default(),
            woken: Notify::new(),
            info: Mutex::default(),
            connected: AtomicBool::new(false),
            stop,
        }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// What it said of itself when it identified last; `None` if it never has.
    pub(super) fn info(&self) -> Option<LookupdInfo> {
        self.info.lock().clone()
    }

    /// Whether it knows everything that there is to find here.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Ends the task and its connection.
    pub(super) fn stop(&self) {
        self.stop.trigger();
    }

    /// Makes the task look at a topic.
    pub(super) fn note(&self, topic: &TopicName, change: Change) {
        self.changes.lock().note(topic, change);
        self.woken.notify_one();
    }

    /// The task: keeps nsqlookupd informed until it is [stopped](Self::stop).
    pub(super) async fn run(self: Arc<Self>, nsqd: Arc<Nsqd>) {
        tokio::select! {
            never = self.connect_again_and_again(&nsqd) => match never {},
            () = self.stop.triggered() => {}
        }
    }

    async fn connect_again_and_again(&self, nsqd: &Nsqd) -> Infallible {
        let clock = nsqd.clock();
        let mut backoff = Backoff::new();
        loop {
            let began = clock.now();
            tracing::info!("LOOKUP connecting to {}", self.address);
            let Err((activity, failure)) = self.converse(nsqd).await;
            self.connected.store(false, Ordering::Relaxed);
            if !matches!(failure, Failure::Refused) {
                tracing::error!("LOOKUPD({}): {activity} - {failure}", self.address);
            }
            if matches!(failure, Failure::Address(_)) {
                // It will not become an address by waiting.
                return std::future::pending().await;
            }
            if clock.now() - began >= STEADY {
                backoff.reset();
            }
            self.pause(clock, began, backoff.wait()).await;
        }
    }

    /// Waits before a connection is tried again; less long if there is something to tell.
    async fn pause(&self, clock: &Clock, began: Moment, wait: Duration) {
        let mut until = clock.now() + wait;
        loop {
            tokio::select! {
                () = clock.sleep_until(until) => return,
                () = self.woken.notified() => until = until.min(began + RETRY_MIN),
            }
        }
    }

    /// Connects, registers everything, and then what changes, until something fails: what was being done
    /// then, and why it failed.
    async fn converse(&self, nsqd: &Nsqd) -> Result<Infallible, (&'static str, Failure)> {
        let clock = nsqd.clock();
        let reply_size_max = nsqd.options().max_body_size;
        let mut connection = Connection::open(&self.address, reply_size_max, clock)
            .await
            .map_err(during("connect"))?;
        self.identify(nsqd, &mut connection)
            .await
            .map_err(during("IDENTIFY"))?;
        *self.changes.lock() = Changes::everything();
        let mut registrations = Registrations::default();
        let mut ping_at = clock.now() + PING_INTERVAL;
        loop {
            self.tell_changes(nsqd, &mut connection, &mut registrations)
                .await
                .map_err(during("REGISTER"))?;
            self.connected.store(true, Ordering::Relaxed);
            tokio::select! {
                () = self.woken.notified() => {}
                () = clock.sleep_until(ping_at) => {
                    self.ping(&mut connection).await.map_err(during("PING"))?;
                    ping_at = clock.now() + PING_INTERVAL;
                }
                failure = connection.ended() => return Err(("connection lost", failure)),
            }
        }
    }

    async fn identify(&self, nsqd: &Nsqd, connection: &mut Connection) -> Result<(), Failure> {
        let mut hello = Vec::from(*MAGIC_V1);
        encode_identify(&mut hello, &nsqd.peer_info());
        let reply = connection.ask(&hello).await?;
        let address = &self.address;
        let info = LookupdInfo::from_reply(&reply).map_err(|error| {
            if matches!(error, IdentifyReplyError::Invalid) {
                tracing::info!("LOOKUPD({address}): {error}");
            } else {
                tracing::error!("LOOKUPD({address}): parsing response - {}", shown(&reply));
            }
            Failure::Refused
        })?;
        tracing::info!("LOOKUPD({address}): peer info {info}");
        if info.broadcast_address.is_empty() {
            tracing::error!("LOOKUPD({address}): no broadcast address");
        }
        *self.info.lock() = Some(info);
        Ok(())
    }

    async fn ping(&self, connection: &mut Connection) -> Result<(), Failure> {
        tracing::debug!("LOOKUPD({}): sending heartbeat", self.address);
        let mut command = Vec::new();
        encode_ping(&mut command);
        connection.ask(&command).await.map(drop)
    }

    /// Tells everything that has changed since the last time.
    async fn tell_changes(
        &self,
        nsqd: &Nsqd,
        connection: &mut Connection,
        registrations: &mut Registrations,
    ) -> Result<(), Failure> {
        let changes = mem::take(&mut *self.changes.lock());
        if changes.is_empty() {
            return Ok(());
        }
        let mut topics: BTreeSet<TopicName> = changes.topics().cloned().collect();
        if changes.is_everything() {
            topics.extend(nsqd.all_topics().iter().map(|topic| topic.name().clone()));
            topics.extend(registrations.topics().cloned());
        }
        let mut steps = Vec::new();
        for topic in topics {
            let channels = nsqd.registrable_channels(&topic);
            if nsqd.is_stopping() {
                // Topics that are closed look like deleted ones, and are not to be unregistered.
                return Ok(());
            }
            let known = steps.len();
            registrations.follow(&topic, changes.of(&topic), channels, &mut steps);
            for step in steps.iter().skip(known) {
                let (address, subject) = (&self.address, step.subject());
                if changes.is_everything() {
                    // There may be thousands, and again with each connection.
                    tracing::debug!("LOOKUPD({address}): {subject} {step}");
                } else {
                    tracing::info!("LOOKUPD({address}): {subject} {step}");
                }
            }
            if steps.len() >= COMMANDS_MAX {
                self.tell(connection, &mem::take(&mut steps)).await?;
            }
        }
        self.tell(connection, &steps).await
    }

    async fn tell(&self, connection: &mut Connection, steps: &[Step]) -> Result<(), Failure> {
        let address = &self.address;
        for steps in steps.chunks(COMMANDS_MAX) {
            let mut commands = Vec::new();
            for step in steps {
                step.encode(&mut commands);
            }
            let on_reply = |index: usize, reply: Bytes| {
                // Upstream does not look at these answers, and an error ends the connection anyway.
                if reply.starts_with(b"E_")
                    && let Some(step) = steps.get(index)
                {
                    tracing::warn!("LOOKUPD({address}): {step} - {}", shown(&reply));
                }
            };
            connection.exchange(&commands, steps.len(), on_reply).await?;
        }
        Ok(())
    }
}

fn during(activity: &'static str) -> impl FnOnce(Failure) -> (&'static str, Failure) {
    move |failure| (activity, failure)
}

/// The beginning of an answer, on one line.
fn shown(reply: &[u8]) -> String {
    let start = reply.get(..REPLY_SHOWN_MAX).unwrap_or(reply);
    start.escape_ascii().to_string()
}
