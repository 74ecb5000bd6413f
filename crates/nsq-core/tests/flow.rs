//! How messages travel through topics and channels, one step at a time.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nsq_core::{
    AnswerError, ClientId, ConsumerOptions, Core, CoreOptions, Guid, IoPool, Locality, Observer,
    Subscription, Timers, Topic,
};
use nsq_diskqueue::FsStorage;
use nsq_protocol::name::{ChannelName, TopicName};
use nsq_runtime::{ManualClock, Moment};

/// A core whose clock and I/O move only when the test says so.
struct Harness {
    core: Arc<Core>,
    clock: ManualClock,
    timers: Arc<Timers>,
    io: Arc<IoPool>,
    directory: tempfile::TempDir,
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
    fn new(mem_queue_size: usize) -> Self {
        Self::in_directory(tempfile::tempdir().unwrap(), mem_queue_size)
    }

    fn in_directory(directory: tempfile::TempDir, mem_queue_size: usize) -> Self {
        let options = CoreOptions {
            data_path: directory.path().to_owned(),
            mem_queue_size,
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
            requeue_on_disconnect: false,
        };
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
            Arc::new(FsStorage),
            Arc::new(Silent),
        );
        Self {
            core,
            clock,
            timers,
            io,
            directory,
        }
    }

    fn topic(&self, name: &str) -> Arc<Topic> {
        let topic = Topic::new(&self.core, TopicName::new(name).unwrap());
        topic.start();
        self.settle();
        topic
    }

    /// Does all I/O there is.
    fn settle(&self) {
        while self.io.run_next() {}
    }

    fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
        while self.timers.fire(self.now()).is_some_and(|at| at <= self.now()) {}
        self.settle();
    }

    fn now(&self) -> Moment {
        self.clock.clock().now()
    }

    fn subscribe(&self, topic: &Topic, channel: &str, ready: u64) -> Subscription {
        let channel = topic
            .channel_or_create(&ChannelName::new(channel).unwrap())
            .unwrap()
            .0;
        self.settle();
        let options = ConsumerOptions {
            msg_timeout: Duration::from_secs(60),
            sample_rate: 0,
            locality: Locality::Global,
        };
        let mut subscription = channel.subscribe(ClientId(1), options).unwrap();
        subscription.set_ready(ready);
        subscription
    }

    /// Takes all that RDY allows, letting the disk work in between.
    fn take(&self, subscription: &mut Subscription) -> Vec<(Guid, u16, Bytes)> {
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

    async fn close(self, topic: &Topic) -> tempfile::TempDir {
        let io = Arc::clone(&self.io);
        let drive = async {
            loop {
                while io.run_next() {}
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            closed = topic.begin_close().closed() => closed.unwrap(),
            () = drive => {}
        }
        self.directory
    }
}

fn bodies(range: std::ops::Range<u32>) -> Vec<Bytes> {
    range.map(|n| Bytes::from(format!("m{n}"))).collect()
}

fn publish(topic: &Topic, range: std::ops::Range<u32>) {
    drop(topic.publish(bodies(range).into_iter()).unwrap());
}

fn taken_bodies(taken: &[(Guid, u16, Bytes)]) -> Vec<Bytes> {
    taken.iter().map(|(_, _, body)| body.clone()).collect()
}

#[test]
fn order_survives_the_spill_to_disk() {
    let harness = Harness::new(10);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 2500);
    publish(&topic, 0..25);
    harness.settle();
    publish(&topic, 25..100);
    let channel = Arc::clone(consumer.channel());
    assert_eq!(channel.depth(), 100);
    assert_eq!(channel.snapshot(false).backend_depth, 90);
    assert_eq!(taken_bodies(&harness.take(&mut consumer)), bodies(0..100));
    assert_eq!(channel.depth(), 0);
}

#[test]
fn the_first_channel_receives_what_has_gathered_and_later_ones_what_follows() {
    let harness = Harness::new(10);
    let topic = harness.topic("t");
    publish(&topic, 0..50);
    harness.settle();
    assert_eq!(topic.snapshot(false, |_| true).depth, 50);
    let mut first = harness.subscribe(&topic, "first", 2500);
    let mut second = harness.subscribe(&topic, "second", 2500);
    publish(&topic, 50..60);
    assert_eq!(taken_bodies(&harness.take(&mut first)), bodies(0..60));
    assert_eq!(taken_bodies(&harness.take(&mut second)), bodies(50..60));
    assert_eq!(topic.snapshot(false, |_| true).depth, 0);
}

#[test]
fn a_receipt_is_settled_once_the_disk_has_the_message() {
    let harness = Harness::new(0);
    let topic = harness.topic("t");
    let consumer = harness.subscribe(&topic, "c", 0);
    let receipt = topic.publish(bodies(0..1).into_iter()).unwrap();
    assert!(!receipt.is_settled());
    let mut settled = Box::pin(receipt.settled());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(settled.as_mut().poll(&mut cx).is_pending());
    harness.settle();
    assert!(settled.as_mut().poll(&mut cx).is_ready());
    assert_eq!(consumer.channel().snapshot(false).backend_depth, 1);
}

