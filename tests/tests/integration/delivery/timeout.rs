//! Messages that are not answered in time.

use std::time::Duration;

use nsq_tests::{Nsqd, Stopwatch, deviates};
use serde_json::json;

use super::{due_after, on_time_after};

#[test]
fn an_unanswered_message_comes_back_after_its_timeout_with_one_more_attempt() {
    let nsqd = Nsqd::with(&["--msg-timeout=1s"]);
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");
    let first = consumer.expect_message_of("hi", 1);
    let stopwatch = Stopwatch::start();

    let second = consumer.expect_message_of("hi", 2);
    stopwatch.expect_within(due_after(Duration::from_millis(950)));
    assert_eq!((&second.id, second.timestamp_ns), (&first.id, first.timestamp_ns));
    consumer.send(second.fin());
    let channel = nsqd.await_channel("t", "c", &json!({"in_flight_count": 0, "depth": 0}));
    assert_eq!(
        (
            &channel["timeout_count"],
            &channel["requeue_count"],
            &channel["message_count"]
        ),
        (&json!(1), &json!(0), &json!(1))
    );
}

#[test]
fn the_timeout_is_noticed_when_it_passes() {
    deviates!(TimersAreOnTime);
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.connect();
    consumer.identify(r#"{"msg_timeout":1000}"#);
    consumer.subscribe("t", "c");
    consumer.ready(1);
    nsqd.publish("t", "hi");
    consumer.expect_message_of("hi", 1);
    let stopwatch = Stopwatch::start();

    consumer.expect_message_of("hi", 2);
    stopwatch.expect_within(on_time_after(Duration::from_millis(950)));
}

#[test]
fn the_client_may_choose_its_timeout() {
    let nsqd = Nsqd::start();
    let mut hasty = nsqd.connect();
    hasty.identify(r#"{"msg_timeout":1000}"#);
    hasty.subscribe("t", "c");
    hasty.ready(1);
    nsqd.publish("t", "hi");
    hasty.expect_message_of("hi", 1);
    let stopwatch = Stopwatch::start();
    hasty.ready(0);

    let mut patient = nsqd.consumer("t", "c", 1);
    patient.expect_message_of("hi", 2);
    stopwatch.expect_within(due_after(Duration::from_millis(950)));
}

#[test]
fn after_the_timeout_the_message_is_no_longer_the_clients() {
    let nsqd = Nsqd::with(&["--msg-timeout=1s"]);
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");
    let message = consumer.expect_message_of("hi", 1);
    consumer.ready(0);
    nsqd.await_channel(
        "t",
        "c",
        &json!({"timeout_count": 1, "depth": 1, "in_flight_count": 0}),
    );

    let id = &message.id;
    consumer.send(message.fin());
    consumer.expect_error(format!("E_FIN_FAILED FIN {id} failed ID not in flight"));
    consumer.send(message.touch());
    consumer.expect_error(format!("E_TOUCH_FAILED TOUCH {id} failed ID not in flight"));
    consumer.send(message.req(0));
    consumer.expect_error(format!("E_REQ_FAILED REQ {id} failed ID not in flight"));
    let channel = nsqd.await_channel("t", "c", &json!({"depth": 1}));
    assert_eq!(channel["clients"][0]["in_flight_count"], json!(0));
    assert_eq!(channel["clients"][0]["message_count"], json!(1));
}
