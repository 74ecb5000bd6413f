//! Frames from an nsqd.

use super::command::ID_BYTES;
use crate::error::{Error, Result};

/// Size and type before the data of a frame.
pub(crate) const HEADER_BYTES: usize = 8;

/// Timestamp, attempts and id before the body of a message.
pub(crate) const MESSAGE_HEADER_BYTES: usize = 8 + 2 + ID_BYTES;

/// Frame type of a response.
pub(crate) const RESPONSE: u32 = 0;

/// Frame type of a message.
pub(crate) const MESSAGE: u32 = 2;

/// A larger frame than any that was asked for means that the stream is not the protocol.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One frame, borrowed from the receive buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// Type 0.
    Response(&'a [u8]),
    /// Type 1.
    Error(&'a [u8]),
    /// Type 2.
    Message(Message<'a>),
}

/// A delivered message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// 1 on the first delivery.
    pub(crate) attempts: u16,
    /// What FIN names.
    pub(crate) id: &'a [u8; ID_BYTES],
    /// The published bytes.
    pub(crate) body: &'a [u8],
}

/// The first frame of `bytes` and its length, or `None` while it is incomplete.
///
/// # Errors
///
/// [`Error::Protocol`] for a size or type that does not exist.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>> {
    let Some((size, rest)) = bytes.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
    if !(4..=FRAME_BYTES_MAX).contains(&size) {
        return Err(Error::Protocol(format!("a frame of {size} bytes was announced")));
    }
    let Some(frame) = rest.get(..size) else {
        return Ok(None);
    };
    let Some((kind, data)) = frame.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let frame = match u32::from_be_bytes(*kind) {
        RESPONSE => Frame::Response(data),
        1 => Frame::Error(data),
        MESSAGE => Frame::Message(message(data)?),
        other => return Err(Error::Protocol(format!("a frame of type {other} arrived"))),
    };
    Ok(Some((frame, 4 + size)))
}

fn message(data: &[u8]) -> Result<Message<'_>> {
    let parts = data
        .split_at_checked(MESSAGE_HEADER_BYTES)
        .and_then(|(header, body)| Some((header.get(8..10)?.first_chunk()?, header.last_chunk()?, body)));
    let Some((attempts, id, body)) = parts else {
        return Err(Error::Protocol(format!(
            "a message frame with {} bytes of data arrived",
            data.len()
        )));
    };
    Ok(Message {
        attempts: u16::from_be_bytes(*attempts),
        id,
        body,
    })
}

/// Turns the data of an error frame into an error.
pub(crate) fn refused(data: &[u8]) -> Error {
    Error::Protocol(format!("the server answered {}", String::from_utf8_lossy(data)))
}

/// Turns the data of a response that nothing asked for into an error.
pub(crate) fn unexpected(data: &[u8]) -> Error {
    Error::Protocol(format!(
        "an unexpected response arrived: {}",
        String::from_utf8_lossy(data)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_parsed_with_its_length() {
        let bytes = b"\0\0\0\x06\0\0\0\0OKrest";
        assert_eq!(parse(bytes).unwrap(), Some((Frame::Response(b"OK"), 10)));
    }

    #[test]
    fn every_prefix_of_a_frame_is_incomplete() {
        let bytes = b"\0\0\0\x24\0\0\0\x02timestmp\0\x030123456789abcdefbody!!";
        for length in 0..bytes.len() {
            assert_eq!(parse(&bytes[..length]).unwrap(), None, "at {length}");
        }
        let message = Message {
            attempts: 3,
            id: b"0123456789abcdef",
            body: b"body!!",
        };
        assert_eq!(
            parse(bytes).unwrap(),
            Some((Frame::Message(message), bytes.len()))
        );
    }

    #[test]
    fn sizes_and_types_that_do_not_exist_are_refused() {
        for bytes in [
            &b"\0\0\0\x03\0\0\0"[..],
            b"\xff\xff\xff\xff",
            b"\0\0\0\x04\0\0\0\x07",
            b"\0\0\0\x05\0\0\0\x02x",
        ] {
            assert!(matches!(parse(bytes), Err(Error::Protocol(_))), "{bytes:?}");
        }
    }
}
