//! The order of messages, where there is no reason to lose it.

use nsq_tests::{Nsqd, command, deviates};
use serde_json::json;

use super::bodies;

/// Publishes `count` numbered messages, then reads them with a consumer that finishes each before the next.
fn expect_publish_order(nsqd: &Nsqd, count: usize) {
    nsqd.create_channel("t", "c");
    let mut publisher = nsqd.connect();
    let all: Vec<String> = (0..count).map(|index| format!("{index:05}")).collect();
    publisher.send(
        all.iter()
            .flat_map(|body| command::publish("t", body))
            .collect::<Vec<_>>(),
    );
    for _ in 0..count {
        publisher.expect_ok();
    }
    nsqd.await_channel("t", "c", &json!({"depth": count}));
    let mut consumer = nsqd.consumer("t", "c", 1);
    let mut received = Vec::new();
    for _ in 0..count {
        let message = consumer.expect_message();
        consumer.send(message.fin());
        received.push(message);
    }
    assert_eq!(bodies(&received), all);
}

#[test]
fn memory_is_first_in_first_out() {
    expect_publish_order(&Nsqd::start(), 1000);
}

#[test]
fn disk_is_first_in_first_out() {
    expect_publish_order(
        &Nsqd::with(&["--mem-queue-size=0", "--max-bytes-per-file=1000"]),
        300,
    );
}

#[test]
fn memory_and_disk_are_one_queue() {
    deviates!(SpillKeepsOrder);
    expect_publish_order(
        &Nsqd::with(&["--mem-queue-size=10", "--max-bytes-per-file=1000"]),
        300,
    );
}

#[test]
fn the_backlog_of_a_topic_reaches_its_first_channel_in_order() {
    deviates!(SpillKeepsOrder);
    let nsqd = Nsqd::with(&["--mem-queue-size=10"]);
    let mut publisher = nsqd.connect();
    let all: Vec<String> = (0..200).map(|index| format!("{index:05}")).collect();
    publisher.send(command::multi_publish("t", &all));
    publisher.expect_ok();

    let mut consumer = nsqd.consumer("t", "c", 200);
    assert_eq!(bodies(&consumer.expect_messages(200)), all);
}
