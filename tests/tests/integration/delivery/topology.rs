//! Topology-aware consumption: nearer consumers first, as long as they keep up.

use nsq_tests::{Nsqd, Peer, deviates};
use serde_json::{Value, json};

const FLAGS: &[&str] = &[
    "--enable-experiment=topology-aware-consumption",
    "--topology-region=r1",
    "--topology-zone=z1",
];

/// A consumer that says where it is.
fn consumer_at(nsqd: &Nsqd, region: &str, zone: &str, ready_count: u32) -> Peer {
    let mut consumer = nsqd.connect();
    // Without an output buffer nothing of what is compared here depends on flushes.
    consumer.identify(&format!(
        r#"{{"topology_region":"{region}","topology_zone":"{zone}","output_buffer_size":-1}}"#
    ));
    consumer.subscribe("t", "c");
    consumer.ready(ready_count);
    // Ready and idle before anything is published.
    consumer.expect_nothing_before_ok("probe");
    consumer
}

/// The counters of channel `c` by class: zone-local, region-local, global. A zero is left out of the statistics.
fn counts(nsqd: &Nsqd, message_count: u64) -> [u64; 3] {
    let channel = nsqd.await_channel("t", "c", &json!({"message_count": message_count, "depth": 0}));
    [
        "zone_local_msg_count",
        "region_local_msg_count",
        "global_msg_count",
    ]
    .map(|field| channel.get(field).and_then(Value::as_u64).unwrap_or(0))
}

#[test]
fn the_zone_comes_first_then_the_region_then_anyone() {
    let nsqd = Nsqd::with(FLAGS);
    let mut far = consumer_at(&nsqd, "r2", "z2", 1);
    let mut region = consumer_at(&nsqd, "r1", "z2", 1);
    let mut zone = consumer_at(&nsqd, "r1", "z1", 1);

    // Each may hold one message: the next one goes to the nearest that has room.
    nsqd.publish("t", "0");
    zone.expect_message_of("0", 1);
    nsqd.publish("t", "1");
    region.expect_message_of("1", 1);
    nsqd.publish("t", "2");
    far.expect_message_of("2", 1);
    assert_eq!(counts(&nsqd, 3), [1, 1, 1]);
}

#[test]
fn a_zone_that_keeps_up_gets_everything() {
    deviates!(AnsweredConsumersAreWaiting);
    let nsqd = Nsqd::with(FLAGS);
    let _far = consumer_at(&nsqd, "r2", "z2", 10);
    let _region = consumer_at(&nsqd, "r1", "z2", 10);
    let mut zone = consumer_at(&nsqd, "r1", "z1", 10);

    for round in 0..30 {
        nsqd.publish("t", format!("{round}"));
        let message = zone.expect_message_of(format!("{round}"), 1);
        zone.send(message.fin());
        // The answer shows that the consumer is idle again.
        zone.expect_nothing_before_ok("probe");
    }
    assert_eq!(counts(&nsqd, 30), [30, 0, 0]);
}

#[test]
fn a_zone_is_near_whatever_its_region_is_called() {
    let nsqd = Nsqd::with(FLAGS);
    let mut zone = consumer_at(&nsqd, "elsewhere", "z1", 1);

    nsqd.publish("t", "hi");
    zone.expect_message_of("hi", 1);
    assert_eq!(counts(&nsqd, 1), [1, 0, 0]);
}

#[test]
fn a_client_that_did_not_say_where_it_is_is_far() {
    let nsqd = Nsqd::with(FLAGS);
    let mut consumer = nsqd.consumer("t", "c", 1);

    nsqd.publish("t", "hi");
    consumer.expect_message_of("hi", 1);
    assert_eq!(counts(&nsqd, 1), [0, 0, 1]);
}

#[test]
fn what_waited_in_memory_goes_to_anyone() {
    let nsqd = Nsqd::with(FLAGS);
    nsqd.create_channel("t", "c");
    for _ in 0..5 {
        nsqd.publish("t", "hi");
    }
    nsqd.await_channel("t", "c", &json!({"depth": 5}));

    let mut far = nsqd.connect();
    far.identify(r#"{"topology_region":"r2","topology_zone":"z2"}"#);
    far.subscribe("t", "c");
    far.ready(5);
    far.expect_messages(5);
    assert_eq!(counts(&nsqd, 5), [0, 0, 5]);
}

#[test]
fn without_the_experiment_places_make_no_difference() {
    let nsqd = Nsqd::with(&["--topology-region=r1", "--topology-zone=z1"]);
    let mut zone = consumer_at(&nsqd, "r1", "z1", 10);

    nsqd.publish("t", "hi");
    zone.expect_message_of("hi", 1);
    assert_eq!(counts(&nsqd, 1), [0, 0, 1]);
}

#[test]
fn a_server_without_a_place_has_no_neighbours() {
    deviates!(NoPlaceIsNowhere);
    let nsqd = Nsqd::with(&["--enable-experiment=topology-aware-consumption"]);
    let mut consumer = consumer_at(&nsqd, "", "", 1);

    nsqd.publish("t", "hi");
    consumer.expect_message_of("hi", 1);
    assert_eq!(counts(&nsqd, 1), [0, 0, 1]);
}
