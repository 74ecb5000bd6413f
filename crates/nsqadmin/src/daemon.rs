//! One nsqadmin: what its requests share, and how it starts and stops.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use nsq_app::{Log, version_line};
use nsq_clusterinfo::{Asker, Cluster};
use nsq_http::{Client, Server};
use nsq_net::{Address, ListenError, Listener, LocalAddr};
use nsq_runtime::{Clock, Shutdown, TaskGroup};
use parking_lot::RwLock;

use crate::activity::Activity;
use crate::caller::Caller;
use crate::collector::{Collector, Settings, wall_ms};
use crate::notify::{self, Notifier};
use crate::options::Options;
use crate::service::Front;
use crate::tail::Tails;

/// How long notifications and other leftovers may hold up the exit.
const TASKS_PATIENCE: Duration = Duration::from_millis(1500);

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) options: Options,
    pub(crate) log: Log,
    pub(crate) clock: Clock,
    pub(crate) client: Client,
    /// When it started, in Unix seconds.
    pub(crate) started_s: i64,
    /// What users have changed.
    pub(crate) activity: Activity,
    notifier: Notifier,
    pub(crate) collector: Collector,
    pub(crate) tails: Arc<Tails>,
    /// Changed by `PUT /config/nsqlookupd_http_addresses`.
    nsqlookupds: RwLock<Arc<[String]>>,
    nsqds: Arc<[String]>,
}

impl Admin {
    /// The cluster, to be asked for somebody: questions are logged.
    pub(crate) fn cluster(&self) -> Cluster {
        self.cluster_with(Asker::new(self.client.clone()))
    }

    pub(crate) fn cluster_with(&self, asker: Asker) -> Cluster {
        Cluster::new(asker, self.nsqlookupds(), Arc::clone(&self.nsqds))
    }

    pub(crate) fn nsqlookupds(&self) -> Arc<[String]> {
        Arc::clone(&self.nsqlookupds.read())
    }

    pub(crate) fn set_nsqlookupds(&self, addresses: Vec<String>) {
        self.collector.follow(&addresses);
        *self.nsqlookupds.write() = addresses.into();
    }

    pub(crate) fn nsqds(&self) -> &[String] {
        &self.nsqds
    }

    /// Notes what `caller` has done, and tells who wants to know.
    pub(crate) fn tell(&self, caller: Caller<'_>, action: &notify::Action<'_>) {
        self.activity
            .note(wall_ms(&self.clock), self.user(caller), caller, action);
        self.notifier.notify(caller, action);
    }

    /// Wall time in Unix seconds.
    pub(crate) fn now_s(&self) -> i64 {
        self.clock.wall_ns() / 1_000_000_000
    }
}

/// An nsqadmin whose listener is open and that is about to serve.
#[derive(Debug)]
pub struct Daemon {
    admin: Arc<Admin>,
    notifications: notify::Worker,
    http: Listener,
    /// Ends what runs beside the requests.
    background: Shutdown,
}

/// Opens the listener.
///
/// # Errors
/// It cannot be opened.
pub async fn start(options: Options, log: Log, clock: Clock) -> Result<Daemon, ListenError> {
    tracing::info!("{}", version_line("nsqadmin"));
    let address = options.http_address.clone();
    let http = Listener::bind(&Address::Tcp(address.clone()))
        .await
        .map_err(|cause| ListenError::new(address, cause))?;
    let client = Client::new(clock.clone(), options.connect_timeout, options.request_timeout)
        .with_tls(options.connector.clone());
    let (notifier, notifications) = notify::open(&options, &clock);
    let stop = Shutdown::new();
    let settings = Settings {
        asker: Asker::new(client.clone()).quiet(),
        interval: options.stats_interval,
        memory_max: options.stats_memory,
        nsqds: options.nsqd_http_addresses.clone(),
    };
    let admin = Admin {
        collector: Collector::new(settings, clock.clone(), stop.clone()),
        tails: Arc::new(Tails::new(options.tail_sessions_max, clock.clone(), stop.child())),
        nsqlookupds: RwLock::new(options.nsqlookupd_http_addresses.clone().into()),
        nsqds: options.nsqd_http_addresses.clone().into(),
        options,
        log,
        started_s: clock.wall_ns() / 1_000_000_000,
        clock,
        client,
        activity: Activity::default(),
        notifier,
    };
    Ok(Daemon {
        admin: Arc::new(admin),
        background: stop,
        notifications,
        http,
    })
}

impl Daemon {
    /// Where HTTP is served; for port 0, with the port it got.
    pub fn http_addr(&self) -> &LocalAddr {
        self.http.local_addr()
    }

    /// Serves until `shutdown`, and then stops: requests, what runs in the background. The code is the process's.
    pub async fn serve(self, shutdown: Shutdown) -> ExitCode {
        let Self {
            admin,
            notifications,
            http,
            background,
        } = self;
        let address = http.local_addr().clone();
        let tasks = TaskGroup::new("nsqadmin tasks");
        tasks.spawn(notifications.run(background.child()));
        admin.collector.follow(&admin.nsqlookupds());
        tasks.spawn(admin.collector.clone().run());
        tracing::info!("HTTP: listening on {address}");
        let server = Server::new(Front::new(Arc::clone(&admin)), admin.clock.clone());
        let served = server.run(http, shutdown.clone()).await;
        shutdown.trigger();
        tracing::info!("HTTP: closing {address}");
        background.trigger();
        let left = tasks.wait(&admin.clock, TASKS_PATIENCE).await
            + admin.collector.wait(TASKS_PATIENCE).await
            + admin.tails.wait(TASKS_PATIENCE).await;
        if left > 0 {
            tracing::warn!("{left} tasks did not end in time");
        }
        match served {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                admin.log.fatal(&error);
                ExitCode::FAILURE
            }
        }
    }
}
