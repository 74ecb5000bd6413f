//! Messages published for later.

use std::time::Duration;

use nsq_tests::{Nsqd, Peer, Stopwatch, command, deviates};
use serde_json::json;

use super::{due_after, on_time_after};

fn publish_deferred(peer: &mut Peer, topic: &str, delay_ms: u64, body: &str) {
    peer.send(command::deferred_publish(topic, delay_ms, body));
    peer.expect_ok();
}

#[test]
fn a_deferred_message_waits_in_the_channel_and_then_is_a_message_like_any_other() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 10);
    let stopwatch = Stopwatch::start();

    publish_deferred(&mut nsqd.connect(), "t", 1000, "late");
    let channel = nsqd.await_channel("t", "c", &json!({"deferred_count": 1}));
    assert_eq!(
        (
            &channel["depth"],
            &channel["in_flight_count"],
            &channel["message_count"]
        ),
        (&json!(0), &json!(0), &json!(1))
    );
    nsqd.publish("t", "soon");
    consumer.expect_message_of("soon", 1);
    consumer.expect_message_of("late", 1);
    stopwatch.expect_within(due_after(Duration::from_secs(1)));
    let channel = nsqd.await_channel("t", "c", &json!({"deferred_count": 0, "in_flight_count": 2}));
    assert_eq!(
        channel["message_count"],
        json!(2),
        "not counted again when its delay ends"
    );
}

#[test]
fn delays_end_in_the_order_of_their_ends_and_on_time() {
    deviates!(TimersAreOnTime);
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 10);
    let mut publisher = nsqd.connect();
    let stopwatch = Stopwatch::start();

    for delay_ms in [900, 300, 600] {
        publish_deferred(&mut publisher, "t", delay_ms, &delay_ms.to_string());
    }
    for delay_ms in [300, 600, 900] {
        consumer.expect_message_of(delay_ms.to_string(), 1);
        stopwatch.expect_within(on_time_after(Duration::from_millis(delay_ms)));
    }
}

#[test]
fn the_delay_starts_when_the_message_reaches_a_channel() {
    let nsqd = Nsqd::start();
    publish_deferred(&mut nsqd.connect(), "t", 1000, "late");
    nsqd.await_topic("t", &json!({"depth": 1, "message_count": 1}));

    let stopwatch = Stopwatch::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.await_channel("t", "c", &json!({"deferred_count": 1}));
    nsqd.await_topic("t", &json!({"depth": 0}));
    consumer.expect_message_of("late", 1);
    stopwatch.expect_within(due_after(Duration::from_secs(1)));
}

#[test]
fn every_channel_defers_its_own_copy() {
    let nsqd = Nsqd::start();
    let mut first = nsqd.consumer("t", "first", 1);
    let mut second = nsqd.consumer("t", "second", 1);
    let stopwatch = Stopwatch::start();

    publish_deferred(&mut nsqd.connect(), "t", 500, "late");
    let copies = [
        first.expect_message_of("late", 1),
        second.expect_message_of("late", 1),
    ];
    stopwatch.expect_within(due_after(Duration::from_millis(500)));
    assert_eq!(copies[0].id, copies[1].id);
}

#[test]
fn a_delay_of_zero_is_none() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    let stopwatch = Stopwatch::start();

    publish_deferred(&mut nsqd.connect(), "t", 0, "now");
    consumer.expect_message_of("now", 1);
    stopwatch.expect_within(on_time_after(Duration::ZERO));
}

#[test]
fn http_publishes_for_later_too() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    let stopwatch = Stopwatch::start();

    nsqd.http()
        .post("/pub?topic=t&defer=500", "late")
        .expect_text(200, "OK");
    nsqd.await_channel("t", "c", &json!({"deferred_count": 1, "depth": 0}));
    consumer.expect_message_of("late", 1);
    stopwatch.expect_within(due_after(Duration::from_millis(500)));
}
