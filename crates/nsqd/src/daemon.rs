//! One nsqd: its topics, its clients, and what they share.
//!
//! [`start`] opens the data directory and the listeners, [`Daemon::serve`] runs until it is told to stop
//! and then stops in order. In between, everything goes through [`Nsqd`].
//!
//! Upstream: nsqd/nsqd.go.

mod keeper;
mod observer;
mod run;
mod stepped;

pub use run::{Daemon, StartError, start};

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nsq_app::{Log, VERSION, hostname};
use nsq_core::{
    Core, CoreOptions, Distribution, Durability, FsStorage, IoPool, Locality, PublishError, Receipt,
    SYNC_THREADS, StorageError, Timers, Topic, io_threads,
};
use nsq_flags::ConfigValue;
use nsq_net::LocalAddr;
use nsq_protocol::command::Limits;
use nsq_protocol::identify::{ClientSettings, IdentifyLimits, ServerInfo};
use nsq_protocol::lookup::PeerInfo;
use nsq_protocol::name::{ChannelName, TopicName, TopicRef};
use nsq_runtime::{Clock, Moment, Shutdown, TaskGroup};
use parking_lot::RwLock;
use tokio::sync::oneshot;

use crate::auth::Authorizer;
use crate::client::{ClientDetails, Clients};
use crate::lookup::{ChannelQuery, Lookup, PeerStatus};
use crate::metadata::{ChannelMeta, Metadata, TopicMeta};
use crate::options::{Options, TlsRequired};
use crate::tls::Tls;
use keeper::Keeper;
use observer::Events;

/// Bounds, in bytes, by which is counted how much is sent to a client at once: from a lone answer to a full output
/// buffer and more.
const FLUSH_SIZES: [u64; 9] = [
    64,
    256,
    1 << 10,
    4 << 10,
    16 << 10,
    64 << 10,
    256 << 10,
    1 << 20,
    4 << 20,
];

/// The shared heart of the daemon. Sessions and HTTP handlers hold it by `Arc`.
pub struct Nsqd {
    options: Options,
    core: Arc<Core>,
    timers: Arc<Timers>,
    clock: Clock,
    log: Log,
    topics: RwLock<HashMap<TopicName, Arc<Topic>>>,
    clients: Arc<Clients>,
    keeper: Keeper,
    /// Set until the topics of the metadata exist: it is not written before.
    loading: AtomicBool,
    /// Set when the stop has begun: no topic is made any more.
    stopping: AtomicBool,
    /// Given when a thread that works on files has panicked.
    broken: Shutdown,
    /// Work begun by events, such as deleting an ephemeral channel.
    tasks: TaskGroup,
    /// Unix seconds.
    started_at: i64,
    /// The same on the monotonic clock.
    started: Moment,
    lookup: Lookup,
    listening: Listening,
    command_limits: Limits,
    identify_limits: IdentifyLimits,
    server_info: ServerInfo,
    flush_sizes: Distribution<{ FLUSH_SIZES.len() }>,
    tls: Tls,
    /// `None` if clients need no authorization.
    authorizer: Option<Arc<Authorizer>>,
}

/// The addresses that are really listened on.
#[derive(Clone, Debug, Default)]
pub struct Listening {
    /// V2.
    pub tcp: Option<LocalAddr>,
    /// HTTP, unless it is off.
    pub http: Option<LocalAddr>,
    /// HTTPS, unless it is off or there is no certificate.
    pub https: Option<LocalAddr>,
}

impl Nsqd {
    fn new(
        options: Options,
        tls: Tls,
        listening: Listening,
        log: Log,
        clock: Clock,
    ) -> std::io::Result<Arc<Self>> {
        let broken = Shutdown::new();
        let timers = Arc::new(Timers::default());
        let events = Arc::new(Events::default());
        let core = Core::new(
            core_options(&options),
            clock.clone(),
            Arc::clone(&timers),
            IoPool::start("disk", io_threads(), &broken)?,
            IoPool::start("sync", SYNC_THREADS, &broken)?,
            Arc::new(FsStorage),
            Arc::<Events>::clone(&events),
        );
        let nsqd = Arc::new_cyclic(|me| {
            events.connect(me.clone());
            Self {
                keeper: Keeper::new(me.clone()),
                core,
                timers,
                topics: RwLock::default(),
                clients: Arc::default(),
                loading: AtomicBool::new(true),
                stopping: AtomicBool::new(false),
                broken,
                tasks: TaskGroup::new("events"),
                started_at: clock.wall_ns() / 1_000_000_000,
                started: clock.now(),
                lookup: Lookup::new(
                    nsqlookupd_tcp_addresses(&options),
                    channel_query(&options, &clock),
                ),
                listening,
                command_limits: command_limits(&options),
                identify_limits: identify_limits(&options),
                server_info: server_info(&options, &tls),
                authorizer: Authorizer::new(&options, &tls, &clock).map(Arc::new),
                flush_sizes: Distribution::new(FLUSH_SIZES),
                tls,
                options,
                clock,
                log,
            }
        });
        nsqd.keeper.start()?;
        Ok(nsqd)
    }

