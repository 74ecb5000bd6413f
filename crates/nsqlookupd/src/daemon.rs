//! One nsqlookupd: what its connections share, and how it starts and stops.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nsq_app::{Log, VERSION, hostname, version_line};
use nsq_net::{Acceptor, Address, HostPort, ListenError, Listener, LocalAddr};
use nsq_protocol::lookup::LookupdInfo;
use nsq_runtime::{Clock, Shutdown, TaskGroup};

use crate::http;
use crate::options::Options;
use crate::registration_db::{Limits, RegistrationDb, Visibility};
use crate::session;

/// How long connections may take to end. They need no longer than their last write.
const SESSIONS_PATIENCE: Duration = Duration::from_millis(1500);

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Lookupd {
    pub(crate) db: RegistrationDb,
    pub(crate) clock: Clock,
    /// In Unix seconds.
    pub(crate) started_at: i64,
    /// The answer to IDENTIFY.
    pub(crate) identify_reply: Bytes,
    /// A connection that completes no command for this long is closed.
    pub(crate) silence_max: Duration,
}

/// An nsqlookupd whose listeners are open and that is about to serve.
#[derive(Debug)]
pub struct Daemon {
    lookupd: Arc<Lookupd>,
    tcp: Listener,
    http: Listener,
    log: Log,
}

/// Opens the listeners.
///
/// # Errors
/// One of them cannot be opened; neither is then.
pub async fn start(options: Options, log: Log, clock: Clock) -> Result<Daemon, ListenError> {
    tracing::info!("{}", version_line("nsqlookupd"));
    let tcp = listen(&options.tcp_address).await?;
    let http = listen(&options.http_address).await?;
    let info = LookupdInfo {
        broadcast_address: options.broadcast_address,
        hostname: hostname(),
        http_port: port(&http),
        tcp_port: port(&tcp),
        version: VERSION.to_owned(),
    };
    let visibility = Visibility {
        inactive_producer_timeout: options.inactive_producer_timeout,
        tombstone_lifetime: options.tombstone_lifetime,
    };
    let lookupd = Lookupd {
        db: RegistrationDb::new(visibility, Limits::default(), clock.clone()),
        started_at: clock.wall_ns() / NANOS_PER_SECOND,
        clock,
        identify_reply: info.to_json().into(),
        silence_max: session::silence_max(options.inactive_producer_timeout),
    };
    Ok(Daemon {
        lookupd: Arc::new(lookupd),
        tcp,
        http,
        log,
    })
}

async fn listen(address: &HostPort) -> Result<Listener, ListenError> {
    Listener::bind(&Address::Tcp(address.clone()))
        .await
        .map_err(|cause| ListenError::new(address, cause))
}

fn port(listener: &Listener) -> i64 {
    listener.local_addr().port().map_or(0, i64::from)
}

impl Daemon {
    /// Where nsqds register; for port 0, with the port it got.
    pub fn tcp_addr(&self) -> &LocalAddr {
        self.tcp.local_addr()
    }

    /// Where HTTP is served; for port 0, with the port it got.
    pub fn http_addr(&self) -> &LocalAddr {
        self.http.local_addr()
    }

    /// Serves until `shutdown`, and then stops: listeners, connections. The code is the process's.
    pub async fn serve(self, shutdown: Shutdown) -> ExitCode {
        let Self {
            lookupd,
            tcp,
            http,
            log,
        } = self;
        let tcp_address = tcp.local_addr().clone();
        let http_address = http.local_addr().clone();
        let clock = lookupd.clock.clone();
        let sessions = TaskGroup::new("sessions");

        tracing::info!("HTTP: listening on {http_address}");
        tracing::info!("TCP: listening on {tcp_address}");
        let accepting = async {
            let accepted = Acceptor::new(tcp, clock.clone())
                .run(shutdown.triggered(), |socket, slot| {
                    let session = session::serve(Arc::clone(&lookupd), socket, shutdown.child());
                    sessions.spawn(async move {
                        session.await;
                        drop(slot);
                    });
                })
                .await;
            // Without one of its listeners nsqlookupd is of no use: the other one is not kept.
            shutdown.trigger();
            accepted.and_then(Listener::close)
        };
        let answering = async {
            let answered = http::serve(&lookupd, http, shutdown.clone()).await;
            shutdown.trigger();
            answered
        };
        let (accepted, answered) = tokio::join!(accepting, answering);

        let mut code = ExitCode::SUCCESS;
        for (name, address, outcome) in [("TCP", tcp_address, accepted), ("HTTP", http_address, answered)] {
            tracing::info!("{name}: closing {address}");
            if let Err(error) = outcome {
                log.fatal(&error);
                code = ExitCode::FAILURE;
            }
        }
        let left = sessions.wait(&clock, SESSIONS_PATIENCE).await;
        if left > 0 {
            tracing::warn!("TCP: {left} connections did not end in time");
        }
        code
    }
}
