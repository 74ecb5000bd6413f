//! Topics and channels without sockets: what putting, taking and finishing a message cost.
#![expect(
    missing_docs,
    reason = "the macros of criterion make undocumented public functions"
)]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up fails")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nsq_core::{
    ClientId, ConsumerOptions, Core, CoreOptions, Durability, Guid, GuidFactory, IoPool, Locality, Observer,
    Subscription, Timers, Topic,
};
use nsq_diskqueue::FsStorage;
use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::{Clock, ManualClock, Moment};
use tempfile::TempDir;

/// What an `MPUB` brings at a time.
const BATCH: usize = 200;

/// One step of a benchmark: a whole number of batches within nsqd's default RDY maximum.
const STEP: usize = 2_000;

/// What a session takes before it writes.
const TAKE_BYTES: usize = 64 * 1024;

struct Silent;

impl Observer for Silent {
    fn channel_created(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_deleting(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_deleted(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_abandoned(&self, _: &TopicName, _: &ChannelName) {}
    fn topic_abandoned(&self, _: &TopicName) {}
}

/// A topic with consumers, all in memory.
struct Setup {
    topic: Arc<Topic>,
    consumers: Vec<Subscription>,
    timers: Arc<Timers>,
    clock: Clock,
    bodies: Bytes,
    _data: TempDir,
}

impl Setup {
    /// With one consumer on each of `channels` channels.
    fn new(channels: usize) -> Self {
        Self::with_clock(channels, &Clock::system())
    }

    fn with_clock(channels: usize, clock: &Clock) -> Self {
        let data = tempfile::tempdir().unwrap();
        let options = CoreOptions {
            data_path: data.path().to_owned(),
            mem_queue_size: 1_000_000,
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
            defer_max: Duration::from_secs(3600),
            keeps_deferred: true,
        };
        let (timers, io) = (Arc::new(Timers::default()), IoPool::without_threads());
        let core = Core::new(
            options,
            clock.clone(),
            Arc::clone(&timers),
            Arc::clone(&io),
            Arc::clone(&io),
            Arc::new(FsStorage),
            Arc::new(Silent),
        );
        let topic = Topic::new(&core, TopicName::new("bench").unwrap());
        topic.start();
        let consumer = ConsumerOptions {
            msg_timeout: Duration::from_secs(60),
            sample_rate: 0,
            locality: Locality::Global,
        };
        let consumers = (0..channels)
            .map(|number| {
                let name = ChannelName::new(format!("channel{number}")).unwrap();
                let channel = topic.channel_or_create(&name).unwrap().0;
                let mut subscription = channel.subscribe(ClientId(number as u64), consumer).unwrap();
                subscription.set_ready(STEP as u64);
                subscription
            })
            .collect();
        while io.run_next() {}
        Self {
            topic,
            consumers,
            timers,
            clock: clock.clone(),
            bodies: Bytes::from(vec![b'x'; BATCH * 200]),
            _data: data,
        }
    }

    fn publish(&self) {
        for _ in 0..STEP / BATCH {
            let bodies = (0..BATCH).map(|n| self.bodies.slice(n * 200..(n + 1) * 200));
            assert!(
                self.topic.publish(bodies).unwrap().is_settled(),
                "there is room in memory"
            );
        }
    }

    fn publish_deferred(&self, defer_ms: u32) {
        let receipt = self
            .topic
            .publish_deferred(self.bodies.slice(..200), defer_ms)
            .unwrap();
        assert!(receipt.is_settled(), "deferred messages are in memory");
    }

    fn take(&mut self) -> Vec<Vec<Guid>> {
        let now = self.clock.now();
        self.consumers
            .iter_mut()
            .map(|consumer| {
                let mut ids = Vec::with_capacity(STEP);
                while consumer.take(now, TAKE_BYTES, |message| ids.push(message.id)) > 0 {}
                ids
            })
            .collect()
    }

    fn finish(&mut self, held: &[Vec<Guid>]) {
        for (consumer, ids) in self.consumers.iter_mut().zip(held) {
            for id in ids {
                consumer.finish(*id).unwrap();
            }
        }
    }
}

/// The three steps of a message's way, timed apart.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Publish,
    Take,
    Finish,
}

/// Runs all phases `rounds` times and returns how long one of them took.
fn time(phase: Phase, rounds: u64, setup: &mut Setup) -> Duration {
    let clock = setup.clock.clone();
    let mut took = Duration::ZERO;
    let mut timed = |is_measured: bool, begun: Moment| {
        if is_measured {
            took += clock.now().since(begun);
        }
        clock.now()
    };
    for _ in 0..rounds {
        let begun = setup.clock.now();
        setup.publish();
        let begun = timed(matches!(phase, Phase::Publish), begun);
        let held = setup.take();
        let begun = timed(matches!(phase, Phase::Take), begun);
        setup.finish(&held);
        timed(matches!(phase, Phase::Finish), begun);
        assert_eq!(
            held.iter().map(Vec::len).sum::<usize>(),
            STEP * setup.consumers.len()
        );
    }
    took
}

fn flow(c: &mut Criterion) {
    let mut group = c.benchmark_group("core");
    for channels in [1, 10] {
        group.throughput(Throughput::Elements((STEP * channels) as u64));
        for phase in [Phase::Publish, Phase::Take, Phase::Finish] {
            group.bench_function(format!("{phase:?}/{channels} channels"), |b| {
                let mut setup = Setup::new(channels);
                b.iter_custom(|rounds| time(phase, rounds, &mut setup));
            });
        }
    }
    group.finish();
}

/// Deferred messages that come due while others wait.
fn deferred(c: &mut Criterion) {
    let mut group = c.benchmark_group("deferred");
    group.throughput(Throughput::Elements(STEP as u64));
    group.bench_function("publish, fire, take, finish", |b| {
        let clock = ManualClock::new();
        let mut setup = Setup::with_clock(1, &clock.clock());
        for number in 0..100_000 {
            setup.publish_deferred(600_000 + number);
        }
        b.iter(|| {
            for number in 0..STEP {
                let defer_ms = u32::try_from(number % 50 + 1).unwrap();
                setup.publish_deferred(defer_ms);
            }
            clock.advance(Duration::from_millis(50));
            while setup
                .timers
                .fire(setup.clock.now())
                .is_some_and(|at| at <= setup.clock.now())
            {}
            let held = setup.take();
            setup.finish(&held);
        });
    });
    group.finish();
}

fn identifiers(c: &mut Criterion) {
    let clock = Clock::system();
    let mut guids = GuidFactory::new(7);
    c.bench_function("guid/next", |b| b.iter(|| guids.next(black_box(clock.wall_ns()))));
    let guid = guids.next(clock.wall_ns());
    c.bench_function("guid/to and from text", |b| {
        b.iter(|| Guid::from_message_id(&black_box(guid).message_id()));
    });
}

criterion_group!(benches, flow, deferred, identifiers);
criterion_main!(benches);
