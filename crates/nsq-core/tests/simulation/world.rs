//! The core under test beside the model of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use nsq_core::{
    Channel, Core, CoreOptions, Durability, Guid, IoPool, Observer, PublishError, StorageError, Timers, Topic,
};
use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::{ManualClock, Moment};
use nsq_testkit::storage::MemStorage;
use parking_lot::Mutex;

use crate::client::Client;
use crate::coverage::{Coverage, Reached};
use crate::model::{ChannelModel, Entry, Serial, TopicModel};
use crate::rng::Rng;

/// Lines of the trace that a failure shows.
fn trace_max() -> usize {
    crate::from_env("NSQ_SIM_TRACE").map_or(60, |lines| usize::try_from(lines).unwrap())
}

/// What the observer was told, not yet acted upon.
#[derive(Default)]
pub(crate) struct Events(Mutex<VecDeque<Event>>);

#[derive(Clone, Debug)]
pub(crate) enum Event {
    ChannelDeleting(String, String),
    ChannelAbandoned(String, String),
    TopicAbandoned(String),
}

impl Events {
    fn push(&self, event: Event) {
        self.0.lock().push_back(event);
    }

    pub(crate) fn pop(&self) -> Option<Event> {
        self.0.lock().pop_front()
    }
}

impl Observer for Events {
    fn channel_created(&self, _: &TopicName, _: &ChannelName) {}

    fn channel_deleting(&self, topic: &TopicName, channel: &ChannelName) {
        self.push(Event::ChannelDeleting(topic.to_string(), channel.to_string()));
    }

    fn channel_deleted(&self, _: &TopicName, _: &ChannelName) {}

    fn channel_abandoned(&self, topic: &TopicName, channel: &ChannelName) {
        self.push(Event::ChannelAbandoned(topic.to_string(), channel.to_string()));
    }

    fn topic_abandoned(&self, topic: &TopicName) {
        self.push(Event::TopicAbandoned(topic.to_string()));
    }
}

/// One life of the process.
pub(crate) struct Process {
    pub(crate) core: Arc<Core>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) io: Arc<IoPool>,
    pub(crate) syncs: Arc<IoPool>,
    pub(crate) events: Arc<Events>,
}

type Wait<E> = Pin<Box<dyn Future<Output = Result<(), E>>>>;

/// A publisher that waits to hear that its messages are safe.
pub(crate) struct Publisher {
    pub(crate) topic: String,
    pub(crate) serials: std::ops::Range<Serial>,
    pub(crate) wait: Wait<PublishError>,
    /// The disk has refused some of its messages: it must be told.
    pub(crate) has_lost: bool,
    /// A queue that held its messages was dropped: what it is told is a matter of timing.
    pub(crate) is_excused: bool,
}

/// An operation that has begun and has not ended.
pub(crate) struct Work {
    pub(crate) kind: WorkKind,
    pub(crate) wait: Wait<StorageError>,
    /// The disk failed at some time since it began.
    pub(crate) is_troubled: bool,
}

pub(crate) enum WorkKind {
    DeleteChannel(String, Arc<Channel>),
    DeleteTopic(Arc<Topic>),
    /// With what must not come back once it has ended.
    EmptyChannel(Arc<Channel>, BTreeSet<Serial>),
    EmptyTopic(Arc<Topic>),
}

/// What is known of a message, whatever channel.
pub(crate) struct MessageInfo {
    pub(crate) topic: String,
    pub(crate) id: Option<Guid>,
    /// It has waited in the topic's own queue, which a crash may set back.
    pub(crate) was_in_topic: bool,
    /// Its publisher was told that it is accepted.
    pub(crate) is_accepted: bool,
}

