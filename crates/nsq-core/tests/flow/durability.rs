//! What crashes and full disks may cost.

use std::time::Duration;

use bytes::Bytes;
use nsq_core::{Durability, PublishError, Receipt, Topic};
use nsq_testkit::storage::{EIO, ENOSPC, Loss, MemStorage, Operation};

use crate::harness::{DEFER_MAX, Harness, bodies, publish, taken_bodies};

/// Longer than `--sync-timeout` of the harness.
const SYNCED: Duration = Duration::from_secs(3);

/// Longer than it takes to see that a disk has healed.
const HEALED: Duration = Duration::from_secs(1);

const DAY: Duration = Duration::from_secs(24 * 3600);

fn with(durability: Durability) -> Harness {
    Harness::with_options(MemStorage::new(), |options| options.durability = durability)
}

/// Everything in channel `c` of topic `t`.
fn found(harness: &Harness) -> Vec<Bytes> {
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 2500);
    let mut found = taken_bodies(&harness.take(&mut consumer));
    found.sort();
    found
}

fn accept(topic: &Topic, range: std::ops::Range<u32>) -> Receipt {
    topic.publish(bodies(range).into_iter()).unwrap()
}

#[test]
fn what_a_consumer_holds_from_disk_survives_a_crash() {
    let harness = Harness::new(0);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 2500);
    publish(&topic, 0..6);
    let taken = harness.take(&mut consumer);
    consumer.finish(taken[0].0).unwrap();
    consumer
        .requeue(taken[1].0, Duration::ZERO, harness.now())
        .unwrap();
    consumer
        .requeue(taken[2].0, Duration::from_secs(600), harness.now())
        .unwrap();
    consumer.take(harness.now(), 0, |_| ());
    harness.advance(SYNCED);
    assert_eq!(found(&harness.crash(Loss::Everything)), bodies(1..6));
}

#[test]
fn one_message_that_is_not_finished_brings_back_few_that_are() {
    let harness = Harness::with_options(MemStorage::new(), |options| options.sync_every = 10);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 2500);
    publish(&topic, 0..1000);
    let taken = harness.take(&mut consumer);
    for (id, ..) in &taken[1..] {
        consumer.finish(*id).unwrap();
    }
    consumer.report_finished();
    harness.advance(SYNCED);
    let found = found(&harness.crash(Loss::Everything));
    assert!(found.contains(&bodies(0..1)[0]));
    assert!(found.len() <= 11, "{} come back", found.len());
}

#[test]
fn at_the_level_disk_nothing_accepted_is_lost_without_a_sync() {
    let harness = with(Durability::Disk);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    let receipt = accept(&topic, 0..5);
    assert!(!receipt.is_settled());
    harness.wait(receipt.settled()).unwrap();
    assert_eq!(found(&harness.crash(Loss::Nothing)), bodies(0..5));
}

#[test]
fn at_the_level_fsync_nothing_accepted_is_lost_with_the_power() {
    let harness = with(Durability::Fsync);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    harness.wait(accept(&topic, 0..5).settled()).unwrap();
    assert_eq!(found(&harness.crash(Loss::Everything)), bodies(0..5));
}

#[test]
fn publishers_that_wait_at_once_share_a_sync() {
    let harness = with(Durability::Fsync);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    harness.wait(accept(&topic, 0..1).settled()).unwrap();
    let syncs = harness.storage.calls(Operation::Sync);
    let receipts: Vec<_> = (1..101).map(|n| accept(&topic, n..n + 1)).collect();
    for receipt in receipts {
        harness.wait(receipt.settled()).unwrap();
    }
    assert!(harness.storage.calls(Operation::Sync) <= syncs + 2);
}

#[test]
fn a_sync_that_fails_is_told_to_who_waits_for_it_and_to_the_next() {
    let harness = with(Durability::Fsync);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    harness.storage.fail(Operation::Sync, "t:c", 0, 1_000, EIO);
    for n in 0..2 {
        let outcome = harness.wait(accept(&topic, n..n + 1).settled());
        assert!(matches!(outcome, Err(PublishError::Storage(_))), "{outcome:?}");
        assert!(harness.core.storage_error().is_some());
    }
    harness.storage.heal();
    harness.advance(HEALED);
    assert!(harness.core.storage_error().is_none());
    harness.wait(accept(&topic, 2..3).settled()).unwrap();
    let found = found(&harness.crash(Loss::Everything));
    assert!(found.contains(&bodies(2..3)[0]), "{found:?}");
}

#[test]
fn a_deferred_message_keeps_its_time_through_a_crash() {
    let harness = with(Durability::Disk);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    let receipt = topic.publish_deferred(Bytes::from("later"), 60_000).unwrap();
    harness.wait(receipt.settled()).unwrap();
    let harness = harness.crash(Loss::Nothing);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 10);
    assert_eq!(harness.take(&mut consumer), []);
    harness.advance(Duration::from_secs(59));
    assert_eq!(harness.take(&mut consumer), []);
    assert_eq!(consumer.channel().snapshot(false).deferred_count, 1);
    harness.advance(Duration::from_secs(1));
    assert_eq!(taken_bodies(&harness.take(&mut consumer)), ["later"]);
}

