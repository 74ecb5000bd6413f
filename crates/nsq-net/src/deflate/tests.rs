use std::io::{Read, Write};

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::coded::tests::{block_on, carry, half, layered, noise, pair, pieces};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn each_flushed_piece_arrives_whatever_passes_at_once(
        pieces in pieces(),
        level in 0..=10_u8,
        capacity in 100..100_000_usize,
        read_len in 1..70_000_usize,
    ) {
        block_on(async {
            let (one, other) = pair(capacity);
            let (mut one, mut other) = (deflate(one, level), deflate(other, level));
            carry(&mut one, &mut other, &pieces, read_len).await;
            carry(&mut other, &mut one, &pieces, read_len).await;
        });
    }

    #[test]
    fn another_implementation_reads_what_is_written(pieces in pieces(), level in 1..=9_u8) {
        let mut written = block_on(written(&pieces, level));
        // The connection is the end of the stream; a decoder that is not told so wants a last block.
        written.extend_from_slice(b"\x01\x00\x00\xff\xff");
        let mut read = Vec::new();
        DeflateDecoder::new(&written[..]).read_to_end(&mut read).unwrap();
        prop_assert!(read == pieces.concat());
    }

    #[test]
    fn what_another_implementation_writes_is_read(pieces in pieces(), level in 0..=9_u32) {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
        for piece in &pieces {
            encoder.write_all(piece).unwrap();
            encoder.flush().unwrap();
        }
        let read = block_on(read(&encoder.finish().unwrap())).unwrap();
        prop_assert!(read == pieces.concat());
    }

    #[test]
    fn no_input_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = block_on(read(&bytes));
    }
}

fn deflate(beneath: Stream, level: u8) -> Stream {
    layered(beneath, |stream| stream.start_deflate(level, Vec::new()))
}

/// What a stream makes of these pieces.
async fn written(pieces: &[Vec<u8>], level: u8) -> Vec<u8> {
    let (beneath, mut peer) = half(1 << 20);
    let mut stream = deflate(beneath, level);
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
    let mut stream = deflate(beneath, 6);
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

/// Encodes one output and flushes it.
fn flushed(deflate: &mut Deflate, data: &[u8]) -> Vec<u8> {
    let mut output = vec![0; 1 << 20];
    let (taken, mut len) = deflate.encode(data, &mut output, &mut Vec::new()).unwrap();
    assert_eq!(taken, data.len());
    loop {
        match deflate.flush(&mut output[len..]).unwrap() {
            0 => break,
            count => len += count,
        }
    }
    output.truncate(len);
    output
}

#[test]
fn a_short_output_is_stored_and_can_be_read_at_once() {
    let mut deflate = Deflate::new(6);
    let ok = b"\x00\x00\x00\x06\x00\x00\x00\x00OK";
    let expected = [&b"\x00\x0a\x00\xf5\xff"[..], ok, SYNC].concat();
    assert_eq!(flushed(&mut deflate, ok), expected);
    assert!(deflate.compressor.is_none());
}

#[test]
fn a_flush_without_output_sends_nothing() {
    let mut deflate = Deflate::new(6);
    flushed(&mut deflate, &[b'x'; 1_000]);
    assert_eq!(deflate.flush(&mut [0; 64]).unwrap(), 0);
}

#[test]
fn a_flush_into_little_room_goes_on_where_it_stopped() {
    let mut deflate = Deflate::new(6);
    let data = noise(1, 20_000);
    let mut output = vec![0; 1 << 20];
    let (_, mut len) = deflate.encode(&data, &mut output, &mut Vec::new()).unwrap();
    loop {
        match deflate.flush(&mut output[len..len + 7]).unwrap() {
            0 => break,
            count => len += count,
        }
    }
    assert_eq!(block_on(read(&output[..len])).unwrap(), data);
    assert!(output[..len].ends_with(&SYNC[1..]));
}

#[test]
fn similar_messages_compress_better_than_one() {
    let mut deflate = Deflate::new(6);
    let message = noise(1, 500);
    assert!(flushed(&mut deflate, &message).len() > 490);
    assert!(flushed(&mut deflate, &message).len() < 30);
}

#[test]
fn a_connection_that_has_become_quiet_gives_its_compressor_up() {
    let mut deflate = Deflate::new(6);
    let mut wire = flushed(&mut deflate, &[b'x'; 1_000]);
    for _ in 0..SHORT_FLUSHES_MAX {
        wire.extend(flushed(&mut deflate, b"_heartbeat_"));
        assert!(deflate.compressor.is_some());
    }
    wire.extend(flushed(&mut deflate, b"_heartbeat_"));
    assert!(deflate.compressor.is_none());
    wire.extend(flushed(&mut deflate, b"_heartbeat_"));
    assert!(deflate.compressor.is_none());
    wire.extend(flushed(&mut deflate, &[b'x'; 1_000]));

    let expected = [&[b'x'; 1_000][..], &b"_heartbeat_".repeat(10), &[b'x'; 1_000]].concat();
    assert_eq!(block_on(read(&wire)).unwrap(), expected);
}

#[test]
fn many_answers_do_not_keep_a_compressor_from_being_given_up() {
    let mut deflate = Deflate::new(6);
    for _ in 0..3 {
        flushed(&mut deflate, &[b'x'; 1_000]);
        for _ in 0..=SHORT_FLUSHES_MAX {
            flushed(&mut deflate, b"OK");
        }
        assert!(deflate.compressor.is_none());
    }
}

#[test]
fn a_few_bytes_that_inflate_to_gigabytes_are_inflated_as_they_are_read() {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&vec![0; 8 << 20]).unwrap();
    let mut bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 10_000);

    let mut deflate = Deflate::new(6);
    let mut step = [0xff; 1_000];
    let mut used = 0;
    for _ in 0..100 {
        let mut output = ReadBuf::new(&mut step);
        used += deflate.decode(&mut bomb[used..], &mut output).unwrap();
        assert_eq!(output.filled(), [0; 1_000]);
    }
    assert!(used < 1_000);
}

