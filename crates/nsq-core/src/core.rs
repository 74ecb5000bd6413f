//! What all topics and channels of one nsqd share.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use nsq_diskqueue::{DirectoryIndex, Storage, SyncJob, SyncOutcome};
use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::Clock;
use parking_lot::Mutex;

use crate::distribution::{Distribution, DistributionSnapshot};
use crate::durability::Durability;
use crate::guid::GuidFactory;
use crate::io::IoPool;
use crate::queue::{QueueOptions, StorageError};
use crate::timer::Timers;

/// Bounds, in nanoseconds, by which the time is counted that a sync takes: from a disk that has a cache of its own
/// to one that is failing.
const SYNC_TIMES_NS: [u64; 10] = [
    100_000,
    300_000,
    1_000_000,
    3_000_000,
    10_000_000,
    30_000_000,
    100_000_000,
    300_000_000,
    1_000_000_000,
    10_000_000_000,
];

/// Consumed records are reported to the files at the latest when this many have gathered, or with the next sync.
const CONSUMED_MAX: usize = 2048;

/// The settings of the core; the names are those of nsqd's flags.
#[derive(Clone, Debug)]
pub struct CoreOptions {
    /// The directory of the disk queues.
    pub data_path: PathBuf,
    /// Messages that a topic or channel keeps in memory; what is beyond goes to disk.
    pub mem_queue_size: usize,
    /// Size at which a disk queue goes on in a new file.
    pub max_bytes_per_file: u64,
    /// Reads and writes of a disk queue after which it is synced.
    pub sync_every: u64,
    /// Time after which a disk queue with unsynced changes is synced.
    pub sync_timeout: Duration,
    /// Longest body, in bytes.
    pub max_msg_size: u32,
    /// Longest time that TOUCH can keep a message in flight, counted from its delivery.
    pub max_msg_timeout: Duration,
    /// Consumers per channel; `None` for no bound.
    pub max_channel_consumers: Option<usize>,
    /// The node id in message ids, below [`NODE_ID_END`](crate::NODE_ID_END).
    pub node_id: u16,
    /// Quantiles of the end-to-end latency to estimate, in (0, 1]; none switches the estimate off.
    pub latency_quantiles: Vec<f64>,
    /// How far back the latency estimate looks.
    pub latency_window: Duration,
    /// Whether consumers of the server's zone and region are served first.
    pub topology_aware: bool,
    /// What has to be true of a message before its publisher is told that it was accepted.
    pub durability: Durability,
    /// The longest that a message can be deferred. One that comes back from the files waits for no longer, however
    /// far the wall clock was set back since its due time was written.
    pub defer_max: Duration,
    /// Whether messages that are deferred at a clean stop are deferred after the next start, too. If not, they are
    /// delivered at once then, as upstream.
    pub keeps_deferred: bool,
    /// Publishers are refused while less is free on the disk of `data_path`, in bytes; 0 to let it become full.
    pub min_free_disk_space: u64,
    /// Whether messages in flight return at once when their consumer's connection ends, instead of
    /// waiting for their timeout as upstream.
    pub requeue_on_disconnect: bool,
}

impl CoreOptions {
    /// What a queue is made with.
    pub(crate) fn queue(&self, is_ephemeral: bool) -> QueueOptions {
        // With few records between two syncs, few are to come back after a crash.
        let consumed_max = usize::try_from(self.sync_every).unwrap_or(usize::MAX);
        QueueOptions {
            memory_max: self.mem_queue_size,
            durability: self.durability,
            keeps_deferred: self.keeps_deferred,
            consumed_max: consumed_max.clamp(1, CONSUMED_MAX),
            is_ephemeral,
        }
    }
}

/// Told what changes in the set of topics and channels. Called without any lock held.
pub trait Observer: Send + Sync {
    /// A channel was added to a topic.
    fn channel_created(&self, topic: &TopicName, channel: &ChannelName);

    /// A channel begins to be deleted; new consumers are refused from now on.
    fn channel_deleting(&self, topic: &TopicName, channel: &ChannelName);

    /// A channel has been removed from its topic.
    fn channel_deleted(&self, topic: &TopicName, channel: &ChannelName);

    /// The last consumer of an ephemeral channel has left: it wants to be deleted.
    fn channel_abandoned(&self, topic: &TopicName, channel: &ChannelName);

    /// The last channel of an ephemeral topic was removed: it wants to be deleted.
    fn topic_abandoned(&self, topic: &TopicName);
}

/// What all topics and channels of one nsqd share.
pub struct Core {
    pub(crate) options: CoreOptions,
    pub(crate) clock: Clock,
    pub(crate) timers: Arc<Timers>,
    pub(crate) io: Arc<IoPool>,
    pub(crate) syncs: Arc<IoPool>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) health: Health,
    sync_times_ns: Distribution<{ SYNC_TIMES_NS.len() }>,
    /// What the data directory held at the start; dropped once the known queues are open.
    index: Mutex<Option<Arc<DirectoryIndex>>>,
    /// The wall time behind which ids begin, in nanoseconds since the Unix epoch.
    ids_behind_ns: AtomicI64,
}

