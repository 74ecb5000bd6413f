//! Snapshots that are made bit by bit.

use std::time::Duration;

use nsq_testkit::storage::MemStorage;

use crate::harness::{Harness, publish};

#[test]
fn what_happens_during_a_survey_shows_in_the_channels_that_have_yet_to_come() {
    let harness = Harness::new(100);
    let topic = harness.topic("t");
    for name in ["b", "a", "c"] {
        harness.channel(&topic, name);
    }
    publish(&topic, 0..2);
    let mut survey = topic.survey(false, |name| name.as_str() != "b");
    let first = survey.next().unwrap();
    assert_eq!((first.name.as_str(), first.depth), ("a", 2));
    publish(&topic, 2..5);
    harness.channel(&topic, "d");
    let second = survey.next().unwrap();
    assert_eq!((second.name.as_str(), second.depth), ("c", 5));
    assert!(survey.next().is_none(), "d came after the beginning");
    assert_eq!(survey.finish().message_count, 2);
}

#[test]
fn the_latency_of_a_topic_is_over_the_channels_that_are_not_wanted_too() {
    let harness = Harness::with_options(MemStorage::new(), |options| {
        options.mem_queue_size = 100;
        options.latency_quantiles = vec![1.0];
    });
    let topic = harness.topic("t");
    let mut consumers = ["a", "b"].map(|name| harness.subscribe(&topic, name, 10));
    publish(&topic, 0..1);
    for consumer in &mut consumers {
        let taken = harness.take(consumer);
        harness.advance(Duration::from_secs(1));
        consumer.finish(taken[0].0).unwrap();
    }
    let snapshot = topic.snapshot(false, |name| name.as_str() == "b");
    assert_eq!(snapshot.channels.len(), 1);
    assert_eq!(snapshot.channels[0].latency.count, 1);
    assert_eq!(snapshot.latency.count, 2);
}
