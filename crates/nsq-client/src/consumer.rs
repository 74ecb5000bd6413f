//! Subscribing to a channel of a topic.
//!
//! Messages come over [connections](connection), which keep what is in flight in their [links](link), wait in
//! one queue, and are taken by workers, each of which hands one at a time to the handler, or by a stream.

mod builder;
mod connection;
pub(crate) mod link;
mod manager;
mod queue;
mod shared;
mod stop;
mod stream;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nsq_runtime::Shutdown;
use tokio::sync::oneshot;

pub use self::builder::ConsumerBuilder;
pub(crate) use self::shared::Shared;
pub use self::stream::MessageStream;
use crate::discovery::{self, Lookupd};
use crate::{Error, Message};

/// What a handler fails with: any error, or a text.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;

/// What is done with messages.
///
/// An async function or closure that takes a [`Message`] is a handler. What it returns is the answer: `Ok`
/// finishes the message, `Err` requeues it and makes the consumer pause, as a panic does.
///
/// What has a state of its own may implement the trait itself:
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use nsq_client::{Handler, HandlerError, Message};
///
/// #[derive(Default)]
/// struct Total(AtomicU64);
///
/// impl Handler for Total {
///     async fn handle(&self, message: Message) -> Result<(), HandlerError> {
///         let amount: u64 = std::str::from_utf8(message.body())?.parse()?;
///         self.0.fetch_add(amount, Ordering::Relaxed);
///         Ok(())
///     }
/// }
/// ```
///
/// Upstream: go-nsq consumer.go, `Handler`.
pub trait Handler: Send + Sync + 'static {
    /// Deals with one message. As many calls run at the same time as
    /// [`concurrency`](ConsumerBuilder::concurrency) says.
    ///
    /// # Errors
    /// Whatever makes the message one to be tried again.
    fn handle(&self, message: Message) -> impl Future<Output = Result<(), HandlerError>> + Send;
}

impl<F, T, E> Handler for F
where
    F: Fn(Message) -> T + Send + Sync + 'static,
    T: Future<Output = Result<(), E>> + Send,
    E: Into<HandlerError>,
{
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        self(message).await.map_err(Into::into)
    }
}

/// What a consumer has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerStats {
    /// Messages that have come.
    pub messages_received: u64,
    /// Messages that were finished.
    pub messages_finished: u64,
    /// Messages that were requeued.
    pub messages_requeued: u64,
    /// Connections there are now.
    pub connections: usize,
    /// Messages that have come and have not been answered.
    pub in_flight: usize,
    /// How often failure has won over success; 0 when nothing is wrong.
    pub backoff_level: u32,
}

/// Receives the messages of a channel. Cloning gives another handle to the same; dropping the last one does
/// not stop it.
///
/// Made by a [`ConsumerBuilder`]. See the [crate](crate) for an example.
///
/// Upstream: go-nsq consumer.go.
#[derive(Clone)]
pub struct Consumer {
    shared: Arc<Shared>,
}

