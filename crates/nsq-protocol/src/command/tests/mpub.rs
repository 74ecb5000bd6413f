//! Multi-publish bodies, over TCP and over HTTP.

use super::*;

/// The bodies of an HTTP multi-publish.
fn parse(body: &[u8]) -> Result<Vec<&[u8]>, MpubBodyError> {
    parse_mpub_body(body, &LIMITS).map(|bodies| bodies.iter().collect())
}

#[test]
fn the_announced_size_is_not_compared_with_the_messages() {
    for announced in [1_u8, 9, 200] {
        let buf = [
            b"MPUB t\n\0\0\0".as_slice(),
            &[announced],
            b"\0\0\0\x01\0\0\0\x01xNOP\n",
        ]
        .concat();
        let Ok(Decoded::Command {
            command: Command::Mpub { bodies, .. },
            consumed,
        }) = decode(&buf)
        else {
            panic!("announcing {announced} was refused");
        };
        assert_eq!(bodies.iter().collect::<Vec<_>>(), [b"x"]);
        assert_eq!(consumed, buf.len() - 4);
    }
}

#[test]
fn messages_that_together_exceed_the_limit_for_a_body_are_refused() {
    let message = with_body("", 90, &[b'x'; 90]);
    let fitting = [b"MPUB t\n\0\0\0\x01\0\0\0\x02".as_slice(), &message, &message].concat();
    assert!(matches!(decode(&fitting), Ok(Decoded::Command { .. })));
    let too_many = [
        b"MPUB t\n\0\0\0\x01\0\0\0\x03".as_slice(),
        &message,
        &message,
        b"\0\0\0\x05",
    ]
    .concat();
    assert_eq!(
        refusal(&too_many).text(),
        b"E_BAD_BODY MPUB body too big 201 > 200"
    );
}

#[test]
fn room_is_asked_for_what_was_announced() {
    assert_eq!(decode(b"MPUB t\n"), Ok(Decoded::NeedMore { total: 11 }));
    assert_eq!(
        decode(b"MPUB t\n\0\0\0\xc8"),
        Ok(Decoded::NeedMore { total: 211 })
    );
    // The announcement is too small: the message alone needs more.
    let needed = 11 + 4 + 4 + 100;
    assert_eq!(
        decode(b"MPUB t\n\0\0\0\x08\0\0\0\x01\0\0\0\x64"),
        Ok(Decoded::NeedMore { total: needed })
    );
}

#[test]
fn an_http_body_is_the_same_without_its_size() {
    assert_eq!(
        parse(b"\0\0\0\x02\0\0\0\x01a\0\0\0\x02bc"),
        Ok(vec![b"a".as_slice(), b"bc"])
    );
    assert_eq!(
        parse(b"\0\0\0\x01\0\0\0\x01a and more"),
        Ok(vec![b"a".as_slice()])
    );
}

#[test]
fn an_http_body_with_a_bad_count_is_a_bad_body() {
    for body in [
        b"".as_slice(),
        b"\0\0\0",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff\0\0\0\x01a",
        b"\0\0\0\x28\0\0\0\x01a",
    ] {
        assert_eq!(
            parse(body),
            Err(MpubBodyError::BadBody),
            "{}",
            body.escape_ascii()
        );
    }
    assert_eq!(MpubBodyError::BadBody.to_string(), "BAD_BODY");
}

#[test]
fn an_http_body_with_a_bad_message_says_so() {
    for body in [
        b"\0\0\0\x01".as_slice(),
        b"\0\0\0\x01\0\0\0",
        b"\0\0\0\x01\0\0\0\0",
        b"\0\0\0\x01\xff\xff\xff\xff",
        b"\0\0\0\x01\0\0\0\x65",
        b"\0\0\0\x01\0\0\0\x02a",
        b"\0\0\0\x02\0\0\0\x01a",
    ] {
        assert_eq!(
            parse(body),
            Err(MpubBodyError::BadMessage),
            "{}",
            body.escape_ascii()
        );
    }
    assert_eq!(MpubBodyError::BadMessage.to_string(), "BAD_MESSAGE");
}
