//! The header of a chunk, and the checksum of its content.
#![expect(
    clippy::little_endian_bytes,
    reason = "the framing format is little-endian, whatever NSQ is"
)]

/// One byte of kind, three of length.
pub(super) const HEADER_LEN: usize = 4;

/// Bytes of the checksum that the data of a chunk begins with.
pub(super) const CHECKSUM_LEN: usize = 4;

/// Added to a checksum that is sent along with what it covers. The format sets it.
const MASK: u32 = 0xa282_ead8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Compressed,
    Uncompressed,
    Identifier,
    /// Without meaning, to be passed over.
    Skippable,
    /// With a meaning that is not defined yet, and not to be passed over.
    Reserved,
}

/// The kind of a chunk and the length of its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) kind: Kind,
    pub(super) len: usize,
}

impl Chunk {
    pub(super) fn from_header([kind, low, middle, high]: [u8; HEADER_LEN]) -> Self {
        Self {
            kind: match kind {
                0x00 => Kind::Compressed,
                0x01 => Kind::Uncompressed,
                0x02..=0x7f => Kind::Reserved,
                0x80..=0xfe => Kind::Skippable,
                0xff => Kind::Identifier,
            },
            len: usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16,
        }
    }

    /// The header of a chunk of ours, whose length is below 2^24.
    pub(super) fn header(self) -> [u8; HEADER_LEN] {
        let [low, middle, high, ..] = self.len.to_le_bytes();
        [u8::from(self.kind == Kind::Uncompressed), low, middle, high]
    }
}

/// The checksum of a chunk's content before compression, as it is sent.
pub(super) fn checksum(content: &[u8]) -> [u8; CHECKSUM_LEN] {
    crc32c::crc32c(content)
        .rotate_right(15)
        .wrapping_add(MASK)
        .to_le_bytes()
}
