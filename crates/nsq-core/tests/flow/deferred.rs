//! Until when deferred messages wait, whatever happens meanwhile.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nsq_core::{Durability, Subscription, Topic};
use nsq_testkit::storage::{EIO, ENOSPC, Loss, MemStorage, Operation};

use crate::harness::{Harness, publish, taken_bodies};

const MINUTE: Duration = Duration::from_secs(60);

/// A channel `c` of topic `t` with a message that is due in a minute.
fn with_one_deferred(durability: Durability) -> (Harness, Arc<Topic>) {
    let harness = Harness::with_options(MemStorage::new(), |options| {
        options.durability = durability;
        options.mem_queue_size = 10;
    });
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    let receipt = topic.publish_deferred(Bytes::from("later"), 60_000).unwrap();
    harness.wait(receipt.settled()).unwrap();
    (harness, topic)
}

fn stop((harness, topic): (Harness, Arc<Topic>)) -> Harness {
    harness.close(&topic).unwrap();
    harness.restart(10)
}

/// Takes nothing until `due` has passed, and `expected` then.
fn assert_due(harness: &Harness, consumer: &mut Subscription, due: Duration, expected: &[&str]) {
    let just_before = due.checked_sub(Duration::from_nanos(1)).unwrap();
    assert_eq!(harness.take(consumer), []);
    harness.advance(just_before);
    assert_eq!(harness.take(consumer), []);
    harness.advance(Duration::from_nanos(1));
    let mut taken = taken_bodies(&harness.take(consumer));
    // After a crash, it may be delivered again.
    taken.dedup();
    assert_eq!(taken, expected);
}

#[test]
fn a_clean_stop_does_not_end_a_delay() {
    for durability in [Durability::Go, Durability::Disk, Durability::Fsync] {
        let harness = stop(with_one_deferred(durability));
        let topic = harness.topic("t");
        let channel = harness.channel(&topic, "c");
        let snapshot = channel.snapshot(false);
        assert_eq!((snapshot.depth, snapshot.deferred_count), (0, 1), "{durability}");
        let mut consumer = harness.subscribe(&topic, "c", 10);
        assert_due(&harness, &mut consumer, MINUTE, &["later"]);
    }
}

#[test]
fn a_clean_stop_leaves_deferred_messages_where_upstream_finds_them() {
    for durability in [Durability::Go, Durability::Disk] {
        let harness = stop(with_one_deferred(durability));
        let content = harness.storage.content("/data/t:c.diskqueue.meta.dat").unwrap();
        assert_eq!(content, b"1\n0,0\n0,35\n");
        let content = harness.storage.content("/data/t:c.diskqueue.000000.dat").unwrap();
        assert_eq!((content.len(), &content[30..]), (35, &b"later"[..]));
    }
}

#[test]
fn several_stops_and_a_crash_do_not_end_a_delay() {
    for durability in [Durability::Go, Durability::Disk] {
        let (mut harness, mut topic) = with_one_deferred(durability);
        for _ in 0..3 {
            harness = stop((harness, topic));
            topic = harness.topic("t");
            harness.channel(&topic, "c");
        }
        let harness = harness.crash(Loss::Nothing);
        let topic = harness.topic("t");
        let mut consumer = harness.subscribe(&topic, "c", 10);
        assert_due(&harness, &mut consumer, MINUTE, &["later"]);
        consumer.take(harness.now(), 10, |_| ());
    }
}

#[test]
fn a_clean_stop_ends_delays_if_that_is_asked_for() {
    for durability in [Durability::Go, Durability::Disk] {
        let harness = Harness::with_options(MemStorage::new(), |options| {
            options.keeps_deferred = false;
            options.durability = durability;
        });
        let topic = harness.topic("t");
        harness.channel(&topic, "c");
        let receipt = topic.publish_deferred(Bytes::from("later"), 60_000).unwrap();
        harness.wait(receipt.settled()).unwrap();
        let harness = stop((harness, topic));
        assert!(
            !harness
                .storage
                .names()
                .iter()
                .any(|name| name.contains("deferred"))
        );
        let topic = harness.topic("t");
        let mut consumer = harness.subscribe(&topic, "c", 10);
        assert_eq!(taken_bodies(&harness.take(&mut consumer)), ["later"]);
    }
}

#[test]
fn messages_behind_a_backlog_are_deferred_again_when_they_are_read() {
    let (harness, topic) = with_one_deferred(Durability::Go);
    publish(&topic, 0..2000);
    let harness = stop((harness, topic));
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 2500);
    assert_eq!(harness.take(&mut consumer).len(), 2000);
    assert_eq!(consumer.channel().snapshot(false).deferred_count, 1);
    assert_due(&harness, &mut consumer, MINUTE, &["later"]);
}

#[test]
fn a_requeue_with_a_delay_outlasts_a_clean_stop() {
    for memory in [0, 10] {
        let harness = Harness::new(memory);
        let topic = harness.topic("t");
        let mut consumer = harness.subscribe(&topic, "c", 10);
        publish(&topic, 0..1);
        let taken = harness.take(&mut consumer);
        consumer.requeue(taken[0].0, MINUTE, harness.now()).unwrap();
        drop(consumer);
        let harness = stop((harness, topic));
        let topic = harness.topic("t");
        let mut consumer = harness.subscribe(&topic, "c", 10);
        assert_due(&harness, &mut consumer, MINUTE, &["m0"]);
    }
}

