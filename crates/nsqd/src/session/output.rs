//! What a session has to send.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use nsq_core::Message;
use nsq_net::Stream;
use nsq_protocol::frame;
use tokio::io::AsyncWrite;

/// A body of at least this size is written from where it is; smaller ones are copied next to their
/// headers, which costs less than another entry in a vectored write.
const SHARED_BODY_MIN: usize = 16 * 1024;

/// Pieces handed to the system in one vectored write.
const SLICES_MAX: usize = 64;

/// Frames on their way to the client, in order.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Complete pieces, before `tail`.
    pieces: VecDeque<Bytes>,
    pieces_len: usize,
    /// Where frames are appended.
    tail: BytesMut,
    /// How much was written to the stream, whose layers may hold it back until they are flushed.
    unflushed: usize,
}

impl Output {
    /// Bytes that wait to be written.
    pub(super) fn len(&self) -> usize {
        self.pieces_len + self.tail.len()
    }

    /// Whether all has been written and flushed.
    pub(super) fn is_done(&self) -> bool {
        self.len() == 0 && self.unflushed == 0
    }

    /// Where to append a frame.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    pub(super) fn put_message(&mut self, message: &Message) {
        let body = &message.body;
        frame::put_message_header(&mut self.tail, body.len(), &message.header());
        if body.len() < SHARED_BODY_MIN {
            self.tail.extend_from_slice(body);
        } else {
            self.pieces_len += self.tail.len() + body.len();
            self.pieces.push_back(self.tail.split().freeze());
            self.pieces.push_back(body.clone());
        }
    }

    /// Lends a buffer to append to, if there is none; an idle session keeps none.
    pub(super) fn lend(&mut self, buffer: &mut BytesMut) {
        if self.tail.capacity() == 0 {
            self.tail = std::mem::take(buffer);
        }
    }

    /// Takes the buffer back if nothing is in it.
    pub(super) fn reclaim(&mut self, buffer: &mut BytesMut) {
        if self.tail.is_empty() {
            *buffer = std::mem::take(&mut self.tail);
            buffer.clear();
        }
    }

    /// Writes until nothing is left. Returns how many bytes have gone since that was last so.
    pub(super) fn poll_write(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        while self.len() > 0 {
            let written = if self.pieces.is_empty() {
                ready!(Pin::new(&mut *stream).poll_write(cx, &self.tail))?
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES_MAX];
                let parts = self.pieces.iter().map(|piece| &piece[..]).chain([&self.tail[..]]);
                let mut count = 0;
                for (slice, part) in slices.iter_mut().zip(parts) {
                    *slice = IoSlice::new(part);
                    count += 1;
                }
                let slices = slices.get(..count).unwrap_or_default();
                ready!(Pin::new(&mut *stream).poll_write_vectored(cx, slices))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unflushed += written;
            self.advance(written);
        }
        if self.unflushed > 0 {
            ready!(Pin::new(stream).poll_flush(cx))?;
        }
        Poll::Ready(Ok(std::mem::take(&mut self.unflushed)))
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(piece) = self.pieces.front_mut() {
            let step = written.min(piece.len());
            piece.advance(step);
            self.pieces_len -= step;
            written -= step;
            if !piece.is_empty() {
                return;
            }
            self.pieces.pop_front();
        }
        self.tail.advance(written);
    }
}