impl Consumer {
    /// Begins to describe a consumer of `channel` of `topic`.
    pub fn builder(topic: impl Into<String>, channel: impl Into<String>) -> ConsumerBuilder {
        ConsumerBuilder::new(topic.into(), channel.into())
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Connects to an nsqd, and again whenever that connection is lost.
    ///
    /// # Errors
    /// nsqd is not reached or refuses the subscription, and is then not tried again;
    /// [`Error::AlreadyConnected`]; [`Error::Stopped`].
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the attempt.
    pub async fn connect_to_nsqd(&self, address: &str) -> Result<(), Error> {
        let first = self.shared.connect(address)?;
        first.await.unwrap_or(Err(Error::Stopped))
    }

    /// Closes the connection to an nsqd in good order, and forgets its address.
    ///
    /// # Errors
    /// [`Error::NotConnected`] if there is none.
    pub fn disconnect_from_nsqd(&self, address: &str) -> Result<(), Error> {
        let state = self.shared.state.lock();
        let leave = state.addresses.get(address).ok_or(Error::NotConnected)?;
        leave.trigger();
        Ok(())
    }

    /// Asks one more nsqlookupd where the topic is, now and from now on. An address that is known is no
    /// error.
    ///
    /// # Errors
    /// It is no address, or [`Error::Stopped`].
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn connect_to_nsqlookupd(&self, address: &str) -> Result<(), Error> {
        let lookupd = Lookupd::parse(address, "/lookup")?;
        let shared = &self.shared;
        let mut state = shared.state.lock();
        if shared.is_stopping() {
            return Err(Error::Stopped);
        }
        if state.lookupds.iter().any(|known| known.is_same(&lookupd)) {
            return Ok(());
        }
        state.lookupds.push(lookupd);
        if std::mem::replace(&mut state.discovering, true) {
            shared.poll_now.notify_one();
        } else {
            shared.tasks.spawn(discovery::run(Arc::clone(shared)));
        }
        Ok(())
    }

    /// Asks an nsqlookupd no more. Connections stay.
    ///
    /// # Errors
    /// [`Error::NotConnected`] if it is not asked, [`Error::LastLookupd`] if no other is.
    pub fn disconnect_from_nsqlookupd(&self, address: &str) -> Result<(), Error> {
        let lookupd = Lookupd::parse(address, "/lookup")?;
        let mut state = self.shared.state.lock();
        let known = state.lookupds.iter().position(|known| known.is_same(&lookupd));
        let at = known.ok_or(Error::NotConnected)?;
        if state.lookupds.len() == 1 {
            return Err(Error::LastLookupd(address.to_owned()));
        }
        state.lookupds.remove(at);
        Ok(())
    }

    /// Changes how many messages may be in flight; 0 pauses the consumer.
    pub fn change_max_in_flight(&self, max_in_flight: u32) {
        self.shared.change_max_in_flight(max_in_flight);
    }

    /// Whether some connection holds nearly all the messages that it may: a consumer that gathers messages
    /// should answer some, for it will get no more.
    pub fn is_starved(&self) -> bool {
        self.shared.is_starved()
    }

    /// What has happened so far.
    pub fn stats(&self) -> ConsumerStats {
        let counters = &self.shared.counters;
        let state = self.shared.state.lock();
        ConsumerStats {
            messages_received: counters.received.load(Ordering::Relaxed),
            messages_finished: counters.finished.load(Ordering::Relaxed),
            messages_requeued: counters.requeued.load(Ordering::Relaxed),
            connections: state.links.len(),
            in_flight: state.links.values().map(|link| link.in_flight()).sum(),
            backoff_level: state.backoff.level(),
        }
    }

    /// Begins to stop: no more messages come, and those that have come are handled and answered. Takes at
    /// most 30 s, see [`stopped`](Self::stopped). Calling it again changes nothing.
    pub fn begin_stop(&self) {
        self.shared.begin_stop();
    }

    /// Stops, and waits until that is done.
    ///
    /// # Cancel safety
    /// Dropping the future only stops the wait.
    pub async fn stop(&self) {
        self.begin_stop();
        self.stopped().await;
    }

    /// Waits until the consumer has stopped: every message has been answered, or 30 s have passed.
    ///
    /// # Cancel safety
    /// Dropping the future only stops the wait.
    pub async fn stopped(&self) {
        self.shared.ended.triggered().await;
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("topic", &self.shared.topic)
            .field("channel", &self.shared.channel)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Begins to connect to an nsqd; what is returned tells what became of the first attempt.
    pub(crate) fn connect(
        self: &Arc<Self>,
        address: &str,
    ) -> Result<oneshot::Receiver<Result<(), Error>>, Error> {
        let mut state = self.state.lock();
        if self.is_stopping() {
            return Err(Error::Stopped);
        }
        if state.addresses.contains_key(address) {
            return Err(Error::AlreadyConnected);
        }
        let leave = Shutdown::new();
        state.addresses.insert(address.to_owned(), leave.clone());
        let (first, outcome) = oneshot::channel();
        self.tasks.spawn(connection::run(
            Arc::clone(self),
            address.to_owned(),
            first,
            leave,
        ));
        Ok(outcome)
    }

    pub(crate) fn lookupds(&self) -> Vec<Lookupd> {
        self.state.lock().lookupds.clone()
    }
}
