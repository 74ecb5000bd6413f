use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::client_error::ClientError;
use crate::command::{DecodeError, LINE_LEN_MAX};
use crate::name::{ChannelRef, TopicRef};

const CAPTURED_IDENTIFY: &str = r#"{"broadcast_address":"127.0.0.1","hostname":"host1","http_port":4151,"tcp_port":4150,"topology_region":"r1","topology_zone":"z1","version":"1.3.0"}"#;
const CAPTURED_REPLY: &str =
    r#"{"broadcast_address":"lk","hostname":"lk","http_port":4161,"tcp_port":4160,"version":"1.3.0"}"#;

fn peer_info() -> PeerInfo {
    PeerInfo {
        broadcast_address: "127.0.0.1".into(),
        hostname: "host1".into(),
        http_port: 4151,
        tcp_port: 4150,
        topology_region: "r1".into(),
        topology_zone: "z1".into(),
        version: "1.3.0".into(),
    }
}

fn topic(name: &str) -> TopicRef<'_> {
    TopicRef::parse(name.as_bytes()).unwrap()
}

fn channel(name: &str) -> ChannelRef<'_> {
    ChannelRef::parse(name.as_bytes()).unwrap()
}

/// An IDENTIFY with this body.
fn identify(body: &[u8]) -> Vec<u8> {
    let mut buf = b"IDENTIFY\n".to_vec();
    put_reply(&mut buf, body);
    buf
}

/// A decoder of a connection that has identified itself.
fn identified() -> LookupDecoder {
    let mut decoder = LookupDecoder::new();
    decoder.decode(&identify(CAPTURED_IDENTIFY.as_bytes())).unwrap();
    decoder
}

/// The command that all of `buf` is, from a peer that has identified itself.
fn command(buf: &[u8]) -> LookupCommand<'_> {
    match identified().decode(buf) {
        Ok(LookupDecoded::Command { command, consumed }) => {
            assert_eq!(consumed, buf.len());
            command
        }
        other => panic!("{} gave {other:?}", buf.escape_ascii()),
    }
}

fn refusal(mut decoder: LookupDecoder, buf: &[u8]) -> ClientError {
    match decoder.decode(buf) {
        Err(DecodeError::Client(error)) => error,
        other => panic!("{} gave {other:?}", buf.escape_ascii()),
    }
}

#[test]
fn every_command_is_understood() {
    assert_eq!(command(b"PING\n"), LookupCommand::Ping);
    assert_eq!(
        command(b"REGISTER ee#ephemeral pre1\n"),
        LookupCommand::Register {
            topic: topic("ee#ephemeral"),
            channel: Some(channel("pre1"))
        }
    );
    assert_eq!(
        command(b"REGISTER nochan2\n"),
        LookupCommand::Register {
            topic: topic("nochan2"),
            channel: None
        }
    );
    assert_eq!(
        command(b"UNREGISTER t c\n"),
        LookupCommand::Unregister {
            topic: topic("t"),
            channel: Some(channel("c"))
        }
    );
    assert_eq!(
        command(b"UNREGISTER t\n"),
        LookupCommand::Unregister {
            topic: topic("t"),
            channel: None
        }
    );
    let buf = identify(CAPTURED_IDENTIFY.as_bytes());
    assert_eq!(
        LookupDecoder::new().decode(&buf),
        Ok(LookupDecoded::Command {
            command: LookupCommand::Identify(peer_info()),
            consumed: buf.len()
        })
    );
}

#[test]
fn white_space_around_a_line_and_further_parameters_are_ignored() {
    assert_eq!(command(b" \t\x0b\x0c\r PING \x0b\r\r\n"), LookupCommand::Ping);
    assert_eq!(command(b"PING me now\n"), LookupCommand::Ping);
    let registered = LookupCommand::Register {
        topic: topic("t"),
        channel: Some(channel("c")),
    };
    assert_eq!(command(b"REGISTER t c d\r\n"), registered);
}

