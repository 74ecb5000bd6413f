//! A core whose clock and I/O move only when the test says so.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use nsq_core::{
    Channel, ClientId, ConsumerOptions, Core, CoreOptions, Durability, Guid, IoPool, Locality, Observer,
    StorageError, Subscription, Timers, Topic,
};
use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::{ManualClock, Moment};
use nsq_testkit::storage::{Loss, MemStorage};

/// The longest delay.
pub(crate) const DEFER_MAX: Duration = Duration::from_secs(3600);

pub(crate) struct Harness {
    pub(crate) core: Arc<Core>,
    pub(crate) storage: MemStorage,
    clock: ManualClock,
    timers: Arc<Timers>,
    io: Arc<IoPool>,
}

struct Silent;

impl Observer for Silent {
    fn channel_created(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_deleting(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_deleted(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_abandoned(&self, _: &TopicName, _: &ChannelName) {}
    fn topic_abandoned(&self, _: &TopicName) {}
}

impl Harness {
    pub(crate) fn new(mem_queue_size: usize) -> Self {
        Self::with_storage(MemStorage::new(), mem_queue_size)
    }

    pub(crate) fn with_storage(storage: MemStorage, mem_queue_size: usize) -> Self {
        Self::with_options(storage, |options| options.mem_queue_size = mem_queue_size)
    }

    /// With other options than the defaults, which have no memory queue.
    pub(crate) fn with_options(storage: MemStorage, change: impl FnOnce(&mut CoreOptions)) -> Self {
        let mut options = CoreOptions {
            data_path: "/data".into(),
            mem_queue_size: 0,
            max_bytes_per_file: 100 << 20,
            sync_every: 2500,
            sync_timeout: Duration::from_secs(2),
            max_msg_size: 1 << 20,
            max_msg_timeout: Duration::from_secs(900),
            max_channel_consumers: None,
            node_id: 7,
            latency_quantiles: Vec::new(),
            latency_window: Duration::from_secs(600),
            topology_aware: false,
            durability: Durability::Go,
            min_free_disk_space: 0,
            requeue_on_disconnect: false,
            defer_max: DEFER_MAX,
            keeps_deferred: true,
        };
        change(&mut options);
        let (clock, timers, io) = (
            ManualClock::new(),
            Arc::new(Timers::default()),
            IoPool::without_threads(),
        );
        let core = Core::new(
            options,
            clock.clock(),
            Arc::clone(&timers),
            Arc::clone(&io),
            Arc::clone(&io),
            Arc::new(storage.clone()),
            Arc::new(Silent),
        );
        Self {
            core,
            storage,
            clock,
            timers,
            io,
        }
    }

    pub(crate) fn topic(&self, name: &str) -> Arc<Topic> {
        let topic = Topic::new(&self.core, TopicName::new(name).unwrap());
        topic.start();
        self.settle();
        topic
    }

    pub(crate) fn channel(&self, topic: &Topic, name: &str) -> Arc<Channel> {
        let (channel, _) = topic.channel_or_create(&ChannelName::new(name).unwrap()).unwrap();
        self.settle();
        channel
    }

    /// Does all I/O there is.
    pub(crate) fn settle(&self) {
        while self.io.run_next() {}
    }

    /// Waits for something that only needs I/O.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(outcome) = work.as_mut().poll(&mut cx) {
                return outcome;
            }
            assert!(self.io.run_next(), "it waits for something else than I/O");
        }
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
        while self.timers.fire(self.now()).is_some_and(|at| at <= self.now()) {}
        self.settle();
    }

    /// Sets the wall clock forward, and nothing else.
    pub(crate) fn step_wall(&self, by: Duration) {
        self.clock.step_wall(i64::try_from(by.as_nanos()).unwrap());
    }

    /// Likewise, back.
    pub(crate) fn step_wall_back(&self, by: Duration) {
        self.clock.step_wall(-i64::try_from(by.as_nanos()).unwrap());
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.clock().now()
    }

    pub(crate) fn subscribe(&self, topic: &Topic, channel: &str, ready: u64) -> Subscription {
        let options = ConsumerOptions {
            msg_timeout: Duration::from_secs(60),
            sample_rate: 0,
            locality: Locality::Global,
        };
        let mut subscription = self
            .channel(topic, channel)
            .subscribe(ClientId(1), options)
            .unwrap();
        subscription.set_ready(ready);
        subscription
    }

    /// Takes all that RDY allows, letting the disk work in between.
    pub(crate) fn take(&self, subscription: &mut Subscription) -> Vec<(Guid, u16, Bytes)> {
        let mut taken = Vec::new();
        loop {
            let count = subscription.take(self.now(), usize::MAX, |message| {
                taken.push((message.id, message.attempts, message.body.clone()));
            });
            if count == 0 && !self.io.run_next() {
                return taken;
            }
        }
    }

    /// Stops the topic as a clean stop does.
    pub(crate) fn close(&self, topic: &Topic) -> Result<(), StorageError> {
        self.wait(topic.begin_close().closed())
    }

    /// What starts on the files that a crash leaves at this moment.
    pub(crate) fn crash(self, loss: Loss) -> Self {
        Self::with_storage(self.storage.image(loss), 0)
    }

    /// What starts on the files that this one has left.
    pub(crate) fn restart(self, mem_queue_size: usize) -> Self {
        Self::with_storage(self.storage, mem_queue_size)
    }
}

pub(crate) fn bodies(range: std::ops::Range<u32>) -> Vec<Bytes> {
    range.map(|n| Bytes::from(format!("m{n}"))).collect()
}

pub(crate) fn publish(topic: &Topic, range: std::ops::Range<u32>) {
    drop(topic.publish(bodies(range).into_iter()).unwrap());
}

pub(crate) fn taken_bodies(taken: &[(Guid, u16, Bytes)]) -> Vec<Bytes> {
    taken.iter().map(|(_, _, body)| body.clone()).collect()
}
