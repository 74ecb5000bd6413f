//! Writing records.

use super::{Appended, DiskQueue, Passed, Writer};
use crate::batch::{RecordBatch, framed_len, record_lens};
use crate::scan::Scanner;
use crate::storage::{OpenMode, StorageFile, write_fully};
use crate::sync_job::Unsynced;
use crate::{Action, AppendError, Error, Event, Position};

/// The next records of a batch that go to one file.
#[derive(Debug, Clone, Copy, Default)]
struct Chunk {
    records: usize,
    bytes: usize,
}

impl DiskQueue {
    /// Appends all records of `batch`, with one write call per file.
    ///
    /// Returns when the records are with the operating system: they survive the process, and after the next
    /// [`sync`](Self::sync) a power loss. Syncs first by itself when that is due.
    ///
    /// # Errors
    ///
    /// [`AppendError::written`] says how many records are in the queue nevertheless. If that is all of them, a
    /// sync failed, and the queue is dirty.
    pub fn append(&mut self, batch: &RecordBatch) -> Result<(), AppendError> {
        self.append_as(batch, false)
    }

    /// Appends all records of `batch` as [`append`](Self::append) does, and hands them out at once, since the
    /// caller keeps them in memory: [`read`](Self::read) will not return them.
    ///
    /// Only while nothing is unread in the files, or they would overtake what is: says which were. The others
    /// are just appended.
    ///
    /// # Errors
    ///
    /// As for [`append`](Self::append).
    pub fn append_handed_out(&mut self, batch: &RecordBatch) -> Result<Appended, AppendError> {
        let first_ticket = self.handed_out.next_ticket();
        let outcome = self.append_as(batch, true);
        let handed_out = self.handed_out.next_ticket() - first_ticket;
        let appended = Appended {
            handed_out: usize::try_from(handed_out).unwrap_or(usize::MAX),
            first_ticket,
        };
        match outcome {
            Ok(()) => Ok(appended),
            Err(error) => Err(AppendError { appended, ..error }),
        }
    }

    fn append_as(&mut self, batch: &RecordBatch, hand_out: bool) -> Result<(), AppendError> {
        let mut written = 0;
        let failed = |written, source| AppendError {
            written,
            appended: Appended::default(),
            source,
        };
        self.check_lens(batch).map_err(|source| failed(written, source))?;
        let mut rest = batch.bytes();
        let mut sync_error = None;
        while !rest.is_empty() {
            let chunk = self.next_chunk(rest);
            if chunk.records == 0 {
                sync_error = self.roll().err().or(sync_error);
                continue;
            }
            let (now, later) = rest.split_at(chunk.bytes);
            let result = self.write_chunk(now, hand_out);
            written += match &result {
                Ok(()) => chunk.records,
                Err((records, _)) => *records,
            };
            result.map_err(|(_, source)| failed(written, source))?;
            rest = later;
        }
        let synced = self.sync_if_due();
        sync_error
            .map_or(synced, Err)
            .map_err(|source| failed(written, source))
    }

    fn check_lens(&self, batch: &RecordBatch) -> Result<(), Error> {
        let (min, max) = (self.rules.len_min, self.rules.len_max);
        match record_lens(batch.bytes()).find(|len| !(min..=max).contains(len)) {
            Some(len) => Err(Error::RecordLen { len, min, max }),
            None => Ok(()),
        }
    }

    /// As many records as go to the current file; none if the next one belongs to a new file.
    ///
    /// Upstream: diskqueue.go, writeOne.
    fn next_chunk(&self, framed: &[u8]) -> Chunk {
        let mut chunk = Chunk::default();
        let mut offset = self.write.offset;
        for len in record_lens(framed) {
            let end = offset + framed_len(len);
            if self.writer.damaged || offset > 0 && end > self.max_bytes_per_file {
                break;
            }
            chunk.records += 1;
            chunk.bytes += usize::try_from(framed_len(len)).unwrap_or(usize::MAX);
            offset = end;
        }
        chunk
    }

