//! Whatever arrives, it means the same however it is cut, and what a client encodes is what nsqd decodes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// A whole connection: what came out, and what the session was asked.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// What was decoded, printed, because it borrows from a buffer that is gone.
    decoded: Vec<String>,
    /// How the connection ended if the client has no more to say.
    end: Result<Option<ClientError>, DecodeError>,
    asked: Vec<Asked>,
}

/// Receives `pieces` as a session would.
fn receive<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Outcome {
    let mut decoder = CommandDecoder::new(LIMITS);
    let mut session = Session::default();
    let mut decoded = Vec::new();
    let mut buf = Vec::new();
    for piece in pieces {
        buf.extend_from_slice(piece);
        loop {
            let consumed = match decoder.decode(&buf, &mut session) {
                Ok(Decoded::NeedMore { total }) => {
                    assert!(total > buf.len(), "{total} bytes are already there");
                    break;
                }
                Ok(Decoded::Command { command, consumed }) => {
                    decoded.push(format!("{command:?}"));
                    consumed
                }
                Ok(Decoded::Ignored { .. } | Decoded::Postponed) => panic!("this session takes everything"),
                Err(error) => {
                    return Outcome {
                        decoded,
                        end: Err(error),
                        asked: session.asked,
                    };
                }
            };
            assert!(consumed > 0);
            buf.drain(..consumed);
        }
    }
    Outcome {
        decoded,
        end: Ok(decoder.stalled()),
        asked: session.asked,
    }
}

fn names() -> impl Strategy<Value = String> {
    "[.a-zA-Z0-9_-]{1,53}(#ephemeral)?"
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 1..=100), vec(select(b"\n \r\0P".to_vec()), 1..8)]
}

/// Valid commands, encoded by a client, with what decoding them must print.
fn commands() -> impl Strategy<Value = (Vec<u8>, String)> {
    let id = any::<[u8; 16]>().prop_filter("a line ends at a newline, a word at a space", |id| {
        !id.contains(&b'\n') && !id.contains(&b' ') && id.last() != Some(&b'\r')
    });
    let mpub_bodies = vec(vec(any::<u8>(), 1..20), 1..8);
    let parts = (names(), names(), bodies(), mpub_bodies, id, 0_u64..=2500);
    (0..12, parts).prop_map(
        |(kind, (topic_name, channel_name, body, mpub_bodies, id, number))| {
            let (topic, channel) = (topic(&topic_name), channel(&channel_name));
            let id = MessageId::new(id);
            let mut buf = Vec::new();
            let command = match kind {
                0 => Command::Identify { body: &body },
                1 => Command::Auth { secret: &body },
                2 => Command::Sub { topic, channel },
                3 => Command::Pub { topic, body: &body },
                4 => Command::Dpub {
                    topic,
                    defer_ms: number,
                    body: &body,
                },
                5 => Command::Rdy { count: number },
                6 => Command::Fin { id },
                7 => Command::Req {
                    id,
                    timeout_ms: number,
                },
                8 => Command::Touch { id },
                9 => Command::Cls,
                10 => Command::Nop,
                _ => {
                    encode_mpub(&mut buf, topic, &mpub_bodies).unwrap();
                    let encoded = buf[format!("MPUB {topic}\n").len() + 4..].to_vec();
                    let bodies = parse_mpub_body(&encoded, &LIMITS).unwrap();
                    let printed = format!("{:?}", Command::Mpub { topic, bodies });
                    assert!(bodies.iter().eq(mpub_bodies.iter()));
                    return (buf, printed);
                }
            };
            command.encode(&mut buf).unwrap();
            (buf, format!("{command:?}"))
        },
    )
}

