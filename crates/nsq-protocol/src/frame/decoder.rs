//! The client's side of a frame.

use std::error::Error;
use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

use super::{FRAME_HEADER_LEN, SIZE_LEN};
use crate::message::Message;

/// The size field of a peer that answers in HTTP.
const HTTP_SIZE: i32 = i32::from_be_bytes(*b"HTTP");

/// What nsqd sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The answer to a command, or a heartbeat.
    Response(Bytes),
    /// An error text: `<code> <description>`.
    Error(Bytes),
    /// A message.
    Message(Message),
}

/// Takes whole frames off the front of a receive buffer.
///
/// What it yields shares the buffer's memory; nothing is copied.
///
/// ```
/// use bytes::BytesMut;
/// use nsq_protocol::frame::{Frame, FrameDecoder, OK_FRAME};
///
/// let decoder = FrameDecoder::new(1024);
/// let mut received = BytesMut::from(&OK_FRAME[..9]);
/// assert_eq!(decoder.decode(&mut received)?, None);
/// received.extend_from_slice(&OK_FRAME[9..]);
/// assert_eq!(decoder.decode(&mut received)?, Some(Frame::Response("OK".into())));
/// # Ok::<(), nsq_protocol::frame::FrameError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FrameDecoder {
    /// Refused above this; counts the frame type and the data.
    size_max: usize,
}

impl FrameDecoder {
    /// A decoder that refuses frames whose size field is above `size_max`.
    pub const fn new(size_max: usize) -> Self {
        Self { size_max }
    }

    /// Takes the frame at the front of `buf`, or `None` when more bytes are needed, for which it makes room.
    ///
    /// # Errors
    ///
    /// See [`FrameError`]. The stream cannot be followed any further after one.
    #[inline]
    pub fn decode(&self, buf: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let Some(size) = buf.first_chunk::<SIZE_LEN>() else {
            return Ok(None);
        };
        let size = self.check_size(i32::from_be_bytes(*size))?;
        let frame_len = SIZE_LEN + size;
        if buf.len() < frame_len {
            buf.reserve(frame_len - buf.len());
            return Ok(None);
        }
        let mut frame = buf.split_to(frame_len).freeze();
        frame.advance(SIZE_LEN);
        let frame_type = frame.get_i32();
        match frame_type {
            0 => Ok(Some(Frame::Response(frame))),
            1 => Ok(Some(Frame::Error(frame))),
            2 => {
                let data_len = frame.len();
                Message::decode(frame)
                    .map(|message| Some(Frame::Message(message)))
                    .ok_or(FrameError::ShortMessage(data_len))
            }
            _ => Err(FrameError::UnknownType(frame_type)),
        }
    }

    fn check_size(self, size: i32) -> Result<usize, FrameError> {
        let type_len = FRAME_HEADER_LEN - SIZE_LEN;
        match usize::try_from(size) {
            Ok(len) if (type_len..=self.size_max).contains(&len) => Ok(len),
            _ if size == HTTP_SIZE => Err(FrameError::Http),
            Ok(len) if len > self.size_max => Err(FrameError::TooBig {
                size: len,
                size_max: self.size_max,
            }),
            _ => Err(FrameError::InvalidSize(size)),
        }
    }
}

/// What arrived is not a frame, or not one this client takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The size is negative or has no room for the frame type.
    InvalidSize(i32),
    /// The size is above the decoder's limit.
    TooBig {
        /// The size field.
        size: usize,
        /// The decoder's limit.
        size_max: usize,
    },
    /// The peer answered in HTTP: the address is that of an HTTP listener.
    Http,
    /// The frame type is none of the known ones.
    UnknownType(i32),
    /// A message frame with fewer bytes than a message's header.
    ShortMessage(usize),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidSize(size) => write!(f, "invalid frame size {size}"),
            Self::TooBig { size, size_max } => {
                write!(f, "frame size {size} is above the limit of {size_max}")
            }
            Self::Http => f.write_str("unexpected HTTP response, a nsqd TCP endpoint is required"),
            Self::UnknownType(frame_type) => write!(f, "unknown frame type {frame_type}"),
            Self::ShortMessage(len) => write!(f, "message frame with only {len} bytes of data"),
        }
    }
}

impl Error for FrameError {}
