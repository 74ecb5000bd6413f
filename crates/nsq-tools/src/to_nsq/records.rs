//! Splitting the input into records, and gathering those into blocks.

use std::io::{self, Read};
use std::ops::Range;

/// Bytes of one read. A pipe holds 64 KiB without asking.
const READ_SIZE: usize = 256 * 1024;

/// Records of more bytes than these are in a block of their own, since nsqd may refuse them.
const LARGE: usize = 64 * 1024;

/// The longest record, far above what nsqd takes: input without a delimiter must not fill the memory.
const RECORD_SIZE_MAX: usize = 256 * 1024 * 1024;

/// Some records, in order. Never without one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    bytes: Vec<u8>,
    records: Vec<Range<usize>>,
}

impl Block {
    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// The records.
    pub(super) fn records(&self) -> Vec<&[u8]> {
        self.records
            .iter()
            .filter_map(|range| self.bytes.get(range.clone()))
            .collect()
    }

    /// Whether this is one record that nsqd may refuse for its size.
    pub(super) fn is_large(&self) -> bool {
        self.records.iter().any(|range| range.len() > LARGE)
    }
}

/// Reads blocks of records.
#[derive(Debug)]
pub(super) struct Records<R> {
    input: R,
    delimiter: u8,
    /// What has been read and not been given away, from the start of a record.
    pending: Vec<u8>,
    /// How much of that has no delimiter in it.
    searched: usize,
    ended: bool,
}

impl<R: Read> Records<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            delimiter,
            pending: Vec::new(),
            searched: 0,
            ended: false,
        }
    }

    /// The records that are there after one read, or as many reads as it takes to have one; `None` at the end.
    ///
    /// Empty records are left out. The end of the input ends a record too, without the newline that `echo` puts
    /// there.
    ///
    /// # Errors
    /// The input cannot be read, or has a record that is too long.
    ///
    /// # Differs from upstream
    /// There, the last record loses its last byte, whatever it is, if no delimiter stands behind it.
    pub(super) fn next_block(&mut self) -> io::Result<Option<Block>> {
        loop {
            if let Some(block) = self.take_block() {
                return Ok(Some(block));
            }
            if self.ended {
                return Ok(self.take_rest());
            }
            if self.pending.len() > RECORD_SIZE_MAX {
                return Err(io::Error::other(format!(
                    "a record of more than {RECORD_SIZE_MAX} bytes"
                )));
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let before = self.pending.len();
        self.pending.resize(before + READ_SIZE, 0);
        let room = self.pending.get_mut(before..).unwrap_or_default();
        let count = loop {
            match self.input.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        self.pending.truncate(before + *count.as_ref().unwrap_or(&0));
        self.ended = count? == 0;
        Ok(())
    }

    /// Everything up to the last delimiter, or up to a large record, or that one alone.
    fn take_block(&mut self) -> Option<Block> {
        let mut records = Vec::new();
        let mut start = 0;
        while let Some(rest) = self.pending.get(start.max(self.searched)..)
            && let Some(at) = rest.iter().position(|byte| *byte == self.delimiter)
        {
            let end = start.max(self.searched) + at;
            let is_large = end - start > LARGE;
            if is_large && !records.is_empty() {
                break;
            }
            if end > start {
                records.push(start..end);
            }
            start = end + 1;
            self.searched = start;
            if is_large {
                break;
            }
        }
        let behind = self.pending.split_off(start.min(self.pending.len()));
        let bytes = std::mem::replace(&mut self.pending, behind);
        self.searched = if records.is_empty() { self.pending.len() } else { 0 };
        (!records.is_empty()).then_some(Block { bytes, records })
    }

    fn take_rest(&mut self) -> Option<Block> {
        let bytes = std::mem::take(&mut self.pending);
        let len = bytes.strip_suffix(b"\n").unwrap_or(&bytes).len();
        self.searched = 0;
        (len > 0).then(|| Block {
            bytes,
            records: std::iter::once(0..len).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    /// Input that comes in pieces.
    struct Pieces(VecDeque<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let Some(piece) = self.0.front_mut() else {
                return Ok(0);
            };
            let count = piece.len().min(room.len());
            room[..count].copy_from_slice(&piece[..count]);
            piece.drain(..count);
            if piece.is_empty() {
                self.0.pop_front();
            }
            Ok(count)
        }
    }

    fn pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Pieces {
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
        Pieces(pieces.map(<[u8]>::to_vec).collect())
    }

    fn blocks(input: Pieces, delimiter: u8) -> Vec<Vec<Vec<u8>>> {
        let mut records = Records::new(input, delimiter);
        let mut blocks = Vec::new();
        while let Some(block) = records.next_block().unwrap() {
            blocks.push(block.records().into_iter().map(<[u8]>::to_vec).collect());
        }
        blocks
    }

    #[test]
    fn records_come_as_soon_as_they_are_there() {
        let input = pieces([&b"one\ntw"[..], b"o\nthree\n", b"four"]);
        assert_eq!(
            blocks(input, b'\n'),
            [
                vec![b"one".to_vec()],
                vec![b"two".to_vec(), b"three".to_vec()],
                vec![b"four".to_vec()]
            ]
        );
    }

    #[test]
    fn empty_records_are_left_out_and_carriage_returns_stay() {
        assert_eq!(
            blocks(pieces([&b"\n\na\r\n\n"[..]]), b'\n'),
            [vec![b"a\r".to_vec()]]
        );
        assert!(blocks(pieces([&b"\n\n\n"[..], b"\n"]), b'\n').is_empty());
        assert!(blocks(pieces([]), b'\n').is_empty());
    }

    #[test]
    fn the_newline_that_echo_writes_is_no_part_of_the_last_record() {
        let expected = [vec![b"one".to_vec(), b"two".to_vec()], vec![b"three".to_vec()]];
        for end in ["three\n", "three"] {
            let input = format!("one,two,{end}");
            assert_eq!(blocks(pieces([input.as_bytes()]), b','), expected);
        }
        assert_eq!(blocks(pieces([&b"a,\n"[..]]), b','), [vec![b"a".to_vec()]]);
    }

    #[test]
    fn a_large_record_is_alone() {
        let large = vec![b'x'; LARGE + 1];
        let input = [b"a\nb\n".as_slice(), &large, b"\nc\n"].concat();
        let mut records = Records::new(input.as_slice(), b'\n');
        let mut sizes = Vec::new();
        while let Some(block) = records.next_block().unwrap() {
            sizes.push((block.len(), block.is_large()));
        }
        assert_eq!(sizes, [(2, false), (1, true), (1, false)]);
    }

    proptest! {
        #[test]
        fn joining_the_records_gives_the_input_back(
            parts in prop::collection::vec(prop::collection::vec(0_u8..4, 0..9), 0..40),
            delimiter in 0_u8..4,
        ) {
            let input = parts.concat();
            let expected: Vec<Vec<u8>> = input
                .split(|byte| *byte == delimiter)
                .filter(|record| !record.is_empty())
                .map(<[u8]>::to_vec)
                .collect();
            let split = blocks(pieces(parts.iter().map(Vec::as_slice)), delimiter);
            prop_assert_eq!(split.concat(), expected);
        }
    }
}