#[test]
fn an_empty_second_parameter_is_no_channel() {
    assert_eq!(
        command(b"REGISTER t  c\n"),
        LookupCommand::Register {
            topic: topic("t"),
            channel: None
        }
    );
    assert_eq!(
        command(b"REGISTER t \n"),
        LookupCommand::Register {
            topic: topic("t"),
            channel: None
        }
    );
}

#[test]
fn pinging_needs_no_identify() {
    let decoded = LookupDecoder::new().decode(b"PING\n");
    assert_eq!(
        decoded,
        Ok(LookupDecoded::Command {
            command: LookupCommand::Ping,
            consumed: 5
        })
    );
}

#[test]
fn errors_are_upstreams_to_the_byte() {
    let cases: [(&[u8], &str); 13] = [
        (b"FOO\n", "E_INVALID invalid command FOO"),
        (b"ping\n", "E_INVALID invalid command ping"),
        (b"\n", "E_INVALID invalid command "),
        (b" \r\n", "E_INVALID invalid command "),
        (b"IDENTIFY\n", "E_INVALID cannot IDENTIFY again"),
        (b"REGISTER\n", "E_INVALID REGISTER insufficient number of params"),
        (b"REGISTER \n", "E_INVALID REGISTER insufficient number of params"),
        (
            b"UNREGISTER\n",
            "E_INVALID UNREGISTER insufficient number of params",
        ),
        (
            b"REGISTER a$b c$d\n",
            "E_BAD_TOPIC REGISTER topic name 'a$b' is not valid",
        ),
        (
            b"REGISTER  c\n",
            "E_BAD_TOPIC REGISTER topic name '' is not valid",
        ),
        (
            b"UNREGISTER a$b\n",
            "E_BAD_TOPIC UNREGISTER topic name 'a$b' is not valid",
        ),
        (
            b"REGISTER t c$d\n",
            "E_BAD_CHANNEL REGISTER channel name 'c$d' is not valid",
        ),
        (
            b"UNREGISTER t c$d\n",
            "E_BAD_CHANNEL UNREGISTER channel name 'c$d' is not valid",
        ),
    ];
    for (buf, text) in cases {
        let error = refusal(identified(), buf);
        assert_eq!(error.text(), text.as_bytes());
        assert!(error.is_fatal());
    }
    assert_eq!(
        refusal(identified(), b"REGISTER t\xff\n").text(),
        b"E_BAD_TOPIC REGISTER topic name 't\xff' is not valid"
    );
}

#[test]
fn registering_needs_identify_before_its_parameters_matter() {
    for buf in [b"REGISTER\n".as_slice(), b"REGISTER t\n", b"UNREGISTER $\n"] {
        assert_eq!(
            refusal(LookupDecoder::new(), buf).text(),
            b"E_INVALID client must IDENTIFY"
        );
    }
}

#[test]
fn a_refused_identify_leaves_the_connection_unidentified() {
    let mut decoder = LookupDecoder::new();
    assert!(decoder.decode(&identify(b"{}")).is_err());
    assert_eq!(
        refusal(decoder, b"REGISTER t\n").text(),
        b"E_INVALID client must IDENTIFY"
    );
}

#[test]
fn an_identify_body_that_is_no_json_is_refused() {
    for body in [
        b"".as_slice(),
        b"{",
        b"[]",
        br#"{"tcp_port":"4150"}"#,
        br#"{"version":1}"#,
    ] {
        let error = refusal(LookupDecoder::new(), &identify(body));
        assert_eq!(error.text(), b"E_BAD_BODY IDENTIFY failed to decode JSON body");
        assert!(error.cause().is_some());
    }
}

