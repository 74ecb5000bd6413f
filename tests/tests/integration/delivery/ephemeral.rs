//! Topics and channels that leave nothing behind.

use nsq_tests::Nsqd;
use serde_json::json;

#[test]
fn an_ephemeral_channel_goes_with_its_last_consumer() {
    let nsqd = Nsqd::start();
    let first = nsqd.consumer("t", "c#ephemeral", 0);
    let second = nsqd.consumer("t", "c#ephemeral", 0);
    nsqd.publish("t", "hi");
    nsqd.await_channel("t", "c#ephemeral", &json!({"client_count": 2, "depth": 1}));

    drop(first);
    nsqd.await_channel("t", "c#ephemeral", &json!({"client_count": 1, "depth": 1}));
    drop(second);
    nsqd.await_no_channel("t", "c#ephemeral");
    nsqd.await_topic("t", &json!({"channels": []}));

    let mut again = nsqd.consumer("t", "c#ephemeral", 1);
    again.expect_nothing_before_ok("probe");
}

#[test]
fn an_ephemeral_channel_created_over_http_waits_for_its_first_consumer() {
    let nsqd = Nsqd::start();
    nsqd.create_topic("t");
    nsqd.channel_action("create", "t", "c#ephemeral");
    nsqd.publish("t", "hi");

    nsqd.await_channel("t", "c#ephemeral", &json!({"depth": 1, "client_count": 0}));
    let mut consumer = nsqd.consumer("t", "c#ephemeral", 1);
    consumer.expect_message_of("hi", 1);
    drop(consumer);
    nsqd.await_no_channel("t", "c#ephemeral");
}

#[test]
fn an_ephemeral_topic_goes_with_its_last_channel() {
    let nsqd = Nsqd::start();
    let durable = nsqd.consumer("t#ephemeral", "durable", 0);
    let ephemeral = nsqd.consumer("t#ephemeral", "c#ephemeral", 0);

    drop(ephemeral);
    nsqd.await_no_channel("t#ephemeral", "c#ephemeral");
    drop(durable);
    nsqd.await_channel("t#ephemeral", "durable", &json!({"client_count": 0}));
    nsqd.channel_action("delete", "t#ephemeral", "durable");
    nsqd.await_no_topic("t#ephemeral");
}

#[test]
fn an_ephemeral_topic_stays_as_long_as_it_never_had_a_channel() {
    let nsqd = Nsqd::start();
    nsqd.publish("t#ephemeral", "hi");
    nsqd.topic_action("create", "u#ephemeral");

    nsqd.await_topic("u#ephemeral", &json!({"depth": 0}));
    nsqd.await_topic("t#ephemeral", &json!({"depth": 1}));
    nsqd.consumer("t#ephemeral", "c#ephemeral", 1)
        .expect_message_of("hi", 1);
    nsqd.await_no_topic("t#ephemeral");
}

#[test]
fn overflow_of_an_ephemeral_topic_is_dropped_and_still_answered_and_counted() {
    let nsqd = Nsqd::with(&["--mem-queue-size=2"]);
    for body in ["0", "1", "2", "3", "4"] {
        nsqd.publish("t#ephemeral", body);
    }
    nsqd.await_topic(
        "t#ephemeral",
        &json!({"depth": 2, "backend_depth": 0, "message_count": 5}),
    );

    let mut consumer = nsqd.consumer("t#ephemeral", "c", 10);
    consumer.expect_message_of("0", 1);
    consumer.expect_message_of("1", 1);
    consumer.expect_nothing_before_ok("probe");
}

#[test]
fn overflow_of_an_ephemeral_channel_is_dropped_for_that_channel_alone() {
    let nsqd = Nsqd::with(&["--mem-queue-size=2"]);
    let mut durable = nsqd.consumer("t", "durable", 10);
    let mut ephemeral = nsqd.consumer("t", "c#ephemeral", 0);
    for body in ["0", "1", "2", "3", "4"] {
        nsqd.publish("t", body);
    }
    assert_eq!(
        super::sorted_bodies(&durable.expect_messages(5)),
        ["0", "1", "2", "3", "4"]
    );

    nsqd.await_channel(
        "t",
        "c#ephemeral",
        &json!({"depth": 2, "backend_depth": 0, "message_count": 5}),
    );
    ephemeral.ready(10);
    ephemeral.expect_message_of("0", 1);
    ephemeral.expect_message_of("1", 1);
    ephemeral.expect_nothing_before_ok("probe");
}

#[test]
fn nothing_ephemeral_reaches_the_disk() {
    let nsqd = Nsqd::with(&["--mem-queue-size=1"]);
    let _consumer = nsqd.consumer("t", "c#ephemeral", 0);
    for _ in 0..5 {
        nsqd.publish("t#ephemeral", "hi");
        nsqd.publish("t", "hi");
    }

    let setup = nsqd.stop().setup;
    let files = setup.files();
    assert!(!files.iter().any(|file| file.contains("#ephemeral")), "{files:?}");
    assert!(
        !String::from_utf8(setup.read("nsqd.dat"))
            .unwrap()
            .contains("#ephemeral")
    );
}

#[test]
fn a_message_in_flight_on_an_ephemeral_channel_goes_with_it() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c#ephemeral", 1);
    nsqd.publish("t", "hi");
    consumer.expect_message_of("hi", 1);
    drop(consumer);
    nsqd.await_no_channel("t", "c#ephemeral");

    let mut again = nsqd.consumer("t", "c#ephemeral", 1);
    nsqd.await_channel(
        "t",
        "c#ephemeral",
        &json!({"in_flight_count": 0, "message_count": 0}),
    );
    again.expect_nothing_before_ok("probe");
}
