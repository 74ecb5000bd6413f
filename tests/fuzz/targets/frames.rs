//! What nsqd sends, as a client reads it: the same frames in whatever pieces they arrive, and those are the bytes that
//! came.
#![no_main]

use bytes::{BufMut, BytesMut};
use libfuzzer_sys::fuzz_target;
use nsq_fuzz::choice;
use nsq_protocol::frame::{Frame, FrameDecoder, put_message_header, put_response};

const SIZE_MAX: usize = 300;

/// The frames, and the error that ends them.
fn read(stream: &[u8], piece: usize) -> (Vec<Frame>, String) {
    let decoder = FrameDecoder::new(SIZE_MAX);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for bytes in stream.chunks(piece.max(1)) {
        buffer.extend_from_slice(bytes);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, error.to_string()),
            }
        }
    }
    (frames, String::new())
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, stream)) = choice(input) else {
        return;
    };
    let whole = read(stream, stream.len());
    assert_eq!(read(stream, piece % 9), whole);

    let mut encoded = Vec::new();
    for frame in &whole.0 {
        match frame {
            Frame::Response(data) => put_response(&mut encoded, data),
            // Only nsqd's own errors are ever encoded.
            Frame::Error(data) => {
                encoded.put_i32(4 + data.len() as i32);
                encoded.put_i32(1);
                encoded.put_slice(data);
            }
            Frame::Message(message) => {
                put_message_header(&mut encoded, message.body.len(), &message.header);
                encoded.put_slice(&message.body);
            }
        }
    }
    assert_eq!(encoded, &stream[..encoded.len()]);
});
