//! Describing a consumer before it starts.

use std::fmt;
use std::sync::Arc;

use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::Clock;

use super::shared::{Hooks, Shared};
use super::{Consumer, Handler, MessageStream, manager, stop, worker};
use crate::conn::Dialer;
use crate::{Config, Error, Event, Message};

/// Describes a [`Consumer`]. Made by [`Consumer::builder`].
///
/// ```no_run
/// use nsq_client::{Consumer, Error, Message};
///
/// # async fn example() -> Result<(), Error> {
/// let consumer = Consumer::builder("orders", "archive")
///     .nsqlookupd("10.0.0.1:4161")
///     .nsqlookupd("10.0.0.2:4161")
///     .concurrency(8)
///     .on_event(|event| eprintln!("{event}"))
///     .on_give_up(|message| eprintln!("gave up {}: {:?}", message.id(), message.body()))
///     .start(|message: Message| async move {
///         println!("{:?}", message.body());
///         Ok::<_, Error>(())
///     })
///     .await?;
/// # consumer.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ConsumerBuilder {
    topic: String,
    channel: String,
    config: Config,
    nsqds: Vec<String>,
    nsqlookupds: Vec<String>,
    concurrency: usize,
    auto_touch: bool,
    hooks: Hooks,
    clock: Clock,
}

impl ConsumerBuilder {
    pub(super) fn new(topic: String, channel: String) -> Self {
        Self {
            topic,
            channel,
            config: Config::default(),
            nsqds: Vec::new(),
            nsqlookupds: Vec::new(),
            concurrency: 1,
            auto_touch: false,
            hooks: Hooks::default(),
            clock: Clock::system(),
        }
    }

    /// Replaces the configuration.
    pub fn config(mut self, config: &Config) -> Self {
        self.config = config.clone();
        self
    }

    /// Adds an nsqd to connect to, `host:port`.
    pub fn nsqd(mut self, address: impl Into<String>) -> Self {
        self.nsqds.push(address.into());
        self
    }

    /// Adds an nsqlookupd to be asked where the topic is: `host:port` of its HTTP listener, or a URL.
    pub fn nsqlookupd(mut self, address: impl Into<String>) -> Self {
        self.nsqlookupds.push(address.into());
        self
    }

    /// How many messages are handled at the same time; 1 without this. More than
    /// [`max_in_flight`](Config::max_in_flight) makes no difference.
    pub fn concurrency(mut self, handlers: usize) -> Self {
        self.concurrency = handlers.max(1);
        self
    }

    /// Touches messages for as long as they are held, at least at half of their timeout, so that handlers may
    /// take longer than that. nsqd still loses patience at its `--max-msg-timeout`.
    ///
    /// Off without this: a handler that hangs would keep its message from the others.
    pub fn auto_touch(mut self) -> Self {
        self.auto_touch = true;
        self
    }

    /// Calls `hook` with everything that happens to the consumer. It is called by the tasks of the consumer,
    /// which wait for it.
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.hooks.on_event = Some(Arc::new(hook));
        self
    }

    /// Calls `hook` with every message that was tried more than [`max_attempts`](Config::max_attempts) times,
    /// before it is finished without the handler having seen it again.
    ///
    /// Upstream: go-nsq consumer.go, `FailedMessageLogger`.
    pub fn on_give_up(mut self, hook: impl Fn(&Message) + Send + Sync + 'static) -> Self {
        self.hooks.on_give_up = Some(Arc::new(hook));
        self
    }

    /// Lets `filter` choose among the nsqds that nsqlookupd knows.
    ///
    /// Upstream: go-nsq consumer.go, `DiscoveryFilter`.
    pub fn discovery_filter(
        mut self,
        filter: impl Fn(Vec<String>) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.discovery_filter = Some(Arc::new(filter));
        self
    }

    /// Takes the time from `clock`.
    #[cfg(test)]
    pub(super) fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Starts the consumer with a handler. Returns when all nsqds that were added are connected; what
    /// nsqlookupd knows is connected later.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// Topic, channel, an address or an option is invalid, or one of the nsqds that were added is not reached
    /// or refuses the subscription. Nothing is left running then.
    pub async fn start(self, handler: impl Handler) -> Result<Consumer, Error> {
        let concurrency = self.concurrency;
        let handler = Arc::new(handler);
        self.launch(|shared| {
            for index in 0..concurrency {
                let worker = worker::run(Arc::clone(shared), index, Arc::clone(&handler));
                shared.tasks.spawn(worker);
            }
        })
        .await
    }

    /// Starts the consumer with its messages as a stream. [`concurrency`](Self::concurrency) does not matter
    /// then: it is up to who takes the messages.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn stream(self) -> Result<MessageStream, Error> {
        self.launch(|_| ()).await.map(MessageStream::new)
    }

    async fn launch(self, start_workers: impl FnOnce(&Arc<Shared>)) -> Result<Consumer, Error> {
        let topic = TopicName::new(&self.topic).map_err(|_| Error::InvalidTopic(self.topic.clone()))?;
        let channel =
            ChannelName::new(&self.channel).map_err(|_| Error::InvalidChannel(self.channel.clone()))?;
        let dialer = Dialer::new(&self.config, self.clock.clone())?;
        let shared = Shared::new(topic, channel, dialer, self.hooks.clone(), self.auto_touch);
        start_workers(&shared);
        shared.tasks.spawn(manager::run(Arc::clone(&shared)));
        shared.tasks.spawn(stop::run(Arc::clone(&shared)));
        let consumer = Consumer { shared };
        if let Err(error) = self.connect(&consumer).await {
            consumer.begin_stop();
            return Err(error);
        }
        Ok(consumer)
    }

    async fn connect(&self, consumer: &Consumer) -> Result<(), Error> {
        for address in &self.nsqlookupds {
            consumer.connect_to_nsqlookupd(address)?;
        }
        for address in &self.nsqds {
            consumer.connect_to_nsqd(address).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for ConsumerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerBuilder")
            .field("topic", &self.topic)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}
