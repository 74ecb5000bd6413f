//! Every number in the statistics, after a known history.

use nsq_tests::{Nsqd, command, deviates};
use serde_json::json;

#[test]
fn every_counter_tells_the_history_of_its_topic_channel_and_client() {
    let nsqd = Nsqd::with(&["--mem-queue-size=5"]);
    let mut consumer = nsqd.consumer("t", "c", 6);
    let mut publisher = nsqd.connect();
    // 12 messages: six are sent, the rest waits, at most five of it in memory.
    for index in 10..22 {
        publisher.publish("t", format!("{index}"));
    }
    publisher.send(command::deferred_publish("t", 3_600_000, "deferred"));
    publisher.expect_ok();
    let messages = consumer.expect_messages(6);
    consumer.ready(0);
    nsqd.await_channel("t", "c", &json!({"message_count": 13}));
    consumer.send(messages[0].fin());
    consumer.send(messages[1].fin());
    consumer.send(messages[2].req(3_600_000));
    consumer.expect_nothing_before_ok("probe");

    let topic = nsqd.await_topic("t", &json!({"depth": 0}));
    for (field, value) in [
        ("backend_depth", json!(0)),
        ("message_count", json!(13)),
        ("message_bytes", json!(12 * 2 + 8)),
        ("paused", json!(false)),
    ] {
        assert_eq!(topic[field], value, "{field} of {topic}");
    }
    let channel = &topic["channels"][0];
    for (field, value) in [
        ("depth", json!(6)),
        ("in_flight_count", json!(3)),
        ("deferred_count", json!(2)),
        ("message_count", json!(13)),
        ("requeue_count", json!(1)),
        ("timeout_count", json!(0)),
        ("client_count", json!(1)),
        ("paused", json!(false)),
    ] {
        assert_eq!(channel[field], value, "{field} of {channel}");
    }
    let backend_depth = channel["backend_depth"].as_u64().unwrap();
    assert!(
        (1..=6).contains(&backend_depth),
        "six waited where five fit in memory: {channel}"
    );
    let client = &channel["clients"][0];
    for (field, value) in [
        ("state", json!(3)),
        ("ready_count", json!(0)),
        ("in_flight_count", json!(3)),
        ("message_count", json!(6)),
        ("finish_count", json!(2)),
        ("requeue_count", json!(1)),
        ("sample_rate", json!(0)),
    ] {
        assert_eq!(client[field], value, "{field} of {client}");
    }
}

#[test]
fn messages_taken_from_memory_are_counted_for_the_channel() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 10);
    for _ in 0..3 {
        nsqd.publish("t", "hi");
    }
    consumer.expect_messages(3);

    let channel = nsqd.await_channel("t", "c", &json!({"in_flight_count": 3}));
    assert_eq!(channel["global_msg_count"], json!(3));
    assert_eq!(channel.get("zone_local_msg_count"), None);
    assert_eq!(channel.get("region_local_msg_count"), None);
}

#[test]
fn a_connection_that_publishes_is_a_producer_and_counts_per_topic() {
    deviates!(EveryPublishCountIsListed);
    let nsqd = Nsqd::start();
    let mut publisher = nsqd.connect();
    publisher.publish("a", "1");
    publisher.send(command::multi_publish("b", &["2", "3"]));
    publisher.expect_ok();
    publisher.send(command::deferred_publish("b", 0, "4"));
    publisher.expect_ok();

    let stats = nsqd.stats();
    let mut counts = stats["producers"][0]["pub_counts"].as_array().unwrap().clone();
    counts.sort_by_key(|count| count["topic"].to_string());
    assert_eq!(
        counts,
        [
            json!({"topic": "a", "count": 1}),
            json!({"topic": "b", "count": 3})
        ]
    );
}

#[test]
fn a_connection_that_consumes_and_publishes_is_listed_as_both() {
    let nsqd = Nsqd::start();
    let mut both = nsqd.consumer("t", "c", 0);
    both.publish("t", "hi");
    let address = json!(both.local_address().unwrap().to_string());

    let channel = nsqd.await_channel("t", "c", &json!({"depth": 1}));
    let producers = &nsqd.stats()["producers"];
    for listed in [&channel["clients"][0], &producers[0]] {
        assert_eq!(listed["remote_address"], address);
        assert_eq!(listed["pub_counts"], json!([{"topic": "t", "count": 1}]));
        assert_eq!(listed["state"], json!(3));
    }
}

#[test]
fn a_publisher_is_listed_from_its_first_success_to_its_end() {
    let nsqd = Nsqd::start();
    let mut publisher = nsqd.connect();
    publisher.send("NOP\n");
    assert_eq!(nsqd.stats()["producers"], json!(null));

    publisher.publish("t", "hi");
    assert_eq!(nsqd.stats()["producers"].as_array().unwrap().len(), 1);
    drop(publisher);
    nsqd.await_stats(|stats| stats["producers"].is_null().then_some(()));
}

#[test]
fn messages_published_over_http_have_no_producer() {
    let nsqd = Nsqd::start();
    nsqd.http().post("/pub?topic=t", "hi").expect_text(200, "OK");

    let stats = nsqd.stats();
    assert_eq!(stats["producers"], json!(null));
    nsqd.await_topic("t", &json!({"message_count": 1, "message_bytes": 2}));
}

#[test]
fn latency_is_measured_at_finish_and_merged_for_the_topic() {
    let nsqd = Nsqd::with(&["--e2e-processing-latency-percentile=0.5,0.99"]);
    let mut consumers = [nsqd.consumer("t", "a", 10), nsqd.consumer("t", "b", 10)];
    for _ in 0..3 {
        nsqd.publish("t", "hi");
    }
    for consumer in &mut consumers {
        for message in consumer.expect_messages(3) {
            consumer.send(message.fin());
        }
        consumer.expect_nothing_before_ok("probe");
    }

    let topic = nsqd.await_topic("t", &json!({"message_count": 3}));
    let latencies =
        [&topic, &topic["channels"][0], &topic["channels"][1]].map(|of| &of["e2e_processing_latency"]);
    assert_eq!(
        latencies.map(|latency| latency["count"].as_u64()),
        [Some(6), Some(3), Some(3)]
    );
    for latency in latencies {
        let percentiles = latency["percentiles"].as_array().unwrap();
        assert_eq!(
            percentiles[0]["quantile"],
            json!(0.99),
            "percentiles of flags are listed from the highest"
        );
        assert_eq!(percentiles[1]["quantile"], json!(0.5));
        let values = [0, 1].map(|index| percentiles[index]["value"].as_f64().unwrap());
        assert!(0.0 < values[1] && values[1] <= values[0], "{latency}");
        assert!(values[0] < 10e9, "nanoseconds: {latency}");
    }
}
