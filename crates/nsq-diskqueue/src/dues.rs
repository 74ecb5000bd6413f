//! Which records of the data files are deferred, and until when.
//!
//! The format of a data file has no place for that, and upstream would not know what to do with it. So a clean stop
//! writes it to a file of its own, beside the data files, which upstream ignores: to it, these are records like all
//! others. Each entry names its record by position and checksum, so that it means nothing once another nsqd has
//! consumed or replaced the record.

use crate::names::Names;
use crate::storage::{OpenMode, Storage, StorageFile, read_fully, write_fully};
use crate::{Action, Error, Position};
use std::collections::VecDeque;
use std::io;

/// Bytes before the entries of a block: their length in bytes, and their checksum.
const HEAD_LEN: usize = 8;

/// Position, due time and checksum of a record.
const ENTRY_LEN: usize = 8 + 8 + 8 + 4;

/// Entries of one block, which is read and written at once.
const BLOCK_ENTRIES: usize = 1024;

/// Until when one record is deferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// Start of the record.
    pub(crate) position: Position,
    /// In nanoseconds since 1970.
    pub(crate) until_ns: i64,
    /// CRC-32 of the record.
    pub(crate) checksum: u32,
}

/// What an earlier process has left of them, read as the queue is.
///
/// The file consists of blocks:
///
/// | bytes | |
/// |---|---|
/// | 4 | length of the entries, big-endian |
/// | 4 | CRC-32 of the entries, big-endian |
/// | 28 each | entries, by position |
///
/// and an entry of
///
/// | bytes | |
/// |---|---|
/// | 8 | number of the data file, big-endian |
/// | 8 | offset of the record there, big-endian |
/// | 8 | until when it is deferred, in ns since 1970, big-endian |
/// | 4 | CRC-32 of the record, big-endian |
///
/// A block that is cut off or does not have its checksum ends the file.
#[derive(Debug, Default)]
pub(crate) struct Dues {
    /// There may be more to read in the file.
    has_more: bool,
    /// Start of the next block.
    offset: u64,
    entries: VecDeque<Due>,
    /// Position of the last entry that was read.
    last: Option<Position>,
    /// There is a file.
    exists: bool,
}

