//! Messages that consumers give back.

use std::time::Duration;

use nsq_tests::{Nsqd, Stopwatch, deviates};
use serde_json::json;

use super::{due_after, on_time_after};

#[test]
fn requeue_without_delay_goes_to_the_back_of_the_queue() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 0);
    for body in ["0", "1", "2"] {
        nsqd.publish("t", body);
    }
    nsqd.await_channel("t", "c", &json!({"depth": 3}));

    consumer.ready(1);
    let first = consumer.expect_message_of("0", 1);
    consumer.send(first.req(0));
    for body in ["1", "2"] {
        let message = consumer.expect_message_of(body, 1);
        consumer.send(message.fin());
    }
    let again = consumer.expect_message_of("0", 2);
    assert_eq!((&again.id, again.timestamp_ns), (&first.id, first.timestamp_ns));
    let channel = nsqd.await_channel("t", "c", &json!({"requeue_count": 1, "in_flight_count": 1}));
    assert_eq!(
        (&channel["timeout_count"], &channel["message_count"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(channel["clients"][0]["requeue_count"], json!(1));
    assert_eq!(channel["clients"][0]["finish_count"], json!(2));
    assert_eq!(channel["clients"][0]["message_count"], json!(4));
}

#[test]
fn requeue_with_delay_waits_outside_the_queue() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");
    let message = consumer.expect_message_of("hi", 1);

    let stopwatch = Stopwatch::start();
    consumer.send(message.req(1000));
    let channel = nsqd.await_channel("t", "c", &json!({"deferred_count": 1}));
    assert_eq!(
        (&channel["depth"], &channel["in_flight_count"]),
        (&json!(0), &json!(0))
    );
    consumer.expect_message_of("hi", 2);
    stopwatch.expect_within(due_after(Duration::from_secs(1)));
    nsqd.await_channel(
        "t",
        "c",
        &json!({"deferred_count": 0, "in_flight_count": 1, "requeue_count": 1}),
    );
}

#[test]
fn the_delay_ends_when_it_should() {
    deviates!(TimersAreOnTime);
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");
    let message = consumer.expect_message_of("hi", 1);

    let stopwatch = Stopwatch::start();
    consumer.send(message.req(300));
    consumer.expect_message_of("hi", 2);
    stopwatch.expect_within(on_time_after(Duration::from_millis(300)));
}

#[test]
fn a_deferred_message_is_not_in_flight() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");
    let message = consumer.expect_message_of("hi", 1);

    consumer.send(message.req(3_600_000));
    let id = &message.id;
    consumer.send(message.fin());
    consumer.expect_error(format!("E_FIN_FAILED FIN {id} failed ID not in flight"));
    consumer.send(message.req(0));
    consumer.expect_error(format!("E_REQ_FAILED REQ {id} failed ID not in flight"));
}

#[test]
fn attempts_have_no_limit() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");

    for attempt in 1..=500 {
        let message = consumer.expect_message_of("hi", attempt);
        consumer.send(message.req(0));
    }
}

#[test]
fn a_requeued_message_may_go_to_another_consumer() {
    let nsqd = Nsqd::start();
    let mut first = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");
    let message = first.expect_message_of("hi", 1);
    let mut second = nsqd.consumer("t", "c", 1);

    first.ready(0);
    first.send(message.req(0));
    let message = second.expect_message_of("hi", 2);
    second.send(message.fin());
    nsqd.await_channel("t", "c", &json!({"in_flight_count": 0, "depth": 0}));
}
