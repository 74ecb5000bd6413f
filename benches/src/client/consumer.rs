//! Consumers: any number of connections driven by one thread.

use std::time::Duration;

use super::Addresses;
use super::handler::{Handler, Nothing};
use crate::clock::{Deadline, now_ns};
use crate::error::{Error, Result};
use crate::layer::Layers;
use crate::link::{Filled, Link, Poller, Pool};
use crate::wire::command::{self, MAGIC};
use crate::wire::frame::{self, Frame};

/// Where one connection subscribes.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    /// The topic.
    pub(crate) topic: String,
    /// The channel.
    pub(crate) channel: String,
}

impl Subscription {
    /// `topic` and `channel`.
    pub(crate) fn new(topic: &str, channel: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            channel: channel.to_owned(),
        }
    }
}

/// A group of subscribed connections.
#[derive(Debug)]
pub(crate) struct Consumers {
    connections: Vec<Consumer>,
    poller: Poller,
    pool: Pool,
}

/// One connection.
#[derive(Debug)]
struct Consumer {
    link: Link,
    /// `OK`s that the handshake is still owed.
    awaited: u32,
    /// `CLOSE_WAIT` arrived: the server has seen everything that was sent before `CLS`.
    closing: bool,
}

/// Handshakes that may be under way at once; more would only fill the listener's queue.
const HANDSHAKES_MAX: usize = 64;

impl Consumers {
    /// Connects, identifies with `identify` if given, and subscribes. Nothing is delivered before
    /// [`Consumers::ready`].
    pub(crate) fn connect(
        addresses: &Addresses,
        subscriptions: &[Subscription],
        identify: Option<&str>,
        deadline: Deadline,
    ) -> Result<Self> {
        Self::open(subscriptions, deadline, || {
            let mut link = Link::connect(addresses.tcp)?;
            let outbox = link.outbox();
            outbox.extend_from_slice(MAGIC);
            if let Some(json) = identify {
                command::identify(outbox, json);
            }
            Ok((link, u32::from(identify.is_some())))
        })
    }

    /// Connects through `layers`, and subscribes.
    pub(crate) fn connect_through(
        addresses: &Addresses,
        subscriptions: &[Subscription],
        layers: &Layers,
        deadline: Deadline,
    ) -> Result<Self> {
        if layers.is_none() {
            return Self::connect(addresses, subscriptions, None, deadline);
        }
        Self::open(subscriptions, deadline, || {
            Ok((Link::connect_through(addresses.tcp, layers)?, 0))
        })
    }

    /// Subscribes over connections from `connect`, which tells how many answers each is still owed.
    fn open(
        subscriptions: &[Subscription],
        deadline: Deadline,
        connect: impl Fn() -> Result<(Link, u32)>,
    ) -> Result<Self> {
        let mut group = Self {
            connections: Vec::with_capacity(subscriptions.len()),
            poller: Poller::new()?,
            pool: Pool::default(),
        };
        for batch in subscriptions.chunks(HANDSHAKES_MAX) {
            for subscription in batch {
                let (mut link, owed) = connect()?;
                command::sub(link.outbox(), &subscription.topic, &subscription.channel);
                link.flush()?;
                group.poller.add(&mut link, group.connections.len())?;
                group.connections.push(Consumer {
                    link,
                    awaited: 1 + owed,
                    closing: false,
                });
            }
            group.drive(&mut Nothing, deadline, "subscribing", |group| {
                group
                    .connections
                    .iter()
                    .rev()
                    .take(HANDSHAKES_MAX)
                    .all(|consumer| consumer.awaited == 0)
            })?;
        }
        Ok(group)
    }

    /// Sends `RDY` on every connection.
    pub(crate) fn ready(&mut self, count: u32) -> Result<()> {
        for consumer in &mut self.connections {
            command::rdy(consumer.link.outbox(), count);
            consumer.link.flush()?;
        }
        Ok(())
    }

    /// Handles messages until the handler is done.
    pub(crate) fn run(&mut self, handler: &mut impl Handler, deadline: Deadline) -> Result<()> {
        self.drive(handler, deadline, "consuming", |_| false)
    }

    /// Answers heartbeats for a while; a message would be an error.
    pub(crate) fn idle(&mut self, duration: Duration) -> Result<()> {
        let end = Deadline::after(duration);
        self.drive(
            &mut Nothing,
            Deadline::after(duration * 2 + Duration::from_secs(5)),
            "idling",
            |_| end.remaining().is_zero(),
        )
    }

    /// Sends `CLS` and waits for `CLOSE_WAIT`, so that the server has processed every reply sent before.
    pub(crate) fn close(mut self, deadline: Deadline) -> Result<()> {
        for consumer in &mut self.connections {
            command::cls(consumer.link.outbox());
            consumer.link.flush()?;
        }
        self.drive(&mut Nothing, deadline, "closing", |group| {
            group.connections.iter().all(|consumer| consumer.closing)
        })
    }

    /// The loop: until `handler` or `end` says so.
    fn drive<H: Handler>(
        &mut self,
        handler: &mut H,
        deadline: Deadline,
        doing: &str,
        end: impl Fn(&Self) -> bool,
    ) -> Result<()> {
        /// How often `end` is looked at when nothing happens.
        const TICK: Duration = Duration::from_millis(20);
        let mut ready = Vec::new();
        while !handler.is_done() && !end(self) {
            deadline.check(|| doing)?;
            self.poller.wait(Some(TICK), &mut ready)?;
            for event in &ready {
                let Some(consumer) = self.connections.get_mut(event.key) else {
                    continue;
                };
                if event.readable {
                    consumer.receive(&mut self.pool, handler)?;
                }
                consumer.link.flush()?;
            }
        }
        Ok(())
    }
}

impl Consumer {
    /// Reads what is there and hands messages to `handler`.
    fn receive<H: Handler>(&mut self, pool: &mut Pool, handler: &mut H) -> Result<()> {
        loop {
            let filled = self.link.fill(pool)?;
            self.dispatch(handler)?;
            match filled {
                // Replies go out between two reads, so that a server waiting for them is not kept waiting for the
                // socket to run dry.
                Filled::More => {
                    self.link.flush()?;
                }
                Filled::Drained => break,
                Filled::Closed => {
                    return Err(Error::Server(
                        "the server closed a consumer's connection".to_owned(),
                    ));
                }
            }
        }
        self.link.release(pool);
        Ok(())
    }

    fn dispatch<H: Handler>(&mut self, handler: &mut H) -> Result<()> {
        let now_ns = now_ns();
        let (bytes, outbox) = self.link.exchange();
        let mut rest = bytes;
        while let Some((frame, length)) = frame::parse(rest)? {
            match frame {
                Frame::Message(message) => handler.on_message(&message, now_ns, outbox)?,
                Frame::Response(b"_heartbeat_") => outbox.extend_from_slice(command::NOP),
                Frame::Response(b"CLOSE_WAIT") => self.closing = true,
                Frame::Response(_) if self.awaited > 0 => self.awaited -= 1,
                Frame::Response(data) => return Err(frame::unexpected(data)),
                Frame::Error(data) => return Err(frame::refused(data)),
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        let consumed = bytes.len() - rest.len();
        self.link.consume(consumed);
        Ok(())
    }
}
