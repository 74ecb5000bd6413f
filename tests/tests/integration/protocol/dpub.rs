//! `DPUB`: the delay as a parameter; what the delay does is in `delivery::deferred`.

use nsq_tests::{Nsqd, command};

use super::{INVALID_NAMES, expect_fatal, expect_fatal_at_end};

#[test]
fn too_few_parameters_are_refused() {
    let nsqd = Nsqd::start();
    for line in ["DPUB\n", "DPUB t\n", "DPUB bad/name\n"] {
        expect_fatal(&nsqd, line, "E_INVALID DPUB insufficient number of parameters");
    }
}

#[test]
fn the_topic_is_checked_before_the_delay() {
    let nsqd = Nsqd::start();
    for (name, quoted) in INVALID_NAMES {
        let line = [b"DPUB ", *name, b" x\n"].concat();
        expect_fatal(
            &nsqd,
            line,
            format!("E_BAD_TOPIC DPUB topic name \"{quoted}\" is not valid"),
        );
    }
}

#[test]
fn a_delay_above_the_limit_is_refused_and_the_limit_is_accepted() {
    let nsqd = Nsqd::with(&["--max-req-timeout=10s"]);
    let mut peer = nsqd.connect();

    for delay_ms in [0, 1, 10_000] {
        peer.send(command::deferred_publish("t", delay_ms, "hi"));
        peer.expect_ok();
    }
    expect_fatal(
        &nsqd,
        "DPUB t 10001\n",
        "E_INVALID DPUB timeout 10001 out of range 0-10000",
    );
    expect_fatal(
        &nsqd,
        "DPUB t 9223372036854\n",
        "E_INVALID DPUB timeout 9223372036854 out of range 0-10000",
    );
    expect_fatal(&nsqd, "DPUB t -1\n", "E_INVALID DPUB could not parse timeout -1");
    expect_fatal(&nsqd, "DPUB t 1s\n", "E_INVALID DPUB could not parse timeout 1s");
}

#[test]
fn the_size_is_checked_before_the_body_is_read() {
    let nsqd = Nsqd::with(&["--max-msg-size=100"]);

    expect_fatal_at_end(
        &nsqd,
        "DPUB t 1\n\0\0\0",
        "E_BAD_MESSAGE DPUB failed to read message body size",
    );
    for (size, error) in [
        (0, "E_BAD_MESSAGE DPUB invalid message body size 0"),
        (-1, "E_BAD_MESSAGE DPUB invalid message body size -1"),
        (101, "E_BAD_MESSAGE DPUB message too big 101 > 100"),
    ] {
        expect_fatal(&nsqd, command::with_declared_size("DPUB t 1", size), error);
    }
    expect_fatal_at_end(
        &nsqd,
        "DPUB t 1\n\0\0\0\x05abcd",
        "E_BAD_MESSAGE DPUB failed to read message body",
    );
}