    /// The options it runs with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The log, whose level can be changed.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The clock of everything in it.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// When it started, in Unix seconds.
    pub fn started_at(&self) -> i64 {
        self.started_at
    }

    /// How long it has been running.
    pub fn uptime(&self) -> Duration {
        self.clock.now() - self.started
    }

    /// Where to register: the list at the start, or what it was changed to. `None` is an empty list that
    /// was given as null.
    pub fn nsqlookupd_tcp_addresses(&self) -> Option<Vec<String>> {
        self.lookup.addresses()
    }

    /// Replaces the list of addresses to register at, until the next start.
    pub(crate) fn set_nsqlookupd_tcp_addresses(self: &Arc<Self>, addresses: Option<Vec<String>>) {
        self.lookup.replace(self, addresses);
    }

    /// Each nsqlookupd, and whether it is informed.
    pub(crate) fn lookupds(&self) -> Vec<PeerStatus> {
        self.lookup.peers()
    }

    /// What nsqlookupd is told of this nsqd.
    pub(crate) fn peer_info(&self) -> PeerInfo {
        let options = &self.options;
        PeerInfo {
            broadcast_address: options.broadcast_address.clone(),
            hostname: hostname(),
            http_port: i64::from(options.broadcast_http_port),
            tcp_port: i64::from(options.broadcast_tcp_port),
            topology_region: options.topology_region.clone(),
            topology_zone: options.topology_zone.clone(),
            version: VERSION.to_owned(),
        }
    }

    /// The channels by which consumers may find a topic; `None` if they are not to find it at all.
    pub(crate) fn registrable_channels(&self, topic: &TopicName) -> Option<BTreeSet<ChannelName>> {
        let topic = self.existing_topic(topic)?;
        let channels = topic.channels().into_iter();
        let channels = channels.filter(|channel| !channel.is_exiting());
        let names = channels.map(|channel| channel.name().clone()).collect();
        (!topic.is_exiting()).then_some(names)
    }

    /// Whether the stop has begun. Topics are closed after that.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// The addresses that are really listened on.
    pub fn listening(&self) -> &Listening {
        &self.listening
    }

    /// All V2 connections.
    pub fn clients(&self) -> &Arc<Clients> {
        &self.clients
    }

    /// Why the most recent write to a disk queue failed; `None` while all is well.
    pub fn storage_error(&self) -> Option<StorageError> {
        self.core.storage_error()
    }

    /// What all topics and channels share.
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// How many bytes went out to clients between two flushes.
    pub(crate) fn flush_sizes(&self) -> &Distribution<{ FLUSH_SIZES.len() }> {
        &self.flush_sizes
    }

