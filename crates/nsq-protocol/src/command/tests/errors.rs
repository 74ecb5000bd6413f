//! Every row of the error tables that is about the bytes of a command.

use super::*;
use crate::error_code::ErrorCode;

fn assert_refusals(cases: &[(&[u8], &str)]) {
    for (buf, text) in cases {
        let error = refusal(buf);
        assert_eq!(
            error.text().escape_ascii().to_string(),
            text.as_bytes().escape_ascii().to_string()
        );
        assert!(error.is_fatal());
        assert_eq!(ErrorCode::of(error.text()), Some(error.code()));
    }
}

fn assert_stalls(cases: &[(&[u8], &str)]) {
    for (buf, text) in cases {
        let error = stall(buf).unwrap_or_else(|| panic!("{} stalls in a line", buf.escape_ascii()));
        assert_eq!(error.to_string(), *text);
    }
}

#[test]
fn unknown_commands_are_named_byte_for_byte() {
    assert_refusals(&[
        (b"\n", "E_INVALID invalid command "),
        (b"\r\n", "E_INVALID invalid command "),
        (b" NOP\n", "E_INVALID invalid command "),
        (b"FOO\n", "E_INVALID invalid command FOO"),
        (b"FOO bar\n", "E_INVALID invalid command FOO"),
        (b"nop\n", "E_INVALID invalid command nop"),
        (b"NOPE\n", "E_INVALID invalid command NOPE"),
        (b"NOP\t\n", "E_INVALID invalid command NOP\t"),
        (b"GET / HTTP/1.1\r\n", "E_INVALID invalid command GET"),
    ]);
    assert_eq!(
        refusal(b"\xff\0\x1b x\n").text(),
        b"E_INVALID invalid command \xff\0\x1b"
    );
}

#[test]
fn identify() {
    assert_refusals(&[
        (
            b"IDENTIFY\n\0\0\0\xc9",
            "E_BAD_BODY IDENTIFY body too big 201 > 200",
        ),
        (
            b"IDENTIFY\n\x7f\xff\xff\xff",
            "E_BAD_BODY IDENTIFY body too big 2147483647 > 200",
        ),
        (b"IDENTIFY\n\0\0\0\0", "E_BAD_BODY IDENTIFY invalid body size 0"),
        (
            b"IDENTIFY\n\xff\xff\xff\xff",
            "E_BAD_BODY IDENTIFY invalid body size -1",
        ),
        (
            b"IDENTIFY\n\x80\0\0\0",
            "E_BAD_BODY IDENTIFY invalid body size -2147483648",
        ),
    ]);
    assert_stalls(&[
        (b"IDENTIFY\n", "E_BAD_BODY IDENTIFY failed to read body size"),
        (
            b"IDENTIFY\n\0\0\0",
            "E_BAD_BODY IDENTIFY failed to read body size",
        ),
        (b"IDENTIFY\n\0\0\0\x02", "E_BAD_BODY IDENTIFY failed to read body"),
        (
            b"IDENTIFY\n\0\0\0\x02{",
            "E_BAD_BODY IDENTIFY failed to read body",
        ),
    ]);
}

#[test]
fn auth() {
    assert_refusals(&[
        (b"AUTH secret\n", "E_INVALID AUTH invalid number of parameters"),
        (b"AUTH \n", "E_INVALID AUTH invalid number of parameters"),
        (b"AUTH\n\0\0\0\xc9", "E_BAD_BODY AUTH body too big 201 > 200"),
        (b"AUTH\n\0\0\0\0", "E_BAD_BODY AUTH invalid body size 0"),
        (b"AUTH\n\xff\xff\xff\xff", "E_BAD_BODY AUTH invalid body size -1"),
    ]);
    assert_stalls(&[
        (b"AUTH\n", "E_BAD_BODY AUTH failed to read body size"),
        (b"AUTH\n\0\0\0\x02s", "E_BAD_BODY AUTH failed to read body"),
    ]);
}

