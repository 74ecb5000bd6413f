//! Raw deflate.

use std::fmt;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use super::{Layer, broken};
use crate::error::Result;

/// The level that a client has which asks for none in particular.
const LEVEL: u32 = 6;

/// Room that is made for what comes out.
const ROOM: usize = 64 * 1024;

pub(super) struct Deflate {
    compress: Compress,
    decompress: Decompress,
}

impl Default for Deflate {
    fn default() -> Self {
        Self {
            compress: Compress::new(Compression::new(LEVEL), false),
            decompress: Decompress::new(false),
        }
    }
}

impl fmt::Debug for Deflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflate").finish_non_exhaustive()
    }
}

impl Layer for Deflate {
    fn encode(&mut self, plain: &[u8], coded: &mut Vec<u8>) -> Result<()> {
        let begun = self.compress.total_in();
        loop {
            coded.reserve(ROOM);
            let taken = usize::try_from(self.compress.total_in() - begun).unwrap_or(usize::MAX);
            let rest = plain.get(taken..).unwrap_or_default();
            self.compress
                .compress_vec(rest, coded, FlushCompress::Sync)
                .map_err(|error| broken("deflate", error))?;
            let all_taken = self.compress.total_in() - begun == plain.len() as u64;
            // Room that is left means that nothing more wanted to come out.
            if all_taken && coded.len() < coded.capacity() {
                return Ok(());
            }
        }
    }

    fn decode(&mut self, coded: &[u8], plain: &mut Vec<u8>) -> Result<()> {
        let begun = self.decompress.total_in();
        loop {
            plain.reserve(ROOM);
            let taken = usize::try_from(self.decompress.total_in() - begun).unwrap_or(usize::MAX);
            let rest = coded.get(taken..).unwrap_or_default();
            let before = plain.len();
            self.decompress
                .decompress_vec(rest, plain, FlushDecompress::None)
                .map_err(|error| broken("deflate", error))?;
            let all_taken = self.decompress.total_in() - begun == coded.len() as u64;
            if plain.len() < plain.capacity() && (all_taken || plain.len() == before) {
                return Ok(());
            }
        }
    }
}
