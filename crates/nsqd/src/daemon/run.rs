//! Starting and stopping, each in one place.

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nsq_app::{Hangups, Log, VERSION, version_line};
use nsq_core::StorageError;
use nsq_net::{Acceptor, Address, ListenError, Listener};
use nsq_runtime::{Clock, Shutdown, TaskGroup};

use super::{Listening, Nsqd, stepped};
use crate::dirlock::DirLock;
use crate::metadata::{Metadata, MetadataError};
use crate::options::Options;
use crate::session;
use crate::statsd;
use crate::tls::{Tls, log_raised_version};

/// How long connections may take to end. They need no longer than their last write. Requests over HTTP have as long, at
/// the same time.
const SESSIONS_PATIENCE: Duration = Duration::from_secs(1);

/// How long tasks begun by events may take to end.
const TASKS_PATIENCE: Duration = Duration::from_secs(1);

/// Why nsqd could not be started. Shows in upstream's words.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A listener could not be opened.
    Listen(ListenError),
    /// The metadata file is damaged or unreadable.
    LoadMetadata(MetadataError),
    /// The metadata file cannot be written.
    PersistMetadata(MetadataError),
    /// The data directory cannot be listed.
    DataPath(StorageError),
    /// The operating system refuses threads.
    Threads(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(cause) => write!(f, "failed to instantiate nsqd - {cause}"),
            Self::LoadMetadata(cause) => write!(f, "failed to load metadata - {cause}"),
            Self::PersistMetadata(cause) => write!(f, "failed to persist metadata - {cause}"),
            Self::DataPath(cause) => write!(f, "failed to load metadata - {cause}"),
            Self::Threads(cause) => write!(f, "failed to instantiate nsqd - {cause}"),
        }
    }
}

impl std::error::Error for StartError {}

/// An nsqd that has been started and is about to serve.
#[derive(Debug)]
pub struct Daemon {
    nsqd: Arc<Nsqd>,
    tcp: Listener,
    http: Option<Listener>,
    https: Option<Listener>,
    lock: DirLock,
}

/// Opens the listeners and the data directory, which `lock` guards: every topic and channel of the
/// metadata exists when this returns. Nothing is served yet.
///
/// # Errors
/// Something cannot be opened. Nothing has been changed then, except that files of unix sockets may have
/// come and gone.
pub async fn start(
    options: Options,
    tls: Tls,
    lock: DirLock,
    log: Log,
    clock: Clock,
) -> Result<Daemon, StartError> {
    tracing::info!("{}", version_line("nsqd"));
    tracing::info!("ID: {}", options.node_id);
    log_raised_version(&options.tls);
    let tcp = listen(&options.tcp_address).await?;
    let http = match options.http_address.as_str() {
        "" => None,
        address => Some(listen(address).await?),
    };
    let https = match options.https_address.as_str() {
        address if !address.is_empty() && tls.acceptor().is_some() => Some(listen_tcp(address).await?),
        _ => None,
    };
    let listening = Listening {
        tcp: Some(tcp.local_addr().clone()),
        http: http.as_ref().map(|listener| listener.local_addr().clone()),
        https: https.as_ref().map(|listener| listener.local_addr().clone()),
    };
    let port = |address: &Option<nsq_net::LocalAddr>| address.as_ref().and_then(nsq_net::LocalAddr::port);
    let options = options.listening(port(&listening.tcp), port(&listening.http));
    let nsqd = Nsqd::new(options, tls, listening, log, clock).map_err(StartError::Threads)?;
    load(&nsqd)?;
    Ok(Daemon {
        nsqd,
        tcp,
        http,
        https,
        lock,
    })
}

async fn listen(address: &str) -> Result<Listener, StartError> {
    Listener::bind(&Address::parse(address))
        .await
        .map_err(|cause| StartError::Listen(ListenError::new(address, cause)))
}

/// The same where the path of a unix socket is none.
async fn listen_tcp(address: &str) -> Result<Listener, StartError> {
    Listener::bind_tcp(address)
        .await
        .map_err(|cause| StartError::Listen(ListenError::new(address, cause)))
}

/// Makes the topics and channels of the metadata file. Messages flow once all of them exist.
fn load(nsqd: &Nsqd) -> Result<(), StartError> {
    let data_path = &nsqd.options.data_path;
    let loaded = Metadata::load(data_path).map_err(StartError::LoadMetadata)?;
    for skipped in &loaded.skipped {
        tracing::warn!("{skipped}");
    }
    nsqd.core.index_directory().map_err(StartError::DataPath)?;
    stepped::keep_ids_apart(nsqd);
    let mut topics = Vec::with_capacity(loaded.metadata.topics.len());
    for meta in loaded.metadata.topics {
        let (topic, _) = nsqd.make_topic(meta.name.as_name_ref());
        if meta.paused {
            topic.pause();
        }
        for channel in meta.channels {
            // Only a topic that is being deleted refuses, and this one is new.
            if let Ok((made, _)) = topic.channel_or_create(&channel.name)
                && channel.paused
            {
                made.pause();
            }
        }
        topics.push(topic);
    }
    for topic in topics {
        topic.open_files();
        topic.start();
    }
    nsqd.core.forget_index();
    nsqd.metadata()
        .store(data_path)
        .map_err(StartError::PersistMetadata)?;
    nsqd.loading.store(false, Ordering::Release);
    Ok(())
}

