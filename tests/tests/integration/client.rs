//! The client library, with the daemons under test and with the original.

mod ledger;
mod messages;
mod secured;

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nsq_client::{Config, Consumer, ConsumerBuilder, Error, Message, Producer};
use nsq_tests::program::reference_or_note;
use nsq_tests::{Nsqd, Setup};
use tokio::runtime::Runtime;

/// How long a test waits for what has to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a test with the nsqd under test, and with the original if it is there.
fn with_each_nsqd(test: impl Fn(Setup)) {
    test(Setup::new());
    if let Some(reference) = reference_or_note("nsqd") {
        test(Setup::new().program(&reference));
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn config(options: &[(&str, &str)]) -> Config {
    let mut config = Config::default();
    for (key, value) in options {
        config.set(key, value).unwrap();
    }
    config
}

/// By the name that is in its certificate.
fn address(nsqd: &Nsqd) -> String {
    format!("localhost:{}", nsqd.tcp_address().port())
}

fn producer(nsqd: &Nsqd, config: &Config) -> Producer {
    Producer::new(address(nsqd), config).unwrap()
}

/// A consumer of channel `c` of topic `t`.
fn builder(nsqd: &Nsqd, config: &Config) -> ConsumerBuilder {
    Consumer::builder("t", "c").config(config).nsqd(address(nsqd))
}

/// What a handler has seen, and finished.
struct Seen(Receiver<(Vec<u8>, u16)>);

impl Seen {
    /// Fails what `fails` says, by body and attempts.
    fn handler(fails: fn(&[u8], u16) -> bool) -> (Self, impl nsq_client::Handler) {
        let (sender, receiver) = channel();
        let handler = move |message: Message| {
            let (body, attempts) = (message.body().to_vec(), message.attempts());
            let failed = fails(&body, attempts);
            let sent = sender.send((body, attempts));
            async move {
                // The test is over, and needs no more.
                drop(sent);
                if failed { Err("as told") } else { Ok(()) }
            }
        };
        (Self(receiver), handler)
    }

    #[track_caller]
    fn next(&self) -> (Vec<u8>, u16) {
        self.0.recv_timeout(PATIENCE).unwrap()
    }
}

/// Publishes one message and takes it out again.
#[track_caller]
fn round_trip(nsqd: &Nsqd, config: &Config) -> Result<(), Error> {
    let runtime = runtime();
    let (seen, handler) = Seen::handler(|_, _| false);
    // Compresses well, and is longer than any block of a codec.
    let body = b"to and fro ".repeat(20_000);
    runtime.block_on(async {
        let consumer = builder(nsqd, config).start(handler).await?;
        let producer = producer(nsqd, config);
        producer.publish("t", &body).await?;
        assert_eq!(seen.next(), (body, 1));
        producer.stop().await;
        consumer.stop().await;
        Ok(())
    })
}