    /// The topic of this name, if there is one.
    pub fn existing_topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics.read().get(name).map(Arc::clone)
    }

    /// All topics, by name.
    pub fn all_topics(&self) -> Vec<Arc<Topic>> {
        let mut topics: Vec<_> = self.topics.read().values().map(Arc::clone).collect();
        topics.sort_unstable_by(|one, other| one.name().cmp(other.name()));
        topics
    }

    /// The topic of this name, made if there is none.
    ///
    /// While nsqd stops, a topic that did not exist refuses all messages.
    ///
    /// Upstream: nsqd/nsqd.go, `GetTopic`.
    pub fn topic(&self, name: TopicRef<'_>) -> Arc<Topic> {
        if let Some(topic) = self.topics.read().get(name.as_str()) {
            return Arc::clone(topic);
        }
        let (topic, made) = self.make_topic(name);
        if made {
            self.lookup.topic_changed(topic.name());
            self.lookup.start_topic(&topic);
            if !name.is_ephemeral() {
                self.persist_soon();
            }
        }
        topic
    }

    /// The topic of this name, made if there is none, and whether it was. Nothing flows into the channels
    /// of a new topic until it is started.
    fn make_topic(&self, name: TopicRef<'_>) -> (Arc<Topic>, bool) {
        let mut topics = self.topics.write();
        if let Some(topic) = topics.get(name.as_str()) {
            return (Arc::clone(topic), false);
        }
        let topic = Topic::new(&self.core, name.to_owned());
        if self.is_stopping() {
            topic.begin_delete();
            return (topic, false);
        }
        topics.insert(topic.name().clone(), Arc::clone(&topic));
        drop(topics);
        tracing::info!("TOPIC({name}): created");
        (topic, true)
    }

    /// The same, for who publishes again and again: `last` spares the look-up.
    pub(crate) fn topic_for(&self, name: TopicRef<'_>, last: Option<&Arc<Topic>>) -> Arc<Topic> {
        match last {
            Some(last) if last.name().as_str() == name.as_str() && !last.is_exiting() => Arc::clone(last),
            _ => self.topic(name),
        }
    }

    /// Deletes a topic with its channels and all they hold. Returns false if there is none of this name.
    ///
    /// # Errors
    /// Files could not be removed. The topic is gone all the same.
    ///
    /// # Cancel safety
    /// Not cancel safe: the topic would refuse messages for ever. Run it in a task of its own.
    pub async fn delete_topic(&self, name: &str) -> Result<bool, StorageError> {
        let Some(topic) = self.existing_topic(name) else {
            return Ok(false);
        };
        if !topic.begin_delete() {
            return Ok(true);
        }
        tracing::info!("TOPIC({name}): deleting");
        self.lookup.topic_deleting(topic.name());
        let outcome = topic.finish_delete().await;
        let mut topics = self.topics.write();
        if topics
            .get(name)
            .is_some_and(|current| Arc::ptr_eq(current, &topic))
        {
            topics.remove(name);
        }
        drop(topics);
        // After the removal: a crash must not bring the topic back.
        if !topic.name().is_ephemeral() {
            self.persist_soon();
        }
        outcome.map(|()| true)
    }

    /// Runs `work` to its end even if nobody waits for it any more; `None` if it panicked.
    pub(crate) async fn complete<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (done, outcome) = oneshot::channel();
        self.tasks.spawn(async move {
            // The one who asked may have gone.
            let _ = done.send(work.await);
        });
        outcome.await.ok()
    }

    /// Sees to it that the metadata file is written soon. Many changes at once are written once.
    pub(crate) fn persist_soon(&self) {
        if !self.loading.load(Ordering::Acquire) {
            self.keeper.request();
        }
    }

    /// Writes the metadata file, and waits for it.
    ///
    /// # Errors
    /// The file could not be written; the reason is in the log.
    pub async fn persist(&self) -> Result<(), StorageError> {
        self.keeper.persist().await
    }

    /// Waits until messages are as safe as they have to be; with files, that includes that the metadata file names
    /// the topic and the channels they are in.
    pub(crate) async fn settle(&self, receipt: Receipt) -> Result<(), PublishError> {
        receipt.settled().await?;
        if self.options.durability != Durability::Go && !self.keeper.is_saved() {
            self.persist().await.map_err(PublishError::Storage)?;
        }
        Ok(())
    }

    /// Waits until the metadata file names what has just been made, if that is promised, or in doubt.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) async fn made(&self) -> Result<(), StorageError> {
        let waits = self.options.durability != Durability::Go || self.keeper.is_failing();
        if waits && !self.keeper.is_saved() {
            self.persist().await
        } else {
            Ok(())
        }
    }

    /// What the metadata file is to hold.
    fn metadata(&self) -> Metadata {
        let topics = self
            .all_topics()
            .into_iter()
            .filter(|topic| !topic.name().is_ephemeral());
        let topics = topics.map(|topic| {
            let channels = topic
                .channels()
                .into_iter()
                .filter(|channel| !channel.name().is_ephemeral());
            let channels = channels.map(|channel| ChannelMeta {
                name: channel.name().clone(),
                paused: channel.is_paused(),
            });
            TopicMeta {
                name: topic.name().clone(),
                paused: topic.is_paused(),
                channels: channels.collect(),
            }
        });
        Metadata {
            topics: topics.collect(),
        }
    }

    /// Where a client is, as seen from here. Without the experiment that does not matter, and everyone is
    /// served and counted alike.
    pub(crate) fn locality_of(&self, client: &ClientDetails) -> Locality {
        if !self.options.topology_aware_consumption {
            return Locality::Global;
        }
        let is_same = |own: &str, theirs: &str| !own.is_empty() && own == theirs;
        if is_same(&self.options.topology_zone, &client.topology_zone) {
            Locality::Zone
        } else if is_same(&self.options.topology_region, &client.topology_region) {
            Locality::Region
        } else {
            Locality::Global
        }
    }

    /// What TLS is spoken with.
    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Whether a V2 connection without TLS may do nothing but identify.
    pub(crate) fn requires_tls(&self) -> bool {
        self.options.tls.required != TlsRequired::No
    }

    /// What a client runs with that has not identified.
    pub(crate) fn client_settings(&self) -> ClientSettings {
        ClientSettings::new(self.options.msg_timeout, self.options.output_buffer_timeout)
    }

    pub(crate) fn command_limits(&self) -> Limits {
        self.command_limits
    }

    pub(crate) fn identify_limits(&self) -> IdentifyLimits {
        self.identify_limits
    }

    /// Who says what a client may do; `None` if everyone may do everything.
    pub(crate) fn authorizer(&self) -> Option<&Arc<Authorizer>> {
        self.authorizer.as_ref()
    }

    pub(crate) fn server_info(&self) -> &ServerInfo {
        &self.server_info
    }
}