impl Daemon {
    /// The daemon's shared part.
    pub fn nsqd(&self) -> &Arc<Nsqd> {
        &self.nsqd
    }

    /// Serves until `shutdown`, and then stops: listeners, connections, metadata, topics. Every message is
    /// in the files when this returns. The code is the process's.
    ///
    /// At each of `hangups` the certificate is read again.
    pub async fn serve(self, shutdown: Shutdown, hangups: Hangups) -> ExitCode {
        let Self {
            nsqd,
            tcp,
            http,
            https,
            lock,
        } = self;
        let clock = nsqd.clock.clone();
        let sessions = TaskGroup::new("sessions");
        let background = TaskGroup::new("background");
        let stop_background = Shutdown::new();
        background.spawn(Arc::clone(&nsqd.timers).run(clock.clone(), stop_background.clone()));
        nsqd.lookup.start(&nsqd);
        if let Some(statsd) = nsqd.options.statsd.clone() {
            background.spawn(statsd::run(Arc::clone(&nsqd), statsd, stop_background.clone()));
        }
        background.spawn(reload_at(hangups, Arc::clone(&nsqd), stop_background.clone()));

        let tcp_address = tcp.local_addr().clone();
        tracing::info!("TCP: listening on {tcp_address}");
        let accepting = Acceptor::new(tcp, clock.clone()).run(shutdown.triggered(), |socket, slot| {
            sessions.spawn(session::serve(Arc::clone(&nsqd), socket, slot));
        });
        let http_address = http.as_ref().map(|listener| listener.local_addr().clone());
        if let Some(address) = &http_address {
            tracing::info!("HTTP: listening on {address}");
        }
        let https_address = https.as_ref().map(|listener| listener.local_addr().clone());
        if let Some(address) = &https_address {
            tracing::info!("HTTPS: listening on {address}");
        }
        let stop_all = shutdown.clone();
        // Without one of its listeners nsqd is of no use: the others are not kept.
        let answering = async {
            crate::http::serve(&nsqd, http, shutdown.clone()).await;
            stop_all.trigger();
        };
        let answering_tls = async {
            crate::http::serve_tls(&nsqd, https, shutdown.clone()).await;
            stop_all.trigger();
        };
        let accepting = async {
            let outcome = accepting.await;
            stop_all.trigger();
            // Nobody comes any more.
            nsqd.clients.close_all();
            let left = sessions.wait(&clock, SESSIONS_PATIENCE).await;
            if left > 0 {
                tracing::warn!("NSQ: {left} connections did not end in time");
            }
            outcome
        };
        // State that a panic has left half changed serves nobody: what can be saved is.
        let stop_broken = async {
            tokio::select! {
                () = nsqd.broken.triggered() => {
                    tracing::error!("NSQ: a thread has panicked, stopping");
                    stop_all.trigger();
                }
                () = shutdown.triggered() => {}
            }
        };
        let (accepted, (), (), ()) = tokio::join!(accepting, answering, answering_tls, stop_broken);

        tracing::info!("TCP: closing {tcp_address}");
        let code = match accepted {
            Ok(listener) => {
                if let Err(error) = listener.close() {
                    tracing::error!("TCP: failed to close {tcp_address} - {error}");
                }
                ExitCode::SUCCESS
            }
            Err(error) => {
                nsqd.log.fatal(&error);
                ExitCode::FAILURE
            }
        };
        if let Some(address) = http_address {
            tracing::info!("HTTP: closing {address}");
        }
        if let Some(address) = https_address {
            tracing::info!("HTTPS: closing {address}");
        }
        nsqd.stopping.store(true, Ordering::Release);
        // What connections held that have not ended is not lost: closing a channel collects it wherever it is.
        let saved = nsqd.close_topics().await;
        tracing::info!("NSQ: stopping subsystems");
        nsqd.lookup.close(&clock).await;
        nsqd.tasks.wait(&clock, TASKS_PATIENCE).await;
        stop_background.trigger();
        background.wait(&clock, TASKS_PATIENCE).await;
        drop(lock);
        tracing::info!("NSQ: bye");
        if saved && !nsqd.broken.is_triggered() {
            code
        } else {
            ExitCode::FAILURE
        }
    }
}

/// Reads the certificate again at each hangup until `stop`.
async fn reload_at(mut hangups: Hangups, nsqd: Arc<Nsqd>, stop: Shutdown) {
    loop {
        tokio::select! {
            () = hangups.next() => nsqd.tls.reload().await,
            () = stop.triggered() => return,
        }
    }
}

impl Nsqd {
    /// Writes the metadata and every message. Returns whether all of it worked; what did not is in the log.
    async fn close_topics(&self) -> bool {
        let mut saved = self.persist().await.is_ok();
        tracing::info!("NSQ: closing topics");
        let topics = self.all_topics();
        let closing: Vec<_> = topics.iter().map(|topic| topic.begin_close()).collect();
        for (topic, closing) in topics.iter().zip(closing) {
            if let Err(error) = closing.closed().await {
                tracing::error!("TOPIC({}): failed to close - {error}", topic.name());
                saved = false;
            }
        }
        saved
    }

    /// The version that clients and other daemons are told.
    pub fn version(&self) -> &'static str {
        VERSION
    }
}
