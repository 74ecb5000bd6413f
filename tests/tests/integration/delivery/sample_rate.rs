//! Consumers that want a part of the messages.

use nsq_tests::{Nsqd, command};
use serde_json::json;

const COUNT: usize = 2000;

/// Offers `COUNT` messages to a consumer with this sample rate and returns how many it got.
fn sampled(rate: u32) -> usize {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.connect();
    consumer.identify(&format!(r#"{{"sample_rate":{rate}}}"#));
    consumer.subscribe("t", "c");
    consumer.ready(2500);
    let mut publisher = nsqd.connect();
    for _ in 0..COUNT / 500 {
        publisher.send(command::multi_publish("t", &[b"x"; 500]));
        publisher.expect_ok();
    }
    // What is not kept is gone: neither waiting nor in flight, but counted.
    let channel = nsqd.await_channel("t", "c", &json!({"depth": 0, "message_count": COUNT}));
    let in_flight = nsqd.await_stats(|stats| {
        let channel = &stats["topics"][0]["channels"][0];
        (channel["in_flight_count"] == channel["clients"][0]["message_count"])
            .then(|| channel["in_flight_count"].as_u64().unwrap())
    });
    assert_eq!(channel["requeue_count"], json!(0));
    let received = usize::try_from(in_flight).unwrap();
    consumer.expect_messages(received);
    consumer.expect_nothing_before_ok("probe");
    received
}

#[test]
fn about_that_percentage_is_delivered() {
    let received = sampled(50);
    assert!((850..1200).contains(&received), "{received} of {COUNT}");
}

#[test]
fn the_lowest_rate_delivers_a_trickle() {
    let received = sampled(1);
    assert!((2..120).contains(&received), "{received} of {COUNT}");
}

#[test]
fn the_highest_rate_delivers_nearly_everything() {
    let received = sampled(99);
    assert!(received > COUNT * 95 / 100, "{received} of {COUNT}");
}
