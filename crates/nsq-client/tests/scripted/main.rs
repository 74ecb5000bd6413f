//! The client against scripted peers: every rule, byte for byte.
//!
//! The client runs on a runtime of its own while the test plays nsqd, or nsqlookupd, on its own thread.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, in what the tests share as well"
)]

mod backoff;
mod bootstrap;
mod chaos;
mod consumer;
mod discovery;
mod pool;
mod producer;
mod ready;
mod stop;

use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nsq_client::{Config, Consumer, ConsumerBuilder, Error, Event, Message};
use nsq_testkit::peer::Peer;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// How long a test waits for what has to happen.
const PATIENCE: Duration = Duration::from_secs(15);

/// A place to listen at, and a runtime for the client.
struct Rig {
    runtime: Runtime,
    listener: TcpListener,
}

impl Rig {
    fn new() -> Self {
        Self {
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap(),
            listener: listen(),
        }
    }

    fn address(&self) -> String {
        address_of(&self.listener)
    }

    /// Runs what the client does while the test plays the other side.
    fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.runtime.spawn(work)
    }

    /// Waits for what the client does.
    #[track_caller]
    fn wait<T>(&self, work: JoinHandle<T>) -> T {
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, work).await })
            .expect("the client takes too long")
            .unwrap()
    }

    #[track_caller]
    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, work).await })
            .expect("the client takes too long")
    }

    /// Starts a consumer of `t`/`c` with this nsqd, whose handler gives the messages to the test.
    #[track_caller]
    fn consume(&self, config: &Config) -> (Consumer, Peer, Inbox) {
        let (inbox, handler) = Inbox::new();
        let builder = builder(config).nsqd(self.address());
        let starting = self.spawn(async move { builder.start(handler).await });
        let peer = Peer::accept_consumer(&self.listener, "t", "c");
        (self.wait(starting).unwrap(), peer, inbox)
    }
}

fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn address_of(listener: &TcpListener) -> String {
    listener.local_addr().unwrap().to_string()
}

fn builder(config: &Config) -> ConsumerBuilder {
    Consumer::builder("t", "c").config(config)
}

fn config(options: &[(&str, &str)]) -> Config {
    let mut config = Config::default();
    for (key, value) in options {
        config.set(key, value).unwrap();
    }
    config
}

/// Messages that the handler has given to the test, unanswered.
struct Inbox(Receiver<Message>);

impl Inbox {
    fn new() -> (Self, impl nsq_client::Handler) {
        let (sender, receiver) = channel();
        let handler = move |mut message: Message| {
            message.disable_auto_response();
            let sent = sender.send(message);
            async move { sent.map_err(|_| "the test has ended") }
        };
        (Self(receiver), handler)
    }

    #[track_caller]
    fn next(&self) -> Message {
        self.0.recv_timeout(PATIENCE).expect("a message")
    }
}

/// Events that have not been looked at.
struct Events(Receiver<Event>);

impl Events {
    fn new() -> (Self, impl Fn(&Event) + Send + Sync + 'static) {
        let (sender, receiver) = channel();
        let hook = move |event: &Event| {
            // A test that has ended hears nothing.
            let _ = sender.send(event.clone());
        };
        (Self(receiver), hook)
    }

    /// The next event of the kind that is looked for.
    #[track_caller]
    fn find<T>(&self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        loop {
            let event = self.0.recv_timeout(PATIENCE).expect("an event");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    }
}

#[track_caller]
fn text(outcome: Result<(), Error>) -> String {
    outcome.unwrap_err().to_string()
}
