use std::io::{Read, Write};

use proptest::prelude::*;
use snap::read::FrameDecoder;
use snap::write::FrameEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::coded::tests::{block_on, carry, half, layered, noise, pair, pieces};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn each_flushed_piece_arrives_whatever_passes_at_once(
        pieces in pieces(),
        capacity in 100..100_000_usize,
        read_len in 1..70_000_usize,
    ) {
        block_on(async {
            let (one, other) = pair(capacity);
            let (mut one, mut other) = (snappy(one), snappy(other));
            carry(&mut one, &mut other, &pieces, read_len).await;
            carry(&mut other, &mut one, &pieces, read_len).await;
        });
    }

    #[test]
    fn another_implementation_reads_what_is_written(pieces in pieces()) {
        let written = block_on(written(&pieces));
        let mut read = Vec::new();
        FrameDecoder::new(&written[..]).read_to_end(&mut read).unwrap();
        prop_assert!(read == pieces.concat());
    }

    #[test]
    fn what_another_implementation_writes_is_read(pieces in pieces()) {
        let mut encoder = FrameEncoder::new(Vec::new());
        for piece in &pieces {
            encoder.write_all(piece).unwrap();
            encoder.flush().unwrap();
        }
        let read = block_on(read(&encoder.into_inner().unwrap())).unwrap();
        prop_assert!(read == pieces.concat());
    }

    #[test]
    fn no_input_makes_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), framed: bool) {
        if framed {
            bytes.splice(0..0, IDENTIFIER.iter().copied());
        }
        let _ = block_on(read(&bytes));
    }

    #[test]
    fn a_changed_byte_never_changes_the_content(at in 0..2_000_usize, by in 1..=255_u8) {
        let pieces = [b"{\"user\":1}".repeat(50), noise(1, 1_000)];
        let mut bytes = block_on(written(&pieces));
        let at = at % bytes.len();
        bytes[at] ^= by;
        // A chunk may turn into one that is passed over, or into another form of the same.
        if let Ok(read) = block_on(read(&bytes)) {
            let [first, second] = &pieces;
            let expected = [Vec::new(), first.clone(), second.clone(), pieces.concat()];
            prop_assert!(expected.contains(&read));
        }
    }
}

fn snappy(beneath: Stream) -> Stream {
    layered(beneath, |stream| stream.start_snappy(Vec::new()))
}

/// What a stream makes of these pieces.
async fn written(pieces: &[Vec<u8>]) -> Vec<u8> {
    let (beneath, mut peer) = half(1 << 20);
    let mut stream = snappy(beneath);
    let send = async {
        for piece in pieces {
            stream.write_all(piece).await.unwrap();
            stream.flush().await.unwrap();
        }
        stream.shutdown().await.unwrap();
    };
    let mut written = Vec::new();
    let ((), read) = tokio::join!(send, peer.read_to_end(&mut written));
    read.unwrap();
    written
}

/// What a stream reads from a peer that sends these bytes and closes.
async fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (beneath, mut peer) = half(1 << 20);
    let mut stream = snappy(beneath);
    let send = async {
        // The stream may have given up by then.
        let _ = peer.write_all(bytes).await;
        drop(peer);
    };
    let mut read = Vec::new();
    let receive = async {
        let outcome = stream.read_to_end(&mut read).await;
        drop(stream);
        outcome
    };
    let ((), outcome) = tokio::join!(send, receive);
    outcome.map(|_| read)
}

fn refusal(bytes: &[u8]) -> String {
    block_on(read(bytes)).unwrap_err().to_string()
}

fn after_identifier(bytes: &[u8]) -> Vec<u8> {
    [IDENTIFIER, bytes].concat()
}

#[test]
fn the_first_answer_is_sent_as_upstream_sends_it() {
    // What Go's nsqd sends for the OK after the upgrade.
    let expected =
        b"\xff\x06\x00\x00sNaPpY\x01\x0e\x00\x00\x26\x98\x2b\xcf\x00\x00\x00\x06\x00\x00\x00\x00OK";
    let ok = b"\x00\x00\x00\x06\x00\x00\x00\x00OK".to_vec();
    assert_eq!(block_on(written(&[ok])), expected);
}

