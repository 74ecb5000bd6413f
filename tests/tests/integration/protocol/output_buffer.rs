//! When buffered messages are sent.

use std::time::Duration;

use nsq_tests::{Nsqd, Stopwatch};

/// Delivers one message to a consumer that could take more, and returns how long it took from its publication.
fn time_to_deliver(identify: &str) -> Duration {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.connect();
    consumer.identify(identify);
    consumer.subscribe("t", "c");
    consumer.ready(10);
    consumer.expect_nothing_before_ok("probe");
    let mut publisher = nsqd.connect();

    let stopwatch = Stopwatch::start();
    publisher.publish("t", "hi");
    consumer.expect_message_of("hi", 1);
    stopwatch.elapsed()
}

#[test]
fn a_message_waits_at_most_for_the_output_buffer_timeout() {
    let took = time_to_deliver(r#"{"output_buffer_timeout":500}"#);
    assert!(took < Duration::from_millis(1200), "took {took:?}");
}

#[test]
fn a_message_does_not_wait_without_an_output_buffer() {
    let took = time_to_deliver(r#"{"output_buffer_size":-1}"#);
    assert!(took < Duration::from_millis(500), "took {took:?}");
}

#[test]
fn without_timed_flushes_a_message_leaves_with_the_next_heartbeat_at_the_latest() {
    let took = time_to_deliver_before_heartbeat();
    assert!(took < Duration::from_secs(2), "took {took:?}");
}

fn time_to_deliver_before_heartbeat() -> Duration {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.connect();
    consumer.identify(r#"{"output_buffer_timeout":-1,"heartbeat_interval":1000}"#);
    consumer.subscribe("t", "c");
    consumer.ready(10);
    consumer.expect_nothing_before_ok("probe");
    let stopwatch = Stopwatch::start();
    nsqd.publish("t", "hi");
    let frame = consumer.read_frame();
    assert!(frame.kind == 2 || frame.data == b"_heartbeat_", "{frame:?}");
    if frame.kind != 2 {
        consumer.expect_message_of("hi", 1);
    }
    stopwatch.elapsed()
}

#[test]
fn a_consumer_that_is_full_gets_its_message_at_once() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.connect();
    consumer.identify(r#"{"output_buffer_timeout":30000}"#);
    consumer.subscribe("t", "c");
    consumer.ready(1);
    let mut publisher = nsqd.connect();

    for round in 0..20 {
        let stopwatch = Stopwatch::start();
        publisher.publish("t", format!("{round}"));
        let message = consumer.expect_message_of(format!("{round}"), 1);
        stopwatch.expect_within(Duration::ZERO..Duration::from_secs(1));
        consumer.send(message.fin());
    }
}

#[test]
fn a_response_brings_the_buffered_messages_with_it() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.connect();
    consumer.identify(r#"{"output_buffer_timeout":30000}"#);
    consumer.subscribe("t", "c");
    consumer.ready(10);
    consumer.expect_nothing_before_ok("probe");
    nsqd.publish("t", "hi");
    nsqd.await_channel("t", "c", &serde_json::json!({"in_flight_count": 1}));

    let stopwatch = Stopwatch::start();
    consumer.send(nsq_tests::command::publish("probe", "probe"));
    consumer.expect_message_of("hi", 1);
    consumer.expect_ok();
    stopwatch.expect_within(Duration::ZERO..Duration::from_secs(1));
}

#[test]
fn a_full_buffer_does_not_wait_for_its_timeout() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.connect();
    consumer.identify(r#"{"output_buffer_timeout":30000,"output_buffer_size":64}"#);
    consumer.subscribe("t", "c");
    consumer.ready(10);
    consumer.expect_nothing_before_ok("probe");

    let stopwatch = Stopwatch::start();
    nsqd.publish("t", [b'x'; 1000]);
    consumer.expect_message_of([b'x'; 1000], 1);
    stopwatch.expect_within(Duration::ZERO..Duration::from_secs(1));
}
