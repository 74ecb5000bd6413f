//! Bodies of replies.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc::Receiver;

/// What a reply carries: nothing, bytes at hand, or bytes made piece by piece while they are sent.
#[derive(Debug, Default)]
pub struct Body(Kind);

#[derive(Debug, Default)]
enum Kind {
    #[default]
    Empty,
    Bytes(Bytes),
    /// What an axum handler made.
    Stream(axum::body::Body),
}

impl Body {
    /// No bytes.
    pub const fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// Pieces that `pieces` makes one after the other, each when the one before has been passed on,
    /// so that a large reply does not wait in memory, and after each of which other tasks get
    /// their turn, so that it does not keep a thread busy in one go.
    ///
    /// The reply is sent chunked. Pieces should be tens of KiB; an empty one is not sent, and only lets others have
    /// their turn, while the next takes long to make.
    pub fn pieces<I>(pieces: I) -> Self
    where
        I: Iterator<Item = Bytes> + Send + Unpin + 'static,
    {
        Self(Kind::Stream(axum::body::Body::new(Pieces {
            pieces,
            rested: true,
        })))
    }

    /// Pieces that somebody else makes, each when it is there, until all senders have gone. That the client has
    /// gone shows in the channel as closed.
    ///
    /// The reply is sent chunked.
    pub fn received(pieces: Receiver<Bytes>) -> Self {
        Self(Kind::Stream(axum::body::Body::new(Received(pieces))))
    }

    /// Whether there is certainly nothing to send.
    pub fn is_empty(&self) -> bool {
        self.is_end_stream()
    }

    /// The bytes, if they are at hand.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Kind::Empty => Some(&[]),
            Kind::Bytes(bytes) => Some(bytes),
            Kind::Stream(_) => None,
        }
    }

    /// How many bytes there are to send, if that is known.
    pub fn exact_size(&self) -> Option<u64> {
        self.size_hint().exact()
    }

    pub(crate) fn from_axum(body: axum::body::Body) -> Self {
        Self(Kind::Stream(body))
    }
}

impl<B: Into<Bytes>> From<B> for Body {
    fn from(bytes: B) -> Self {
        Self(Kind::Bytes(bytes.into()))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let kind = &mut self.get_mut().0;
        match kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *kind = Kind::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Kind::Stream(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Bytes(bytes) => bytes.is_empty(),
            Kind::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(body) => body.size_hint(),
        }
    }
}

struct Received(Receiver<Bytes>);

impl HttpBody for Received {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

struct Pieces<I> {
    pieces: I,
    /// Other tasks of this thread have had their turn since the last piece.
    rested: bool,
}

impl<I: Iterator<Item = Bytes> + Unpin> HttpBody for Pieces<I> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !std::mem::replace(&mut self.rested, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = self.pieces.next();
        if piece.as_ref().is_some_and(Bytes::is_empty) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.rested = false;
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}
