//! Frames, in which nsqd sends everything: response, error, message.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | size of all that follows: 4 + data |
//! | 4 | 4 | frame type: 0 response, 1 error, 2 message |
//! | 8 | rest | data |
//!
//! Integers are big-endian and signed. The `put_*` functions are nsqd's side, [`FrameDecoder`] is the client's.
//!
//! Upstream: internal/protocol/protocol.go, `SendFramedResponse`; go-nsq protocol.go, `ReadUnpackedResponse`.

use bytes::BufMut;

use crate::client_error::ClientError;
use crate::message::{BODY_LEN_MAX, MESSAGE_HEADER_LEN, MessageHeader};

mod decoder;
#[cfg(test)]
mod tests;

pub use decoder::{Frame, FrameDecoder, FrameError};

/// Length of a frame's size field.
pub const SIZE_LEN: usize = 4;

/// Length of everything in front of a frame's data.
pub const FRAME_HEADER_LEN: usize = SIZE_LEN + 4;

/// Bytes that a message takes on the wire beyond its body.
pub const MESSAGE_FRAME_OVERHEAD: usize = FRAME_HEADER_LEN + MESSAGE_HEADER_LEN;

/// The longest data a frame can carry.
pub const FRAME_DATA_LEN_MAX: usize = BODY_LEN_MAX + MESSAGE_HEADER_LEN;

/// The data of the response to a successful command.
pub const OK: &[u8] = b"OK";

/// The data of the response to CLS.
pub const CLOSE_WAIT: &[u8] = b"CLOSE_WAIT";

/// The data of the response that asks the client for a sign of life.
pub const HEARTBEAT: &[u8] = b"_heartbeat_";

/// The whole frame around [`OK`].
pub const OK_FRAME: &[u8] = b"\0\0\0\x06\0\0\0\0OK";

/// The whole frame around [`CLOSE_WAIT`].
pub const CLOSE_WAIT_FRAME: &[u8] = b"\0\0\0\x0e\0\0\0\0CLOSE_WAIT";

/// The whole frame around [`HEARTBEAT`].
pub const HEARTBEAT_FRAME: &[u8] = b"\0\0\0\x0f\0\0\0\0_heartbeat_";

/// What a frame's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameType {
    /// The answer to a command, or a heartbeat.
    Response = 0,
    /// An error text.
    Error = 1,
    /// A message.
    Message = 2,
}

impl FrameType {
    /// The number on the wire.
    pub const fn number(self) -> i32 {
        self as i32
    }
}

/// Appends a response frame.
///
/// # Panics
///
/// When `data` is longer than [`FRAME_DATA_LEN_MAX`].
pub fn put_response(buf: &mut impl BufMut, data: &[u8]) {
    put_frame_header(buf, FrameType::Response, data.len());
    buf.put_slice(data);
}

/// Appends the frame that tells the client about `error`.
///
/// # Panics
///
/// When the error's text is longer than [`FRAME_DATA_LEN_MAX`].
pub fn put_error(buf: &mut impl BufMut, error: &ClientError) {
    put_frame_header(buf, FrameType::Error, error.text().len());
    buf.put_slice(error.text());
}

/// Appends everything of a message frame but the body, which the caller sends next.
///
/// # Panics
///
/// When `body_len` is more than [`BODY_LEN_MAX`].
#[inline]
pub fn put_message_header(buf: &mut impl BufMut, body_len: usize, header: &MessageHeader) {
    // One contiguous copy instead of five: this runs for every delivery.
    let mut encoded = [0; MESSAGE_FRAME_OVERHEAD];
    let (frame_header, message_header) = encoded.split_at_mut(FRAME_HEADER_LEN);
    frame_header.copy_from_slice(&frame_header_of(
        FrameType::Message,
        MESSAGE_HEADER_LEN + body_len,
    ));
    message_header.copy_from_slice(&header.encode());
    buf.put_slice(&encoded);
}

fn put_frame_header(buf: &mut impl BufMut, frame_type: FrameType, data_len: usize) {
    buf.put_slice(&frame_header_of(frame_type, data_len));
}

#[inline]
fn frame_header_of(frame_type: FrameType, data_len: usize) -> [u8; FRAME_HEADER_LEN] {
    assert!(
        data_len <= FRAME_DATA_LEN_MAX,
        "{data_len} bytes do not fit into a frame"
    );
    let mut header = [0; FRAME_HEADER_LEN];
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most FRAME_DATA_LEN_MAX + 4, which is i32::MAX"
    )]
    header[..SIZE_LEN].copy_from_slice(&((data_len + 4) as u32).to_be_bytes());
    header[SIZE_LEN..].copy_from_slice(&frame_type.number().to_be_bytes());
    header
}
