//! Publishing to whichever nsqd can be reached.

mod discover;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use nsq_runtime::{Clock, Shutdown, TaskGroup};
use parking_lot::RwLock;
use tokio::sync::{Notify, oneshot};

use super::Producer;
use crate::conn::Dialer;
use crate::discovery::{Asker, Lookupd};
use crate::{Config, Error};

/// How long [`ProducerPool::stop`] waits for tasks, which end where they wait.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// Publishes messages to several nsqds, in turn, and goes around those that cannot be reached. Cloning gives
/// another handle to the same.
///
/// The nsqds are given, or found through nsqlookupd, which is then asked again from time to time. One that
/// fails is left out until a connection to it has been made again, which is tried all the time, at growing
/// intervals.
///
/// A message that one nsqd did not take is given to the next. If that was because a connection was lost, it
/// may have been taken all the same, and is then there twice. No order is kept.
///
/// An nsqd that is there and does not answer is noticed when it has been silent for
/// [`read_timeout`](Config::read_timeout): with that and
/// [`heartbeat_interval`](Config::heartbeat_interval) at a few seconds, it is gone around as soon.
///
/// Must be used within a Tokio runtime.
///
/// ```no_run
/// use nsq_client::{Config, ProducerPool};
///
/// # async fn example() -> Result<(), nsq_client::Error> {
/// let pool = ProducerPool::new(["10.0.0.1:4150", "10.0.0.2:4150"], &Config::default())?;
/// pool.publish("orders", "one").await?;
/// pool.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// # Differs from upstream
/// go-nsq leaves all of this to the application.
#[derive(Clone)]
pub struct ProducerPool {
    handle: Arc<Handle>,
}

/// Stops the tasks with the last handle.
struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop.trigger();
    }
}

struct Shared {
    config: Config,
    clock: Clock,
    members: RwLock<Vec<Arc<Member>>>,
    /// Whose turn it is.
    turn: AtomicUsize,
    /// Wakes who waits for a member that can be reached.
    recovered: Notify,
    tasks: TaskGroup,
    stop: Shutdown,
}

struct Member {
    producer: Producer,
    healthy: AtomicBool,
}

/// How one nsqd of a pool is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolMember {
    /// The address of the nsqd.
    pub address: String,
    /// Whether it is given messages.
    pub healthy: bool,
    /// Commands that it has not answered.
    pub pending: usize,
}

impl ProducerPool {
    /// A pool of the nsqds at `addresses`, each `host:port`. Nothing is connected yet.
    ///
    /// # Errors
    /// [`Error::Config`] if an option is out of range or a file cannot be used.
    pub fn new<A: Into<String>>(
        addresses: impl IntoIterator<Item = A>,
        config: &Config,
    ) -> Result<Self, Error> {
        let pool = Self::empty(config);
        for address in addresses {
            pool.handle.shared.add(address.into())?;
        }
        Ok(pool)
    }

    /// A pool of all the nsqds that the nsqlookupds at `addresses` know. Each is `host:port` of an HTTP
    /// listener, or a URL. Returns when one of them has named an nsqd, or all have been asked.
    ///
    /// # Errors
    /// An address is none, or [`Error::Config`]. That no nsqd was found is not an error: there may be one
    /// later.
    pub async fn discover<A: AsRef<str>>(
        addresses: impl IntoIterator<Item = A>,
        config: &Config,
    ) -> Result<Self, Error> {
        let lookupds = addresses
            .into_iter()
            .map(|address| Lookupd::parse(address.as_ref(), "/nodes"))
            .collect::<Result<Vec<_>, _>>()?;
        let pool = Self::empty(config);
        let shared = &pool.handle.shared;
        let asker = Asker::new(&Dialer::new(config, shared.clock.clone())?);
        let (began, has_begun) = oneshot::channel();
        let discovery = discover::run(Arc::clone(shared), asker, lookupds, began);
        shared.tasks.spawn(discovery);
        // It ends early only if the pool is being stopped, about which whoever publishes is told.
        let _ = has_begun.await;
        Ok(pool)
    }

    fn empty(config: &Config) -> Self {
        let shared = Shared {
            config: config.clone(),
            clock: Clock::system(),
            members: RwLock::default(),
            turn: AtomicUsize::new(0),
            recovered: Notify::new(),
            tasks: TaskGroup::new("producer pool"),
            stop: Shutdown::new(),
        };
        Self {
            handle: Arc::new(Handle {
                shared: Arc::new(shared),
            }),
        }
    }

    /// Publishes a message, and waits until one of the nsqds has it.
    ///
    /// # Errors
    /// The topic or the message is invalid or refused; or all nsqds have failed, with what the last of them
    /// failed with, or [`Error::NoneHealthy`] if none could be reached for
    /// [`dial_timeout`](Config::dial_timeout).
    ///
    /// # Cancel safety
    /// Dropping the future may leave the message to be published.
    pub async fn publish(&self, topic: impl AsRef<str>, body: impl AsRef<[u8]>) -> Result<(), Error> {
        let (topic, body) = (topic.as_ref(), body.as_ref());
        let mut turns = self.turns();
        loop {
            let member = turns.next().await?;
            let outcome = member.producer.publish(topic, body).await;
            if let Some(outcome) = turns.judge(member, outcome) {
                return outcome;
            }
        }
    }

