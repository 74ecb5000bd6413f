use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;
use crate::message::{Message, MessageId};

const SIZE_MAX: usize = 1000;

fn header() -> MessageHeader {
    MessageHeader {
        timestamp_ns: 1,
        attempts: 2,
        id: MessageId::from_u64(3),
    }
}

fn message(body: &[u8]) -> Frame {
    Frame::Message(Message {
        header: header(),
        body: Bytes::copy_from_slice(body),
    })
}

fn decode(bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
    FrameDecoder::new(SIZE_MAX).decode(&mut BytesMut::from(bytes))
}

fn encode(frame: &Frame) -> Vec<u8> {
    let mut buf = Vec::new();
    match frame {
        Frame::Response(data) => put_response(&mut buf, data),
        Frame::Error(text) => {
            put_frame_header(&mut buf, FrameType::Error, text.len());
            buf.put_slice(text);
        }
        Frame::Message(message) => {
            put_message_header(&mut buf, message.body.len(), &message.header);
            buf.put_slice(&message.body);
        }
    }
    buf
}

#[test]
fn ready_frames_are_what_encoding_their_data_gives() {
    for (data, frame) in [
        (OK, OK_FRAME),
        (CLOSE_WAIT, CLOSE_WAIT_FRAME),
        (HEARTBEAT, HEARTBEAT_FRAME),
    ] {
        assert_eq!(encode(&Frame::Response(Bytes::from_static(data))), frame);
    }
}

#[test]
fn an_error_frame_carries_the_error_text() {
    let mut buf = Vec::new();
    put_error(&mut buf, &ClientError::bad_protocol());
    assert_eq!(buf, b"\0\0\0\x12\0\0\0\x01E_BAD_PROTOCOL");
}

#[test]
fn a_message_frame_carries_header_and_body() {
    assert_eq!(
        encode(&message(b"hi")),
        b"\0\0\0\x20\0\0\0\x02\0\0\0\0\0\0\0\x01\0\x020000000000000003hi"
    );
}

#[test]
fn the_longest_body_fills_the_size_field() {
    let mut buf = Vec::new();
    put_message_header(&mut buf, BODY_LEN_MAX, &header());
    assert_eq!(buf[..SIZE_LEN], i32::MAX.to_be_bytes());
}

#[test]
fn a_size_without_room_for_the_type_is_refused() {
    for size in [i32::MIN, -1, 0, 3] {
        assert_eq!(decode(&size.to_be_bytes()), Err(FrameError::InvalidSize(size)));
    }
    assert_eq!(
        decode(b"\0\0\0\x04\0\0\0\0"),
        Ok(Some(Frame::Response(Bytes::new())))
    );
}

#[test]
fn a_size_above_the_limit_is_refused_before_its_data_arrives() {
    let size_max = u32::try_from(SIZE_MAX).unwrap();
    assert_eq!(decode(&size_max.to_be_bytes()), Ok(None));
    assert_eq!(
        decode(&(size_max + 1).to_be_bytes()),
        Err(FrameError::TooBig {
            size: SIZE_MAX + 1,
            size_max: SIZE_MAX
        })
    );
}

#[test]
fn a_peer_that_speaks_http_is_recognised() {
    assert_eq!(decode(b"HTTP/1.1 400 Bad Request\r\n"), Err(FrameError::Http));
    assert_eq!(
        FrameError::Http.to_string(),
        "unexpected HTTP response, a nsqd TCP endpoint is required"
    );
}

#[test]
fn an_unknown_type_is_refused() {
    assert_eq!(decode(b"\0\0\0\x04\0\0\0\x03"), Err(FrameError::UnknownType(3)));
    assert_eq!(
        decode(b"\0\0\0\x04\xff\xff\xff\xff"),
        Err(FrameError::UnknownType(-1))
    );
}

#[test]
fn a_message_without_a_whole_header_is_refused() {
    let short = [b"\0\0\0\x1d\0\0\0\x02".as_slice(), &[0; 25]].concat();
    assert_eq!(decode(&short), Err(FrameError::ShortMessage(25)));
}

#[test]
fn a_frame_shares_the_memory_of_the_buffer() {
    let mut received = BytesMut::from(OK_FRAME);
    let data_at = received[FRAME_HEADER_LEN..].as_ptr();
    let Some(Frame::Response(data)) = FrameDecoder::new(SIZE_MAX).decode(&mut received).unwrap() else {
        panic!("a response was sent");
    };
    assert_eq!(data.as_ptr(), data_at);
}

#[test]
fn room_is_made_for_the_frame_that_is_arriving() {
    let mut received = BytesMut::from(b"\0\0\x03\xe8".as_slice());
    assert_eq!(FrameDecoder::new(SIZE_MAX).decode(&mut received), Ok(None));
    assert!(received.capacity() >= SIZE_LEN + SIZE_MAX);
}

fn frames() -> impl Strategy<Value = Frame> {
    let data = proptest::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from);
    (0..3, data).prop_map(|(kind, data)| match kind {
        0 => Frame::Response(data),
        1 => Frame::Error(data),
        _ => message(&data),
    })
}

/// Feeds `pieces` one after the other and collects what comes out, up to the first error.
fn decode_pieces<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Vec<Result<Frame, FrameError>> {
    let decoder = FrameDecoder::new(SIZE_MAX);
    let mut received = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        received.extend_from_slice(piece);
        while let Some(frame) = decoder.decode(&mut received).transpose() {
            let failed = frame.is_err();
            frames.push(frame);
            if failed {
                return frames;
            }
        }
    }
    frames
}

proptest! {
    #[test]
    fn frames_read_back_as_they_were_written(sent in proptest::collection::vec(frames(), 0..8), piece_len in 1_usize..64) {
        let bytes = sent.iter().flat_map(encode).collect::<Vec<_>>();
        let received = decode_pieces(bytes.chunks(piece_len));
        prop_assert_eq!(received, sent.into_iter().map(Ok).collect::<Vec<_>>());
    }

    #[test]
    fn arbitrary_bytes_decode_alike_however_they_are_cut(
        bytes in proptest::collection::vec(prop_oneof![3 => Just(0_u8), 2 => 0_u8..40, 1 => any::<u8>()], 0..300),
        piece_len in 1_usize..64,
    ) {
        prop_assert_eq!(decode_pieces(bytes.chunks(piece_len)), decode_pieces([bytes.as_slice()].into_iter()));
    }
}
