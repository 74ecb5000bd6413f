//! What a clean stop keeps, and what else goes on meanwhile.

use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use nsq_protocol::name::ChannelName;
use nsq_testkit::storage::{EIO, ENOSPC, Operation};

use crate::harness::{Harness, bodies, publish, taken_bodies};

/// Starts again and takes everything from channel `c` of topic `t`.
fn found_after_restart(harness: Harness) -> Vec<Bytes> {
    let harness = harness.restart(10);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 2500);
    let mut found = taken_bodies(&harness.take(&mut consumer));
    // What was deferred still is.
    harness.advance(Duration::from_secs(5));
    found.append(&mut taken_bodies(&harness.take(&mut consumer)));
    found.sort();
    found
}

fn sorted(mut bodies: Vec<Bytes>) -> Vec<Bytes> {
    bodies.sort();
    bodies
}

#[test]
fn a_clean_stop_keeps_every_message() {
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
    harness.close(&topic).unwrap();
    assert_eq!(found_after_restart(harness), sorted(bodies(1..30)));
}

#[test]
fn a_clean_stop_tries_again_what_the_disk_refuses_once() {
    let harness = Harness::new(10);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    publish(&topic, 0..5);
    harness.storage.fail(Operation::Write, "t:c", 0, 1, EIO);
    harness.close(&topic).unwrap();
    assert_eq!(found_after_restart(harness), bodies(0..5));
}

#[test]
fn a_clean_stop_that_cannot_write_says_so() {
    let harness = Harness::new(10);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    publish(&topic, 0..5);
    harness.storage.fail(Operation::Write, "t:c", 0, 1_000, ENOSPC);
    let error = harness.close(&topic).unwrap_err().to_string();
    assert!(error.contains("no space left on device"), "{error}");
}

#[test]
fn messages_on_their_way_to_disk_survive_a_stop_during_which_their_write_fails() {
    let harness = Harness::new(0);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 3);
    publish(&topic, 0..3);
    harness.settle();
    for (id, ..) in harness.take(&mut consumer) {
        consumer.requeue(id, Duration::ZERO, harness.now()).unwrap();
    }
    harness.storage.fail(Operation::Write, "t:c", 0, 1, EIO);
    harness.close(&topic).unwrap();
    assert_eq!(found_after_restart(harness), bodies(0..3));
}

#[test]
fn what_was_emptied_just_before_the_stop_does_not_come_back() {
    let harness = Harness::new(0);
    let topic = harness.topic("t");
    let channel = harness.channel(&topic, "c");
    publish(&topic, 0..5);
    harness.settle();
    let mut emptied = Box::pin(channel.empty());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(emptied.as_mut().poll(&mut cx).is_pending());
    publish(&topic, 5..7);
    harness.close(&topic).unwrap();
    harness.wait(emptied).unwrap();
    assert_eq!(found_after_restart(harness), bodies(5..7));
}

#[test]
fn a_channel_that_is_being_deleted_when_the_stop_begins_is_deleted() {
    let harness = Harness::new(0);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    publish(&topic, 0..5);
    harness.settle();
    let name = ChannelName::new("c").unwrap();
    let mut deleted = Box::pin(topic.delete_channel(&name));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(deleted.as_mut().poll(&mut cx).is_pending());
    harness.close(&topic).unwrap();
    assert!(harness.wait(deleted).unwrap());
    assert!(
        harness
            .storage
            .names()
            .iter()
            .all(|name| !name.starts_with("t:c"))
    );
}

#[test]
fn deleting_a_channel_that_the_stop_has_closed_is_an_error() {
    let harness = Harness::new(0);
    let topic = harness.topic("t");
    harness.channel(&topic, "c");
    publish(&topic, 0..5);
    harness.close(&topic).unwrap();
    let name = ChannelName::new("c").unwrap();
    let deleted = harness.wait(topic.delete_channel(&name));
    assert_eq!(deleted.unwrap_err().to_string(), "exiting");
    assert_eq!(found_after_restart(harness), bodies(0..5));
}
