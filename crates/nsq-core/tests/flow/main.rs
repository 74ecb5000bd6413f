//! How messages travel through topics and channels, one step at a time.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod deferred;
mod durability;
mod harness;
mod stop;
mod survey;
mod wakes;

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use nsq_core::AnswerError;
use nsq_protocol::name::ChannelName;

use crate::harness::{Harness, bodies, publish, taken_bodies};

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
fn messages_published_while_the_only_channel_is_deleted_wait_for_the_next() {
    let harness = Harness::new(10);
    let topic = harness.topic("t");
    harness.channel(&topic, "old");
    let old = ChannelName::new("old").unwrap();
    let mut deleted = Box::pin(topic.delete_channel(&old));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(deleted.as_mut().poll(&mut cx).is_pending());
    publish(&topic, 0..3);
    assert!(harness.wait(deleted).unwrap());
    let mut consumer = harness.subscribe(&topic, "new", 10);
    assert_eq!(taken_bodies(&harness.take(&mut consumer)), bodies(0..3));
}

#[test]
fn a_receipt_is_settled_once_the_disk_has_the_message() {
    let harness = Harness::new(0);
    let topic = harness.topic("t");
    let consumer = harness.subscribe(&topic, "c", 0);
    let receipt = topic.publish(bodies(0..1).into_iter()).unwrap();
    assert!(!receipt.is_settled());
    let mut settled = Box::pin(receipt.settled());
    let mut cx = Context::from_waker(Waker::noop());
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