#[test]
fn a_clean_stop_that_cannot_keep_delays_keeps_the_messages() {
    let (harness, topic) = with_one_deferred(Durability::Go);
    harness.storage.fail(Operation::Write, "aside", 0, 1_000, ENOSPC);
    harness
        .storage
        .fail(Operation::Write, "deferred", 0, 1_000, ENOSPC);
    harness.close(&topic).unwrap();
    let harness = harness.restart(10);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 10);
    assert_eq!(taken_bodies(&harness.take(&mut consumer)), ["later"]);
}

#[test]
fn a_wall_clock_that_was_set_back_delays_no_message_beyond_the_longest_delay() {
    let (harness, _) = with_one_deferred(Durability::Disk);
    let harness = harness.crash(Loss::Nothing);
    harness.step_wall_back(Duration::from_secs(86_400));
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 10);
    let longest = harness.core.options().defer_max;
    assert_due(&harness, &mut consumer, longest, &["later"]);
}

#[test]
fn emptying_and_deleting_drop_what_was_deferred_before_the_start() {
    for delete in [false, true] {
        let harness = stop(with_one_deferred(Durability::Go));
        let topic = harness.topic("t");
        let channel = harness.channel(&topic, "c");
        if delete {
            harness.wait(topic.delete_channel(channel.name())).unwrap();
        } else {
            harness.wait(channel.empty()).unwrap();
        }
        assert!(
            !harness
                .storage
                .names()
                .iter()
                .any(|name| name.contains("deferred"))
        );
        let mut consumer = harness.subscribe(&topic, "c", 10);
        harness.advance(MINUTE);
        assert_eq!(harness.take(&mut consumer), []);
    }
}

/// A channel `c` of topic `t` with room for two deferred messages in memory, and more of them, of which the last is
/// due first.
fn with_many_deferred() -> (Harness, Arc<Topic>) {
    let harness = Harness::new(2);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    for n in 0..6 {
        let body = Bytes::from(format!("m{n}"));
        let receipt = topic.publish_deferred(body, 60_000 - n * 1_000).unwrap();
        assert_eq!(receipt.is_settled(), n < 2);
        harness.wait(receipt.settled()).unwrap();
    }
    harness.settle();
    (harness, topic)
}

#[test]
fn beyond_the_memory_queue_bodies_wait_in_the_files_and_come_in_the_order_of_their_times() {
    let (harness, topic) = with_many_deferred();
    let channel = harness.channel(&topic, "c");
    let snapshot = channel.snapshot(false);
    assert_eq!((snapshot.depth, snapshot.deferred_count), (0, 6));
    let mut consumer = harness.subscribe(&topic, "c", 10);
    harness.advance(Duration::from_secs(55));
    for expected in ["m5", "m4", "m3", "m2", "m1", "m0"] {
        assert_eq!(taken_bodies(&harness.take(&mut consumer)), [expected]);
        harness.advance(Duration::from_secs(1));
    }
}

#[test]
fn what_waits_in_the_files_keeps_its_time_through_a_crash_and_a_stop() {
    let (harness, topic) = with_many_deferred();
    let harness = stop((harness, topic));
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    harness.advance(Duration::from_secs(3));
    let harness = harness.crash(Loss::Everything);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 10);
    harness.advance(Duration::from_secs(54));
    assert_eq!(harness.take(&mut consumer), []);
    harness.advance(Duration::from_secs(1));
    assert_eq!(taken_bodies(&harness.take(&mut consumer)), ["m5"]);
}

#[test]
fn many_that_are_due_at_once_do_not_all_come_to_memory() {
    let harness = Harness::new(2);
    let topic = harness.topic("t");
    let channel = harness.channel(&topic, "c");
    for n in 0..5_000 {
        drop(
            topic
                .publish_deferred(Bytes::from(format!("{n:04}")), 1_000)
                .unwrap(),
        );
    }
    harness.settle();
    harness.advance(Duration::from_secs(1));
    let snapshot = channel.snapshot(false);
    assert_eq!((snapshot.depth, snapshot.deferred_count), (5_000, 0));
    let mut consumer = harness.subscribe(&topic, "c", 10_000);
    let mut taken = taken_bodies(&harness.take(&mut consumer));
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 5_000);
}

#[test]
fn on_a_full_disk_publishers_are_refused_and_requeued_messages_wait_in_memory() {
    let harness = Harness::new(0);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 10);
    publish(&topic, 0..1);
    let taken = harness.take(&mut consumer);
    harness.storage.fail(Operation::Write, "t:c", 0, 1_000, ENOSPC);
    consumer.requeue(taken[0].0, MINUTE, harness.now()).unwrap();
    harness.settle();
    let receipt = topic.publish_deferred(Bytes::from("later"), 60_000).unwrap();
    harness.wait(receipt.settled()).unwrap_err();
    assert_eq!(consumer.channel().snapshot(false).deferred_count, 1);
    harness.storage.heal();
    assert_due(&harness, &mut consumer, MINUTE, &["m0"]);
}

#[test]
fn what_is_due_and_cannot_be_read_is_tried_again() {
    let (harness, topic) = with_many_deferred();
    let mut consumer = harness.subscribe(&topic, "c", 10);
    harness.storage.fail(Operation::Read, "aside", 0, 1_000, EIO);
    harness.advance(MINUTE);
    assert_eq!(taken_bodies(&harness.take(&mut consumer)), ["m1", "m0"]);
    harness.storage.heal();
    harness.advance(Duration::from_secs(1));
    assert_eq!(
        taken_bodies(&harness.take(&mut consumer)),
        ["m5", "m4", "m3", "m2"]
    );
}
