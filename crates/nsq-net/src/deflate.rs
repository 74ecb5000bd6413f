//! Raw DEFLATE (RFC 1951) over a [`Stream`]: one endless stream in each direction, without a header.
//!
//! Every flush ends with an empty stored block, `00 00 ff ff`, up to which the peer can decode everything.
//! That also puts the next block at the start of a byte, where it may as well come from another
//! compressor. So a connection that only sends the odd `OK` or heartbeat has none: what is that short is
//! sent as it is, in a stored block.
//!
//! | part | memory | when |
//! |---|---|---|
//! | compressor | about 270 KiB | from the first longer output until there was none for a while |
//! | decompressor | about 40 KiB | from the first input on |
//!
//! Upstream: `nsqd/client_v2.go`, `UpgradeDeflate`, by compress/flate.
//!
//! # Differs from upstream
//! A connection that is closed ends the stream before. A Node.js client takes a stream that breaks off for an error,
//! and nsqjs ends its whole process for it.

#[cfg(test)]
mod tests;

use std::io;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::ReadBuf;

use crate::Stream;
use crate::coded::{Codec, Coded};

/// The levels that a client may ask for, from the fastest to the one that compresses best.
const LEVEL_MIN: u8 = 1;
const LEVEL_MAX: u8 = 9;

/// An output of at most this many bytes holds answers and heartbeats, but hardly a message. It gains
/// nothing from a compressor of its own.
const SHORT: usize = 48;

/// Consecutive flushes of short outputs after which a compressor is given up, and with it what later
/// output could have referred to.
const SHORT_FLUSHES_MAX: u32 = 8;

/// An empty block that is the last.
const END: &[u8] = b"\x01\x00\x00\xff\xff";

/// Tells a decoder that everything so far can be had.
const SYNC: &[u8] = b"\x00\x00\x00\xff\xff";

impl Stream {
    /// Compresses with deflate what passes from here on. `received` came from this stream already, and is
    /// what the peer has compressed. A `level` outside 1 to 9 means the nearer one.
    ///
    /// Reading fails with [`io::ErrorKind::InvalidData`] if the peer breaks the format.
    pub fn start_deflate(&mut self, level: u8, received: Vec<u8>) {
        self.wrap(|beneath| Coded::new(Deflate::new(level), beneath, received));
    }
}

#[derive(Debug)]
struct Deflate {
    level: Compression,
    compressor: Option<Box<Compress>>,
    decompressor: Option<Box<Decompress>>,
    /// Bytes that have been encoded since the last flush.
    unflushed: usize,
    short_flushes: u32,
    ended: bool,
    /// The end of the stream has been written.
    closed: bool,
}

impl Deflate {
    fn new(level: u8) -> Self {
        Self {
            level: Compression::new(u32::from(level.clamp(LEVEL_MIN, LEVEL_MAX))),
            compressor: None,
            decompressor: None,
            unflushed: 0,
            short_flushes: 0,
            ended: false,
            closed: false,
        }
    }
}

impl Codec for Deflate {
    fn decode(&mut self, input: &mut [u8], output: &mut ReadBuf<'_>) -> io::Result<usize> {
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            if self.ended || output.remaining() == 0 || (rest.is_empty() && self.decompressor.is_none()) {
                return Ok(used);
            }
            let decompressor = self
                .decompressor
                .get_or_insert_with(|| Box::new(Decompress::new(false)));
            let (taken_before, given_before) = (decompressor.total_in(), decompressor.total_out());
            let status = decompressor
                .decompress(rest, output.initialize_unfilled(), FlushDecompress::None)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "flate: corrupt input"))?;
            let taken = difference(decompressor.total_in(), taken_before);
            let given = difference(decompressor.total_out(), given_before);
            used += taken;
            output.advance(given);
            self.ended = status == Status::StreamEnd;
            if taken == 0 && given == 0 {
                return Ok(used);
            }
        }
    }

    fn receive_size(&self, room: usize) -> usize {
        // Messages compress to about this share.
        room / 4
    }

    fn is_ended(&self) -> bool {
        self.ended
    }

    fn encode(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        _received: &mut Vec<u8>,
    ) -> io::Result<(usize, usize)> {
        if self.compressor.is_none() && input.len() <= SHORT {
            // Flushed as it is, in one piece: pynsq and gnsq give up a connection when they receive something
            // from which nothing can be had, as it would be from what marks the flush.
            return Ok((input.len(), store(input, output)));
        }
        let level = self.level;
        let compressor = self
            .compressor
            .get_or_insert_with(|| Box::new(Compress::new(level, false)));
        let (taken, encoded) = compress(compressor, input, output, FlushCompress::None)?;
        self.unflushed += taken;
        Ok((taken, encoded))
    }

    fn flush(&mut self, output: &mut [u8]) -> io::Result<usize> {
        if self.unflushed == 0 {
            return Ok(0);
        }
        let Some(compressor) = &mut self.compressor else {
            return Ok(0);
        };
        let (_, encoded) = compress(compressor, &[], output, FlushCompress::Sync)?;
        // An output that is full may not be all.
        if encoded < output.len() {
            if self.unflushed > SHORT {
                self.short_flushes = 0;
            } else {
                self.short_flushes += 1;
            }
            if self.short_flushes > SHORT_FLUSHES_MAX {
                self.short_flushes = 0;
                self.compressor = None;
            }
            self.unflushed = 0;
        }
        Ok(encoded)
    }

    fn close(&mut self, output: &mut [u8], _received: &mut Vec<u8>) -> io::Result<usize> {
        let flushed = self.flush(output)?;
        if flushed > 0 || self.closed {
            return Ok(flushed);
        }
        self.closed = true;
        if let Some(room) = output.get_mut(..END.len()) {
            room.copy_from_slice(END);
        }
        Ok(END.len())
    }
}

fn compress(
    compressor: &mut Compress,
    input: &[u8],
    output: &mut [u8],
    flush: FlushCompress,
) -> io::Result<(usize, usize)> {
    let (taken_before, given_before) = (compressor.total_in(), compressor.total_out());
    compressor
        .compress(input, output, flush)
        .map_err(io::Error::other)?;
    let taken = difference(compressor.total_in(), taken_before);
    let given = difference(compressor.total_out(), given_before);
    Ok((taken, given))
}

/// Writes a stored block that is not the last, and the mark of a flush behind it.
fn store(data: &[u8], output: &mut [u8]) -> usize {
    let len = u8::try_from(data.len()).unwrap_or(u8::MAX);
    let header = [0, len, 0, !len, 0xff];
    let mut end = 0;
    for part in [&header, data, SYNC] {
        if let Some(room) = output.get_mut(end..end + part.len()) {
            room.copy_from_slice(part);
        }
        end += part.len();
    }
    end
}

/// How far a counter has moved, by one buffer at most.
fn difference(after: u64, before: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}
