//! How a connection begins.

use nsq_tests::{Nsqd, Peer};

#[test]
fn a_good_magic_gets_no_answer_and_commands_work_behind_it() {
    let nsqd = Nsqd::start();
    let mut peer = Peer::connect(nsqd.tcp_address());

    peer.send(b"  V2");
    nsqd.log().await_line("desired protocol magic '  V2'");
    peer.publish("t", "hi");
}

#[test]
fn a_magic_that_arrives_byte_by_byte_is_the_same_magic() {
    let nsqd = Nsqd::start();
    let mut peer = Peer::connect(nsqd.tcp_address());

    peer.send_byte_by_byte(b"  V2PUB t\n\0\0\0\x02hi");
    peer.expect_ok();
}

#[test]
fn any_other_magic_is_answered_with_a_bare_code_and_closed() {
    let nsqd = Nsqd::start();
    for magic in [
        b"  V1",
        b"  V3",
        b"V2  ",
        b"  v2",
        b"\0\0\0\0",
        b"GET ",
        b"\xff\xff\xff\xff",
        b"\n\n\n\n",
    ] {
        let mut peer = Peer::connect(nsqd.tcp_address());
        peer.send(magic);
        peer.expect(b"\0\0\0\x12\0\0\0\x01E_BAD_PROTOCOL");
        peer.expect_closed();
    }
    nsqd.log().await_line("bad protocol magic '  V1'");
    nsqd.log().await_line("bad protocol magic 'GET '");
}

#[test]
fn an_end_of_stream_inside_the_magic_closes_without_an_answer() {
    let nsqd = Nsqd::start();
    for part in ["", " ", "  V"] {
        let mut peer = Peer::connect(nsqd.tcp_address());
        peer.send(part);
        peer.finish_sending();
        peer.expect_closed();
    }
    let lines = nsqd.log().await_lines("failed to read protocol version - ", 3);
    assert!(lines.iter().all(|line| line.contains(" ERROR: ")), "{lines:?}");
}
