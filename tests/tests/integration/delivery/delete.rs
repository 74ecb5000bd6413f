//! Topics and channels that go away under their clients.

use nsq_tests::Nsqd;
use serde_json::json;

#[test]
fn deleting_a_channel_closes_its_consumers_and_drops_its_messages() {
    let nsqd = Nsqd::with(&["--mem-queue-size=1"]);
    let mut consumer = nsqd.consumer("t", "c", 1);
    let mut other = nsqd.consumer("t", "other", 10);
    for _ in 0..4 {
        nsqd.publish("t", "dropped");
        other.expect_message_of("dropped", 1);
    }
    consumer.expect_message_of("dropped", 1);

    nsqd.channel_action("delete", "t", "c");
    consumer.expect_closed();
    nsqd.await_no_channel("t", "c");
    nsqd.await_channel("t", "other", &json!({"client_count": 1, "in_flight_count": 4}));
    assert!(
        !nsqd.setup().files().iter().any(|file| file.starts_with("t:c.")),
        "{:?}",
        nsqd.setup().files()
    );

    let mut again = nsqd.consumer("t", "c", 10);
    nsqd.await_channel("t", "c", &json!({"message_count": 0, "depth": 0}));
    nsqd.publish("t", "after");
    again.expect_message_of("after", 1);
}

#[test]
fn deleting_the_last_channel_keeps_the_topic() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");

    nsqd.channel_action("delete", "t", "c");
    nsqd.await_topic("t", &json!({"channels": []}));
    nsqd.publish("t", "waits for a channel");
    nsqd.await_topic("t", &json!({"depth": 1}));
}

#[test]
fn deleting_a_topic_closes_all_its_consumers_and_drops_its_messages() {
    let nsqd = Nsqd::with(&["--mem-queue-size=1"]);
    let mut consumers = [
        nsqd.consumer("t", "a", 1),
        nsqd.consumer("t", "a", 0),
        nsqd.consumer("t", "b", 0),
    ];
    let mut bystander = nsqd.consumer("u", "a", 1);
    for _ in 0..4 {
        nsqd.publish("t", "dropped");
    }
    consumers[0].expect_message_of("dropped", 1);

    nsqd.topic_action("delete", "t");
    for consumer in &mut consumers {
        consumer.expect_closed();
    }
    nsqd.await_no_topic("t");
    assert!(
        !nsqd.setup().files().iter().any(|file| file.starts_with('t')),
        "{:?}",
        nsqd.setup().files()
    );
    nsqd.publish("u", "hi");
    bystander.expect_message_of("hi", 1);
}

#[test]
fn a_topic_used_again_after_its_deletion_is_a_new_one() {
    let nsqd = Nsqd::start();
    nsqd.publish("t", "dropped");
    nsqd.topic_action("pause", "t");
    nsqd.topic_action("delete", "t");
    nsqd.await_no_topic("t");

    nsqd.publish("t", "after");
    nsqd.await_topic(
        "t",
        &json!({"depth": 1, "message_count": 1, "message_bytes": 5, "paused": false}),
    );
    nsqd.consumer("t", "c", 1).expect_message_of("after", 1);
}

#[test]
fn a_connection_that_only_publishes_survives_the_deletion_of_its_topic() {
    let nsqd = Nsqd::start();
    let mut publisher = nsqd.connect();
    publisher.publish("t", "dropped");

    nsqd.topic_action("delete", "t");
    nsqd.await_no_topic("t");
    publisher.publish("t", "after");
    nsqd.await_topic("t", &json!({"depth": 1}));
}
