//! Producers, consumers and an operator on real threads: every message is finished exactly once per channel, and
//! nobody waits for ever.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use bytes::Bytes;
use nsq_core::{
    Channel, ClientId, ConsumerOptions, Core, CoreOptions, Durability, IoPool, Locality, Observer, Signal,
    Timers, Topic,
};
use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::Clock;
use nsq_testkit::storage::MemStorage;
use parking_lot::Mutex;

const PRODUCERS: usize = 3;
const CONSUMERS: usize = 3;
const CHANNELS: [&str; 2] = ["one", "two"];
const BATCHES: usize = 400;
const BATCH_LEN: usize = 20;
const MESSAGES: usize = PRODUCERS * BATCHES * BATCH_LEN;

/// A test that takes longer hangs: a wake was lost.
const PATIENCE: Duration = Duration::from_secs(60);

struct Silent;

impl Observer for Silent {
    fn channel_created(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_deleting(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_deleted(&self, _: &TopicName, _: &ChannelName) {}
    fn channel_abandoned(&self, _: &TopicName, _: &ChannelName) {}
    fn topic_abandoned(&self, _: &TopicName) {}
}

/// Wakes a thread. A token says that it was for us: a thread may be unparked for other reasons.
struct Unpark {
    thread: Thread,
    is_woken: AtomicBool,
}

impl Unpark {
    fn current() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            is_woken: AtomicBool::new(false),
        })
    }

    /// Waits to be woken, or until `stop`. Never looks at anything else, as a session does not.
    fn wait(&self, stop: &AtomicBool) {
        while !self.is_woken.swap(false, Ordering::AcqRel) && !stop.load(Ordering::Acquire) {
            thread::park();
        }
    }
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let unpark = Unpark::current();
    let waker = Waker::from(Arc::clone(&unpark));
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(outcome) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return outcome;
        }
        unpark.wait(&AtomicBool::new(false));
    }
}

/// A little randomness of its own for each thread.
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

fn produce(topic: &Topic, producer: usize) {
    for batch in 0..BATCHES {
        let first = (producer * BATCHES + batch) * BATCH_LEN;
        let bodies = (first..first + BATCH_LEN).map(|serial| Bytes::from(format!("{serial}")));
        block_on(topic.publish(bodies).unwrap().settled()).unwrap();
    }
}

/// What a channel's consumers have finished.
#[derive(Default)]
struct Finished {
    serials: Mutex<HashSet<usize>>,
    count: AtomicUsize,
}

/// Consumes as a session does, through a few connections, until `stop`.
fn consume(channel: &Arc<Channel>, clock: &Clock, finished: &Finished, stop: &AtomicBool, id: u64) {
    let mut random = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let options = ConsumerOptions {
        msg_timeout: Duration::from_secs(3600),
        sample_rate: 0,
        locality: Locality::Global,
    };
    while !stop.load(Ordering::Acquire) {
        let unpark = Unpark::current();
        let waker = Waker::from(Arc::clone(&unpark));
        let mut subscription = channel.subscribe(ClientId(id), options).unwrap();
        subscription.set_ready(1 + next(&mut random) % 40);
        let mut may_take = true;
        // A connection lives for so many chunks.
        let mut left = 20 + next(&mut random) % 200;
        while left > 0 && !stop.load(Ordering::Acquire) {
            while let Poll::Ready(signal) = subscription.poll_signal(&mut Context::from_waker(&waker)) {
                assert_eq!(signal, Signal::Messages);
                may_take = true;
            }
            if !may_take {
                unpark.wait(stop);
                continue;
            }
            if next(&mut random).is_multiple_of(16) {
                subscription.pass_on(clock.now());
            }
            let mut taken = Vec::new();
            let count = subscription.take(clock.now(), 1 << 20, |message| {
                let serial: usize = std::str::from_utf8(&message.body).unwrap().parse().unwrap();
                taken.push((message.id, serial));
            });
            assert!(subscription.in_flight() <= subscription.ready());
            may_take = count > 0;
            left -= 1;
            if left == 0 {
                // Leaves with messages in flight, and perhaps with a wake that it does not answer.
                break;
            }
            for (id, serial) in taken {
                match next(&mut random) % 8 {
                    0 => subscription.requeue(id, Duration::ZERO, clock.now()).unwrap(),
                    1 => subscription
                        .requeue(id, Duration::from_millis(1), clock.now())
                        .unwrap(),
                    _ => {
                        subscription.finish(id).unwrap();
                        assert!(
                            finished.serials.lock().insert(serial),
                            "{serial} was finished twice"
                        );
                        finished.count.fetch_add(1, Ordering::AcqRel);
                    }
                }
            }
        }
    }
}

