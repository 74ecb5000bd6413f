//! `PUB`: sizes, names, and the order of checks.

use nsq_tests::{Nsqd, command};
use serde_json::json;

use super::{INVALID_NAMES, VALID_NAMES, expect_fatal, expect_fatal_at_end};

#[test]
fn pub_creates_the_topic_and_answers_ok() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();
    for name in VALID_NAMES {
        peer.publish(name, "hi");
        nsqd.await_topic(name, &json!({"depth": 1, "message_count": 1, "message_bytes": 2}));
    }
}

#[test]
fn a_missing_topic_is_refused() {
    expect_fatal(
        &Nsqd::start(),
        "PUB\n",
        "E_INVALID PUB insufficient number of parameters",
    );
}

#[test]
fn an_invalid_topic_is_refused_before_the_body_is_read() {
    let nsqd = Nsqd::start();
    for (name, quoted) in INVALID_NAMES {
        let line = [b"PUB ", *name, b" \n"].concat();
        expect_fatal(
            &nsqd,
            line,
            format!("E_BAD_TOPIC PUB topic name \"{quoted}\" is not valid"),
        );
    }
    assert_eq!(nsqd.stats()["topics"], json!([]));
}

#[test]
fn the_size_is_checked_before_the_body_is_read() {
    let nsqd = Nsqd::with(&["--max-msg-size=100"]);

    expect_fatal_at_end(
        &nsqd,
        "PUB t\n",
        "E_BAD_MESSAGE PUB failed to read message body size",
    );
    expect_fatal_at_end(
        &nsqd,
        "PUB t\n\0\0\0",
        "E_BAD_MESSAGE PUB failed to read message body size",
    );
    for (size, error) in [
        (0, "E_BAD_MESSAGE PUB invalid message body size 0"),
        (-1, "E_BAD_MESSAGE PUB invalid message body size -1"),
        (
            i32::MIN,
            "E_BAD_MESSAGE PUB invalid message body size -2147483648",
        ),
        (101, "E_BAD_MESSAGE PUB message too big 101 > 100"),
        (i32::MAX, "E_BAD_MESSAGE PUB message too big 2147483647 > 100"),
    ] {
        expect_fatal(&nsqd, command::with_declared_size("PUB t", size), error);
    }
    expect_fatal_at_end(
        &nsqd,
        "PUB t\n\0\0\0\x05abcd",
        "E_BAD_MESSAGE PUB failed to read message body",
    );
}

#[test]
fn a_refused_message_creates_no_topic() {
    let nsqd = Nsqd::start();

    expect_fatal(
        &nsqd,
        command::with_declared_size("PUB t", 0),
        "E_BAD_MESSAGE PUB invalid message body size 0",
    );
    assert_eq!(nsqd.stats()["topics"], json!([]));
}

#[test]
fn a_message_of_exactly_the_limit_is_accepted() {
    let nsqd = Nsqd::with(&["--max-msg-size=100"]);
    let mut consumer = nsqd.consumer("t", "c", 1);

    nsqd.publish("t", [b'x'; 100]);
    consumer.expect_message_of([b'x'; 100], 1);
}

#[test]
fn a_message_of_the_default_limit_travels_whole() {
    let nsqd = Nsqd::start();
    let body: Vec<u8> = (0..1_048_576_u32).map(|index| index.to_be_bytes()[2]).collect();
    let mut consumer = nsqd.consumer("t", "c", 1);

    nsqd.publish("t", &body);
    consumer.expect_message_of(&body, 1);
    expect_fatal(
        &nsqd,
        command::with_declared_size("PUB t", 1_048_577),
        "E_BAD_MESSAGE PUB message too big 1048577 > 1048576",
    );
}