impl fmt::Debug for Nsqd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nsqd")
            .field("listening", &self.listening)
            .field("topics", &self.topics.read().len())
            .finish_non_exhaustive()
    }
}

/// The list at the start. The configuration file may call an empty one null, which `GET /config` repeats.
fn nsqlookupd_tcp_addresses(options: &Options) -> Option<Vec<String>> {
    match options.config_value("nsqlookupd_tcp_addresses") {
        Some(ConfigValue::Texts(addresses)) => addresses,
        _ => Some(options.nsqlookupd_tcp_addresses.clone()),
    }
}

fn channel_query(options: &Options, clock: &Clock) -> ChannelQuery {
    ChannelQuery::new(
        clock.clone(),
        options.http_client_connect_timeout,
        options.http_client_request_timeout,
    )
}

fn core_options(options: &Options) -> CoreOptions {
    CoreOptions {
        data_path: options.data_path.clone(),
        mem_queue_size: options.mem_queue_size,
        max_bytes_per_file: options.max_bytes_per_file,
        sync_every: options.sync_every,
        sync_timeout: options.sync_timeout,
        max_msg_size: u32::try_from(options.max_msg_size).unwrap_or(u32::MAX),
        max_msg_timeout: options.max_msg_timeout,
        max_channel_consumers: options.max_channel_consumers,
        node_id: options.node_id,
        latency_quantiles: options.e2e_processing_latency_percentiles.clone(),
        latency_window: options.e2e_processing_latency_window_time,
        topology_aware: options.topology_aware_consumption,
        durability: options.durability,
        min_free_disk_space: options.min_free_disk_space,
        requeue_on_disconnect: options.requeue_on_disconnect,
        defer_max: options.max_req_timeout,
        keeps_deferred: options.keep_deferred,
    }
}

fn command_limits(options: &Options) -> Limits {
    Limits {
        max_msg_size: saturating(options.max_msg_size as u64),
        max_body_size: saturating(options.max_body_size as u64),
        max_rdy_count: saturating(options.max_rdy_count),
        max_req_timeout_ms: u64::try_from(options.max_req_timeout.as_millis()).unwrap_or(u64::MAX),
    }
}

fn identify_limits(options: &Options) -> IdentifyLimits {
    IdentifyLimits {
        max_heartbeat_interval: options.max_heartbeat_interval,
        max_output_buffer_size: saturating(options.max_output_buffer_size as u64),
        min_output_buffer_timeout: options.min_output_buffer_timeout,
        max_output_buffer_timeout: options.max_output_buffer_timeout,
        max_msg_timeout: options.max_msg_timeout,
    }
}

fn server_info(options: &Options, tls: &Tls) -> ServerInfo {
    ServerInfo {
        version: VERSION.to_owned(),
        max_rdy_count: saturating(options.max_rdy_count),
        tls: tls.acceptor().is_some(),
        snappy: options.snappy,
        deflate: options.deflate,
        max_deflate_level: i64::from(options.max_deflate_level),
        auth_required: !options.auth_http_addresses.is_empty(),
        topology_region: options.topology_region.clone(),
        topology_zone: options.topology_zone.clone(),
    }
}

fn saturating(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
