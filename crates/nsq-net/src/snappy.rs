//! The snappy framing format over a [`Stream`].
//!
//! What is written becomes chunks at once, each of which can be decoded by itself, so nothing ever waits
//! in the compressor. Neither side keeps anything between chunks: an idle connection costs what
//! [`Codec`] itself takes, a hundred bytes.
//!
//! ```text
//! ff 06 00 00 "sNaPpY"                     stream identifier, once
//! kind  length (3, little-endian)  data    00 compressed, 01 as it is: data begins with a checksum
//! ```
//!
//! Upstream: `nsqd/client_v2.go`, `UpgradeSnappy`, by golang/snappy.

mod chunk;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io;

use snap::raw::{Decoder, Encoder, decompress_len};
use tokio::io::ReadBuf;

use self::chunk::{CHECKSUM_LEN, Chunk, HEADER_LEN, Kind, checksum};
use crate::Stream;
use crate::coded::{Codec, Coded};

/// The longest content of a chunk, before compression. The format sets it.
const CONTENT_MAX: usize = 64 * 1024;

/// The longest data of a compressed chunk: what the worst content compresses to.
const COMPRESSED_MAX: usize = 76_490;

/// The first chunk of a stream; it may come again later.
const IDENTIFIER: &[u8] = b"\xff\x06\x00\x00sNaPpY";
const MAGIC: &[u8] = b"sNaPpY";

/// Shorter contents are not tried to be compressed: there is nothing in them to refer to. Upstream:
/// golang/snappy, `minNonLiteralBlockSize`.
const COMPRESSIBLE_MIN: usize = 17;

thread_local! {
    /// Its table of 32 KiB is all there is to an encoder; nothing of it outlives a chunk.
    static ENCODER: RefCell<Encoder> = RefCell::new(Encoder::new());
}

impl Stream {
    /// Compresses with snappy what passes from here on. `received` came from this stream already, and is
    /// what the peer has compressed.
    ///
    /// Reading fails with [`io::ErrorKind::InvalidData`] if the peer breaks the format.
    pub fn start_snappy(&mut self, received: Vec<u8>) {
        self.wrap(|beneath| Coded::new(Snappy::default(), beneath, received));
    }
}

#[derive(Debug, Default)]
struct Snappy {
    /// The identifier has been sent.
    sent: bool,
    /// The identifier has been received.
    identified: bool,
    /// Bytes of the present chunk that mean nothing and are yet to come.
    skip: usize,
    /// Content that the reader had no room for, from `read` on.
    content: Vec<u8>,
    read: usize,
}

impl Codec for Snappy {
    fn decode(&mut self, input: &mut [u8], output: &mut ReadBuf<'_>) -> io::Result<usize> {
        let mut used = 0;
        loop {
            self.give(output);
            let rest = input.get(used..).unwrap_or_default();
            let skipped = self.skip.min(rest.len());
            let rest = rest.get(skipped..).unwrap_or_default();
            self.skip -= skipped;
            used += skipped;
            if output.remaining() == 0 || self.skip > 0 {
                return Ok(used);
            }
            let Some(header) = rest.first_chunk::<HEADER_LEN>() else {
                return Ok(used);
            };
            let chunk = Chunk::from_header(*header);
            self.check(&chunk)?;
            if chunk.kind == Kind::Skippable {
                self.skip = chunk.len;
                used += HEADER_LEN;
                continue;
            }
            let end = HEADER_LEN + chunk.len;
            let Some(data) = rest.get(HEADER_LEN..end) else {
                return Ok(used);
            };
            self.take(&chunk, data, output)?;
            used += end;
        }
    }

    fn receive_size(&self, room: usize) -> usize {
        room / 2
    }

    fn is_ended(&self) -> bool {
        false
    }

