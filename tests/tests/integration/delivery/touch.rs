//! Consumers that ask for more time.

use std::time::Duration;

use nsq_tests::{Nsqd, Stopwatch, deviates};
use serde_json::json;

use super::{SCAN, due_after};

#[test]
fn touch_restarts_the_timeout() {
    let nsqd = Nsqd::with(&["--msg-timeout=2s"]);
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");
    let message = consumer.expect_message_of("hi", 1);
    let stopwatch = Stopwatch::start();

    consumer.expect_silence(Duration::from_secs(1));
    consumer.send(message.touch());
    consumer.expect_message_of("hi", 2);
    stopwatch.expect_within(due_after(Duration::from_millis(2950)));
}

#[test]
fn touch_cannot_hold_a_message_beyond_the_maximum_timeout_and_stays_silent_about_it() {
    let nsqd = Nsqd::with(&["--msg-timeout=1900ms", "--max-msg-timeout=2s"]);
    let mut consumer = nsqd.consumer("t", "c", 1);
    // The original scans a channel only once it is a few seconds old; without that its lateness would hide the cap.
    nsqd.publish("t", "warm-up");
    consumer.expect_message_of("warm-up", 1);
    let warm = consumer.expect_message_of("warm-up", 2);
    consumer.send(warm.fin());

    nsqd.publish("t", "hi");
    let message = consumer.expect_message_of("hi", 1);
    let stopwatch = Stopwatch::start();
    consumer.expect_silence(Duration::from_millis(1500));
    consumer.send(message.touch());
    consumer.expect_message_of("hi", 2);
    // Without the cap it would be 3.4 seconds.
    stopwatch.expect_within(Duration::from_millis(1950)..Duration::from_millis(3200));
}

#[test]
fn touch_uses_the_timeout_the_client_chose() {
    deviates!(TimersAreOnTime);
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.connect();
    consumer.identify(r#"{"msg_timeout":1500}"#);
    consumer.subscribe("t", "c");
    consumer.ready(1);
    nsqd.publish("t", "hi");
    let message = consumer.expect_message_of("hi", 1);
    let stopwatch = Stopwatch::start();

    consumer.expect_silence(Duration::from_millis(500));
    consumer.send(message.touch());
    consumer.expect_message_of("hi", 2);
    stopwatch.expect_within(Duration::from_millis(1950)..Duration::from_millis(2700));
}

#[test]
fn a_touched_message_is_finished_as_any_other() {
    let nsqd = Nsqd::with(&["--msg-timeout=1s"]);
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");
    let message = consumer.expect_message_of("hi", 1);

    for _ in 0..100 {
        consumer.send(message.touch());
    }
    consumer.send(message.fin());
    consumer.expect_nothing_before_ok("probe");
    nsqd.await_channel(
        "t",
        "c",
        &json!({"in_flight_count": 0, "depth": 0, "timeout_count": 0}),
    );
    // None of the hundred timers is left behind.
    consumer.expect_silence(SCAN / 4);
}
