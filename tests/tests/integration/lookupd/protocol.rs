//! V1, byte for byte.

use nsq_tests::nsqlookupd::identify;
use nsq_tests::{Nsqlookupd, Peer};

use super::{execute, expect_answer};

const IDENTIFY: &str =
    r#"{"broadcast_address":"n1.local","hostname":"h1","http_port":4151,"tcp_port":4150,"version":"1.3.0"}"#;

#[test]
fn a_producer_identifies_itself_registers_and_pings() {
    let lookupd = Nsqlookupd::start();
    let mut peer = lookupd.connect();
    execute(&mut peer, &["PING"]);
    peer.send(identify(IDENTIFY));
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let (tcp, http) = (lookupd.tcp_address().port(), lookupd.http().address().port());
    expect_answer(
        &mut peer,
        &format!(
            r#"{{"broadcast_address":"lookupd.example","hostname":"{}","http_port":{http},"tcp_port":{tcp},"version":"1.3.0"}}"#,
            hostname.trim_end()
        ),
    );
    execute(
        &mut peer,
        &[
            "REGISTER t c",
            "REGISTER t c extra",
            "REGISTER t  c",
            " PING with words \r",
            "UNREGISTER t c",
            "UNREGISTER nope nope",
            "UNREGISTER t",
        ],
    );
}

#[test]
fn commands_sent_together_are_answered_in_order() {
    let lookupd = Nsqlookupd::start();
    let mut peer = lookupd.producer("n1.local");
    peer.send("PING\n".repeat(5000) + "REGISTER t\nREGISTER $\n");
    for _ in 0..5001 {
        expect_answer(&mut peer, "OK");
    }
    expect_answer(&mut peer, "E_BAD_TOPIC REGISTER topic name '$' is not valid");
    peer.expect_closed();
}

#[test]
fn commands_may_arrive_byte_by_byte() {
    let lookupd = Nsqlookupd::start();
    let mut peer = Peer::connect(lookupd.tcp_address());
    peer.send_byte_by_byte("  V1");
    peer.send_byte_by_byte(identify(IDENTIFY));
    peer.read_body();
    peer.send_byte_by_byte("REGISTER t c\n");
    expect_answer(&mut peer, "OK");
}

#[test]
fn an_unknown_protocol_is_refused() {
    let lookupd = Nsqlookupd::start();
    let mut peer = Peer::connect(lookupd.tcp_address());
    peer.send("  V2IDENTIFY\n");
    expect_answer(&mut peer, "E_BAD_PROTOCOL");
    peer.expect_closed();
    lookupd.log().await_line("bad protocol magic '  V2'");
}

#[test]
fn errors_of_an_identified_producer_end_its_connection() {
    let lookupd = Nsqlookupd::start();
    for (command, answer) in [
        ("FOO\n", "E_INVALID invalid command FOO"),
        ("\n", "E_INVALID invalid command "),
        ("register a\n", "E_INVALID invalid command register"),
        ("IDENTIFY\n\0\0\0\x02{}", "E_INVALID cannot IDENTIFY again"),
        ("REGISTER\n", "E_INVALID REGISTER insufficient number of params"),
        (
            "UNREGISTER\n",
            "E_INVALID UNREGISTER insufficient number of params",
        ),
        (
            "REGISTER a$b c\n",
            "E_BAD_TOPIC REGISTER topic name 'a$b' is not valid",
        ),
        (
            "UNREGISTER a$b\n",
            "E_BAD_TOPIC UNREGISTER topic name 'a$b' is not valid",
        ),
        (
            "REGISTER a c$d\n",
            "E_BAD_CHANNEL REGISTER channel name 'c$d' is not valid",
        ),
        (
            "UNREGISTER a c$d\n",
            "E_BAD_CHANNEL UNREGISTER channel name 'c$d' is not valid",
        ),
    ] {
        let mut peer = lookupd.producer("n1.local");
        peer.send(command);
        expect_answer(&mut peer, answer);
        peer.expect_closed();
    }
}

#[test]
fn errors_before_identify_end_the_connection() {
    let lookupd = Nsqlookupd::start();
    for (command, answer) in [
        ("REGISTER a\n", "E_INVALID client must IDENTIFY"),
        ("UNREGISTER a\n", "E_INVALID client must IDENTIFY"),
        ("IDENTIFY\n\0\0\0\x04null", "E_BAD_BODY IDENTIFY missing fields"),
        ("IDENTIFY\n\0\0\0\x02{}", "E_BAD_BODY IDENTIFY missing fields"),
        (
            "IDENTIFY\n\0\0\0\x02[]",
            "E_BAD_BODY IDENTIFY failed to decode JSON body",
        ),
        (
            "IDENTIFY\n\0\0\0\0",
            "E_BAD_BODY IDENTIFY failed to decode JSON body",
        ),
        (
            "IDENTIFY\n\0\x20\0\0",
            "E_BAD_BODY IDENTIFY body too big 2097152 > 1048576",
        ),
    ] {
        let mut peer = lookupd.connect();
        peer.send(command);
        expect_answer(&mut peer, answer);
        peer.expect_closed();
    }
}

#[test]
fn a_body_that_is_cut_short_is_named() {
    let lookupd = Nsqlookupd::start();
    for (command, answer) in [
        ("IDENTIFY\n", "E_BAD_BODY IDENTIFY failed to read body size"),
        ("IDENTIFY\n\0\0", "E_BAD_BODY IDENTIFY failed to read body size"),
        (
            "IDENTIFY\n\0\0\0\x04nu",
            "E_BAD_BODY IDENTIFY failed to read body",
        ),
    ] {
        let mut peer = lookupd.connect();
        peer.send(command);
        peer.finish_sending();
        expect_answer(&mut peer, answer);
        peer.expect_closed();
    }
}

/// These 17 bytes end the original.
#[test]
fn a_negative_body_size_is_refused_and_nobody_else_notices() {
    let lookupd = Nsqlookupd::start();
    let mut bystander = lookupd.producer("n1.local");
    let mut peer = Peer::connect(lookupd.tcp_address());
    peer.send(b"  V1IDENTIFY\n\xff\xff\xff\xff");
    expect_answer(&mut peer, "E_BAD_BODY IDENTIFY invalid body size");
    peer.expect_closed();
    execute(&mut bystander, &["REGISTER t"]);
}

#[test]
fn a_line_without_end_is_cut_off() {
    let lookupd = Nsqlookupd::start();
    let before = lookupd.process().resident_bytes();
    let mut peer = lookupd.producer("n1.local");
    for _ in 0..64 {
        peer.send_if_open([b'x'; 16 * 1024]);
    }
    lookupd.log().await_line("command line longer than 16384 bytes");
    lookupd.await_answer("/nodes", r#"{"producers":[]}"#);
    let grown = lookupd.process().resident_bytes().saturating_sub(before);
    assert!(grown < 16 << 20, "grown by {grown} bytes");
}

#[test]
fn what_a_producer_says_of_itself_cannot_forge_a_log_line_or_break_json() {
    let lookupd = Nsqlookupd::start();
    let mut peer = lookupd.connect();
    peer.send(identify(
        r#"{"broadcast_address":"a\n[nsqlookupd] FORGED \"<","http_port":1,"tcp_port":2,"version":"v"}"#,
    ));
    peer.read_body();
    lookupd
        .log()
        .await_line(r"IDENTIFY Address:a\n[nsqlookupd] FORGED");
    assert_eq!(
        lookupd.http().get("/nodes").expect_json(200)["producers"][0]["broadcast_address"],
        "a\n[nsqlookupd] FORGED \"<"
    );
}