#[test]
fn a_message_that_is_not_answered_returns_after_its_timeout() {
    let harness = Harness::new(10);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 1);
    publish(&topic, 0..1);
    let first = harness.take(&mut consumer);
    harness.advance(Duration::from_secs(59));
    consumer.expire(harness.now());
    assert!(harness.take(&mut consumer).is_empty());
    harness.advance(Duration::from_secs(1));
    consumer.expire(harness.now());
    let second = harness.take(&mut consumer);
    assert_eq!((second[0].0, second[0].1), (first[0].0, 2));
    assert_eq!(consumer.channel().snapshot(false).timeout_count, 1);
}

#[test]
fn what_a_lost_consumer_held_stays_in_flight_until_its_timeout() {
    let harness = Harness::new(10);
    let topic = harness.topic("t");
    let mut lost = harness.subscribe(&topic, "c", 1);
    let mut other = harness.subscribe(&topic, "c", 1);
    publish(&topic, 0..1);
    let taken = harness.take(&mut lost);
    assert_eq!(other.finish(taken[0].0), Err(AnswerError::NotOwner));
    drop(lost);
    assert_eq!(other.finish(taken[0].0), Err(AnswerError::NotOwner));
    assert!(harness.take(&mut other).is_empty());
    let channel = Arc::clone(other.channel());
    assert_eq!(channel.snapshot(false).in_flight_count, 1);
    harness.advance(Duration::from_secs(60));
    assert_eq!(harness.take(&mut other)[0].1, 2);
    assert_eq!(other.finish(taken[0].0), Ok(()));
    assert_eq!(other.finish(taken[0].0), Err(AnswerError::NotInFlight));
}

#[test]
fn requeue_without_delay_goes_to_the_back_of_the_queue() {
    let harness = Harness::new(10);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 1);
    publish(&topic, 0..3);
    let first = harness.take(&mut consumer);
    consumer
        .requeue(first[0].0, Duration::ZERO, harness.now())
        .unwrap();
    consumer.set_ready(10);
    let rest = harness.take(&mut consumer);
    assert_eq!(taken_bodies(&rest), [bodies(1..3), bodies(0..1)].concat());
    assert_eq!(rest[2].1, 2);
}

#[test]
fn a_deferred_message_waits_in_each_channel() {
    let harness = Harness::new(10);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 10);
    drop(
        topic
            .publish_deferred(Bytes::from_static(b"later"), 1500)
            .unwrap(),
    );
    assert!(harness.take(&mut consumer).is_empty());
    let snapshot = consumer.channel().snapshot(false);
    assert_eq!((snapshot.deferred_count, snapshot.depth), (1, 0));
    harness.advance(Duration::from_millis(1499));
    assert!(harness.take(&mut consumer).is_empty());
    harness.advance(Duration::from_millis(1));
    assert_eq!(
        taken_bodies(&harness.take(&mut consumer)),
        [Bytes::from_static(b"later")]
    );
}

#[test]
fn nobody_holds_more_than_its_rdy() {
    let harness = Harness::new(100);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 3);
    publish(&topic, 0..10);
    let taken = harness.take(&mut consumer);
    assert_eq!(taken.len(), 3);
    consumer.finish(taken[0].0).unwrap();
    assert_eq!(harness.take(&mut consumer).len(), 1);
    assert_eq!(consumer.in_flight(), 3);
}

#[test]
fn messages_that_come_together_are_shared_among_consumers_that_wait() {
    let harness = Harness::new(100);
    let topic = harness.topic("t");
    let mut consumers: Vec<_> = (0..5).map(|_| harness.subscribe(&topic, "c", 10)).collect();
    for consumer in &mut consumers {
        assert!(harness.take(consumer).is_empty());
    }
    publish(&topic, 0..10);
    for consumer in &mut consumers {
        assert_eq!(consumer.take(harness.now(), usize::MAX, |_| {}), 2);
    }
}

#[test]
fn an_ephemeral_channel_drops_what_does_not_fit() {
    let harness = Harness::new(5);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c#ephemeral", 100);
    publish(&topic, 0..8);
    assert_eq!(taken_bodies(&harness.take(&mut consumer)), bodies(0..5));
    assert_eq!(consumer.channel().snapshot(false).message_count, 8);
}

#[tokio::test]
async fn a_clean_stop_keeps_every_message() {
    let harness = Harness::new(10);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 4);
    publish(&topic, 0..30);
    harness.settle();
    let taken = harness.take(&mut consumer);
    consumer.finish(taken[0].0).unwrap();
    consumer
        .requeue(taken[1].0, Duration::from_secs(5), harness.now())
        .unwrap();
    let directory = harness.close(&topic).await;

    let harness = Harness::in_directory(directory, 10);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 100);
    assert_eq!(consumer.channel().depth(), 29);
    let mut found = taken_bodies(&harness.take(&mut consumer));
    found.sort();
    let mut expected = bodies(1..30);
    expected.sort();
    assert_eq!(found, expected);
}
