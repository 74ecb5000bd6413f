//! A stream whose bytes are coded: the part that TLS, snappy and deflate have in common.

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Stream;
use crate::scratch::Scratch;

/// Bytes of several pieces that are gathered for one [`Codec::encode`].
const GATHERED_MAX: usize = 64 * 1024;

/// Bytes that are received at once at least, however small the reader's buffer is.
const RECEIVE_MIN: usize = 4 * 1024;

/// Turns the bytes of a connection into other bytes, in both directions, without doing any I/O.
pub(crate) trait Codec: fmt::Debug + Send + Unpin {
    /// Decodes from the front of `input`, which may be changed by it, until `output` is full or there is
    /// nothing more to be had. Returns how many bytes of `input` are not needed any more; the others are
    /// presented again, with more behind them.
    ///
    /// With `output` left as it was, more input is needed, or the data has [ended](Self::is_ended).
    ///
    /// # Errors
    /// The peer breaks the format. Nothing can be decoded any more.
    fn decode(&mut self, input: &mut [u8], output: &mut ReadBuf<'_>) -> io::Result<usize>;

    /// How many bytes to receive at once for a reader with room for `room` of them. What decodes to more
    /// than fits would only have to be kept.
    fn receive_size(&self, room: usize) -> usize;

    /// Whether the peer has said that nothing more comes.
    fn is_ended(&self) -> bool;

    /// Encodes from the front of `input`, which is not empty, into the front of `output`. Returns how much
    /// of `input` and of `output` was used; not both are 0.
    ///
    /// `received` is what [`decode`](Self::decode) left unused. A codec that has to look at it in order to
    /// encode may remove bytes from its front.
    ///
    /// # Errors
    /// Nothing can be encoded any more.
    fn encode(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        received: &mut Vec<u8>,
    ) -> io::Result<(usize, usize)>;

    /// Writes to the front of `output` what is missing for the peer to decode all that has been encoded.
    /// Returns how many bytes that is. It is called until there are none.
    ///
    /// # Errors
    /// As for [`encode`](Self::encode).
    fn flush(&mut self, output: &mut [u8]) -> io::Result<usize>;

    /// Like [`flush`](Self::flush), and tells the peer that nothing more comes, if the format can.
    ///
    /// # Errors
    /// As for [`encode`](Self::encode).
    fn close(&mut self, output: &mut [u8], received: &mut Vec<u8>) -> io::Result<usize>;
}

/// A layer that codes what passes.
///
/// What is written is encoded and handed down at once, except for what the codec itself keeps until it is
/// flushed. A write is taken only when the stream beneath has accepted everything before it, so that what
/// waits in memory is bounded by what one write encodes to.
///
/// What is read is decoded straight into the reader's buffer, as much as it has room for: a few bytes that
/// decode to gigabytes occupy no more memory than others.
#[derive(Debug)]
pub(crate) struct Coded<C> {
    codec: C,
    beneath: Stream,
    /// Received and not used by the codec yet.
    received: Vec<u8>,
    /// The codec has nothing to give before more is received.
    starved: bool,
    /// Encoded, and not yet taken by the stream beneath.
    unsent: BytesMut,
    /// Why nothing more can be decoded; told after what could be.
    failure: Option<io::Error>,
}

impl<C: Codec> Coded<C> {
    /// Codes what passes through `beneath`. `received` came from it already.
    pub(crate) fn new(codec: C, beneath: Stream, received: Vec<u8>) -> Self {
        Self {
            codec,
            beneath,
            received,
            starved: false,
            unsent: BytesMut::new(),
            failure: None,
        }
    }

    /// Decodes into `output` what `window` shows, and reads more as long as that yields nothing.
    fn poll_decode(
        &mut self,
        cx: &mut Context<'_>,
        window: &mut Window,
        output: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = output.filled().len();
        loop {
            if !self.starved {
                match self.codec.decode(window.input(&mut self.received), output) {
                    Ok(used) => window.used += used,
                    Err(error) => {
                        // What the codec has to say about it, TLS an alert, is sent as far as that goes.
                        let _ = self.poll_hand_down(cx, C::flush);
                        if output.filled().len() == before {
                            return Poll::Ready(Err(error));
                        }
                        self.failure = Some(error);
                    }
                }
                if output.filled().len() > before || self.codec.is_ended() {
                    return Poll::Ready(Ok(()));
                }
                self.starved = true;
            }
            let size = self.codec.receive_size(output.remaining()).max(RECEIVE_MIN);
            let mut room = ReadBuf::new(window.room(&self.received, size));
            if room.remaining() == 0 {
                return Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "more in one piece than the format allows",
                )));
            }
            ready!(Pin::new(&mut self.beneath).poll_read(cx, &mut room))?;
            let count = room.filled().len();
            if count == 0 {
                return Poll::Ready(if window.is_empty(&self.received) {
                    Ok(())
                } else {
                    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF"))
                });
            }
            window.read += count;
            self.starved = false;
        }
    }

    /// Hands down what is unsent.
    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let count = ready!(Pin::new(&mut self.beneath).poll_write(cx, &self.unsent))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unsent.advance(count);
        }
        // A connection that has nothing to send holds no memory for it.
        self.unsent = BytesMut::new();
        Poll::Ready(Ok(()))
    }

    /// Hands down `encoded`, and keeps what the stream beneath does not take now.
    fn send(&mut self, cx: &mut Context<'_>, mut encoded: &[u8]) -> io::Result<()> {
        while !encoded.is_empty() {
            match Pin::new(&mut self.beneath).poll_write(cx, encoded)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(count) => encoded = encoded.get(count..).unwrap_or_default(),
                Poll::Pending => {
                    self.unsent.extend_from_slice(encoded);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Hands down everything that `next` yields, and all before it.
    fn poll_hand_down(
        &mut self,
        cx: &mut Context<'_>,
        mut next: impl FnMut(&mut C, &mut [u8]) -> io::Result<usize>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_unsent(cx))?;
            let mut output = Scratch::borrow();
            let count = next(&mut self.codec, &mut output)?;
            if count == 0 {
                return Poll::Ready(Ok(()));
            }
            self.send(cx, output.get(..count).unwrap_or_default())?;
        }
    }
}

