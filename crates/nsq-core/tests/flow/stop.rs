//! What a clean stop keeps, and what else goes on meanwhile.

use std::time::Duration;

use bytes::Bytes;

use crate::harness::{Harness, bodies, publish, taken_bodies};

/// Starts again and takes everything from channel `c` of topic `t`.
fn found_after_restart(harness: Harness) -> Vec<Bytes> {
    let harness = harness.restart(10);
    let topic = harness.topic("t");
    let mut consumer = harness.subscribe(&topic, "c", 2500);
    let mut found = taken_bodies(&harness.take(&mut consumer));
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