    fn encode(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        _received: &mut Vec<u8>,
    ) -> io::Result<(usize, usize)> {
        let content = input.get(..CONTENT_MAX).unwrap_or(input);
        let (identifier, output) = if self.sent {
            (0, output)
        } else {
            let Some((front, output)) = output.split_at_mut_checked(IDENTIFIER.len()) else {
                return Ok((0, 0));
            };
            front.copy_from_slice(IDENTIFIER);
            self.sent = true;
            (IDENTIFIER.len(), output)
        };
        let Some((head, data)) = output.split_at_mut_checked(HEADER_LEN + CHECKSUM_LEN) else {
            return Ok((0, identifier));
        };
        let (kind, len) = if let Some(len) = compress(content, data)? {
            (Kind::Compressed, len)
        } else {
            if let Some(data) = data.get_mut(..content.len()) {
                data.copy_from_slice(content);
            }
            (Kind::Uncompressed, content.len())
        };
        let chunk = Chunk {
            kind,
            len: CHECKSUM_LEN + len,
        };
        if let Some((header, sum)) = head.split_at_mut_checked(HEADER_LEN) {
            header.copy_from_slice(&chunk.header());
            sum.copy_from_slice(&checksum(content));
        }
        Ok((content.len(), identifier + HEADER_LEN + chunk.len))
    }

    fn flush(&mut self, _output: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn close(&mut self, _output: &mut [u8], _received: &mut Vec<u8>) -> io::Result<usize> {
        Ok(0)
    }
}

impl Snappy {
    /// Gives the reader what it had no room for before.
    fn give(&mut self, output: &mut ReadBuf<'_>) {
        let waiting = self.content.get(self.read..).unwrap_or_default();
        let count = waiting.len().min(output.remaining());
        output.put_slice(waiting.get(..count).unwrap_or_default());
        self.read += count;
        if self.read == self.content.len() {
            self.content = Vec::new();
            self.read = 0;
        }
    }

    /// Whether a chunk of this kind and length may come here.
    fn check(&mut self, chunk: &Chunk) -> io::Result<()> {
        let is_valid = match chunk.kind {
            Kind::Identifier => chunk.len == MAGIC.len(),
            _ if !self.identified => false,
            Kind::Compressed => (CHECKSUM_LEN..=CHECKSUM_LEN + COMPRESSED_MAX).contains(&chunk.len),
            Kind::Uncompressed => (CHECKSUM_LEN..=CHECKSUM_LEN + CONTENT_MAX).contains(&chunk.len),
            Kind::Skippable => true,
            Kind::Reserved => return Err(invalid("snappy: unsupported input")),
        };
        if is_valid { Ok(()) } else { Err(corrupt()) }
    }

    /// Decodes a complete chunk.
    fn take(&mut self, chunk: &Chunk, data: &[u8], output: &mut ReadBuf<'_>) -> io::Result<()> {
        if chunk.kind == Kind::Identifier {
            if data != MAGIC {
                return Err(corrupt());
            }
            self.identified = true;
            return Ok(());
        }
        let (sum, data) = data.split_first_chunk::<CHECKSUM_LEN>().ok_or_else(corrupt)?;
        let is_compressed = chunk.kind == Kind::Compressed;
        let len = if is_compressed {
            decompress_len(data).map_err(|_| corrupt())?
        } else {
            data.len()
        };
        if len > CONTENT_MAX {
            return Err(corrupt());
        }
        let place = if len <= output.remaining() {
            output.initialize_unfilled_to(len)
        } else {
            self.content.resize(len, 0);
            &mut self.content[..]
        };
        if is_compressed {
            let decoded = Decoder::new().decompress(data, place);
            if decoded.ok() != Some(len) {
                return Err(corrupt());
            }
        } else {
            place.copy_from_slice(data);
        }
        if checksum(place) != *sum {
            return Err(corrupt());
        }
        if self.content.is_empty() {
            output.advance(len);
        }
        Ok(())
    }
}

/// Compresses `content` to the front of `data`; `None` if that saves less than an eighth, as upstream
/// counts it.
fn compress(content: &[u8], data: &mut [u8]) -> io::Result<Option<usize>> {
    if content.len() < COMPRESSIBLE_MIN {
        return Ok(None);
    }
    let len = ENCODER
        .with_borrow_mut(|encoder| encoder.compress(content, data))
        .map_err(io::Error::from)?;
    Ok(Some(len).filter(|&len| len < content.len() - content.len() / 8))
}

// What a chunk may hold fits into what it is encoded to.
const _: () =
    assert!(IDENTIFIER.len() + HEADER_LEN + CHECKSUM_LEN + COMPRESSED_MAX <= crate::scratch::SCRATCH_LEN);

fn corrupt() -> io::Error {
    invalid("snappy: corrupt input")
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
