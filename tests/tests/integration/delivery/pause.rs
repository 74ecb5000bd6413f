//! Topics and channels on hold.

use nsq_tests::Nsqd;
use serde_json::json;

#[test]
fn a_paused_topic_keeps_its_messages_from_its_channels() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 10);
    nsqd.topic_action("pause", "t");

    nsqd.publish("t", "0");
    nsqd.publish("t", "1");
    nsqd.await_topic("t", &json!({"paused": true, "depth": 2}));
    nsqd.await_channel("t", "c", &json!({"message_count": 0, "paused": false}));
    consumer.expect_nothing_before_ok("probe");
    nsqd.topic_action("unpause", "t");
    consumer.expect_message_of("0", 1);
    consumer.expect_message_of("1", 1);
    nsqd.await_topic("t", &json!({"paused": false, "depth": 0}));
}

#[test]
fn consumers_get_what_the_channel_had_before_its_topic_was_paused() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    nsqd.publish("t", "hi");
    nsqd.await_channel("t", "c", &json!({"depth": 1}));

    nsqd.topic_action("pause", "t");
    nsqd.consumer("t", "c", 1).expect_message_of("hi", 1);
}

#[test]
fn a_channel_created_while_the_topic_is_paused_gets_what_waited() {
    let nsqd = Nsqd::start();
    nsqd.create_topic("t");
    nsqd.topic_action("pause", "t");
    nsqd.publish("t", "hi");
    let mut consumer = nsqd.consumer("t", "c", 1);

    consumer.expect_nothing_before_ok("probe");
    nsqd.await_topic("t", &json!({"depth": 1}));
    nsqd.topic_action("unpause", "t");
    consumer.expect_message_of("hi", 1);
}

#[test]
fn a_paused_channel_keeps_its_messages_from_its_consumers() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 10);
    let mut other = nsqd.consumer("t", "other", 10);
    nsqd.channel_action("pause", "t", "c");

    nsqd.publish("t", "hi");
    other.expect_message_of("hi", 1);
    nsqd.await_channel(
        "t",
        "c",
        &json!({"paused": true, "depth": 1, "in_flight_count": 0, "client_count": 1}),
    );
    consumer.expect_nothing_before_ok("probe");
    nsqd.channel_action("unpause", "t", "c");
    consumer.expect_message_of("hi", 1);
    nsqd.await_channel("t", "c", &json!({"paused": false, "depth": 0}));
}

#[test]
fn what_is_in_flight_may_be_answered_while_the_channel_is_paused() {
    let nsqd = Nsqd::with(&["--msg-timeout=1s"]);
    let mut consumer = nsqd.consumer("t", "c", 3);
    for body in ["0", "1", "2"] {
        nsqd.publish("t", body);
    }
    let messages = consumer.expect_messages(3);

    nsqd.channel_action("pause", "t", "c");
    consumer.send(messages[0].fin());
    consumer.send(messages[1].req(0));
    consumer.expect_nothing_before_ok("probe");
    // The third one times out; neither it nor the requeued one is delivered.
    nsqd.await_channel(
        "t",
        "c",
        &json!({"depth": 2, "in_flight_count": 0, "timeout_count": 1, "requeue_count": 1}),
    );
    consumer.expect_nothing_before_ok("probe");
}

#[test]
fn a_consumer_may_join_a_paused_channel() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    nsqd.channel_action("pause", "t", "c");
    nsqd.publish("t", "hi");
    let mut consumer = nsqd.consumer("t", "c", 1);

    consumer.expect_nothing_before_ok("probe");
    nsqd.channel_action("unpause", "t", "c");
    consumer.expect_message_of("hi", 1);
}