impl Dues {
    /// Finds what an earlier process has left.
    pub(crate) fn open(storage: &dyn Storage, names: &Names) -> Result<Self, Error> {
        let path = names.dues();
        match storage.len(&path) {
            Ok(_) => Ok(Self {
                has_more: true,
                exists: true,
                ..Self::default()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::io(Action::Open, path)(error)),
        }
    }

    /// Sees to it that all entries of records before `end` are in memory.
    pub(crate) fn load(&mut self, storage: &dyn Storage, names: &Names, end: Position) -> Result<(), Error> {
        while self.last.is_none_or(|last| last < end) && self.load_block(storage, names)? {}
        Ok(())
    }

    /// Reads one more block; false if there is none.
    fn load_block(&mut self, storage: &dyn Storage, names: &Names) -> Result<bool, Error> {
        if !self.has_more {
            return Ok(false);
        }
        let path = names.dues();
        let file = storage.open(&path, OpenMode::Read);
        let block = file.and_then(|file| read_block(file.as_ref(), self.offset));
        let Some(block) = block.map_err(Error::io(Action::Read, path))? else {
            self.has_more = false;
            return Ok(false);
        };
        self.offset += (HEAD_LEN + block.len()) as u64;
        self.entries
            .extend(block.chunks_exact(ENTRY_LEN).filter_map(decode));
        self.last = self.entries.back().map(|due| due.position).or(self.last);
        Ok(true)
    }

    /// Until when the record at `position` is deferred. Asked in the order of the positions, each once, after they
    /// were [loaded](Self::load).
    pub(crate) fn take(&mut self, position: Position, record: &[u8]) -> Option<i64> {
        while self.entries.front()?.position < position {
            self.entries.pop_front();
        }
        let due = *self.entries.front().filter(|due| due.position == position)?;
        self.entries.pop_front();
        (due.checksum == crc32fast::hash(record)).then_some(due.until_ns)
    }

    /// Whether the record at `position` may be deferred.
    pub(crate) fn has(&mut self, storage: &dyn Storage, names: &Names, position: Position) -> bool {
        let behind = Position {
            offset: position.offset + 1,
            ..position
        };
        // If it cannot be read now, it is tried again when the record is.
        let _ = self.load(storage, names, behind);
        self.entries.iter().any(|due| due.position == position)
    }

    /// Whether there is anything about records from `position` on.
    pub(crate) fn reach(&mut self, storage: &dyn Storage, names: &Names, position: Position) -> bool {
        // If it cannot be read, it is better kept.
        self.load(storage, names, position).is_err()
            || self.entries.iter().any(|due| due.position >= position)
            || self.has_more
    }

    /// Whether there is a file, and all of its records lie before `position`.
    pub(crate) fn end_before(&self, position: Position) -> bool {
        self.exists
            && !self.has_more
            && self.entries.is_empty()
            && self.last.is_none_or(|last| last < position)
    }

    /// Removes the file. Returns whether there was one.
    pub(crate) fn remove(&mut self, storage: &dyn Storage, names: &Names) -> bool {
        let existed = self.exists;
        if existed {
            // If it stays, it speaks of records that are not there any more.
            let _ = storage.remove(&names.dues());
        }
        *self = Self::default();
        existed
    }

    /// Writes the file anew: what it says of records from `from` on, and `more`, which lie behind those. It is on the
    /// disk then, but for its name.
    pub(crate) fn rewrite(
        &mut self,
        storage: &dyn Storage,
        names: &Names,
        from: Position,
        more: &[Due],
    ) -> Result<(), Error> {
        let temporary = names.dues_temporary();
        let file = storage
            .open(&temporary, OpenMode::Replace)
            .map_err(Error::io(Action::Open, &temporary))?;
        let mut end = 0;
        let mut write = |dues: &[Due]| {
            dues.chunks(BLOCK_ENTRIES).try_for_each(|dues| {
                let block = encode(dues);
                let start = end;
                end += block.len() as u64;
                write_fully(file.as_ref(), &block, start)
                    .map_err(|(_, error)| Error::io(Action::Write, &temporary)(error))
            })
        };
        loop {
            let kept: Vec<_> = self
                .entries
                .drain(..)
                .filter(|due| due.position >= from)
                .collect();
            write(&kept)?;
            if !self.load_block(storage, names)? {
                break;
            }
        }
        write(more)?;
        self.last = more.last().map(|due| due.position).or(self.last);
        file.sync().map_err(Error::io(Action::Sync, &temporary))?;
        storage
            .rename(&temporary, &names.dues())
            .map_err(Error::io(Action::Rename, names.dues()))?;
        self.exists = true;
        Ok(())
    }
}

fn encode(dues: &[Due]) -> Vec<u8> {
    let entries: Vec<u8> = dues
        .iter()
        .flat_map(|due| {
            let Due {
                position, until_ns, ..
            } = due;
            let numbers = [position.file, position.offset, until_ns.cast_unsigned()];
            let numbers = numbers.into_iter().flat_map(u64::to_be_bytes);
            numbers.chain(due.checksum.to_be_bytes())
        })
        .collect();
    let len = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    let head = [len.to_be_bytes(), crc32fast::hash(&entries).to_be_bytes()];
    [head.as_flattened(), &entries].concat()
}

fn decode(entry: &[u8]) -> Option<Due> {
    let (file, rest) = entry.split_first_chunk::<8>()?;
    let (offset, rest) = rest.split_first_chunk::<8>()?;
    let (due, rest) = rest.split_first_chunk::<8>()?;
    let (checksum, _) = rest.split_first_chunk::<4>()?;
    Some(Due {
        position: Position {
            file: u64::from_be_bytes(*file),
            offset: u64::from_be_bytes(*offset),
        },
        until_ns: i64::from_be_bytes(*due),
        checksum: u32::from_be_bytes(*checksum),
    })
}

/// The entries of the block at `offset`; `None` if there is no whole block.
fn read_block(file: &dyn StorageFile, offset: u64) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::with_capacity(HEAD_LEN);
    read_fully(file, &mut head, HEAD_LEN, offset)?;
    let (Some(len), Some(checksum)) = (head.first_chunk::<4>(), head.last_chunk::<4>()) else {
        return Ok(None);
    };
    let len = u32::from_be_bytes(*len) as usize;
    if head.len() < HEAD_LEN || len == 0 || len > BLOCK_ENTRIES * ENTRY_LEN || !len.is_multiple_of(ENTRY_LEN)
    {
        return Ok(None);
    }
    let mut block = Vec::with_capacity(len);
    read_fully(file, &mut block, len, offset + HEAD_LEN as u64)?;
    let is_whole = block.len() == len && crc32fast::hash(&block) == u32::from_be_bytes(*checksum);
    Ok(is_whole.then_some(block))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(file in any::<u64>(), offset in any::<u64>(), until_ns in any::<i64>(), checksum in any::<u32>()) {
            let due = Due { position: Position { file, offset }, until_ns, checksum };
            let block = encode(&[due]);
            prop_assert_eq!(block.len(), HEAD_LEN + ENTRY_LEN);
            prop_assert_eq!(decode(&block[HEAD_LEN..]), Some(due));
        }
    }
}
