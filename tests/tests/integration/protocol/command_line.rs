//! How a line becomes a command and its parameters.

use nsq_tests::{Nsqd, deviates};

use super::expect_fatal;

/// The longest command line, its `\n` included.
const LINE_MAX: usize = 16384;

#[test]
fn one_carriage_return_before_the_newline_is_dropped() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send(b"NOP\r\nPUB t\r\n\0\0\0\x02hi");
    peer.expect_ok();
    peer.send(b"NOP\r\r\n");
    peer.expect_fatal(b"E_INVALID invalid command NOP\r");
}

#[test]
fn a_carriage_return_elsewhere_is_part_of_the_command() {
    expect_fatal(&Nsqd::start(), b"NO\rP\n", b"E_INVALID invalid command NO\rP");
}

#[test]
fn an_empty_line_is_an_invalid_command_without_a_name() {
    let nsqd = Nsqd::start();
    for line in ["\n", "\r\n", " \n", " NOP\n", "  PUB t\n"] {
        expect_fatal(&nsqd, line, "E_INVALID invalid command ");
    }
}

#[test]
fn an_unknown_command_is_named_byte_for_byte() {
    let nsqd = Nsqd::start();
    for name in [
        b"NOPE".as_slice(),
        b"pub",
        b"Nop",
        b"PUB\t",
        b"\xff\xfe",
        b"\0",
        b"\"quoted\"",
        "größe".as_bytes(),
    ] {
        let line = [name, b" t c\n"].concat();
        expect_fatal(&nsqd, line, [b"E_INVALID invalid command ", name].concat());
    }
}

#[test]
fn two_spaces_make_an_empty_parameter() {
    let nsqd = Nsqd::start();

    expect_fatal(
        &nsqd,
        "SUB  t c\n",
        r#"E_BAD_TOPIC SUB topic name "" is not valid"#,
    );
    expect_fatal(
        &nsqd,
        "SUB t  c\n",
        r#"E_BAD_CHANNEL SUB channel name "" is not valid"#,
    );
    expect_fatal(&nsqd, "PUB \n", r#"E_BAD_TOPIC PUB topic name "" is not valid"#);
}

#[test]
fn parameters_beyond_those_used_are_ignored() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send(b"NOP x y\n");
    peer.send(b"PUB t x\n\0\0\0\x02hi");
    peer.expect_ok();
    peer.send(b"PUB t \n\0\0\0\x02hi");
    peer.expect_ok();
    peer.send(b"MPUB t x y\n\0\0\0\x0a\0\0\0\x01\0\0\0\x02hi");
    peer.expect_ok();
    peer.send(b"DPUB t 0 x\n\0\0\0\x02hi");
    peer.expect_ok();
    peer.send(b"IDENTIFY x y\n\0\0\0\x02{}");
    peer.expect_ok();
    peer.send(b"SUB t c x\n");
    peer.expect_ok();
    peer.send(b"RDY 1 x\n");
    let message = peer.expect_message_of("hi", 1);
    peer.send(format!("TOUCH {} x\n", message.id));
    peer.send(format!("REQ {} 0 x\n", message.id));
    let mut others: Vec<_> = (0..3)
        .map(|_| {
            let message = peer.expect_message();
            peer.send(format!("FIN {} x\n", message.id));
            message.id
        })
        .collect();
    let last = peer.expect_message();
    others.push(last.id.clone());
    assert!(others.contains(&message.id));
    peer.send("CLS x y\n");
    peer.expect_response("CLOSE_WAIT");
}

#[test]
fn a_line_of_16384_bytes_is_accepted() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();
    let line = format!("NOP {}\n", "x".repeat(LINE_MAX - 5));
    assert_eq!(line.len(), LINE_MAX);

    peer.send(&line);
    peer.expect_nothing_before_ok("t");
    // Behind another command the same line no longer fits one read of the server.
    peer.send([b"NOP\nNOP\n", line.as_bytes(), line.as_bytes()].concat());
    peer.expect_nothing_before_ok("t");
}

#[test]
fn a_longer_line_closes_the_connection_without_an_error_frame() {
    let nsqd = Nsqd::start();
    for excess in [1, 2, 100_000] {
        let mut peer = nsqd.connect();
        peer.send_if_open(format!("NOP {}\n", "x".repeat(LINE_MAX - 5 + excess)));
        peer.expect_closed();
    }
    nsqd.log().await_lines("failed to read command - ", 3);
}

#[test]
fn a_line_without_end_is_cut_off_at_the_limit() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send("x".repeat(LINE_MAX));
    peer.expect_closed();
}

#[test]
fn the_end_of_the_stream_closes_without_an_error() {
    let nsqd = Nsqd::start();
    for script in ["", "NOP\n", "NOP", "SUB t"] {
        let mut peer = nsqd.connect();
        peer.send(script);
        peer.finish_sending();
        peer.expect_closed();
    }
    assert!(!nsqd.log().contains(" ERROR: "), "{:?}", nsqd.log());
}

#[test]
fn numbers_are_digits_only() {
    let nsqd = Nsqd::start();
    for number in ["-1", "+1", "1.0", "1e3", "0x1", "x", "\t1", "1\t", "١"] {
        let error = format!("E_INVALID RDY could not parse count {number}");
        expect_fatal_after_ok(&nsqd, &format!("SUB t c\nRDY {number}\n"), &error);
        let error = format!("E_INVALID DPUB could not parse timeout {number}");
        expect_fatal(&nsqd, format!("DPUB t {number}\n"), error);
    }
}

#[test]
fn leading_zeros_are_allowed_and_the_empty_number_is_zero() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send(b"DPUB t 000\n\0\0\0\x02hi");
    peer.expect_ok();
    peer.subscribe("t", "c");
    peer.send("RDY 0001\n");
    peer.expect_message_of("hi", 1);
    peer.send("RDY \n");
    peer.publish("t", "second");
    // RDY 0 again: the second message stays where it is.
    peer.expect_nothing_before_ok("u");

    let mut publisher = nsqd.connect();
    publisher.send(b"DPUB t \n\0\0\0\x02hi");
    publisher.expect_ok();
}

#[test]
fn a_number_beyond_64_bits_is_rejected() {
    deviates!(OverflowIsRejected);
    let nsqd = Nsqd::start();
    for number in ["18446744073709551616", "99999999999999999999999999"] {
        let error = format!("E_INVALID RDY could not parse count {number}");
        expect_fatal_after_ok(&nsqd, &format!("SUB t c\nRDY {number}\n"), &error);
        let error = format!("E_INVALID DPUB could not parse timeout {number}");
        expect_fatal(&nsqd, format!("DPUB t {number}\n"), error);
    }
}

#[test]
fn milliseconds_that_do_not_fit_in_nanoseconds_are_out_of_range() {
    deviates!(OverflowIsRejected);
    let nsqd = Nsqd::start();
    expect_fatal(
        &nsqd,
        "DPUB t 18446744073710\n",
        "E_INVALID DPUB timeout 18446744073710 out of range 0-3600000",
    );
}

/// A script whose first command is answered with `OK` and whose second is refused.
#[track_caller]
fn expect_fatal_after_ok(nsqd: &Nsqd, script: &str, error: &str) {
    let mut peer = nsqd.connect();
    peer.send(script);
    peer.expect_ok();
    peer.expect_fatal(error);
}