/// Pauses and goes on, fires the timers, looks at the statistics; until everything is finished.
fn operate(topic: &Topic, timers: &Timers, clock: &Clock, finished: &[Finished; 2]) {
    let deadline = clock.now() + PATIENCE;
    let mut random = 0x5eed_u64;
    while finished
        .iter()
        .any(|finished| finished.count.load(Ordering::Acquire) < MESSAGES)
    {
        let snapshot = topic.snapshot(true, |_| true);
        assert!(clock.now() < deadline, "somebody waits for ever: {snapshot:?}");
        let channels = topic.channels();
        match next(&mut random) % 64 {
            0 => topic.pause(),
            1..4 => topic.unpause(),
            4 => channels.iter().for_each(|channel| channel.pause()),
            5..9 => channels.iter().for_each(|channel| channel.unpause()),
            _ => {}
        }
        timers.fire(clock.now());
        thread::yield_now();
    }
}

fn run(mem_queue_size: usize) {
    let clock = Clock::system();
    let timers = Arc::new(Timers::default());
    let options = CoreOptions {
        data_path: "/data".into(),
        mem_queue_size,
        max_bytes_per_file: 20_000,
        sync_every: 500,
        sync_timeout: Duration::from_millis(5),
        max_msg_size: 1 << 20,
        max_msg_timeout: Duration::from_secs(3600),
        max_channel_consumers: None,
        node_id: 7,
        latency_quantiles: Vec::new(),
        latency_window: Duration::from_secs(600),
        topology_aware: false,
        durability: Durability::Go,
        min_free_disk_space: 0,
        requeue_on_disconnect: true,
        defer_max: Duration::from_secs(3600),
        keeps_deferred: true,
    };
    let core = Core::new(
        options,
        clock.clone(),
        Arc::clone(&timers),
        IoPool::start("io", 2, &nsq_runtime::Shutdown::new()).unwrap(),
        IoPool::start("sync", 2, &nsq_runtime::Shutdown::new()).unwrap(),
        Arc::new(MemStorage::new()),
        Arc::new(Silent),
    );
    let topic = Topic::new(&core, TopicName::new("t").unwrap());
    topic.start();
    let channels = CHANNELS.map(|name| {
        let name = ChannelName::new(name).unwrap();
        topic.channel_or_create(&name).unwrap().0
    });
    let finished = [Finished::default(), Finished::default()];
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let mut consumers = Vec::new();
        for (channel, finished) in channels.iter().zip(&finished) {
            for consumer in 0..CONSUMERS {
                let (clock, stop) = (&clock, &stop);
                let id = consumer as u64 + 1;
                consumers.push(scope.spawn(move || consume(channel, clock, finished, stop, id)));
            }
        }
        for producer in 0..PRODUCERS {
            let topic = &topic;
            scope.spawn(move || produce(topic, producer));
        }
        let operated = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            operate(&topic, &timers, &clock, &finished);
        }));
        stop.store(true, Ordering::Release);
        for consumer in consumers {
            consumer.thread().unpark();
        }
        if let Err(panic) = operated {
            std::panic::resume_unwind(panic);
        }
    });
    for (channel, finished) in channels.iter().zip(&finished) {
        let snapshot = channel.snapshot(true);
        assert_eq!(finished.serials.lock().len(), MESSAGES);
        assert_eq!(snapshot.message_count, MESSAGES as u64);
        assert_eq!(
            (snapshot.depth, snapshot.in_flight_count, snapshot.deferred_count),
            (0, 0, 0)
        );
    }
    block_on(topic.begin_close().closed()).unwrap();
}

#[test]
fn every_message_in_memory_is_finished_exactly_once() {
    run(1_000_000);
}

#[test]
fn every_message_on_disk_is_finished_exactly_once() {
    run(0);
}

#[test]
fn every_message_that_goes_through_memory_and_disk_is_finished_exactly_once() {
    run(50);
}