#[test]
fn sub() {
    assert_refusals(&[
        (b"SUB\n", "E_INVALID SUB insufficient number of parameters"),
        (b"SUB t\n", "E_INVALID SUB insufficient number of parameters"),
        (b"SUB $\n", "E_INVALID SUB insufficient number of parameters"),
        (b"SUB  c\n", r#"E_BAD_TOPIC SUB topic name "" is not valid"#),
        (b"SUB \"x $\n", r#"E_BAD_TOPIC SUB topic name "\"x" is not valid"#),
        (
            b"SUB t\tx c\n",
            r#"E_BAD_TOPIC SUB topic name "t\tx" is not valid"#,
        ),
        (
            b"SUB t\xff c\n",
            r#"E_BAD_TOPIC SUB topic name "t\xff" is not valid"#,
        ),
        (
            b"SUB #ephemeral c\n",
            r##"E_BAD_TOPIC SUB topic name "#ephemeral" is not valid"##,
        ),
        (b"SUB t \n", r#"E_BAD_CHANNEL SUB channel name "" is not valid"#),
        (
            b"SUB t c$\n",
            r#"E_BAD_CHANNEL SUB channel name "c$" is not valid"#,
        ),
    ]);
    let long = "x".repeat(65);
    assert_eq!(
        refusal(format!("SUB t {long}\n").as_bytes()).to_string(),
        format!("E_BAD_CHANNEL SUB channel name \"{long}\" is not valid")
    );
}

#[test]
fn publish() {
    assert_refusals(&[
        (b"PUB\n", "E_INVALID PUB insufficient number of parameters"),
        (b"PUB \n", r#"E_BAD_TOPIC PUB topic name "" is not valid"#),
        (b"PUB a$b\n", r#"E_BAD_TOPIC PUB topic name "a$b" is not valid"#),
        (
            b"PUB t\n\0\0\0\0",
            "E_BAD_MESSAGE PUB invalid message body size 0",
        ),
        (
            b"PUB t\n\xff\xff\xff\xff",
            "E_BAD_MESSAGE PUB invalid message body size -1",
        ),
        (
            b"PUB t\n\0\0\0\x65",
            "E_BAD_MESSAGE PUB message too big 101 > 100",
        ),
        (
            b"PUB t\n\x7f\xff\xff\xff",
            "E_BAD_MESSAGE PUB message too big 2147483647 > 100",
        ),
    ]);
    assert_stalls(&[
        (b"PUB t\n", "E_BAD_MESSAGE PUB failed to read message body size"),
        (
            b"PUB t\n\0\0\0",
            "E_BAD_MESSAGE PUB failed to read message body size",
        ),
        (
            b"PUB t\n\0\0\0\x02",
            "E_BAD_MESSAGE PUB failed to read message body",
        ),
        (
            b"PUB t\n\0\0\0\x02x",
            "E_BAD_MESSAGE PUB failed to read message body",
        ),
    ]);
}

#[test]
fn multi_publish() {
    // The largest count that a body of 200 bytes could hold is (200 - 4) / 5.
    assert_refusals(&[
        (b"MPUB\n", "E_INVALID MPUB insufficient number of parameters"),
        (
            b"MPUB a$b\n",
            r#"E_BAD_TOPIC E_BAD_TOPIC MPUB topic name "a$b" is not valid"#,
        ),
        (b"MPUB t\n\0\0\0\0", "E_BAD_BODY MPUB invalid body size 0"),
        (
            b"MPUB t\n\xff\xff\xff\xff",
            "E_BAD_BODY MPUB invalid body size -1",
        ),
        (b"MPUB t\n\0\0\0\xc9", "E_BAD_BODY MPUB body too big 201 > 200"),
        (
            b"MPUB t\n\0\0\0\x09\0\0\0\0",
            "E_BAD_BODY MPUB invalid message count 0",
        ),
        (
            b"MPUB t\n\0\0\0\x09\xff\xff\xff\xff",
            "E_BAD_BODY MPUB invalid message count -1",
        ),
        (
            b"MPUB t\n\0\0\0\x09\0\0\0\x28",
            "E_BAD_BODY MPUB invalid message count 40",
        ),
        (
            b"MPUB t\n\0\0\0\x09\0\0\0\x01\0\0\0\0",
            "E_BAD_MESSAGE MPUB invalid message(0) body size 0",
        ),
        (
            b"MPUB t\n\0\0\0\x09\0\0\0\x02\0\0\0\x01x\xff\xff\xff\xff",
            "E_BAD_MESSAGE MPUB invalid message(1) body size -1",
        ),
        (
            b"MPUB t\n\0\0\0\x09\0\0\0\x01\0\0\0\x65",
            "E_BAD_MESSAGE MPUB message too big 101 > 100",
        ),
    ]);
    assert_stalls(&[
        (b"MPUB t\n", "E_BAD_BODY MPUB failed to read body size"),
        (b"MPUB t\n\0\0\0", "E_BAD_BODY MPUB failed to read body size"),
        (
            b"MPUB t\n\0\0\0\x09",
            "E_BAD_BODY MPUB failed to read message count",
        ),
        (
            b"MPUB t\n\0\0\0\x09\0\0",
            "E_BAD_BODY MPUB failed to read message count",
        ),
        (
            b"MPUB t\n\0\0\0\x09\0\0\0\x27",
            "E_BAD_MESSAGE MPUB failed to read message(0) body size",
        ),
        (
            b"MPUB t\n\0\0\0\x09\0\0\0\x02\0\0\0\x01x\0\0",
            "E_BAD_MESSAGE MPUB failed to read message(1) body size",
        ),
        (
            b"MPUB t\n\0\0\0\x09\0\0\0\x02\0\0\0\x01x\0\0\0\x02y",
            "E_BAD_MESSAGE MPUB failed to read message body",
        ),
    ]);
}

#[test]
fn deferred_publish() {
    assert_refusals(&[
        (b"DPUB\n", "E_INVALID DPUB insufficient number of parameters"),
        (b"DPUB t\n", "E_INVALID DPUB insufficient number of parameters"),
        (
            b"DPUB a$b x\n",
            r#"E_BAD_TOPIC DPUB topic name "a$b" is not valid"#,
        ),
        (b"DPUB t x\n", "E_INVALID DPUB could not parse timeout x"),
        (b"DPUB t -1\n", "E_INVALID DPUB could not parse timeout -1"),
        (b"DPUB t +1\n", "E_INVALID DPUB could not parse timeout +1"),
        (b"DPUB t 1.5\n", "E_INVALID DPUB could not parse timeout 1.5"),
        (
            b"DPUB t 18446744073709551616\n",
            "E_INVALID DPUB could not parse timeout 18446744073709551616",
        ),
        (
            b"DPUB t 3600001\n",
            "E_INVALID DPUB timeout 3600001 out of range 0-3600000",
        ),
        (
            b"DPUB t 18446744073710\n",
            "E_INVALID DPUB timeout 18446744073710 out of range 0-3600000",
        ),
        (
            b"DPUB t 0\n\0\0\0\0",
            "E_BAD_MESSAGE DPUB invalid message body size 0",
        ),
        (
            b"DPUB t 0\n\xff\xff\xff\xff",
            "E_BAD_MESSAGE DPUB invalid message body size -1",
        ),
        (
            b"DPUB t 0\n\0\0\0\x65",
            "E_BAD_MESSAGE DPUB message too big 101 > 100",
        ),
    ]);
    assert_stalls(&[
        (
            b"DPUB t 0\n",
            "E_BAD_MESSAGE DPUB failed to read message body size",
        ),
        (
            b"DPUB t 0\n\0\0\0\x02x",
            "E_BAD_MESSAGE DPUB failed to read message body",
        ),
    ]);
}

#[test]
fn rdy() {
    assert_refusals(&[
        (b"RDY x\n", "E_INVALID RDY could not parse count x"),
        (b"RDY -1\n", "E_INVALID RDY could not parse count -1"),
        (b"RDY 1e3\n", "E_INVALID RDY could not parse count 1e3"),
        (b"RDY 2501\n", "E_INVALID RDY count 2501 out of range 0-2500"),
        (
            b"RDY 9223372036854775808\n",
            "E_INVALID RDY count 9223372036854775808 out of range 0-2500",
        ),
        (
            b"RDY 18446744073709551616\n",
            "E_INVALID RDY could not parse count 18446744073709551616",
        ),
    ]);
    assert_eq!(
        refusal(b"RDY \xff\n").text(),
        b"E_INVALID RDY could not parse count \xff"
    );
}

#[test]
fn commands_about_a_message() {
    assert_refusals(&[
        (b"FIN\n", "E_INVALID FIN insufficient number of params"),
        (b"FIN \n", "E_INVALID invalid message ID"),
        (b"FIN 0123456789abcde\n", "E_INVALID invalid message ID"),
        (b"FIN 0123456789abcdef0\n", "E_INVALID invalid message ID"),
        (b"REQ\n", "E_INVALID REQ insufficient number of params"),
        (b"REQ x\n", "E_INVALID REQ insufficient number of params"),
        (b"REQ x y\n", "E_INVALID invalid message ID"),
        (
            b"REQ 0123456789abcdef x\n",
            "E_INVALID REQ could not parse timeout x",
        ),
        (
            b"REQ 0123456789abcdef -1\n",
            "E_INVALID REQ could not parse timeout -1",
        ),
        (b"TOUCH\n", "E_INVALID TOUCH insufficient number of params"),
        (b"TOUCH x\n", "E_INVALID invalid message ID"),
    ]);
}

#[test]
fn nothing_is_owed_to_a_client_that_stops_within_a_line() {
    for buf in [b"".as_slice(), b"N", b"PUB t", b"IDENTIFY\r"] {
        assert_eq!(stall(buf), None);
    }
}

#[test]
fn nothing_is_owed_once_a_command_is_complete() {
    let mut decoder = CommandDecoder::new(LIMITS);
    let mut session = Session::default();
    assert!(decoder.decode(b"PUB t\n", &mut session).is_ok());
    assert!(decoder.stalled().is_some());
    assert!(decoder.decode(b"PUB t\n\0\0\0\x01x", &mut session).is_ok());
    assert_eq!(decoder.stalled(), None);
    assert!(decoder.decode(b"PUB t\n", &mut session).is_ok());
    assert!(decoder.decode(b"PUB t\n\0\0\0\0", &mut session).is_err());
    assert_eq!(decoder.stalled(), None);
}

#[test]
fn negative_limits_refuse_everything() {
    let limits = Limits {
        max_msg_size: -1,
        max_body_size: -1,
        max_rdy_count: -1,
        max_req_timeout_ms: 0,
    };
    let refusal = |buf: &[u8]| {
        CommandDecoder::new(limits)
            .decode(buf, &mut Session::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refusal(b"RDY 0\n"), "E_INVALID RDY count 0 out of range 0--1");
    assert_eq!(
        refusal(b"PUB t\n\0\0\0\x01"),
        "E_BAD_MESSAGE PUB message too big 1 > -1"
    );
    assert_eq!(
        refusal(b"IDENTIFY\n\0\0\0\0"),
        "E_BAD_BODY IDENTIFY body too big 0 > -1"
    );
    assert_eq!(
        refusal(b"MPUB t\n\0\0\0\x01"),
        "E_BAD_BODY MPUB body too big 1 > -1"
    );
    assert_eq!(
        refusal(b"DPUB t 1\n"),
        "E_INVALID DPUB timeout 1 out of range 0-0"
    );
}