/// What there is to decode: bytes left from before, and behind them those that have just been read. They
/// are put together in a scratch buffer, but only when there is something new to decode.
struct Window {
    scratch: Scratch,
    /// Bytes at the front of `scratch` that came from what was left before.
    joined: usize,
    /// Bytes that have been read behind what was left.
    read: usize,
    used: usize,
}

impl Window {
    fn new() -> Self {
        Self {
            scratch: Scratch::borrow(),
            joined: 0,
            read: 0,
            used: 0,
        }
    }

    /// What is to be decoded next.
    fn input(&mut self, left: &mut Vec<u8>) -> &mut [u8] {
        if !left.is_empty() {
            if let Some(front) = self.scratch.get_mut(..left.len()) {
                front.copy_from_slice(left);
            }
            self.joined = left.len();
            left.clear();
        }
        let filled = self.joined + self.read;
        self.scratch.get_mut(self.used..filled).unwrap_or_default()
    }

    /// Where to read at most `size` bytes to; nowhere, if what is left fills everything.
    fn room(&mut self, left: &[u8], size: usize) -> &mut [u8] {
        let filled = self.joined + self.read;
        if self.used > 0 {
            self.scratch.copy_within(self.used..filled, 0);
            (self.joined, self.read, self.used) = (0, filled - self.used, 0);
        }
        let filled = left.len() + self.joined + self.read;
        let end = (filled + size).min(self.scratch.len());
        self.scratch.get_mut(filled..end).unwrap_or_default()
    }

    fn is_empty(&self, left: &[u8]) -> bool {
        left.is_empty() && self.joined + self.read == self.used
    }

    /// Puts what was not used where it is kept until more comes.
    fn keep(self, left: &mut Vec<u8>) {
        let rest = self
            .scratch
            .get(self.used..self.joined + self.read)
            .unwrap_or_default();
        if !rest.is_empty() {
            left.extend_from_slice(rest);
        } else if left.is_empty() {
            // A connection between two units holds no memory for one.
            *left = Vec::new();
        }
    }
}

impl<C: Codec> AsyncRead for Coded<C> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 || this.codec.is_ended() {
            return Poll::Ready(Ok(()));
        }
        if let Some(failure) = this.failure.take() {
            return Poll::Ready(Err(failure));
        }
        let mut window = Window::new();
        let polled = this.poll_decode(cx, &mut window, buf);
        window.keep(&mut this.received);
        polled
    }
}

impl<C: Codec> AsyncWrite for Coded<C> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut output = Scratch::borrow();
        loop {
            ready!(this.poll_unsent(cx))?;
            let (taken, encoded) = this.codec.encode(buf, &mut output, &mut this.received)?;
            this.send(cx, output.get(..encoded).unwrap_or_default())?;
            // Nothing is taken when the codec had something else to say first.
            if taken > 0 {
                return Poll::Ready(Ok(taken));
            }
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut pieces = bufs.iter().filter(|piece| !piece.is_empty());
        let (Some(first), Some(_)) = (pieces.next(), pieces.next()) else {
            let only = bufs.iter().find(|piece| !piece.is_empty());
            return self.poll_write(cx, only.map_or(&[], |piece| &piece[..]));
        };
        if first.len() >= GATHERED_MAX {
            return self.poll_write(cx, first);
        }
        // Coding piece by piece would make a record or a chunk of each.
        let mut gathered = Scratch::borrow();
        let mut len = 0;
        for piece in bufs {
            let count = piece.len().min(GATHERED_MAX - len);
            if let (Some(room), Some(part)) = (gathered.get_mut(len..len + count), piece.get(..count)) {
                room.copy_from_slice(part);
            }
            len += count;
        }
        self.poll_write(cx, gathered.get(..len).unwrap_or_default())
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_hand_down(cx, C::flush))?;
        Pin::new(&mut this.beneath).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut received = std::mem::take(&mut this.received);
        let closed = this.poll_hand_down(cx, |codec, output| codec.close(output, &mut received));
        this.received = received;
        ready!(closed)?;
        Pin::new(&mut this.beneath).poll_shutdown(cx)
    }
}