#[test]
fn an_identify_body_needs_address_ports_and_version() {
    let mut bodies = vec!["null".to_owned(), "{}".to_owned()];
    for field in [
        r#""broadcast_address":"127.0.0.1""#,
        r#""http_port":4151"#,
        r#""tcp_port":4150"#,
        r#""version":"1.3.0""#,
    ] {
        assert!(CAPTURED_IDENTIFY.contains(field));
        bodies.push(CAPTURED_IDENTIFY.replace(field, r#""other":0"#));
    }
    for body in bodies {
        let error = refusal(LookupDecoder::new(), &identify(body.as_bytes()));
        assert_eq!(error.text(), b"E_BAD_BODY IDENTIFY missing fields", "{body}");
    }
}

#[test]
fn hostname_and_topology_are_optional_and_names_match_in_any_case() {
    let body =
        br#"{"BROADCAST_ADDRESS":"a","tcp_port":1,"Http_Port":2,"version":"v","remote_address":"x:1"}"#;
    let expected = PeerInfo {
        broadcast_address: "a".into(),
        http_port: 2,
        tcp_port: 1,
        version: "v".into(),
        ..PeerInfo::default()
    };
    assert_eq!(PeerInfo::from_json(body), Ok(expected));
}

#[test]
fn identify_body_sizes_are_bounded() {
    let refusal = |size: i32| {
        let buf = [b"IDENTIFY\n".as_slice(), &size.to_be_bytes()].concat();
        refusal(LookupDecoder::new(), &buf).to_string()
    };
    assert_eq!(refusal(-1), "E_BAD_BODY IDENTIFY invalid body size");
    assert_eq!(refusal(i32::MIN), "E_BAD_BODY IDENTIFY invalid body size");
    assert_eq!(
        refusal(1_048_577),
        "E_BAD_BODY IDENTIFY body too big 1048577 > 1048576"
    );
    let largest = [b"IDENTIFY\n".as_slice(), &1_048_576_i32.to_be_bytes()].concat();
    assert_eq!(
        LookupDecoder::new().decode(&largest),
        Ok(LookupDecoded::NeedMore {
            total: largest.len() + IDENTIFY_BODY_LEN_MAX
        })
    );
}

#[test]
fn a_body_that_stays_away_is_named() {
    let stalled = |buf: &[u8]| {
        let mut decoder = LookupDecoder::new();
        assert!(matches!(decoder.decode(buf), Ok(LookupDecoded::NeedMore { .. })));
        decoder.stalled().map(|error| error.to_string())
    };
    assert_eq!(stalled(b""), None);
    assert_eq!(stalled(b"IDENTIFY"), None);
    assert_eq!(
        stalled(b"IDENTIFY\n").unwrap(),
        "E_BAD_BODY IDENTIFY failed to read body size"
    );
    assert_eq!(
        stalled(b"IDENTIFY\n\0\0\0").unwrap(),
        "E_BAD_BODY IDENTIFY failed to read body size"
    );
    assert_eq!(
        stalled(b"IDENTIFY\n\0\0\0\x02{").unwrap(),
        "E_BAD_BODY IDENTIFY failed to read body"
    );
}

#[test]
fn a_line_without_end_is_refused() {
    let line = vec![b'x'; LINE_LEN_MAX];
    assert!(matches!(
        LookupDecoder::new().decode(&line[1..]),
        Ok(LookupDecoded::NeedMore { .. })
    ));
    assert_eq!(LookupDecoder::new().decode(&line), Err(DecodeError::LineTooLong));
}

#[test]
fn commands_are_the_bytes_nsqd_sends() {
    let mut buf = Vec::new();
    encode_identify(&mut buf, &peer_info());
    encode_register(&mut buf, topic("ee#ephemeral"), Some(channel("pre1")));
    encode_register(&mut buf, topic("nochan2"), None);
    encode_unregister(&mut buf, topic("t"), Some(channel("c")));
    encode_unregister(&mut buf, topic("t"), None);
    encode_ping(&mut buf);
    let expected = [
        b"IDENTIFY\n\0\0\0\x93".as_slice(),
        CAPTURED_IDENTIFY.as_bytes(),
        b"REGISTER ee#ephemeral pre1\nREGISTER nochan2\nUNREGISTER t c\nUNREGISTER t\nPING\n",
    ];
    assert_eq!(buf, expected.concat());
}

#[test]
fn the_answer_to_identify_is_upstreams_to_the_byte() {
    let info = LookupdInfo::from_reply(CAPTURED_REPLY.as_bytes()).unwrap();
    assert_eq!(info.to_json(), CAPTURED_REPLY.as_bytes());
    assert_eq!(
        info.to_string(),
        "{TCPPort:4160 HTTPPort:4161 Version:1.3.0 BroadcastAddress:lk}"
    );
}

#[test]
fn an_answer_to_identify_that_is_an_error_is_told_apart() {
    assert!(matches!(
        LookupdInfo::from_reply(b"E_INVALID"),
        Err(IdentifyReplyError::Invalid)
    ));
    for reply in [
        b"E_INVALID cannot IDENTIFY again".as_slice(),
        b"OK",
        b"",
        br#"{"tcp_port":""}"#,
    ] {
        assert!(matches!(
            LookupdInfo::from_reply(reply),
            Err(IdentifyReplyError::NotJson(_))
        ));
    }
    assert_eq!(LookupdInfo::from_reply(b"{}").unwrap().broadcast_address, "");
}

#[test]
fn replies_are_bounded() {
    let decode = |bytes: &[u8]| ReplyDecoder::new(10).decode(&mut BytesMut::from(bytes));
    assert_eq!(decode(b"\0\0\0\x02OKmore").unwrap().unwrap(), "OK");
    assert_eq!(decode(b"\0\0\0\0").unwrap().unwrap(), "");
    assert_eq!(decode(b"\0\0\0\x0a"), Ok(None));
    assert_eq!(
        decode(b"\0\0\0\x0b"),
        Err(ReplyError {
            size: 11,
            size_max: 10
        })
    );
    assert_eq!(
        decode(b"\xff\xff\xff\xff"),
        Err(ReplyError {
            size: -1,
            size_max: 10
        })
    );
}

/// Receives `pieces` as nsqlookupd would: what came out, printed, and how it ended.
fn receive<'p>(
    pieces: impl Iterator<Item = &'p [u8]>,
) -> (Vec<String>, Result<Option<ClientError>, DecodeError>) {
    let mut decoder = LookupDecoder::new();
    let mut decoded = Vec::new();
    let mut buf = Vec::new();
    for piece in pieces {
        buf.extend_from_slice(piece);
        loop {
            let consumed = match decoder.decode(&buf) {
                Ok(LookupDecoded::NeedMore { total }) => {
                    assert!(total > buf.len(), "{total} bytes are already there");
                    break;
                }
                Ok(LookupDecoded::Command { command, consumed }) => {
                    decoded.push(format!("{command:?}"));
                    consumed
                }
                Err(error) => return (decoded, Err(error)),
            };
            buf.drain(..consumed);
        }
    }
    (decoded, Ok(decoder.stalled()))
}

proptest! {
    #[test]
    fn a_stream_means_the_same_however_it_is_cut(
        identifies in any::<bool>(),
        lines in vec(select(vec![
            "PING\n", " PING\r\n", "REGISTER t c\n", "REGISTER t\n", "UNREGISTER t c\n", "UNREGISTER t  \n", "REGISTER $\n",
            "IDENTIFY\n", "\0\0\0\x02{}", "\n", "P",
        ]), 0..8),
        noise in vec(any::<u8>(), 0..20),
        piece_len in 1_usize..40,
    ) {
        let mut stream = if identifies { identify(CAPTURED_IDENTIFY.as_bytes()) } else { Vec::new() };
        stream.extend_from_slice(lines.concat().as_bytes());
        stream.extend_from_slice(&noise);
        prop_assert_eq!(receive(stream.chunks(piece_len)), receive([stream.as_slice()].into_iter()));
    }

    #[test]
    fn replies_read_back_as_they_were_written(replies in vec(vec(any::<u8>(), 0..50), 0..8), piece_len in 1_usize..40) {
        let mut sent = Vec::new();
        for reply in &replies {
            put_reply(&mut sent, reply);
        }
        let decoder = ReplyDecoder::new(50);
        let mut received = BytesMut::new();
        let mut decoded = Vec::new();
        for piece in sent.chunks(piece_len) {
            received.extend_from_slice(piece);
            while let Some(reply) = decoder.decode(&mut received).unwrap() {
                decoded.push(reply.to_vec());
            }
        }
        prop_assert_eq!(decoded, replies);
    }
}
