//! What nsqlookupd answers: the same in whatever pieces it arrives, read again from its own encoding, and fit for a log.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use nsq_fuzz::{assert_one_line, choice};
use nsq_protocol::lookup::{LookupdInfo, ReplyDecoder, put_reply};

fn read(stream: &[u8], piece: usize) -> (Vec<Bytes>, String) {
    let decoder = ReplyDecoder::new(300);
    let mut buffer = BytesMut::new();
    let mut replies = Vec::new();
    for bytes in stream.chunks(piece.max(1)) {
        buffer.extend_from_slice(bytes);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(error) => return (replies, error.to_string()),
            }
        }
    }
    (replies, String::new())
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, stream)) = choice(input) else {
        return;
    };
    let whole = read(stream, stream.len());
    assert_eq!(read(stream, piece % 9), whole);

    let mut encoded = Vec::new();
    for reply in &whole.0 {
        put_reply(&mut encoded, reply);
        if let Ok(info) = LookupdInfo::from_reply(reply) {
            assert_one_line(&info);
            assert_eq!(LookupdInfo::from_reply(&info.to_json()).ok(), Some(info));
        }
    }
    assert_eq!(encoded, &stream[..encoded.len()]);
});
