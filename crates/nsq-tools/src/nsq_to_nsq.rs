//! Publishes the messages of topics to other nsqds.
//!
//! A message is finished when a destination has taken it; otherwise it is requeued, and the consumer slows down. Those
//! of JSON can be filtered on the way.
//!
//! Upstream: `apps/nsq_to_nsq`.

mod filter;
mod options;

pub use options::{RawOptions, TABLE};

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use nsq_app::Exit;
use nsq_client::{Consumer, Error, HandlerError, Message, Producer};
use nsq_runtime::{Clock, Shutdown};

use crate::consume::{consumer, not_started};
use crate::host_pool::HostPool;
use crate::log::{self, OwnLines};
use crate::shell::{self, fail};
use crate::status::Status;
use filter::{Filter, Verdict};
use options::Options;

const PROGRAM: &str = "nsq_to_nsq";

/// Messages of a topic that wait for their destinations' answers at the same time.
const WAITING_MAX: usize = 1024;

/// Runs the program with these arguments, its own name first.
///
/// # Errors
/// The command line does not say what to do, or an nsqd to consume from is not reached.
pub fn run(args: impl IntoIterator<Item = OsString>, clock: &Clock) -> Result<ExitCode, Exit> {
    let options = Options::load(args)?;
    log::install(OwnLines::Plain, clock)?;
    shell::run(|shutdown| republish(options, clock.clone(), shutdown))
}

async fn republish(options: Options, clock: Clock, shutdown: Shutdown) -> Result<(), Exit> {
    let forwarder = Arc::new(Forwarder::new(&options, clock)?);
    let concurrency = usize::try_from(options.consumer_config.max_in_flight).unwrap_or(WAITING_MAX);
    let mut consumers: Vec<Consumer> = Vec::new();
    for topic in &options.topics {
        let forwarder = Arc::clone(&forwarder);
        let destination: Arc<str> = options
            .destination_topic
            .as_ref()
            .unwrap_or(topic)
            .as_str()
            .into();
        let consumer = consumer(topic, &options.channel, &options.consumer_config, &options.source)
            .concurrency(concurrency.min(WAITING_MAX))
            .start(move |message: Message| {
                let (forwarder, destination) = (Arc::clone(&forwarder), Arc::clone(&destination));
                async move { forwarder.forward(&destination, message.body()).await }
            })
            .await
            .map_err(|error| not_started(&error))?;
        consumers.push(consumer);
    }
    shutdown.triggered().await;
    consumers.iter().for_each(Consumer::begin_stop);
    for consumer in &consumers {
        consumer.stopped().await;
    }
    forwarder.stop().await;
    Ok(())
}

/// Passes messages on, and keeps count.
struct Forwarder {
    filter: Filter,
    producers: Vec<Producer>,
    pool: HostPool,
    clock: Clock,
    /// One for each destination, if there are several.
    statuses: Vec<Status>,
    aggregate: Status,
}

impl Forwarder {
    fn new(options: &Options, clock: Clock) -> Result<Self, Exit> {
        let producers = options
            .destinations
            .iter()
            .map(|address| Producer::new(address, &options.producer_config))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| fail(format_args!("failed creating producer {error}")))?;
        let statuses = if producers.len() > 1 {
            options
                .destinations
                .iter()
                .map(|address| Status::new(format!("[{address}]:"), options.status_every))
                .collect()
        } else {
            Vec::new()
        };
        Ok(Self {
            filter: options.filter.clone(),
            pool: HostPool::new(options.mode, producers.len(), clock.clone()),
            producers,
            clock,
            statuses,
            aggregate: Status::new("[aggregate]:".to_owned(), options.status_every),
        })
    }

    /// Publishes what passes of a message.
    async fn forward(&self, topic: &str, body: &Bytes) -> Result<(), HandlerError> {
        let body = match self.filter.judge(body) {
            Verdict::Pass(body) => body,
            Verdict::Drop => return Ok(()),
            Verdict::Retry => return Err("backoff".into()),
        };
        let started = self.clock.now();
        let pick = self.pool.pick();
        let index = pick.index;
        let producer = self.producers.get(index).ok_or("no destination")?;
        let published = publish(producer, topic, &body).await;
        self.pool.mark(pick, published.is_ok());
        let took = self.clock.now().since(started);
        if let Some(status) = self.statuses.get(index) {
            status.add(took);
        }
        self.aggregate.add(took);
        published.map_err(Into::into)
    }

    async fn stop(&self) {
        for producer in &self.producers {
            producer.stop().await;
        }
    }
}

/// Publishes a message with others, and alone if the others may be why it was refused.
async fn publish(producer: &Producer, topic: &str, body: &Bytes) -> Result<(), Error> {
    match producer.publish(topic, body).await {
        Err(Error::Protocol(_)) => producer.multi_publish(topic, &[body]).await,
        published => published,
    }
}