    /// Publishes several messages, all or none, and waits until one of the nsqds has them.
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
        let topic = topic.as_ref();
        let mut turns = self.turns();
        loop {
            let member = turns.next().await?;
            let outcome = member.producer.multi_publish(topic, bodies).await;
            if let Some(outcome) = turns.judge(member, outcome) {
                return outcome;
            }
        }
    }

    /// Publishes a message that channels hold back for `delay`, and waits until one of the nsqds has it.
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
        let (topic, body) = (topic.as_ref(), body.as_ref());
        let mut turns = self.turns();
        loop {
            let member = turns.next().await?;
            let outcome = member.producer.deferred_publish(topic, delay, body).await;
            if let Some(outcome) = turns.judge(member, outcome) {
                return outcome;
            }
        }
    }

    /// How the nsqds are doing.
    pub fn members(&self) -> Vec<PoolMember> {
        let members = self.handle.shared.members.read();
        members
            .iter()
            .map(|member| PoolMember {
                address: member.producer.address().to_owned(),
                healthy: member.healthy.load(Ordering::Relaxed),
                pending: member.producer.pending(),
            })
            .collect()
    }

    /// Closes all connections, as [`Producer::stop`] does.
    ///
    /// # Cancel safety
    /// Dropping the future leaves some connections open until the last handle is gone.
    pub async fn stop(&self) {
        let shared = &self.handle.shared;
        shared.stop.trigger();
        let members = std::mem::take(&mut *shared.members.write());
        for member in members {
            member.producer.stop().await;
        }
        shared.tasks.wait(&shared.clock, STOP_PATIENCE).await;
    }

    fn turns(&self) -> Turns<'_> {
        Turns {
            shared: &self.handle.shared,
            failed: Vec::new(),
            last: None,
        }
    }
}

/// Lets the members try to publish one after the other, until one succeeds or none can be blamed.
struct Turns<'a> {
    shared: &'a Arc<Shared>,
    /// Those that have had a try.
    failed: Vec<Arc<Member>>,
    /// What the last of them failed with.
    last: Option<Error>,
}

impl Turns<'_> {
    /// Who is to try next; an error when all have.
    async fn next(&mut self) -> Result<Arc<Member>, Error> {
        loop {
            if self.shared.stop.is_triggered() {
                return Err(Error::Stopped);
            }
            if let Some(member) = self.shared.choose(&self.failed) {
                return Ok(member);
            }
            match self.last.take() {
                Some(error) => return Err(error),
                None => self.shared.await_healthy().await?,
            }
        }
    }

    /// What publishing came to; `None` if another is to try.
    fn judge(&mut self, member: Arc<Member>, outcome: Result<(), Error>) -> Option<Result<(), Error>> {
        match outcome {
            Err(error) if error.is_transient() => {
                self.shared.blame(&member);
                self.failed.push(member);
                self.last = Some(error);
                None
            }
            outcome => Some(outcome),
        }
    }
}

impl Shared {
    fn add(&self, address: String) -> Result<(), Error> {
        let mut members = self.members.write();
        if members.iter().any(|member| member.producer.address() == address) {
            return Ok(());
        }
        members.push(Arc::new(Member {
            producer: Producer::with_clock(address, &self.config, self.clock.clone())?,
            healthy: AtomicBool::new(true),
        }));
        drop(members);
        self.recovered.notify_waiters();
        Ok(())
    }

    /// The next healthy member that has not been tried.
    fn choose(&self, tried: &[Arc<Member>]) -> Option<Arc<Member>> {
        let members = self.members.read();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let start = turn.checked_rem(members.len())?;
        let (before, behind) = members.split_at_checked(start)?;
        behind
            .iter()
            .chain(before)
            .find(|member| {
                member.healthy.load(Ordering::Relaxed)
                    && !tried.iter().any(|other| Arc::ptr_eq(other, member))
            })
            .cloned()
    }

    async fn await_healthy(&self) -> Result<(), Error> {
        let recovered = self.recovered.notified();
        if self.choose(&[]).is_some() {
            return Ok(());
        }
        tokio::select! {
            () = recovered => Ok(()),
            () = self.stop.triggered() => Err(Error::Stopped),
            () = self.clock.sleep(self.config.dial_timeout) => Err(Error::NoneHealthy),
        }
    }

    /// Leaves a member out until it can be connected to.
    fn blame(self: &Arc<Self>, member: &Arc<Member>) {
        if member.healthy.swap(false, Ordering::Relaxed) {
            tracing::warn!("({}) nsqd is left out until it can be reached", member.producer);
            self.tasks.spawn(probe(Arc::clone(self), Arc::clone(member)));
        }
    }

    /// Lets go of members that are not `known` and cannot be reached.
    fn forget_all_but(&self, known: &[String]) {
        self.members.write().retain(|member| {
            let stays = member.healthy.load(Ordering::Relaxed)
                || known.iter().any(|address| address == member.producer.address());
            if !stays {
                member.producer.begin_stop();
            }
            stays
        });
    }
}

/// Connects to a member, however often it takes. The producer itself waits between the attempts.
async fn probe(shared: Arc<Shared>, member: Arc<Member>) {
    loop {
        let outcome = tokio::select! {
            outcome = member.producer.connect() => outcome,
            () = shared.stop.triggered() => return,
        };
        match outcome {
            Ok(()) => break,
            Err(Error::Stopped) => return,
            Err(_) => {}
        }
    }
    tracing::info!("({}) nsqd can be reached again", member.producer);
    member.healthy.store(true, Ordering::Relaxed);
    shared.recovered.notify_waiters();
}

impl fmt::Debug for ProducerPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProducerPool")
            .field("members", &self.members())
            .finish()
    }
}
