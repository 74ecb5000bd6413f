use std::net::TcpListener;
use std::time::Duration;

use super::{Message, Peer, command};

/// Two peers, each the other end of one connection.
fn pair() -> (Peer, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Peer::connect(listener.local_addr().unwrap());
    let server = Peer::accept(&listener);
    (
        client.patience(Duration::from_millis(50)),
        server.patience(Duration::from_millis(50)),
    )
}

#[test]
fn commands_with_bodies_carry_a_big_endian_size() {
    assert_eq!(command::publish("t", b"hi"), b"PUB t\n\0\0\0\x02hi");
    assert_eq!(
        command::deferred_publish("t", 5, b"hi"),
        b"DPUB t 5\n\0\0\0\x02hi"
    );
    assert_eq!(
        command::with_declared_size("PUB t", -1),
        b"PUB t\n\xff\xff\xff\xff"
    );
    assert_eq!(
        command::multi_publish("t", &["a", "bc"]),
        b"MPUB t\n\0\0\0\x0f\0\0\0\x02\0\0\0\x01a\0\0\0\x02bc"
    );
}

#[test]
fn a_message_is_taken_apart_at_the_offsets_of_the_protocol() {
    let message = Message::parse(b"\0\0\0\0\0\0\x01\x02\x03\x040123456789abcdefbody");

    assert_eq!(message.timestamp_ns, 0x102);
    assert_eq!(message.attempts, 0x304);
    assert_eq!(message.id, "0123456789abcdef");
    assert_eq!(message.text(), "body");
    assert_eq!(message.req(7), "REQ 0123456789abcdef 7\n");
}

#[test]
fn frames_that_arrive_together_are_read_one_by_one() {
    let (mut client, mut server) = pair();

    server.send(b"\0\0\0\x06\0\0\0\0OK\0\0\0\x07\0\0\0\x01bad");
    client.expect_ok();
    client.expect_error("bad");
    drop(server);
    client.expect_closed();
}

#[test]
#[should_panic(
    expected = "unexpected frame\n expected: response \"OK\" (2 bytes)\n received: error \"no\" (2 bytes)"
)]
fn another_frame_than_the_expected_one_fails_with_both_sides() {
    let (mut client, mut server) = pair();

    server.send(b"\0\0\0\x06\0\0\0\x01no");
    client.expect_ok();
}

#[test]
#[should_panic(
    expected = "the connection was closed\n expected: a frame of 6 bytes\n received: \"\\x00\\x00\""
)]
fn a_stream_that_ends_inside_a_frame_fails_with_what_arrived() {
    let (mut client, mut server) = pair();

    server.send(b"\0\0\0\x06\0\0");
    drop(server);
    client.expect_ok();
}

#[test]
#[should_panic(expected = "expected the end of the stream, received: \"x\"")]
fn bytes_before_the_end_of_the_stream_are_not_overlooked() {
    let (mut client, mut server) = pair();

    server.send(b"x");
    drop(server);
    client.expect_closed();
}

#[test]
#[should_panic(expected = "expected the end of the stream within 50ms")]
fn an_open_connection_is_not_taken_for_a_closed_one() {
    let (mut client, _server) = pair();

    client.expect_closed();
}

#[test]
#[should_panic(expected = "expected silence, received: \"x\"")]
fn silence_is_broken_by_a_single_byte() {
    let (mut client, mut server) = pair();

    server.send(b"x");
    client.expect_silence(Duration::from_secs(5));
}

#[test]
fn a_scripted_nsqlookupd_reads_lines_and_bodies_and_answers_without_frame_type() {
    let (mut nsqd, mut nsqlookupd) = pair();

    nsqd.send(b"  V1IDENTIFY\n\0\0\0\x02{}PING\n");
    nsqlookupd.expect_magic_v1();
    nsqlookupd.expect_line("IDENTIFY");
    assert_eq!(nsqlookupd.read_body(), b"{}");
    nsqlookupd.expect_line("PING");
    nsqlookupd.reply("OK");
    nsqd.expect(b"\0\0\0\x02OK");
}

#[test]
fn writing_to_a_peer_that_does_not_read_stalls_instead_of_hanging() {
    let (mut client, _server) = pair();
    let flood = vec![0; 64 * 1024 * 1024];

    let taken = client.send_until_stalled(&flood, Duration::from_millis(50));

    assert!(
        taken < flood.len(),
        "the operating system cannot buffer all of it"
    );
}
