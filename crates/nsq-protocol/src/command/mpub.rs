//! The messages of a multi-publish, over TCP and over HTTP.

use std::error::Error;
use std::fmt;
use std::iter::FusedIterator;

use super::Limits;
use crate::frame::SIZE_LEN;

/// The messages of a multi-publish: `[4-byte count]([4-byte size][body])*count`.
///
/// Only made from bytes that were checked against the limits: there is at least one body, and none is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MpubBodies<'b> {
    /// `([4-byte size][body])*count`
    encoded: &'b [u8],
    count: usize,
}

#[expect(clippy::len_without_is_empty, reason = "never empty")]
impl<'b> MpubBodies<'b> {
    /// How many bodies there are; at least one.
    #[inline]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Total length of the bodies.
    #[inline]
    pub const fn body_bytes(&self) -> usize {
        // Every body has its size in front of it.
        self.encoded.len() - self.count * SIZE_LEN
    }

    /// The bodies in order.
    #[inline]
    pub const fn iter(&self) -> MpubIter<'b> {
        MpubIter {
            encoded: self.encoded,
            left: self.count,
        }
    }
}

impl<'b> IntoIterator for MpubBodies<'b> {
    type Item = &'b [u8];
    type IntoIter = MpubIter<'b>;

    #[inline]
    fn into_iter(self) -> MpubIter<'b> {
        self.iter()
    }
}

impl<'b> IntoIterator for &MpubBodies<'b> {
    type Item = &'b [u8];
    type IntoIter = MpubIter<'b>;

    #[inline]
    fn into_iter(self) -> MpubIter<'b> {
        self.iter()
    }
}

/// The bodies of [`MpubBodies`] in order.
#[derive(Debug, Clone)]
pub struct MpubIter<'b> {
    encoded: &'b [u8],
    left: usize,
}

impl<'b> Iterator for MpubIter<'b> {
    type Item = &'b [u8];

    #[inline]
    fn next(&mut self) -> Option<&'b [u8]> {
        let (size, rest) = self.encoded.split_first_chunk::<SIZE_LEN>()?;
        let size = usize::try_from(i32::from_be_bytes(*size)).ok()?;
        let (body, rest) = rest.split_at_checked(size)?;
        self.encoded = rest;
        self.left -= 1;
        Some(body)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for MpubIter<'_> {}

impl FusedIterator for MpubIter<'_> {}

/// What is wrong with the bytes of a multi-publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The number of messages is not positive, or more than the largest body could hold.
    InvalidCount(i32),
    /// The size of message `index` is not positive.
    InvalidSize { index: usize, size: i32 },
    /// A message is above the limit.
    MessageTooBig { size: i32 },
    /// The messages together are above the limit for a body.
    BodyTooBig { size: usize },
}

/// The part of a multi-publish that has not arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// The number of messages.
    Count,
    /// The size of this message.
    Size { index: usize },
    /// The bytes of this message.
    Body,
}

/// How far a scan has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress<'b> {
    /// Everything is there and valid; the messages take `len` bytes, count included.
    Complete { bodies: MpubBodies<'b>, len: usize },
    /// `needed` bytes in all are required to get any further.
    Incomplete { gap: Gap, needed: usize },
}

/// Checks the messages of a multi-publish while they arrive, looking at every message once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scan {
    /// Messages announced; 0 until the count has arrived.
    count: usize,
    /// Messages checked.
    index: usize,
    /// Where the next message's size begins.
    offset: usize,
}

impl Scan {
    /// Continues the check. `data` begins at the count and only ever grows from call to call.
    pub(super) fn advance<'b>(&mut self, data: &'b [u8], limits: &Limits) -> Result<Progress<'b>, Fault> {
        if self.count == 0 {
            let Some(count) = data.first_chunk::<SIZE_LEN>() else {
                return Ok(Progress::Incomplete {
                    gap: Gap::Count,
                    needed: SIZE_LEN,
                });
            };
            let count = i32::from_be_bytes(*count);
            // A message takes at least its size field and one byte.
            let count_max = limits.max_body_size.saturating_sub(4) / 5;
            if count <= 0 || i64::from(count) > count_max {
                return Err(Fault::InvalidCount(count));
            }
            self.count = usize::try_from(count).map_err(|_| Fault::InvalidCount(count))?;
            self.offset = SIZE_LEN;
        }
        while self.index < self.count {
            let Some(size) = data.get(self.offset..).and_then(<[u8]>::first_chunk::<SIZE_LEN>) else {
                let gap = Gap::Size { index: self.index };
                return Ok(Progress::Incomplete {
                    gap,
                    needed: self.offset + SIZE_LEN,
                });
            };
            let end = self.offset + SIZE_LEN + self.check_size(i32::from_be_bytes(*size), limits)?;
            if i64::try_from(end).map_or(true, |end| end > limits.max_body_size) {
                return Err(Fault::BodyTooBig { size: end });
            }
            if data.len() < end {
                return Ok(Progress::Incomplete {
                    gap: Gap::Body,
                    needed: end,
                });
            }
            self.offset = end;
            self.index += 1;
        }
        let encoded = data.get(SIZE_LEN..self.offset).unwrap_or_default();
        let bodies = MpubBodies {
            encoded,
            count: self.count,
        };
        Ok(Progress::Complete {
            bodies,
            len: self.offset,
        })
    }

    fn check_size(&self, size: i32, limits: &Limits) -> Result<usize, Fault> {
        match usize::try_from(size) {
            Ok(len @ 1..) if i64::from(size) <= limits.max_msg_size => Ok(len),
            Ok(1..) => Err(Fault::MessageTooBig { size }),
            _ => Err(Fault::InvalidSize {
                index: self.index,
                size,
            }),
        }
    }
}

/// Why the binary body of an HTTP multi-publish is refused; `Display` gives the code NSQ answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MpubBodyError {
    /// The number of messages is missing, not positive, or more than the largest body could hold.
    BadBody,
    /// A message is missing, truncated, empty or too big.
    BadMessage,
}

impl MpubBodyError {
    /// The code NSQ answers with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadBody => "BAD_BODY",
            Self::BadMessage => "BAD_MESSAGE",
        }
    }
}

impl fmt::Display for MpubBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Error for MpubBodyError {}

/// Reads the binary body of an HTTP multi-publish: `[4-byte count]([4-byte size][body])*count`. Bytes behind
/// the last message are ignored.
///
/// ```
/// use nsq_protocol::command::{Limits, parse_mpub_body};
///
/// let bodies = parse_mpub_body(b"\0\0\0\x02\0\0\0\x01a\0\0\0\x02bc", &Limits::default())?;
/// assert_eq!(bodies.iter().collect::<Vec<_>>(), [b"a".as_slice(), b"bc"]);
/// # Ok::<(), nsq_protocol::command::MpubBodyError>(())
/// ```
///
/// # Errors
///
/// [`MpubBodyError`] says which part is wrong. A body above `max_body_size` is expected to have been refused
/// before; here it is a bad message.
///
/// Upstream: nsqd/http.go, `doMPUB`.
pub fn parse_mpub_body<'b>(body: &'b [u8], limits: &Limits) -> Result<MpubBodies<'b>, MpubBodyError> {
    match Scan::default().advance(body, limits) {
        Ok(Progress::Complete { bodies, .. }) => Ok(bodies),
        Err(Fault::InvalidCount(_)) | Ok(Progress::Incomplete { gap: Gap::Count, .. }) => {
            Err(MpubBodyError::BadBody)
        }
        Err(_) | Ok(Progress::Incomplete { .. }) => Err(MpubBodyError::BadMessage),
    }
}