/// The settings of a run.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(crate) struct Setup {
    pub(crate) mem_queue_size: usize,
    pub(crate) max_bytes_per_file: u64,
    pub(crate) sync_every: u64,
    pub(crate) max_msg_timeout: Duration,
    pub(crate) requeue_on_disconnect: bool,
    pub(crate) durability: Durability,
    pub(crate) keeps_deferred: bool,
    pub(crate) topology_aware: bool,
    /// Some publishers send very much.
    pub(crate) is_heavy: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) setup: Setup,
    pub(crate) clock: ManualClock,
    pub(crate) storage: MemStorage,
    pub(crate) process: Process,
    pub(crate) topics: BTreeMap<String, TopicModel>,
    pub(crate) clients: Vec<Client>,
    pub(crate) messages: Vec<MessageInfo>,
    pub(crate) publishers: Vec<Publisher>,
    pub(crate) works: Vec<Work>,
    /// Queues whose files may still be there although they were deleted.
    pub(crate) residue: BTreeSet<String>,
    /// Queues deleted since the process began.
    pub(crate) deleted: BTreeSet<String>,
    /// The storage has planned faults.
    pub(crate) is_faulty: bool,
    /// Nothing has failed since all faults were healed and all retries made.
    pub(crate) is_calm: bool,
    pub(crate) restarts: u64,
    pub(crate) is_stopping: bool,
    /// Removing a file may have failed: it stays, and a queue of its name that is made anew finds it.
    pub(crate) has_leftovers: bool,
    /// A crash has torn writes.
    pub(crate) is_torn: bool,
    pub(crate) coverage: Coverage,
    pub(crate) last_client: u64,
    group: u64,
    trace: VecDeque<String>,
    trace_max: usize,
}

