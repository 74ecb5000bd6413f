//! Requests, and reading their bodies within bounds.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};

use crate::server::Monitor;

/// The body of a request as a handler of a [`Router`](crate::Router) extracts it.
pub type HandlerBody = axum::body::Body;

/// A request as it arrived: the head is complete, the body may still be on its way.
pub type Request = hyper::Request<RequestBody>;

/// The body of a request.
///
/// A peer that stops sending is cut off by the server, which shows here as an error.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    /// Nothing more will come.
    ended: bool,
    monitor: Arc<Monitor>,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, monitor: Arc<Monitor>) -> Self {
        let ended = incoming.is_end_stream();
        Self {
            incoming,
            ended,
            monitor,
        }
    }

    /// The declared Content-Length; `None` for a chunked body.
    pub fn declared_len(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        self.monitor.set_reading_body(polled.is_pending());
        self.ended |= matches!(polled, Poll::Ready(None)) || self.incoming.is_end_stream();
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if !self.ended {
            self.monitor.abandon_input();
        }
    }
}

/// Reads a body of at most `size_max` bytes to its end, into memory of its own: the result never
/// keeps a larger buffer of the connection alive.
///
/// # Errors
/// [`BodyError::DeclaredTooLarge`] before anything is read, [`BodyError::TooLarge`] once a chunked
/// body turns out to be, and [`BodyError::Broken`] if the peer goes away, stalls, or sends bad chunks.
///
/// # Cancel safety
/// Not cancel safe: what was read is lost with the future.
pub async fn read_body<B>(mut body: B, size_max: usize) -> Result<Bytes, BodyError>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    let declared = body.size_hint().exact().unwrap_or(0);
    if declared > size_max as u64 {
        return Err(BodyError::DeclaredTooLarge);
    }
    let mut rest = Collected::Nothing;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame
            .map_err(|error| BodyError::Broken(error.into()))?
            .into_data()
        else {
            continue;
        };
        rest = rest.push(&data, declared, size_max)?;
    }
    Ok(rest.into_bytes())
}

/// What has been read of a body.
enum Collected {
    Nothing,
    /// The whole body, if nothing follows.
    One(Bytes),
    Many(BytesMut),
}

impl Collected {
    fn push(self, data: &[u8], declared: u64, size_max: usize) -> Result<Self, BodyError> {
        let have = match &self {
            Self::Nothing => 0,
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        };
        if data.len() > size_max - have {
            return Err(BodyError::TooLarge);
        }
        Ok(match self {
            // A body that comes in one piece, as most do, is copied once, to its exact size.
            Self::Nothing if data.len() as u64 >= declared => Self::One(Bytes::copy_from_slice(data)),
            Self::Nothing => {
                let mut buffer = BytesMut::with_capacity(usize::try_from(declared).unwrap_or(0));
                buffer.extend_from_slice(data);
                Self::Many(buffer)
            }
            Self::One(first) => {
                let mut buffer = BytesMut::from(&first[..]);
                buffer.extend_from_slice(data);
                Self::Many(buffer)
            }
            Self::Many(mut buffer) => {
                buffer.extend_from_slice(data);
                Self::Many(buffer)
            }
        })
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(bytes) => bytes,
            // Growing in steps leaves room at the end, which would stay with the message.
            Self::Many(buffer) if buffer.capacity() > buffer.len() + buffer.len() / 8 => {
                Bytes::copy_from_slice(&buffer)
            }
            Self::Many(buffer) => buffer.freeze(),
        }
    }
}

/// Why a body could not be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// The Content-Length exceeds the bound; nothing was read.
    DeclaredTooLarge,
    /// A chunked body exceeds the bound.
    TooLarge,
    /// The connection failed or broke the rules.
    Broken(axum::BoxError),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeclaredTooLarge => f.write_str("content length exceeds the limit"),
            Self::TooLarge => f.write_str("body exceeds the limit"),
            Self::Broken(_) => f.write_str("failed to read the body"),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Broken(cause) => Some(&**cause),
            Self::DeclaredTooLarge | Self::TooLarge => None,
        }
    }
}
