//! `SUB`: names, limits, and the order of checks.

use nsq_tests::{Nsqd, command};
use serde_json::json;

use super::{INVALID_NAMES, VALID_NAMES, expect_fatal};

#[test]
fn sub_creates_topic_and_channel_and_answers_ok() {
    let nsqd = Nsqd::start();
    for name in VALID_NAMES {
        let mut peer = nsqd.connect();
        peer.subscribe(name, name);
        nsqd.await_channel(name, name, &json!({"client_count": 1}));
    }
}

#[test]
fn too_few_parameters_are_refused() {
    let nsqd = Nsqd::start();
    for line in ["SUB\n", "SUB t\n", "SUB bad/name\n", "SUB \n"] {
        expect_fatal(&nsqd, line, "E_INVALID SUB insufficient number of parameters");
    }
}

#[test]
fn invalid_names_are_quoted_in_the_error() {
    let nsqd = Nsqd::start();
    for (name, quoted) in INVALID_NAMES {
        let line = [b"SUB ", *name, b" c\n"].concat();
        expect_fatal(
            &nsqd,
            line,
            format!("E_BAD_TOPIC SUB topic name \"{quoted}\" is not valid"),
        );
        // A name may not end in the carriage return that a line may end with.
        let line = [b"SUB t ", *name, b" \n"].concat();
        expect_fatal(
            &nsqd,
            line,
            format!("E_BAD_CHANNEL SUB channel name \"{quoted}\" is not valid"),
        );
    }
    assert_eq!(nsqd.stats()["topics"], json!([]), "a refused SUB creates nothing");
}

#[test]
fn checks_come_in_order() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();
    peer.subscribe("t", "c");
    peer.send("SUB\n");
    peer.expect_fatal("E_INVALID cannot SUB in current state");

    let mut peer = nsqd.connect();
    peer.identify(r#"{"heartbeat_interval":-1}"#);
    peer.send("SUB\n");
    peer.expect_fatal("E_INVALID cannot SUB with heartbeats disabled");

    expect_fatal(
        &nsqd,
        "SUB * *\n",
        "E_BAD_TOPIC SUB topic name \"*\" is not valid",
    );
}

#[test]
fn the_number_of_consumers_of_a_channel_can_be_limited() {
    let nsqd = Nsqd::with(&["--max-channel-consumers=2"]);
    let _first = nsqd.consumer("t", "c", 0);
    let second = nsqd.consumer("t", "c", 0);

    expect_fatal(
        &nsqd,
        "SUB t c\n",
        "E_SUB_FAILED SUB failed consumers for t:c exceeds limit of 2",
    );
    let _elsewhere = nsqd.consumer("t", "d", 0);

    drop(second);
    nsqd.await_channel("t", "c", &json!({"client_count": 1}));
    let _third = nsqd.consumer("t", "c", 0);
}

#[test]
fn nothing_is_delivered_before_the_first_rdy() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.subscribe("t", "c");
    peer.publish("t", "hi");
    nsqd.await_channel("t", "c", &json!({"depth": 1, "in_flight_count": 0}));
    peer.expect_nothing_before_ok("probe");
    peer.ready(1);
    peer.expect_message_of("hi", 1);
}

#[test]
fn sub_may_be_pipelined_with_rdy() {
    let nsqd = Nsqd::start();
    nsqd.publish("t", "hi");
    let mut peer = nsqd.connect();

    peer.send([command::identify("{}"), b"SUB t c\nRDY 1\n".to_vec()].concat());
    peer.expect_ok();
    peer.expect_ok();
    peer.expect_message_of("hi", 1);
}
