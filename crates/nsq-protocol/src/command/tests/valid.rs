//! Commands that are carried out.

use super::*;

const ID: &[u8; 16] = b"18a20c92f3c07000";

/// The command that all of `buf` is.
fn command(buf: &[u8]) -> Command<'_> {
    match decode(buf) {
        Ok(Decoded::Command { command, consumed }) => {
            assert_eq!(consumed, buf.len());
            command
        }
        other => panic!("{} gave {other:?}", buf.escape_ascii()),
    }
}

#[test]
fn every_command_is_understood() {
    let id = MessageId::new(*ID);
    assert_eq!(
        command(b"IDENTIFY\n\0\0\0\x02{}"),
        Command::Identify { body: b"{}" }
    );
    assert_eq!(
        command(b"AUTH\n\0\0\0\x03\0\n\xff"),
        Command::Auth { secret: b"\0\n\xff" }
    );
    assert_eq!(
        command(b"SUB t c\n"),
        Command::Sub {
            topic: topic("t"),
            channel: channel("c")
        }
    );
    assert_eq!(
        command(b"PUB t\n\0\0\0\x01\n"),
        Command::Pub {
            topic: topic("t"),
            body: b"\n"
        }
    );
    assert_eq!(
        command(b"DPUB t 1500\n\0\0\0\x01x"),
        Command::Dpub {
            topic: topic("t"),
            defer_ms: 1500,
            body: b"x"
        }
    );
    assert_eq!(command(b"RDY 5\n"), Command::Rdy { count: 5 });
    assert_eq!(command(b"FIN 18a20c92f3c07000\n"), Command::Fin { id });
    assert_eq!(
        command(b"REQ 18a20c92f3c07000 90\n"),
        Command::Req { id, timeout_ms: 90 }
    );
    assert_eq!(command(b"TOUCH 18a20c92f3c07000\n"), Command::Touch { id });
    assert_eq!(command(b"CLS\n"), Command::Cls);
    assert_eq!(command(b"NOP\n"), Command::Nop);
}

#[test]
fn a_multi_publish_yields_its_bodies_in_order() {
    let buf = b"MPUB t\n\0\0\0\x11\0\0\0\x02\0\0\0\x03abc\0\0\0\x02de";
    let Command::Mpub { topic, bodies } = command(buf) else {
        panic!("an MPUB was sent");
    };
    assert_eq!(topic.as_str(), "t");
    assert_eq!((bodies.len(), bodies.body_bytes()), (2, 5));
    assert_eq!(bodies.iter().len(), 2);
    assert_eq!(bodies.into_iter().collect::<Vec<_>>(), [b"abc".as_slice(), b"de"]);
}

#[test]
fn a_carriage_return_before_the_newline_is_dropped_once() {
    assert_eq!(command(b"NOP\r\n"), Command::Nop);
    assert_eq!(
        command(b"SUB t c\r\n"),
        Command::Sub {
            topic: topic("t"),
            channel: channel("c")
        }
    );
    assert_eq!(refusal(b"NOP\r\r\n").text(), b"E_INVALID invalid command NOP\r");
}

#[test]
fn further_parameters_are_ignored() {
    assert_eq!(command(b"NOP at all\n"), Command::Nop);
    assert_eq!(command(b"CLS 1\n"), Command::Cls);
    assert_eq!(command(b"RDY 1 2\n"), Command::Rdy { count: 1 });
    assert_eq!(
        command(b"FIN 18a20c92f3c07000 \n"),
        Command::Fin {
            id: MessageId::new(*ID)
        }
    );
    assert_eq!(
        command(b"SUB t c d\n"),
        Command::Sub {
            topic: topic("t"),
            channel: channel("c")
        }
    );
    assert_eq!(
        command(b"IDENTIFY now\n\0\0\0\x02{}"),
        Command::Identify { body: b"{}" }
    );
    assert_eq!(
        command(b"PUB t c\n\0\0\0\x01x"),
        Command::Pub {
            topic: topic("t"),
            body: b"x"
        }
    );
}

#[test]
fn numbers_are_digits_and_no_digits_are_zero() {
    let id = MessageId::new(*ID);
    assert_eq!(command(b"RDY\n"), Command::Rdy { count: 1 });
    assert_eq!(command(b"RDY \n"), Command::Rdy { count: 0 });
    assert_eq!(command(b"RDY 0002500\n"), Command::Rdy { count: 2500 });
    assert_eq!(
        command(b"REQ 18a20c92f3c07000 \n"),
        Command::Req { id, timeout_ms: 0 }
    );
    assert_eq!(
        command(b"DPUB t \n\0\0\0\x01x"),
        Command::Dpub {
            topic: topic("t"),
            defer_ms: 0,
            body: b"x"
        }
    );
}

#[test]
fn limits_are_inclusive() {
    let body = [b'x'; 200];
    assert_eq!(
        command(&with_body("PUB t\n", 100, &body[..100])),
        Command::Pub {
            topic: topic("t"),
            body: &body[..100]
        }
    );
    assert_eq!(
        command(&with_body("IDENTIFY\n", 200, &body)),
        Command::Identify { body: &body }
    );
    assert_eq!(
        command(&with_body("AUTH\n", 200, &body)),
        Command::Auth { secret: &body }
    );
    assert_eq!(
        command(b"DPUB t 3600000\n\0\0\0\x01x"),
        Command::Dpub {
            topic: topic("t"),
            defer_ms: 3_600_000,
            body: b"x"
        }
    );
}

#[test]
fn a_requeue_delay_is_not_limited_here() {
    let id = MessageId::new(*ID);
    assert_eq!(
        command(b"REQ 18a20c92f3c07000 3600001\n"),
        Command::Req {
            id,
            timeout_ms: 3_600_001
        }
    );
    assert_eq!(
        command(b"REQ 18a20c92f3c07000 18446744073709551615\n"),
        Command::Req {
            id,
            timeout_ms: u64::MAX
        }
    );
}

#[test]
fn any_sixteen_bytes_are_an_id() {
    assert_eq!(
        command(b"FIN 0123456789ABCD\xff\0\n"),
        Command::Fin {
            id: MessageId::new(*b"0123456789ABCD\xff\0")
        }
    );
}

#[test]
fn a_line_may_fill_the_limit_with_its_newline() {
    let mut line = vec![b'x'; LINE_LEN_MAX - 1];
    line[..4].copy_from_slice(b"NOP ");
    assert_eq!(decode(&line), Ok(Decoded::NeedMore { total: LINE_LEN_MAX }));
    line.push(b'\n');
    assert_eq!(command(&line), Command::Nop);
    line.insert(4, b'x');
    assert_eq!(decode(&line), Err(DecodeError::LineTooLong));
    assert_eq!(decode(&line[..LINE_LEN_MAX]), Err(DecodeError::LineTooLong));
}

#[test]
fn what_follows_a_command_is_left_alone() {
    let nop = Decoded::Command {
        command: Command::Nop,
        consumed: 4,
    };
    assert_eq!(decode(b"NOP\n\xff\xff\n"), Ok(nop));
    let publish = Command::Pub {
        topic: topic("t"),
        body: b"x",
    };
    assert_eq!(
        decode(b"PUB t\n\0\0\0\x01xNOP\n"),
        Ok(Decoded::Command {
            command: publish,
            consumed: 11
        })
    );
}

#[test]
fn bodies_are_slices_of_the_buffer() {
    let buf = b"PUB t\n\0\0\0\x05hello";
    let Command::Pub { body, .. } = command(buf) else {
        panic!("a PUB was sent");
    };
    assert_eq!(body.as_ptr(), buf[10..].as_ptr());
}
