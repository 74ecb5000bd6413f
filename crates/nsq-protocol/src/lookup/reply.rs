//! `[4-byte size][data]`, in which nsqlookupd answers.

use std::error::Error;
use std::fmt;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::frame::SIZE_LEN;

/// Appends an answer.
///
/// # Panics
///
/// When `data` takes 2 GiB or more.
pub fn put_reply(buf: &mut impl BufMut, data: &[u8]) {
    let size = i32::try_from(data.len());
    #[expect(
        clippy::expect_used,
        reason = "callers compose the data themselves, it is far shorter"
    )]
    buf.put_i32(size.expect("a reply is shorter than 2 GiB"));
    buf.put_slice(data);
}

/// Takes whole answers off the front of a receive buffer, sharing its memory.
#[derive(Debug, Clone, Copy)]
pub struct ReplyDecoder {
    /// Refused above this; counts the data.
    size_max: usize,
}

impl ReplyDecoder {
    /// A decoder that refuses answers whose size field is above `size_max`; nsqd's is `--max-body-size`.
    pub const fn new(size_max: usize) -> Self {
        Self { size_max }
    }

    /// Takes the answer at the front of `buf`, or `None` when more bytes are needed, for which it makes room.
    ///
    /// # Errors
    ///
    /// [`ReplyError`]. The stream cannot be followed any further after one.
    pub fn decode(&self, buf: &mut BytesMut) -> Result<Option<Bytes>, ReplyError> {
        let Some(size) = buf.first_chunk::<SIZE_LEN>() else {
            return Ok(None);
        };
        let size = i32::from_be_bytes(*size);
        let Some(len) = usize::try_from(size).ok().filter(|&len| len <= self.size_max) else {
            return Err(ReplyError {
                size,
                size_max: self.size_max,
            });
        };
        let reply_len = SIZE_LEN + len;
        if buf.len() < reply_len {
            buf.reserve(reply_len - buf.len());
            return Ok(None);
        }
        let mut reply = buf.split_to(reply_len);
        reply.advance(SIZE_LEN);
        Ok(Some(reply.freeze()))
    }
}

/// The size of an answer is negative or above the decoder's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyError {
    /// The size field.
    pub size: i32,
    /// The decoder's limit.
    pub size_max: usize,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "response size {} is not within 0-{}", self.size, self.size_max)
    }
}

impl Error for ReplyError {}

/// The answer to IDENTIFY tells nothing about nsqlookupd.
#[derive(Debug)]
#[non_exhaustive]
pub enum IdentifyReplyError {
    /// `E_INVALID` and nothing more: an nsqlookupd from before IDENTIFY existed.
    Invalid,
    /// Not a JSON object, or a field has the wrong type. Other error texts end up here as well.
    NotJson(serde_json::Error),
}

impl fmt::Display for IdentifyReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid => f.write_str("lookupd returned E_INVALID"),
            Self::NotJson(_) => f.write_str("response to IDENTIFY is not the expected JSON"),
        }
    }
}

impl Error for IdentifyReplyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Invalid => None,
            Self::NotJson(error) => Some(error),
        }
    }
}