#[test]
fn a_clock_that_was_set_back_delays_a_message_by_no_more_than_a_delay_can_be() {
    let harness = with(Durability::Disk);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    harness.step_wall(DAY);
    let receipt = topic.publish_deferred(Bytes::from("later"), 60_000).unwrap();
    harness.wait(receipt.settled()).unwrap();
    // What starts then knows nothing of the step.
    let harness = harness.crash(Loss::Nothing);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 10);
    assert_eq!(harness.take(&mut consumer), []);
    let almost = DEFER_MAX.checked_sub(Duration::from_secs(1)).unwrap();
    harness.advance(almost);
    assert_eq!(harness.take(&mut consumer), []);
    harness.advance(Duration::from_secs(1));
    assert_eq!(taken_bodies(&harness.take(&mut consumer)), ["later"]);
}

#[test]
fn a_topic_waits_with_its_backlog_for_a_channel_whose_disk_is_full() {
    for durability in [Durability::Go, Durability::Disk] {
        let harness = with(durability);
        let topic = harness.topic("t");
        publish(&topic, 0..2000);
        harness.settle();
        harness
            .storage
            .fail(Operation::Write, "t:c", 0, 1_000_000, ENOSPC);
        let channel = harness.channel(&topic, "c");
        for _ in 0..10 {
            harness.advance(HEALED);
        }
        let snapshot = topic.snapshot(false, |_| true);
        assert!(
            snapshot.depth >= 1000,
            "{durability}: {} are left",
            snapshot.depth
        );
        assert!(channel.snapshot(false).depth <= 1000, "{durability}");
        harness.storage.heal();
        harness.advance(HEALED);
        harness.advance(HEALED);
        assert_eq!(topic.snapshot(false, |_| true).depth, 0, "{durability}");
        assert_eq!(channel.depth(), 2000);
    }
}

#[test]
fn what_a_topic_hands_to_channels_is_in_one_of_them_at_any_moment() {
    let harness = with(Durability::Disk);
    let topic = harness.topic("t");
    harness.wait(accept(&topic, 0..600).settled()).unwrap();
    harness.advance(SYNCED);
    harness
        .storage
        .fail(Operation::Write, "t:c", 0, 1_000_000, ENOSPC);
    harness.channel(&topic, "c");
    harness.advance(SYNCED);
    let harness = Harness::with_storage(harness.storage.image(Loss::Nothing), 0);
    let mut found = found(&harness);
    found.dedup();
    assert_eq!(found.len(), 600);
}

#[test]
fn publishers_are_refused_while_too_little_space_is_left_and_the_stop_is_not() {
    let storage = MemStorage::new();
    let harness = Harness::with_options(storage.clone(), |options| {
        options.mem_queue_size = 2;
        options.min_free_disk_space = 10_000;
    });
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    storage.limit_bytes(5_000);
    // Memory is no matter of disk space.
    harness.wait(accept(&topic, 0..2).settled()).unwrap();
    let outcome = harness.wait(accept(&topic, 2..3).settled());
    assert!(matches!(outcome, Err(PublishError::Storage(_))), "{outcome:?}");
    assert!(harness.core.storage_error().is_some());
    storage.limit_bytes(500_000);
    harness.advance(HEALED);
    assert!(harness.core.storage_error().is_none());
    harness.wait(accept(&topic, 3..4).settled()).unwrap();
    storage.limit_bytes(5_000);
    harness.close(&topic).unwrap();
    assert_eq!(
        found(&harness.restart(10)),
        [&bodies(0..2)[..], &bodies(3..4)].concat()
    );
}

#[test]
fn what_is_emptied_before_its_files_could_be_opened_is_empty() {
    let harness = Harness::new(0);
    let topic = harness.topic("t");
    publish(&topic, 0..5);
    harness.settle();
    let storage = harness.storage.image(Loss::Nothing);
    storage.fail(Operation::Open, "t.diskqueue", 0, 1, EIO);
    let harness = Harness::with_storage(storage, 0);
    let topic = harness.topic("t");
    harness.wait(topic.empty()).unwrap();
    assert_eq!(topic.snapshot(false, |_| false).depth, 0);
    assert_eq!(found(&harness), [] as [Bytes; 0]);
}

#[test]
fn emptying_is_refused_once_the_stop_has_begun() {
    let harness = Harness::new(10);
    let topic = harness.topic("t");
    let channel = harness.channel(&topic, "c");
    publish(&topic, 0..5);
    let closing = topic.begin_close();
    harness.wait(channel.empty()).unwrap_err();
    harness.wait(topic.empty()).unwrap_err();
    harness.wait(closing.closed()).unwrap();
    assert_eq!(found(&harness.restart(10)), bodies(0..5));
}