pub(crate) fn start_process(setup: &Setup, clock: &ManualClock, storage: &MemStorage) -> Process {
    let options = CoreOptions {
        data_path: "/data".into(),
        mem_queue_size: setup.mem_queue_size,
        max_bytes_per_file: setup.max_bytes_per_file,
        sync_every: setup.sync_every,
        sync_timeout: Duration::from_secs(2),
        max_msg_size: 1 << 20,
        max_msg_timeout: setup.max_msg_timeout,
        max_channel_consumers: None,
        node_id: 7,
        latency_quantiles: vec![0.5],
        latency_window: Duration::from_secs(600),
        topology_aware: setup.topology_aware,
        durability: setup.durability,
        min_free_disk_space: 0,
        requeue_on_disconnect: setup.requeue_on_disconnect,
        defer_max: Duration::from_secs(3600),
        keeps_deferred: setup.keeps_deferred,
    };
    let timers = Arc::new(Timers::default());
    let (io, syncs) = (IoPool::without_threads(), IoPool::without_threads());
    let events = Arc::new(Events::default());
    let core = Core::new(
        options,
        clock.clock(),
        Arc::clone(&timers),
        Arc::clone(&io),
        Arc::clone(&syncs),
        Arc::new(storage.clone()),
        Arc::<Events>::clone(&events),
    );
    Process {
        core,
        timers,
        io,
        syncs,
        events,
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let setup = Setup {
            mem_queue_size: rng.pick(&[0, 1, 2, 5, 20, 100]).unwrap(),
            max_bytes_per_file: rng.pick(&[200, 1_000, 10_000, 1 << 20]).unwrap(),
            sync_every: rng.pick(&[0, 1, 10, 2_500]).unwrap(),
            max_msg_timeout: Duration::from_secs(rng.pick(&[5, 120]).unwrap()),
            requeue_on_disconnect: rng.chance(20),
            durability: rng
                .pick(&[
                    Durability::Go,
                    Durability::Go,
                    Durability::Disk,
                    Durability::Fsync,
                ])
                .unwrap(),
            keeps_deferred: rng.chance(80),
            topology_aware: rng.chance(30),
            is_heavy: rng.chance(20),
        };
        let (clock, storage) = (ManualClock::new(), MemStorage::new());
        if rng.chance(30) {
            storage.shorten_io(rng.next());
        }
        Self {
            process: start_process(&setup, &clock, &storage),
            rng,
            setup,
            clock,
            storage,
            topics: BTreeMap::new(),
            clients: Vec::new(),
            messages: Vec::new(),
            publishers: Vec::new(),
            works: Vec::new(),
            residue: BTreeSet::new(),
            deleted: BTreeSet::new(),
            is_faulty: false,
            is_calm: true,
            restarts: 0,
            is_stopping: false,
            has_leftovers: false,
            is_torn: false,
            coverage: Coverage::default(),
            last_client: 0,
            group: 0,
            trace: VecDeque::new(),
            trace_max: trace_max(),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.clock().now()
    }

    /// Notes what is being done, for the report of a failure.
    pub(crate) fn trace(&mut self, line: String) {
        if self.trace.len() == self.trace_max {
            self.trace.pop_front();
        }
        self.trace.push_back(line);
    }

    pub(crate) fn trace_lines(&self) -> impl Iterator<Item = &String> {
        self.trace.iter()
    }

    pub(crate) fn new_group(&mut self) -> u64 {
        self.group += 1;
        self.group
    }

    pub(crate) fn next_serial(&self) -> Serial {
        self.messages.len() as Serial
    }

    /// The model of a channel, unless it is gone or going.
    pub(crate) fn live_channel(&mut self, handle: &Arc<Channel>) -> Option<&mut ChannelModel> {
        let topic = self.topics.get_mut(handle.topic().as_str())?;
        let channel = topic.channels.get_mut(handle.name().as_str())?;
        (Arc::ptr_eq(&channel.handle, handle) && !channel.is_exiting).then_some(channel)
    }

    /// Messages that reach a channel, or return to it, go to the back of its queue.
    pub(crate) fn arrive(&mut self, handle: &Arc<Channel>, entries: Vec<Entry>) {
        let memory_max = self.setup.mem_queue_size as u64;
        let Some(channel) = self.live_channel(handle) else {
            return;
        };
        let consumers = handle.snapshot(false).consumer_count as u64;
        let before = channel.queue.depth();
        let count = entries.len() as u64;
        let kept = if channel.is_ephemeral {
            let kept = handle.depth() - before;
            let room = memory_max.saturating_sub(before);
            if memory_max > 0 {
                assert_eq!(
                    kept,
                    count.min(room),
                    "an ephemeral queue of {before} keeps what fits of {count} more: {handle:?}"
                );
            } else {
                assert!(
                    kept <= count.min(consumers),
                    "kept {kept} for {consumers} consumers"
                );
            }
            kept
        } else {
            count
        };
        let first_time = entries.iter().all(|entry| entry.attempts == 0);
        let is_group = entries.windows(2).any(|pair| pair[0].group == pair[1].group);
        let entries: Vec<_> = if kept < count && is_group {
            // They came in no particular order: some of them are dropped.
            entries.iter().map(|entry| Entry::unknown(entry.group)).collect()
        } else {
            entries
        };
        for (index, entry) in entries.into_iter().enumerate() {
            if (index as u64) < kept {
                if let Some(serial) = entry.serial.filter(|_| first_time) {
                    channel.owe(serial);
                }
                channel.queue.entries.push_back(entry);
            } else {
                channel.dropped += 1;
            }
        }
        self.coverage.note_if(kept < count, Reached::EphemeralOverflow);
    }

    /// Lets an I/O thread do something, if there is anything to do.
    pub(crate) fn run_io(&mut self) -> bool {
        let Process { io, syncs, .. } = &self.process;
        let mut pools = [io, syncs];
        if self.rng.chance(50) {
            pools.reverse();
        }
        pools.into_iter().any(|pool| pool.run_next())
    }

    /// Lets an I/O thread do something, and follows what it did.
    pub(crate) fn io_step(&mut self) -> bool {
        let before = crate::observe::Before::of(self);
        if !self.run_io() {
            return false;
        }
        self.observe_io(&before);
        true
    }

    /// Follows the operations that have begun.
    pub(crate) fn poll_works(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        let mut works = std::mem::take(&mut self.works);
        works.retain_mut(|work| {
            work.is_troubled |= !self.is_calm;
            match work.wait.as_mut().poll(&mut cx) {
                Poll::Pending => true,
                Poll::Ready(outcome) => {
                    self.work_ended(work, &outcome);
                    false
                }
            }
        });
        works.append(&mut self.works);
        self.works = works;
        self.drain_events();
    }

    fn work_ended(&mut self, work: &Work, outcome: &Result<(), StorageError>) {
        assert!(
            outcome.is_ok() || work.is_troubled || self.is_stopping,
            "failed for no reason: {outcome:?}"
        );
        let is_sure = outcome.is_ok() && !work.is_troubled && !self.has_leftovers;
        match &work.kind {
            WorkKind::DeleteChannel(topic, handle) => {
                let name = handle.name().as_str();
                self.deleted.insert(format!("{topic}:{name}"));
                if !is_sure {
                    self.residue.insert(format!("{topic}:{name}"));
                }
                if let Some(topic) = self.topics.get_mut(topic)
                    && topic
                        .channels
                        .get(name)
                        .is_some_and(|channel| Arc::ptr_eq(&channel.handle, handle))
                {
                    topic.channels.remove(name);
                }
            }
            WorkKind::DeleteTopic(handle) => {
                let name = handle.name().as_str();
                let topic = self
                    .topics
                    .remove(name)
                    .expect("its name is taken until it is gone");
                let channels = topic.channels.keys().map(|channel| format!("{name}:{channel}"));
                let queues: Vec<_> = channels.chain([name.to_owned()]).collect();
                self.deleted.extend(queues.iter().cloned());
                if !is_sure {
                    self.residue.extend(queues);
                }
            }
            WorkKind::EmptyChannel(handle, dead) => {
                if let Some(channel) = self.live_channel(handle) {
                    if is_sure {
                        channel.dead.extend(dead);
                    }
                    // Without files that can be opened, what they hold stays.
                    channel.queue.is_recovering |= outcome.is_err();
                }
            }
            WorkKind::EmptyTopic(handle) => {
                if let Some(topic) = self.topics.get_mut(handle.name().as_str())
                    && Arc::ptr_eq(&topic.handle, handle)
                {
                    // As for a channel.
                    topic.queue.is_recovering |= outcome.is_err();
                }
            }
        }
    }

    /// Acts upon what the observer was told, as the daemon does.
    pub(crate) fn drain_events(&mut self) {
        while let Some(event) = self.process.events.pop() {
            self.trace(format!("  {event:?}"));
            match event {
                Event::ChannelDeleting(topic, channel) => self.mark_exiting(&topic, &channel),
                Event::ChannelAbandoned(topic, channel) => {
                    self.coverage.note(Reached::EphemeralChannelGone);
                    self.mark_exiting(&topic, &channel);
                    self.delete_channel(&topic, &channel);
                }
                Event::TopicAbandoned(topic) => {
                    self.coverage.note(Reached::EphemeralTopicGone);
                    self.delete_topic(&topic);
                }
            }
        }
    }

    fn mark_exiting(&mut self, topic: &str, channel: &str) {
        if let Some(channel) = self
            .topics
            .get_mut(topic)
            .and_then(|topic| topic.channels.get_mut(channel))
        {
            channel.is_exiting = true;
        }
        self.excuse_publishers(topic);
    }

    /// A queue with messages of this topic was dropped.
    pub(crate) fn excuse_publishers(&mut self, topic: &str) {
        let concerned = self.publishers.iter_mut();
        concerned
            .filter(|publisher| publisher.topic == topic)
            .for_each(|publisher| publisher.is_excused = true);
    }
}

impl ChannelModel {
    /// A message has come that is to be delivered at least once.
    pub(crate) fn owe(&mut self, serial: Serial) {
        if !self.is_ephemeral && !self.is_sampled && !self.delivered.contains(&serial) {
            self.owed.insert(serial);
        }
    }
}