    /// Goes on to a new file, and syncs if that is not the owner's business. The new file is used in any case.
    fn roll(&mut self) -> Result<(), Error> {
        self.cut_torn_write();
        self.unsynced.extend(self.unsynced_end());
        let old = self.write;
        self.writer = Writer::default();
        self.named = false;
        self.write = Position::start_of(old.file + 1);
        if self.cursor == old {
            self.leave_file(old.file, self.write);
        }
        self.sync_now_or_later()
    }

    /// Moves the cursor from the end of `file` to `next`.
    pub(super) fn leave_file(&mut self, file: u64, next: Position) {
        self.reader = None;
        self.cursor = next;
        if self.passed.iter().all(|passed| passed.file != file) {
            self.passed.push(Passed { file, keep: false });
        }
    }

    /// Writes whole records to the current file. On failure, says how many are in it.
    fn write_chunk(&mut self, framed: &[u8], hand_out: bool) -> Result<(), (usize, Error)> {
        self.open_writer().map_err(|error| (0, error))?;
        let hand_out = hand_out && self.cursor == self.write;
        let Some(writer) = &self.writer.handle else {
            return Ok(());
        };
        match write_fully(writer.as_ref(), framed, self.write.offset) {
            Ok(()) => {
                self.account(framed, hand_out);
                Ok(())
            }
            Err((bytes, source)) => {
                let records = self.account(framed.get(..bytes).unwrap_or_default(), hand_out);
                self.writer.torn = true;
                self.cut_torn_write();
                Err((
                    records,
                    Error::io(Action::Write, self.data_path(self.write.file))(source),
                ))
            }
        }
    }

    /// Counts the whole records of `framed` as appended.
    fn account(&mut self, framed: &[u8], hand_out: bool) -> usize {
        let mut records = 0;
        for len in record_lens(framed) {
            if hand_out {
                self.handed_out.push(self.write, len);
            }
            if let Some(positions) = &mut self.appended_at {
                positions.push(self.write);
            }
            self.write.offset += framed_len(len);
            records += 1;
        }
        if hand_out {
            self.cursor = self.write;
        } else {
            self.count_as_unread(records as u64);
        }
        self.operations += records as u64;
        records
    }

    /// Opens the current file, or moves on to another number if a file that should be new has content.
    pub(super) fn open_writer(&mut self) -> Result<(), Error> {
        while self.writer.handle.is_none() {
            let path = self.data_path(self.write.file);
            let handle = self
                .storage
                .open(&path, OpenMode::Write)
                .map_err(Error::io(Action::Open, &path))?;
            let len = handle.len().map_err(Error::io(Action::Open, &path))?;
            if self.write.offset == 0 && len > 0 && !self.writer.torn {
                self.adopt(handle.as_ref(), len)
                    .map_err(Error::io(Action::Read, &path))?;
                continue;
            }
            self.event(Event::OpenedForWriting { path });
            self.writer.handle = Some(handle.into());
        }
        self.cut_torn_write();
        Ok(())
    }

    /// Takes a file that stands where a new one should be written into the queue, rather than overwrite it.
    fn adopt(&mut self, handle: &dyn StorageFile, len: u64) -> std::io::Result<()> {
        let records = Scanner::count(handle, 0, len, self.rules)?;
        self.count_as_unread(records);
        self.unsynced.push(Unsynced {
            file: self.write.file,
            handle: None,
            from: 0,
            end: None,
            suspect: false,
        });
        self.named = false;
        self.write = Position::start_of(self.write.file + 1);
        Ok(())
    }

    /// Cuts off what a failed write left in the file. While that fails, it is overwritten by the next write, and
    /// cut off before the queue is closed.
    pub(super) fn cut_torn_write(&mut self) {
        if let Some(file) = self.writer.handle.as_ref().filter(|_| self.writer.torn) {
            self.writer.torn = file.set_len(self.write.offset).is_err();
        }
    }
}
