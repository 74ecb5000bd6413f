//! Records on their way to the disk.

/// Bytes of the length field before each record.
pub(crate) const FRAME_HEADER_LEN: usize = 4;

/// A buffer keeps at most this much memory when it is cleared. Enough for any usual batch, little enough to keep
/// one per I/O thread after a batch of very large records.
const RETAINED_CAPACITY_MAX: usize = 4 * 1024 * 1024;

/// Records encoded back to back, each behind its length, so that one write call covers them. Reusable.
///
/// | bytes | |
/// |---|---|
/// | 4 | length of the record, signed, big-endian |
/// | as many | the record |
#[derive(Debug, Default)]
pub struct RecordBatch {
    framed: Vec<u8>,
    len: usize,
}

impl RecordBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one record that consists of `parts`, one after the other.
    ///
    /// # Panics
    ///
    /// If the record is longer than the format can express, 2 GiB.
    pub fn push(&mut self, parts: &[&[u8]]) {
        self.push_with(|framed| parts.iter().for_each(|part| framed.extend_from_slice(part)));
    }

    /// Adds one record of the bytes that `fill` appends to its argument, which it must not shorten.
    ///
    /// # Panics
    ///
    /// If the record is longer than the format can express, 2 GiB, or the buffer was shortened.
    pub fn push_with(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.framed.len();
        self.framed.extend_from_slice(&[0; FRAME_HEADER_LEN]);
        fill(&mut self.framed);
        let len = self
            .framed
            .len()
            .checked_sub(start + FRAME_HEADER_LEN)
            .and_then(|len| i32::try_from(len).ok());
        let header = self
            .framed
            .get_mut(start..)
            .and_then(|record| record.first_chunk_mut());
        match (len, header) {
            (Some(len), Some(header)) => *header = len.to_be_bytes(),
            _ => panic!("a record is appended to the batch and shorter than 2 GiB"),
        }
        self.len += 1;
    }

    /// Forgets all records.
    pub fn clear(&mut self) {
        self.framed.clear();
        self.framed.shrink_to(RETAINED_CAPACITY_MAX);
        self.len = 0;
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The records as they go to the data file, each behind its length.
    pub fn bytes(&self) -> &[u8] {
        &self.framed
    }
}

/// The lengths of the records framed in `framed`, length fields not included; stops where a frame is incomplete.
pub(crate) fn record_lens(mut framed: &[u8]) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let (header, rest) = framed.split_first_chunk::<FRAME_HEADER_LEN>()?;
        let len = u32::from_be_bytes(*header);
        framed = rest.get(usize::try_from(len).ok()?..)?;
        Some(len)
    })
}

/// Bytes that a record of `len` bytes takes in a file.
pub(crate) fn framed_len(len: u32) -> u64 {
    FRAME_HEADER_LEN as u64 + u64::from(len)
}
