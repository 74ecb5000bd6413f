use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

/// Two streams that are connected, with room for `capacity` bytes on the way.
pub(crate) fn pair(capacity: usize) -> (Stream, Stream) {
    let (one, other) = duplex(capacity);
    (Stream::over(one), Stream::over(other))
}

/// A stream, and what is beneath the other end of it.
pub(crate) fn half(capacity: usize) -> (Stream, DuplexStream) {
    let (one, other) = duplex(capacity);
    (Stream::over(one), other)
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Messages that compress to something, to nothing much, or not at all, in pieces of very different sizes.
pub(crate) fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..60),
        (any::<u8>(), 1..140_000_usize).prop_map(|(byte, len)| vec![byte; len]),
        (any::<u64>(), 1..70_000_usize).prop_map(|(seed, len)| noise(seed, len)),
        (1..3_000_usize).prop_map(|count| br#"{"event":"click","user":12345}"#.repeat(count)),
    ];
    proptest::collection::vec(piece, 1..5)
}

/// Bytes that do not compress.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    };
    (0..len).map(|_| next()).collect()
}

/// Sends the pieces from one end, each followed by a flush, and reads them at the other in steps of
/// `read_len`; each has to arrive before the next is sent.
pub(crate) async fn carry(from: &mut Stream, to: &mut Stream, pieces: &[Vec<u8>], read_len: usize) {
    for piece in pieces {
        let send = async {
            from.write_all(piece).await.unwrap();
            from.flush().await.unwrap();
        };
        let receive = async {
            let mut received = Vec::new();
            let mut step = vec![0; read_len];
            while received.len() < piece.len() {
                let count = to.read(&mut step).await.unwrap();
                assert_ne!(count, 0, "the stream ended early");
                received.extend_from_slice(&step[..count]);
            }
            assert!(
                received == *piece,
                "{} bytes were changed on the way",
                piece.len()
            );
        };
        tokio::join!(send, receive);
    }
}

/// Sends each byte twice, keeping the last one back until it is flushed.
#[derive(Debug, Default)]
struct Doubling {
    kept_back: Option<u8>,
    most_decoded: usize,
}

impl Codec for Doubling {
    fn decode(&mut self, input: &mut [u8], output: &mut ReadBuf<'_>) -> io::Result<usize> {
        let mut used = 0;
        while let Some([one, other]) = input.get(used..used + 2)
            && output.remaining() > 0
        {
            if one != other {
                return Err(io::ErrorKind::InvalidData.into());
            }
            output.put_slice(&[*one]);
            used += 2;
        }
        self.most_decoded = self.most_decoded.max(input.len());
        Ok(used)
    }

    fn receive_size(&self, room: usize) -> usize {
        2 * room
    }

    fn is_ended(&self) -> bool {
        false
    }

    fn encode(&mut self, input: &[u8], output: &mut [u8], _: &mut Vec<u8>) -> io::Result<(usize, usize)> {
        let earlier = self.kept_back.take();
        let (&last, others) = input.split_last().unwrap();
        let taken = others.len().min(output.len() / 2 - 1);
        let mut encoded = 0;
        for byte in earlier.iter().chain(&others[..taken]) {
            output[encoded..encoded + 2].fill(*byte);
            encoded += 2;
        }
        if taken == others.len() {
            self.kept_back = Some(last);
            return Ok((input.len(), encoded));
        }
        Ok((taken, encoded))
    }

    fn flush(&mut self, output: &mut [u8]) -> io::Result<usize> {
        match self.kept_back.take() {
            Some(byte) => {
                output[..2].fill(byte);
                Ok(2)
            }
            None => Ok(0),
        }
    }

    fn close(&mut self, output: &mut [u8], _: &mut Vec<u8>) -> io::Result<usize> {
        self.flush(output)
    }
}

/// The stream once `start` has put a layer on top of it.
pub(crate) fn layered(mut stream: Stream, start: impl FnOnce(&mut Stream)) -> Stream {
    start(&mut stream);
    stream
}