#[test]
fn what_compresses_is_compressed_and_what_does_not_is_sent_as_it_is() {
    let compressible = block_on(written(&[vec![b'x'; 60_000]]));
    assert_eq!(compressible[IDENTIFIER.len()], 0x00);
    assert!(compressible.len() < 4_000);
    let incompressible = block_on(written(&[noise(1, 60_000)]));
    assert_eq!(incompressible[IDENTIFIER.len()], 0x01);
    assert_eq!(incompressible.len(), IDENTIFIER.len() + 8 + 60_000);
}

#[test]
fn chunks_that_mean_nothing_are_passed_over() {
    let mut bytes = after_identifier(b"\xfe\x05\x00\x00.....\x80\x00\x00\x00");
    bytes.extend_from_slice(IDENTIFIER);
    bytes.extend_from_slice(&block_on(written(&[b"hello".to_vec()])));
    // Longer than any buffer.
    bytes.extend_from_slice(b"\xfe\xff\xff\xff");
    bytes.resize(bytes.len() + 0x00ff_ffff, 0);
    bytes.extend_from_slice(&block_on(written(&[b" world".to_vec()])));
    assert_eq!(block_on(read(&bytes)).unwrap(), b"hello world");
}

#[test]
fn an_empty_chunk_is_no_end() {
    let empty = block_on(async {
        let mut encoder = FrameEncoder::new(Vec::new());
        encoder.write_all(b"x").unwrap();
        encoder.into_inner().unwrap()
    });
    let mut bytes = after_identifier(b"\x01\x04\x00\x00\xd8\xea\x82\xa2");
    bytes.extend_from_slice(&empty);
    assert_eq!(block_on(read(&bytes)).unwrap(), b"x");
}

#[test]
fn what_is_not_the_format_is_refused() {
    const CORRUPT: &str = "snappy: corrupt input";
    for (input, text) in [
        (&b"PUB topic\n\x00\x00\x00\x01x"[..], CORRUPT),
        (b"\x01\x05\x00\x00....x", CORRUPT),
        (b"\xff\x06\x00\x00sNaPpy", CORRUPT),
        (b"\xff\x07\x00\x00sNaPpYx", CORRUPT),
    ] {
        assert_eq!(refusal(input), text, "{}", input.escape_ascii());
    }
    for (input, text) in [
        // Kinds that have no meaning yet.
        (&b"\x02\x04\x00\x00...."[..], "snappy: unsupported input"),
        (b"\x7f\x00\x00\x00", "snappy: unsupported input"),
        // No room for the checksum.
        (b"\x00\x03\x00\x00...", CORRUPT),
        (b"\x01\x00\x00\x00", CORRUPT),
        // A wrong checksum.
        (b"\x01\x05\x00\x00....x", CORRUPT),
        // Longer than the format allows, which is told from the header.
        (b"\x01\x05\x00\x01", CORRUPT),
        (b"\x00\xcf\x2a\x01", CORRUPT),
        // Content of 64 KiB and one byte, and of 4 GiB.
        (b"\x00\x07\x00\x00....\x81\x80\x04", CORRUPT),
        (b"\x00\x09\x00\x00....\xff\xff\xff\xff\x0f", CORRUPT),
        // No length of the content.
        (b"\x00\x04\x00\x00....", CORRUPT),
        // Content that refers to what was before it.
        (b"\x00\x07\x00\x00....\x04\x01\x01", CORRUPT),
        // The end within a chunk.
        (b"\x01\x05\x00\x00...", "unexpected EOF"),
        (b"\x01\x05", "unexpected EOF"),
    ] {
        assert_eq!(
            refusal(&after_identifier(input)),
            text,
            "{}",
            input.escape_ascii()
        );
    }
}

#[test]
fn a_chunk_larger_than_the_readers_buffer_is_read_piece_by_piece() {
    block_on(async {
        let (one, other) = pair(1 << 20);
        let (mut one, mut other) = (snappy(one), snappy(other));
        carry(&mut one, &mut other, &[vec![b'x'; 200_000], noise(1, 200_000)], 1).await;
    });
}
