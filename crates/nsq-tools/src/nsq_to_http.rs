//! Sends the messages of a topic to HTTP servers.
//!
//! A message is finished when a server has taken it; otherwise it is requeued, and the consumer slows down.
//!
//! Upstream: `apps/nsq_to_http`.

mod deliver;
mod options;
mod target;

pub use options::{RawOptions, TABLE};

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use nsq_app::{Exit, VERSION};
use nsq_client::Message;
use nsq_http::header::HeaderValue;
use nsq_http::{Client, KeepAlive};
use nsq_net::tls::{ClientSettings, Connector};
use nsq_runtime::{Clock, Shutdown};
use parking_lot::Mutex;

use crate::chance::Chance;
use crate::consume::{consumer, not_started};
use crate::host_pool::HostPool;
use crate::log::{self, OwnLines};
use crate::shell::{self, fail};
use crate::status::Status;
use deliver::{Deliverer, Refusal};
use options::Options;

const PROGRAM: &str = "nsq_to_http";

/// Runs the program with these arguments, its own name first.
///
/// # Errors
/// The command line does not say what to do, or an nsqd is not reached.
pub fn run(args: impl IntoIterator<Item = OsString>, clock: &Clock) -> Result<ExitCode, Exit> {
    let options = Options::load(args)?;
    log::install(OwnLines::Plain, clock)?;
    shell::run(|shutdown| deliver_all(options, clock.clone(), shutdown))
}

async fn deliver_all(options: Options, clock: Clock, shutdown: Shutdown) -> Result<(), Exit> {
    let postman = Arc::new(Postman::new(&options, &clock)?);
    let consumer = consumer(&options.topic, &options.channel, &options.config, &options.source)
        .concurrency(options.publishers)
        .start(move |message: Message| {
            let postman = Arc::clone(&postman);
            async move { postman.handle(message.body()).await }
        })
        .await
        .map_err(|error| not_started(&error))?;
    shutdown.triggered().await;
    consumer.stop().await;
    Ok(())
}

/// Decides which messages go where, and keeps count.
struct Postman {
    deliverer: Deliverer,
    pool: HostPool,
    sample: f64,
    chance: Mutex<Chance>,
    clock: Clock,
    /// One for each target, if there are several.
    statuses: Vec<Status>,
    aggregate: Status,
}

impl Postman {
    fn new(options: &Options, clock: &Clock) -> Result<Self, Exit> {
        let connector = Connector::load(ClientSettings::default()).map_err(fail)?;
        let client =
            Client::new(clock.clone(), options.connect_timeout, options.request_timeout).with_tls(connector);
        let names = options.targets.names();
        let statuses = if names.len() > 1 {
            names
                .iter()
                .map(|name| Status::new(format!("[{name}]:"), options.status_every))
                .collect()
        } else {
            Vec::new()
        };
        Ok(Self {
            pool: HostPool::new(options.mode, names.len(), clock.clone()),
            sample: options.sample,
            chance: Mutex::new(Chance::new()),
            clock: clock.clone(),
            statuses,
            aggregate: Status::new("[aggregate]:".to_owned(), options.status_every),
            deliverer: Deliverer {
                http: KeepAlive::new(client),
                targets: options.targets.clone(),
                headers: options.headers.clone(),
                user_agent: HeaderValue::from_str(&format!("{PROGRAM} v{VERSION}")).map_err(fail)?,
                timeout: options.request_timeout,
                clock: clock.clone(),
            },
        })
    }

    async fn handle(&self, body: &Bytes) -> Result<(), Refusal> {
        if self.sample < 1.0 && self.chance.lock().fraction() > self.sample {
            return Ok(());
        }
        let started = self.clock.now();
        let pick = self.pool.pick();
        let index = pick.index;
        let delivered = self.deliverer.deliver(index, body).await;
        self.pool.mark(pick, delivered.is_ok());
        delivered?;
        let took = self.clock.now().since(started);
        if let Some(status) = self.statuses.get(index) {
            status.add(took);
        }
        self.aggregate.add(took);
        Ok(())
    }
}