#[test]
fn the_last_block_ends_the_stream() {
    let mut bytes = b"\x01\x02\x00\xfd\xffhi".to_vec();
    bytes.extend_from_slice(b"and something else");
    assert_eq!(block_on(read(&bytes)).unwrap(), b"hi");
}

#[test]
fn what_is_not_the_format_is_refused() {
    for input in [
        // A block of a type that does not exist.
        &b"\x07"[..],
        // A stored block whose two lengths contradict each other.
        b"\x00\x01\x00\x00\x00x",
        // A reference to before the beginning.
        b"\x4b\x04\x11\x00",
        // What a client sends that has not begun to compress.
        b"\xff\xff\xff\xff",
    ] {
        let error = block_on(read(input)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "flate: corrupt input",
            "{}",
            input.escape_ascii()
        );
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}

#[test]
fn a_short_output_leaves_in_one_piece() {
    // pynsq and gnsq give up when they receive something that nothing can be had from.
    let mut deflate = Deflate::new(6);
    let mut output = [0; 64];
    let (taken, len) = deflate.encode(b"OK", &mut output, &mut Vec::new()).unwrap();
    assert_eq!(taken, 2);
    assert_eq!(&output[..len], b"\x00\x02\x00\xfd\xffOK\x00\x00\x00\xff\xff");
    assert_eq!(deflate.flush(&mut output).unwrap(), 0);
}

#[tokio::test]
async fn a_stream_that_is_closed_has_an_end() {
    for piece in [&b"OK"[..], &[b'x'; 1_000]] {
        let sent = written(&[piece.to_vec()], 6).await;
        let mut decompress = Decompress::new(false);
        let mut content = Vec::with_capacity(2_000);
        let status = decompress
            .decompress_vec(&sent, &mut content, FlushDecompress::None)
            .unwrap();
        assert_eq!((status, &content[..]), (Status::StreamEnd, piece));
    }
}
