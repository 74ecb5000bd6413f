//! Queues thrown away.

use nsq_tests::{Nsqd, command};
use serde_json::json;

#[test]
fn emptying_a_topic_drops_what_waits_in_it_and_nothing_of_its_channels() {
    let nsqd = Nsqd::with(&["--mem-queue-size=2"]);
    nsqd.create_channel("t", "c");
    nsqd.publish("t", "kept");
    nsqd.await_channel("t", "c", &json!({"depth": 1}));
    nsqd.topic_action("pause", "t");
    for _ in 0..5 {
        nsqd.publish("t", "dropped");
    }
    nsqd.await_topic("t", &json!({"depth": 5}));

    nsqd.topic_action("empty", "t");
    let topic = nsqd.await_topic("t", &json!({"depth": 0, "backend_depth": 0}));
    assert_eq!(topic["message_count"], json!(6), "counters stay");
    nsqd.topic_action("unpause", "t");
    nsqd.publish("t", "after");
    let mut consumer = nsqd.consumer("t", "c", 10);
    consumer.expect_message_of("kept", 1);
    consumer.expect_message_of("after", 1);
    consumer.expect_nothing_before_ok("probe");
}

#[test]
fn emptying_a_channel_drops_memory_disk_in_flight_and_deferred() {
    let nsqd = Nsqd::with(&["--mem-queue-size=2"]);
    let mut consumer = nsqd.consumer("t", "c", 2);
    let mut publisher = nsqd.connect();
    for index in 0..10 {
        publisher.publish("t", format!("{index}"));
    }
    publisher.send(command::deferred_publish("t", 3_600_000, "late"));
    publisher.expect_ok();
    let in_flight = consumer.expect_messages(2);
    // Otherwise emptying makes room for what is just on its way.
    consumer.ready(0);
    consumer.expect_nothing_before_ok("probe");
    nsqd.await_channel("t", "c", &json!({"message_count": 11, "in_flight_count": 2}));

    nsqd.channel_action("empty", "t", "c");
    let channel = nsqd.await_channel(
        "t",
        "c",
        &json!({"depth": 0, "backend_depth": 0, "in_flight_count": 0, "deferred_count": 0, "client_count": 1}),
    );
    assert_eq!(channel["message_count"], json!(11), "counters stay");
    assert_eq!(channel["clients"][0]["in_flight_count"], json!(0));
    for (answer, code, name) in [
        (in_flight[0].fin(), "E_FIN_FAILED", "FIN"),
        (in_flight[0].req(0), "E_REQ_FAILED", "REQ"),
        (in_flight[1].touch(), "E_TOUCH_FAILED", "TOUCH"),
    ] {
        let id = &answer.split_ascii_whitespace().nth(1).unwrap();
        consumer.send(&answer);
        consumer.expect_error(format!("{code} {name} {id} failed ID not in flight"));
    }
}

#[test]
fn delivery_goes_on_after_the_channel_was_emptied() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "dropped");
    consumer.expect_message_of("dropped", 1);

    // The consumer is full; emptying makes room without an answer from it.
    nsqd.channel_action("empty", "t", "c");
    nsqd.publish("t", "after");
    let message = consumer.expect_message_of("after", 1);
    consumer.send(message.fin());
    let channel = nsqd.await_channel("t", "c", &json!({"in_flight_count": 0, "depth": 0}));
    assert_eq!(channel["clients"][0]["finish_count"], json!(1));
}

#[test]
fn emptying_an_empty_queue_is_fine() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");

    nsqd.topic_action("empty", "t");
    nsqd.channel_action("empty", "t", "c");
    nsqd.publish("t", "hi");
    nsqd.consumer("t", "c", 1).expect_message_of("hi", 1);
}