fn doubling(beneath: Stream, received: &[u8]) -> Stream {
    layered(beneath, |stream| {
        stream.wrap(|beneath| Coded::new(Doubling::default(), beneath, received.to_vec()));
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_written_is_read_whatever_passes_at_once(
        pieces in pieces(),
        capacity in 50..5_000_usize,
        read_len in 1..70_000_usize,
    ) {
        block_on(async {
            let (one, other) = pair(capacity);
            let (mut one, mut other) = (doubling(one, b""), doubling(other, b""));
            carry(&mut one, &mut other, &pieces, read_len).await;
            carry(&mut other, &mut one, &pieces, read_len).await;
        });
    }

    #[test]
    fn pieces_written_together_arrive_in_their_order(lens in proptest::collection::vec(0..40_000_usize, 1..8)) {
        block_on(async {
            let (one, other) = pair(100_000);
            let (mut one, mut other) = (doubling(one, b""), doubling(other, b""));
            let parts: Vec<_> = lens.iter().enumerate().map(|(seed, len)| noise(seed as u64, *len)).collect();
            let whole = parts.concat();
            let send = async {
                let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
                let mut slices = &mut slices[..];
                while slices.iter().any(|slice| !slice.is_empty()) {
                    let count = one.write_vectored(slices).await.unwrap();
                    IoSlice::advance_slices(&mut slices, count);
                }
                one.shutdown().await.unwrap();
            };
            let receive = async {
                let mut received = Vec::new();
                other.read_to_end(&mut received).await.unwrap();
                assert!(received == whole);
            };
            tokio::join!(send, receive);
        });
    }
}

#[test]
fn a_byte_at_a_time_is_enough() {
    block_on(async {
        let (one, other) = pair(1);
        let (mut one, mut other) = (doubling(one, b""), doubling(other, b""));
        carry(&mut one, &mut other, &[noise(1, 3_000)], 1).await;
    });
}

#[test]
fn bytes_received_before_the_layer_come_first() {
    block_on(async {
        let (beneath, mut peer) = half(64);
        let mut stream = doubling(beneath, b"aabbc");
        peer.write_all(b"cdd").await.unwrap();
        let mut received = [0; 4];
        stream.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"abcd");
    });
}

#[test]
fn a_write_is_not_taken_before_the_one_before_it_has_left() {
    block_on(async {
        let (beneath, mut peer) = half(4);
        let mut stream = doubling(beneath, b"");
        // The first is encoded to more than the peer takes, and waits.
        assert_eq!(stream.write(b"abcdef").await.unwrap(), 6);
        let mut second = std::pin::pin!(stream.write(b"g"));
        let pending = std::future::poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx).is_pending()));
        assert!(pending.await);
        let mut received = [0; 10];
        peer.read_exact(&mut received[..4]).await.unwrap();
        let (written, read) = tokio::join!(second, peer.read_exact(&mut received[4..]));
        assert_eq!((written.unwrap(), read.unwrap()), (1, 6));
        assert_eq!(&received, b"aabbccddee");
    });
}

#[test]
fn nothing_is_decoded_ahead_of_the_reader() {
    block_on(async {
        let (beneath, mut peer) = half(1 << 20);
        peer.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
        let mut coded = Coded::new(Doubling::default(), beneath, Vec::new());
        let mut step = [0; 16];
        for _ in 0..100 {
            assert_eq!(coded.read(&mut step).await.unwrap(), step.len());
        }
        assert!(coded.codec.most_decoded <= RECEIVE_MIN + 1);
        assert!(coded.received.len() <= RECEIVE_MIN);
    });
}

#[test]
fn a_stream_may_end_between_two_units_but_not_within_one() {
    block_on(async {
        let (beneath, mut peer) = half(64);
        let mut stream = doubling(beneath, b"");
        peer.write_all(b"aa").await.unwrap();
        drop(peer);
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"a");

        let (beneath, mut peer) = half(64);
        let mut stream = doubling(beneath, b"");
        peer.write_all(b"aab").await.unwrap();
        drop(peer);
        let error = stream.read_to_end(&mut received).await.unwrap_err();
        assert_eq!(error.to_string(), "unexpected EOF");
    });
}

#[test]
fn an_idle_stream_holds_no_buffers() {
    block_on(async {
        let (one, other) = pair(100_000);
        let mut one = Coded::new(Doubling::default(), one, Vec::new());
        let mut other = Coded::new(Doubling::default(), other, Vec::new());
        one.write_all(&vec![7; 20_000]).await.unwrap();
        one.flush().await.unwrap();
        other.read_exact(&mut vec![0; 20_000]).await.unwrap();
        assert_eq!((one.unsent.capacity(), one.received.capacity()), (0, 0));
        assert_eq!((other.unsent.capacity(), other.received.capacity()), (0, 0));
    });
}
