//! The snappy framing format.

use std::fmt;
use std::io::Write;

use snap::raw::{Decoder, decompress_len};
use snap::write::FrameEncoder;

use super::{Layer, broken};
use crate::error::{Doing, Result};

/// A kind and a length of three bytes, little-endian.
const HEADER_BYTES: usize = 4;

/// In front of the data of a chunk. It is not looked at here: bodies are checked as a whole.
const CHECKSUM_BYTES: usize = 4;

pub(super) struct Snappy {
    encoder: FrameEncoder<Vec<u8>>,
    decoder: Decoder,
    /// The beginning of a chunk.
    partial: Vec<u8>,
}

impl Default for Snappy {
    fn default() -> Self {
        Self {
            encoder: FrameEncoder::new(Vec::new()),
            decoder: Decoder::new(),
            partial: Vec::new(),
        }
    }
}

impl fmt::Debug for Snappy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snappy").finish_non_exhaustive()
    }
}

impl Layer for Snappy {
    fn encode(&mut self, plain: &[u8], coded: &mut Vec<u8>) -> Result<()> {
        self.encoder
            .write_all(plain)
            .and_then(|()| self.encoder.flush())
            .doing(|| "compressing")?;
        coded.append(self.encoder.get_mut());
        Ok(())
    }

    fn decode(&mut self, coded: &[u8], plain: &mut Vec<u8>) -> Result<()> {
        let mut joined = std::mem::take(&mut self.partial);
        let mut rest = coded;
        if !joined.is_empty() {
            joined.extend_from_slice(coded);
            rest = &joined;
        }
        while let Some((&[kind, low, middle, high], data)) = rest.split_first_chunk::<HEADER_BYTES>() {
            let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
            let Some((chunk, after)) = data.split_at_checked(length) else {
                break;
            };
            let content = chunk.get(CHECKSUM_BYTES..).unwrap_or_default();
            match kind {
                0 => self.decompress(content, plain)?,
                1 => plain.extend_from_slice(content),
                // The identifier of the stream, and what may be skipped.
                0x80.. => {}
                _ => return Err(broken("snappy", format_args!("a chunk of kind {kind}"))),
            }
            rest = after;
        }
        self.partial = rest.to_vec();
        Ok(())
    }
}

impl Snappy {
    fn decompress(&mut self, content: &[u8], plain: &mut Vec<u8>) -> Result<()> {
        let start = plain.len();
        let length = decompress_len(content).map_err(|error| broken("snappy", error))?;
        plain.resize(start + length, 0);
        let room = plain.get_mut(start..).unwrap_or_default();
        let found = self.decoder.decompress(content, room);
        found.map_err(|error| broken("snappy", error)).map(drop)
    }
}
