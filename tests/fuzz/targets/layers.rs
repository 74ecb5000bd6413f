//! The layers that a client may put on its connection. Arbitrary bytes decode to the same in whatever pieces they arrive,
//! and to no more than the format allows; what one side compresses, the other reads.
#![no_main]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use flate2::{Decompress, FlushDecompress};
use libfuzzer_sys::fuzz_target;
use nsq_fuzz::choice;
use nsq_net::Stream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// One end of a connection: what comes, in pieces, and what is sent.
#[derive(Debug)]
struct Wire {
    comes: Vec<u8>,
    piece: usize,
    sent: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
}

impl Wire {
    fn new(comes: &[u8], piece: usize) -> Self {
        Self {
            comes: comes.to_vec(),
            piece: piece.max(1),
            sent: std::sync::Arc::default(),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let len = self.piece.min(buffer.remaining()).min(self.comes.len());
        buffer.put_slice(&self.comes[..len]);
        self.comes.drain(..len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let len = self.piece.min(bytes.len());
        self.sent.lock().unwrap().extend_from_slice(&bytes[..len]);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Clone, Copy)]
enum Layer {
    Snappy,
    Deflate(u8),
}

fn layered(wire: Wire, layer: Layer) -> Stream {
    let mut stream = Stream::over(wire);
    match layer {
        Layer::Snappy => stream.start_snappy(Vec::new()),
        Layer::Deflate(level) => stream.start_deflate(level, Vec::new()),
    }
    stream
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}

/// What is read before the end or an error, and whether it was an error.
fn read(bytes: &[u8], piece: usize, layer: Layer) -> (Vec<u8>, bool) {
    block_on(async {
        let mut stream = layered(Wire::new(bytes, piece), layer);
        let mut read = Vec::new();
        let mut buffer = [0; 1000];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) => return (read, false),
                Ok(len) => read.extend_from_slice(&buffer[..len]),
                Err(_) => return (read, true),
            }
        }
    })
}

fn written(bytes: &[u8], piece: usize, layer: Layer) -> Vec<u8> {
    block_on(async {
        let wire = Wire::new(b"", piece);
        let sent = wire.sent.clone();
        let mut stream = layered(wire, layer);
        for part in bytes.chunks(7 * piece.max(1)) {
            stream.write_all(part).await.unwrap();
            stream.flush().await.unwrap();
        }
        stream.shutdown().await.unwrap();
        let sent = sent.lock().unwrap().clone();
        sent
    })
}

/// What another decoder makes of deflate, as far as it gets.
fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut decompress = Decompress::new(false);
    let mut output = Vec::with_capacity(bytes.len() * 1100 + 1000);
    let _ = decompress.decompress_vec(bytes, &mut output, FlushDecompress::None);
    output
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = choice(input) else {
        return;
    };
    let piece = 1 + choice / 16;
    let layer = match choice % 16 {
        level @ 1..=9 => Layer::Deflate(level as u8),
        10..=12 => Layer::Deflate(6),
        _ => Layer::Snappy,
    };

    let (whole, whole_failed) = read(bytes, usize::MAX, layer);
    let (pieces, pieces_failed) = read(bytes, piece, layer);
    assert_eq!(whole_failed, pieces_failed);
    // Where an error comes to light depends on what is there.
    assert!(whole_failed && pieces.starts_with(&whole) || whole.starts_with(&pieces));
    assert!(whole_failed || whole.len() == pieces.len());
    // Deflate makes 1032 of one at most; a chunk of snappy has a header and a checksum, and is as long as 64 KiB.
    assert!(whole.len() <= (bytes.len() + 1) * 6600);
    if let Layer::Deflate(_) = layer {
        let inflated = inflated(bytes);
        assert!(inflated.starts_with(&whole) || whole.starts_with(&inflated));
    }

    let sent = written(bytes, piece, layer);
    assert!(read(&sent, piece, layer) == (bytes.to_vec(), false));
});