/// Streams that get past the first checks: valid commands, near misses and noise.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let words = select(vec![
        "IDENTIFY",
        "AUTH",
        "SUB",
        "PUB",
        "MPUB",
        "DPUB",
        "RDY",
        "FIN",
        "REQ",
        "TOUCH",
        "CLS",
        "NOP",
        " ",
        "\n",
        "\r\n",
        " t",
        " $",
        " 0123456789abcdef",
        " 12",
        " x",
        "\0\0\0",
        "\0\0\0\x01",
        "\x01",
        "\x05",
    ]);
    let near_misses = vec(words, 1..8).prop_map(|words| words.concat().into_bytes());
    let noise = vec(any::<u8>(), 0..20);
    let valid = commands().prop_map(|(bytes, _)| bytes);
    vec(prop_oneof![6 => valid, 2 => near_misses, 1 => noise], 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_stream_means_the_same_however_it_is_cut(stream in streams(), piece_len in 1_usize..40) {
        let whole = receive([stream.as_slice()].into_iter());
        prop_assert_eq!(receive(stream.chunks(piece_len)), whole);
    }

    #[test]
    fn arbitrary_bytes_mean_the_same_however_they_are_cut(
        stream in vec(any::<u8>(), 0..300),
        piece_len in 1_usize..40,
    ) {
        let whole = receive([stream.as_slice()].into_iter());
        prop_assert_eq!(receive(stream.chunks(piece_len)), whole);
    }

    #[test]
    fn commands_decode_to_what_was_encoded(commands in vec(commands(), 0..8), piece_len in 1_usize..100) {
        let stream = commands.iter().flat_map(|(bytes, _)| bytes.clone()).collect::<Vec<_>>();
        let outcome = receive(stream.chunks(piece_len));
        prop_assert_eq!(outcome.decoded, commands.into_iter().map(|(_, printed)| printed).collect::<Vec<_>>());
        prop_assert_eq!(outcome.end, Ok(None));
    }

    #[test]
    fn a_command_cut_anywhere_needs_more(command in commands(), cut in any::<prop::sample::Index>()) {
        let (bytes, _) = command;
        let decoded = decode(&bytes[..cut.index(bytes.len())]).map(|_| ());
        prop_assert_eq!(decoded, Ok(()));
    }

    #[test]
    fn an_http_body_is_judged_without_panicking(body in vec(prop_oneof![3 => Just(0_u8), 1 => 0_u8..9, 1 => any::<u8>()], 0..80)) {
        if let Ok(bodies) = parse_mpub_body(&body, &LIMITS) {
            let lengths = bodies.iter().map(<[u8]>::len).collect::<Vec<_>>();
            prop_assert_eq!(lengths.len(), bodies.len());
            prop_assert_eq!(lengths.iter().sum::<usize>(), bodies.body_bytes());
            prop_assert!(lengths.iter().all(|len| (1..=100).contains(len)));
        }
    }
}

#[test]
fn encoded_commands_are_the_bytes_upstreams_clients_send() {
    let id = MessageId::from_u64(0x18a2_0c92_f3c0_7000);
    let mut buf = Vec::new();
    encode_identify(&mut buf, b"{}").unwrap();
    encode_auth(&mut buf, b"s").unwrap();
    encode_sub(&mut buf, topic("t"), channel("c"));
    encode_rdy(&mut buf, 1);
    encode_pub(&mut buf, topic("t"), b"x").unwrap();
    encode_mpub(&mut buf, topic("t"), &["a", "bc"]).unwrap();
    encode_dpub(&mut buf, topic("t"), 100, b"x").unwrap();
    encode_fin(&mut buf, id);
    encode_req(&mut buf, id, 0);
    encode_touch(&mut buf, id);
    encode_cls(&mut buf);
    encode_nop(&mut buf);
    let expected = [
        b"IDENTIFY\n\0\0\0\x02{}".as_slice(),
        b"AUTH\n\0\0\0\x01s",
        b"SUB t c\nRDY 1\n",
        b"PUB t\n\0\0\0\x01x",
        b"MPUB t\n\0\0\0\x0f\0\0\0\x02\0\0\0\x01a\0\0\0\x02bc",
        b"DPUB t 100\n\0\0\0\x01x",
        b"FIN 18a20c92f3c07000\nREQ 18a20c92f3c07000 0\nTOUCH 18a20c92f3c07000\nCLS\nNOP\n",
    ];
    assert_eq!(buf, expected.concat());
}

#[test]
fn a_body_that_no_size_can_announce_is_not_encoded() {
    // Untouched zeroes take no memory.
    let body = vec![0; 1 << 31];
    let mut buf = Vec::new();
    let too_long = Err(BodyTooLong { len: body.len() });
    assert_eq!(encode_pub(&mut buf, topic("t"), &body), too_long);
    assert_eq!(encode_dpub(&mut buf, topic("t"), 1, &body), too_long);
    assert_eq!(encode_identify(&mut buf, &body), too_long);
    let half = &body[..1 << 30];
    assert_eq!(
        encode_mpub(&mut buf, topic("t"), &[half, half]),
        Err(BodyTooLong { len: body.len() + 12 })
    );
    assert_eq!(buf, b"");
}