impl Core {
    /// Brings the parts together. Files are read and written by `io`, and synced by `syncs`, so that the one
    /// never waits for the other; they may be the same.
    pub fn new(
        options: CoreOptions,
        clock: Clock,
        timers: Arc<Timers>,
        io: Arc<IoPool>,
        syncs: Arc<IoPool>,
        storage: Arc<dyn Storage>,
        observer: Arc<dyn Observer>,
    ) -> Arc<Self> {
        let (health, index) = (Health::default(), Mutex::default());
        Arc::new(Self {
            options,
            clock,
            timers,
            io,
            syncs,
            storage,
            observer,
            health,
            sync_times_ns: Distribution::new(SYNC_TIMES_NS),
            index,
            ids_behind_ns: AtomicI64::new(i64::MIN),
        })
    }

    /// Lists the data directory once, for the many queues that are opened at the start.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn index_directory(&self) -> Result<(), StorageError> {
        let index =
            DirectoryIndex::scan(&*self.storage, &self.options.data_path).map_err(StorageError::new)?;
        *self.index.lock() = Some(Arc::new(index));
        Ok(())
    }

    /// Forgets the listing: from now on files come and go.
    pub fn forget_index(&self) {
        *self.index.lock() = None;
    }

    /// Lets the ids of topics that are made from now on begin behind those of wall time `wall_ns`, in nanoseconds
    /// since the Unix epoch: messages of an earlier process may have those, if the clock was set back since.
    pub fn begin_ids_behind(&self, wall_ns: i64) {
        self.ids_behind_ns.store(wall_ns, Ordering::Release);
    }

    /// The ids of a new topic.
    pub(crate) fn guids(&self) -> GuidFactory {
        GuidFactory::new(self.options.node_id).behind(self.ids_behind_ns.load(Ordering::Acquire))
    }

    pub(crate) fn directory_index(&self) -> Option<Arc<DirectoryIndex>> {
        self.index.lock().clone()
    }

    /// The settings.
    pub fn options(&self) -> &CoreOptions {
        &self.options
    }

    /// The clock by which messages are stamped and time out.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How long the syncs of disk queues have taken, in nanoseconds: from the start of a sync of one queue to its
    /// end, failed ones included.
    pub fn sync_times_ns(&self) -> DistributionSnapshot {
        self.sync_times_ns.snapshot()
    }

    /// Runs a sync and notes how long it has taken.
    pub(crate) fn run_sync(&self, job: SyncJob) -> SyncOutcome {
        let start = self.clock.now();
        let outcome = job.run();
        let taken = (self.clock.now() - start).as_nanos();
        self.sync_times_ns.note(u64::try_from(taken).unwrap_or(u64::MAX));
        outcome
    }

    /// Why a disk queue takes no messages; `None` while all are well. Of several, that of the first by name.
    ///
    /// Upstream: nsqd/nsqd.go, `GetError`.
    ///
    /// # Differs from upstream
    /// There it is how the most recent write of any queue ended; here each queue has to heal by itself.
    pub fn storage_error(&self) -> Option<StorageError> {
        self.health
            .0
            .lock()
            .first_key_value()
            .map(|(_, error)| error.clone())
    }

    /// Notes whether a file beside the disk queues can be written; of `None` that it can.
    pub fn set_health(&self, part: &str, error: Option<&StorageError>) {
        match error {
            Some(error) => self.health.note(part, error),
            None => self.health.clear(part),
        }
    }

    /// How many disk queues, and files beside them, cannot be written.
    pub fn unhealthy_queues(&self) -> usize {
        self.health.0.lock().len()
    }

    /// Whether enough space is free to accept messages.
    pub(crate) fn check_space(&self) -> Result<(), StorageError> {
        let min = self.options.min_free_disk_space;
        let path = &self.options.data_path;
        // If it cannot be known, writing will show.
        if min > 0 && self.storage.free_bytes(path).is_ok_and(|free| free < min) {
            return Err(StorageError::new(format!(
                "write {}: less than {min} bytes of disk space left",
                path.display()
            )));
        }
        Ok(())
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("options", &self.options)
            .field("clock", &self.clock)
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}

/// Why disk queues take no messages, by the names of their files.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<BTreeMap<String, StorageError>>);

impl Health {
    pub(crate) fn note(&self, queue: &str, error: &StorageError) {
        self.0.lock().insert(queue.to_owned(), error.clone());
    }

    pub(crate) fn clear(&self, queue: &str) {
        self.0.lock().remove(queue);
    }

    /// The same, for a queue that is going away.
    pub(crate) fn forget(&self, queue: impl FnOnce() -> String) {
        let mut unhealthy = self.0.lock();
        // Mostly all are well.
        if !unhealthy.is_empty() {
            unhealthy.remove(&queue());
        }
    }
}
