//! Messages: id, timestamp, attempts, body. One layout on the wire and on disk.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | timestamp, nanoseconds since the Unix epoch, signed |
//! | 8 | 2 | attempts, unsigned |
//! | 10 | 16 | id, sixteen lowercase hex digits |
//! | 26 | rest | body |
//!
//! Integers are big-endian. Upstream: nsqd/message.go.

use std::fmt;
use std::str;

use bytes::Bytes;

#[cfg(test)]
mod tests;

/// Length of a [`MessageId`] in bytes.
pub const ID_LEN: usize = 16;

/// Length of everything in front of a message's body.
pub const MESSAGE_HEADER_LEN: usize = 8 + 2 + ID_LEN;

/// The longest body that fits into a frame whose size field is a signed 32-bit integer.
///
/// `--max-msg-size` may be set higher; what enters the process must be held to this as well.
pub const BODY_LEN_MAX: usize = i32::MAX as usize - 4 - MESSAGE_HEADER_LEN;

/// Names a message within one topic of one nsqd; all channels' copies of a message share it.
///
/// nsqd makes ids from 64-bit integers and prints them as sixteen lowercase hex digits. As upstream does, any
/// sixteen bytes are accepted from a peer and compared byte for byte: an id that nsqd did not make is simply
/// not in flight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Aligned, so that an enum around it is copied in words: every FIN carries one.
#[repr(align(8))]
pub struct MessageId([u8; ID_LEN]);

impl MessageId {
    /// An id of exactly these bytes.
    #[inline]
    pub const fn new(bytes: [u8; ID_LEN]) -> Self {
        Self(bytes)
    }

    /// Prints `value` as sixteen lowercase hex digits.
    ///
    /// ```
    /// use nsq_protocol::message::MessageId;
    ///
    /// assert_eq!(MessageId::from_u64(0x18a2_0c92_f3c0_7000).as_bytes(), b"18a20c92f3c07000");
    /// ```
    #[inline]
    pub const fn from_u64(value: u64) -> Self {
        let digits = (hex_digits(value >> 32) as u128) << 64 | hex_digits(value & 0xffff_ffff) as u128;
        Self(digits.to_be_bytes())
    }

    /// The integer that [`from_u64`](Self::from_u64) made this id from, if one did.
    #[inline]
    pub fn to_u64(self) -> Option<u64> {
        let high = u64::from_be_bytes(*self.0.first_chunk()?);
        let low = u64::from_be_bytes(*self.0.last_chunk()?);
        let value = hex_value(high) << 32 | hex_value(low);
        // Printing it again rejects every byte that is not a lowercase hex digit.
        (Self::from_u64(value) == self).then_some(value)
    }

    /// The sixteen bytes as they travel.
    #[inline]
    pub const fn as_bytes(&self) -> &[u8; ID_LEN] {
        &self.0
    }
}

/// Turns 32 bits into eight hex digits, the most significant in the most significant byte.
const fn hex_digits(value: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let pairs = (value | value << 16) & 0x0000_ffff_0000_ffff;
    let bytes = (pairs | pairs << 8) & 0x00ff_00ff_00ff_00ff;
    let nibbles = (bytes | bytes << 4) & (ONES * 0x0f);
    // Adding six carries into bit 4 exactly when a nibble is ten or more.
    let letters = ((nibbles + ONES * 6) >> 4) & ONES;
    nibbles + ONES * b'0' as u64 + letters * (b'a' - b'9' - 1) as u64
}

/// Turns eight hex digits back into 32 bits; what it makes of other bytes means nothing.
const fn hex_value(digits: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let letters = (digits >> 6) & ONES;
    let nibbles = (digits & (ONES * 0x0f)).wrapping_add(letters * 9) & (ONES * 0x0f);
    let bytes = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    (pairs | pairs >> 16) & 0xffff_ffff
}

impl TryFrom<&[u8]> for MessageId {
    type Error = std::array::TryFromSliceError;

    #[inline]
    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match str::from_utf8(&self.0) {
            Ok(text) => f.pad(text),
            Err(_) => write!(f, "{}", self.0.escape_ascii()),
        }
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({})", self.0.escape_ascii())
    }
}

/// Everything in front of a message's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageHeader {
    /// When nsqd accepted the message, in nanoseconds since the Unix epoch; a requeue does not change it.
    pub timestamp_ns: i64,
    /// How often the message was sent to a consumer, this time included.
    pub attempts: u16,
    /// The message's name.
    pub id: MessageId,
}

impl MessageHeader {
    /// The header as it travels and as it is stored.
    #[inline]
    pub fn encode(&self) -> [u8; MESSAGE_HEADER_LEN] {
        let mut encoded = [0; MESSAGE_HEADER_LEN];
        encoded[..8].copy_from_slice(&self.timestamp_ns.to_be_bytes());
        encoded[8..10].copy_from_slice(&self.attempts.to_be_bytes());
        encoded[10..].copy_from_slice(&self.id.0);
        encoded
    }

    /// Reads the header at the front of `message`, or `None` when there are fewer than
    /// [`MESSAGE_HEADER_LEN`] bytes.
    #[inline]
    pub fn decode(message: &[u8]) -> Option<Self> {
        let (timestamp, rest) = message.split_first_chunk()?;
        let (attempts, rest) = rest.split_first_chunk()?;
        let (id, _) = rest.split_first_chunk()?;
        Some(Self {
            timestamp_ns: i64::from_be_bytes(*timestamp),
            attempts: u16::from_be_bytes(*attempts),
            id: MessageId(*id),
        })
    }

    /// Whether bytes can begin with the header of a message that an nsqd has written: a timestamp since
    /// September 2001, and an id of hex digits. Tells messages from damage where nothing else does, in files.
    pub fn is_plausible(bytes: &[u8]) -> bool {
        Self::decode(bytes).is_some_and(|header| {
            header.timestamp_ns >= PLAUSIBLE_TIMESTAMP_MIN_NS && header.id.to_u64().is_some()
        })
    }
}

/// Older messages than NSQ itself do not exist: this is September 2001.
const PLAUSIBLE_TIMESTAMP_MIN_NS: i64 = 1_000_000_000_000_000_000;

/// A message as a consumer receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Everything in front of the body.
    pub header: MessageHeader,
    /// What was published; it shares the buffer it was received in.
    pub body: Bytes,
}

impl Message {
    /// Splits an encoded message into header and body, or `None` when it is shorter than a header.
    pub fn decode(mut encoded: Bytes) -> Option<Self> {
        let header = MessageHeader::decode(&encoded)?;
        Some(Self {
            header,
            body: encoded.split_off(MESSAGE_HEADER_LEN),
        })
    }
}
