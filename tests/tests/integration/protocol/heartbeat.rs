//! Heartbeats, and the deadlines that follow from their interval.

use std::ops::Range;
use std::time::Duration;

use nsq_tests::{Nsqd, Peer, Stopwatch, command, deviates};
use serde_json::json;

/// The shortest interval a client may ask for.
const INTERVAL: Duration = Duration::from_secs(1);

/// What scheduling may add on a busy machine.
const SLACK: Duration = Duration::from_millis(800);

/// An event that is due after `duration` comes within this range.
fn about(duration: Duration) -> Range<Duration> {
    let earliest = duration.mul_f64(0.9);
    earliest..duration + SLACK
}

fn identified(nsqd: &Nsqd) -> Peer {
    let mut peer = nsqd.connect();
    peer.identify(r#"{"heartbeat_interval":1000}"#);
    peer
}

#[test]
fn one_comes_every_interval_even_to_a_client_that_is_busy() {
    let nsqd = Nsqd::start();
    let mut peer = identified(&nsqd);
    let stopwatch = Stopwatch::start();

    for round in 1..=3 {
        peer.expect_heartbeat();
        stopwatch.expect_within(about(INTERVAL * round));
        peer.send("NOP\n");
        peer.publish("t", "hi");
    }
}

#[test]
fn a_silent_client_is_dropped_after_two_intervals() {
    let nsqd = Nsqd::start();
    let mut peer = identified(&nsqd);
    let stopwatch = Stopwatch::start();

    peer.expect_heartbeat();
    // The second heartbeat and the deadline fall together; either may come first.
    let rest = peer.read_to_close(Duration::from_secs(5));
    stopwatch.expect_within(about(INTERVAL * 2));
    assert!(
        rest.is_empty() || rest == b"\0\0\0\x0f\0\0\0\0_heartbeat_",
        "{}",
        rest.escape_ascii()
    );
    let address = peer.local_address().unwrap();
    let line = nsqd
        .log()
        .await_line(&format!("client({address}) - failed to read command - "));
    assert!(
        line.contains(" ERROR: ") && line.ends_with("i/o timeout"),
        "{line}"
    );
}

#[test]
fn any_command_keeps_the_connection() {
    let nsqd = Nsqd::start();
    let mut peer = identified(&nsqd);

    for _ in 0..4 {
        peer.expect_heartbeat();
        peer.send("NOP\n");
    }
}

#[test]
fn an_answer_to_a_message_keeps_the_connection_too() {
    let nsqd = Nsqd::start();
    let mut peer = identified(&nsqd);
    peer.subscribe("t", "c");
    peer.ready(1);
    nsqd.publish("t", "hi");
    let message = peer.expect_message_of("hi", 1);

    for _ in 0..3 {
        peer.expect_heartbeat();
        peer.send(message.touch());
    }
    peer.expect_heartbeat();
}

#[test]
fn a_body_that_stalls_ends_in_the_error_of_its_command() {
    let nsqd = Nsqd::start();
    for (script, error) in [
        (
            b"PUB t\n\0\0".to_vec(),
            "E_BAD_MESSAGE PUB failed to read message body size",
        ),
        (
            command::with_declared_size("PUB t", 10),
            "E_BAD_MESSAGE PUB failed to read message body",
        ),
        (
            command::with_declared_size("MPUB t", 10),
            "E_BAD_BODY MPUB failed to read message count",
        ),
    ] {
        let mut peer = identified(&nsqd);
        let stopwatch = Stopwatch::start();
        peer.send(&script);
        peer.expect_heartbeat();
        let mut frame = peer.read_frame();
        if frame.kind == 0 {
            frame = peer.read_frame();
        }
        assert_eq!(
            (frame.kind, frame.data.escape_ascii().to_string()),
            (1, error.to_owned())
        );
        stopwatch.expect_within(about(INTERVAL * 2));
        peer.expect_closed();
    }
}

#[test]
fn a_client_may_go_without_and_then_has_no_deadline_and_no_subscription() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();
    peer.identify(r#"{"heartbeat_interval":-1}"#);

    peer.expect_silence(INTERVAL * 2 + SLACK);
    peer.publish("t", "still here");
    peer.send("SUB t c\n");
    peer.expect_fatal("E_INVALID cannot SUB with heartbeats disabled");
}

#[test]
fn a_client_that_stops_reading_is_dropped_even_while_it_keeps_sending() {
    deviates!(StalledReaderIsDropped);
    let nsqd = Nsqd::start();
    let mut publisher = nsqd.connect();
    for _ in 0..64 {
        publisher.publish("t", vec![b'x'; 1_000_000]);
    }
    let mut stalled = identified(&nsqd);
    stalled.subscribe("t", "c");
    stalled.ready(2500);

    // Keeps the read deadline away while nothing is read; the write deadline must end it.
    nsqd.await_channel("t", "c", &json!({"client_count": 1}));
    nsqd.await_stats(|stats| {
        stalled.send_if_open("NOP\n");
        let channel = &stats["topics"][0]["channels"][0];
        (channel["client_count"] == json!(0)).then_some(())
    });
}
