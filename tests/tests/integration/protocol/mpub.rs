//! `MPUB`: sizes, counts, and all-or-nothing.

use nsq_tests::{Nsqd, command};
use serde_json::json;

use super::{INVALID_NAMES, expect_fatal, expect_fatal_at_end};

#[test]
fn every_message_of_the_batch_is_queued_in_order() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.consumer("t", "c", 10);
    let mut publisher = nsqd.connect();

    publisher.send(command::multi_publish("t", &["one", "two", "three"]));
    publisher.expect_ok();
    let bodies: Vec<_> = peer
        .expect_messages(3)
        .into_iter()
        .map(|message| message.body)
        .collect();
    assert_eq!(bodies, [&b"one"[..], b"two", b"three"]);
    nsqd.await_topic("t", &json!({"message_count": 3, "message_bytes": 11}));
}

#[test]
fn a_missing_topic_is_refused() {
    expect_fatal(
        &Nsqd::start(),
        "MPUB\n",
        "E_INVALID MPUB insufficient number of parameters",
    );
}

#[test]
fn an_invalid_topic_is_refused_with_the_code_twice() {
    let nsqd = Nsqd::start();
    for (name, quoted) in INVALID_NAMES {
        let line = [b"MPUB ", *name, b" \n"].concat();
        expect_fatal(
            &nsqd,
            line,
            format!("E_BAD_TOPIC E_BAD_TOPIC MPUB topic name \"{quoted}\" is not valid"),
        );
    }
}

#[test]
fn the_body_size_is_checked_before_the_body_is_read() {
    let nsqd = Nsqd::with(&["--max-body-size=100"]);

    expect_fatal_at_end(
        &nsqd,
        "MPUB t\n\0\0\0",
        "E_BAD_BODY MPUB failed to read body size",
    );
    for (size, error) in [
        (0, "E_BAD_BODY MPUB invalid body size 0"),
        (-1, "E_BAD_BODY MPUB invalid body size -1"),
        (101, "E_BAD_BODY MPUB body too big 101 > 100"),
        (i32::MAX, "E_BAD_BODY MPUB body too big 2147483647 > 100"),
    ] {
        expect_fatal(&nsqd, command::with_declared_size("MPUB t", size), error);
    }
}

#[test]
fn the_count_is_bounded_by_what_the_largest_body_could_hold() {
    // (100 - 4) / 5 = 19 messages of one byte with their sizes.
    let nsqd = Nsqd::with(&["--max-body-size=100"]);

    expect_fatal_at_end(
        &nsqd,
        "MPUB t\n\0\0\0\x10\0\0",
        "E_BAD_BODY MPUB failed to read message count",
    );
    for (count, error) in [
        (0, "E_BAD_BODY MPUB invalid message count 0"),
        (-1, "E_BAD_BODY MPUB invalid message count -1"),
        (20, "E_BAD_BODY MPUB invalid message count 20"),
        (i32::MAX, "E_BAD_BODY MPUB invalid message count 2147483647"),
    ] {
        let script = [
            command::with_declared_size("MPUB t", 50),
            count.to_be_bytes().to_vec(),
        ]
        .concat();
        expect_fatal(&nsqd, script, error);
    }
    let mut peer = nsqd.connect();
    peer.send(command::multi_publish("t", &[[b'x'; 1]; 19]));
    peer.expect_ok();
    nsqd.await_topic("t", &json!({"message_count": 19}));
}

#[test]
fn each_message_is_checked_and_named_by_its_index() {
    let nsqd = Nsqd::with(&["--max-msg-size=10"]);
    // Three messages announced, the first of which is fine.
    let head = [
        command::with_declared_size("MPUB t", 100),
        b"\0\0\0\x03\0\0\0\x02ok".to_vec(),
    ]
    .concat();
    let with = |tail: &[u8]| [head.as_slice(), tail].concat();

    for (tail, error) in [
        (
            &b"\0\0\0\0"[..],
            "E_BAD_MESSAGE MPUB invalid message(1) body size 0",
        ),
        (
            b"\xff\xff\xff\xff",
            "E_BAD_MESSAGE MPUB invalid message(1) body size -1",
        ),
        (b"\0\0\0\x0b", "E_BAD_MESSAGE MPUB message too big 11 > 10"),
        (
            b"\x7f\xff\xff\xff",
            "E_BAD_MESSAGE MPUB message too big 2147483647 > 10",
        ),
        (
            b"\0\0\0\x01x\0\0\0\0",
            "E_BAD_MESSAGE MPUB invalid message(2) body size 0",
        ),
    ] {
        expect_fatal(&nsqd, with(tail), error);
    }
    expect_fatal_at_end(
        &nsqd,
        with(b"\0\0"),
        "E_BAD_MESSAGE MPUB failed to read message(1) body size",
    );
    expect_fatal_at_end(
        &nsqd,
        with(b""),
        "E_BAD_MESSAGE MPUB failed to read message(1) body size",
    );
    expect_fatal_at_end(
        &nsqd,
        with(b"\0\0\0\x05abcd"),
        "E_BAD_MESSAGE MPUB failed to read message body",
    );
    // The topic is created before the body is looked at, and nothing of a bad batch is queued.
    nsqd.await_topic("t", &json!({"message_count": 0, "depth": 0}));
}

#[test]
fn the_declared_body_size_is_not_compared_with_the_messages() {
    let nsqd = Nsqd::start();
    for declared in [1, 5, 1000] {
        let mut peer = nsqd.connect();
        let batch = command::batch(&["one", "two"]);
        peer.send([command::with_declared_size("MPUB t", declared), batch].concat());
        peer.expect_ok();
        peer.publish("t", "the stream is still in step");
    }
    nsqd.await_topic("t", &json!({"message_count": 9}));
}

#[test]
fn a_body_of_the_default_limit_is_accepted() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();
    // 4 bytes of count and 5 messages with 4 bytes of size: 5 MiB in all.
    let mut bodies = vec![vec![b'x'; 1_048_576 - 4]; 4];
    bodies.push(vec![b'x'; 1_048_576 - 8]);
    let script = command::multi_publish("t", &bodies);
    assert_eq!(script.len(), "MPUB t\n".len() + 4 + 5_242_880);

    peer.send(script);
    peer.expect_ok();
    nsqd.await_topic("t", &json!({"message_count": 5}));
}
