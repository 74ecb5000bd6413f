//! Handing out and consuming records.

use super::{DiskQueue, Passed, Reader, Record};
use crate::aside::Left;
use crate::batch::FRAME_HEADER_LEN;
use crate::scan::{Scanner, Verdict};
use crate::storage::{OpenMode, StorageFile, read_fully};
use crate::{Action, DirectoryIndex, Error, Event, Fault, Position};
use bytes::Bytes;
use std::io;

/// Smallest block tried when reading a larger one fails, so that a bad sector costs as little as possible.
const BLOCK_LEN_MIN: usize = 4096;

/// What one block gave.
#[derive(Default)]
struct Parsed {
    /// Start and end of the frame of each record, as offsets in the file.
    records: Vec<(u64, u64)>,
    /// Damage behind the last of them.
    damage: Option<(u64, u64, Fault)>,
    /// Length of the block that holds just the first record, if this one does not.
    too_short: Option<usize>,
}

impl DiskQueue {
    /// Hands out the next records, in order: those of one block of about `max_bytes`, and at least one. They stay
    /// in the queue until [consumed](Self::advance).
    ///
    /// Nothing is returned if and only if there is nothing to read; then [`unread`](Self::unread) is zero.
    /// Passes over damage, with an event.
    ///
    /// # Errors
    ///
    /// If the operating system refuses to open or read a file that exists. Nothing is skipped; the next call
    /// tries again.
    pub fn read(&mut self, max_bytes: usize) -> Result<Vec<Record>, Error> {
        let mut records = self.read_aside(max_bytes)?;
        while records.is_empty() && self.cursor < self.write {
            let Some(limit) = self.open_reader()? else {
                continue;
            };
            if self.cursor.offset < limit {
                let block = self.read_block(limit, max_bytes);
                if block.is_err() {
                    // What the handle refers to may not be what the name does by the time of the next try.
                    self.reader = None;
                }
                records = block?;
            }
            if self.cursor.offset >= limit && self.cursor.file < self.write.file {
                self.next_file()?;
            }
        }
        self.settle_at_tail();
        Ok(records)
    }

    /// Whether the next record that [`read`](Self::read) hands out is one that was deferred: it may be read at once,
    /// as nobody is to have it yet.
    pub fn starts_deferred(&mut self) -> bool {
        let cursor = self.cursor;
        self.aside.unread() == 0 && self.dues.has(self.storage.as_ref(), &self.names, cursor)
    }

    /// Deferred records that a crash has left, with their tickets and until when they are, in nanoseconds since 1970;
    /// once. They are handed out already.
    pub fn take_left_deferred(&mut self) -> Vec<(u64, i64)> {
        self.aside.take_left()
    }

    /// Reads [deferred](Self::defer) records by their tickets: about a mebibyte, from the first on, and at least one.
    /// `None` stands for one that is not there.
    ///
    /// # Errors
    ///
    /// If the first could not be read.
    pub fn read_deferred(&mut self, tickets: &[u64]) -> Result<Vec<Option<Bytes>>, Error> {
        self.aside
            .read_deferred(self.storage.as_ref(), &self.names, tickets)
    }

    /// Hands out what an earlier process has kept aside: it is older than all there is in the data files.
    fn read_aside(&mut self, max_bytes: usize) -> Result<Vec<Record>, Error> {
        let end = self.cursor;
        let records = self.aside.read(self.storage.as_ref(), &self.names, max_bytes)?;
        let records = records.into_iter();
        let record = |left: Left| Record {
            ticket: left.ticket,
            data: left.data,
            end,
            due_ns: None,
        };
        Ok(records.map(record).collect())
    }

    /// Opens the file at the cursor if needed, and says where its records end. `None` if the cursor had to move
    /// on to another file.
    fn open_reader(&mut self) -> Result<Option<u64>, Error> {
        let file = self.cursor.file;
        if self.reader.as_ref().is_none_or(|reader| reader.file != file) {
            let path = self.data_path(file);
            match self.storage.open(&path, OpenMode::Read) {
                Ok(handle) => {
                    self.event(Event::OpenedForReading { path });
                    self.reader = Some(Reader { file, handle });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let offset = self.cursor.offset;
                    self.event(Event::Damaged {
                        path,
                        offset,
                        fault: Fault::Missing,
                    });
                    self.next_file()?;
                    return Ok(None);
                }
                Err(error) => return Err(Error::io(Action::Open, path)(error)),
            }
        }
        if file == self.write.file {
            return Ok(Some(self.write.offset));
        }
        let Some(reader) = &self.reader else {
            return Ok(None);
        };
        let len = reader
            .handle
            .len()
            .map_err(|error| Error::io(Action::Open, self.data_path(file))(error))?;
        if self.cursor.offset > len {
            let offset = self.cursor.offset;
            self.event(Event::Damaged {
                path: self.data_path(file),
                offset,
                fault: Fault::End,
            });
        }
        Ok(Some(len))
    }

    /// Moves the cursor to the start of the next file that exists.
    fn next_file(&mut self) -> Result<(), Error> {
        let file = self.cursor.file;
        let mut next = self.write.file.min(file + 1);
        if next < self.write.file {
            let path = self.data_path(next);
            match self.storage.len(&path) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.event(Event::Damaged {
                        path,
                        offset: 0,
                        fault: Fault::Missing,
                    });
                    next = self.next_existing_file(next)?;
                }
                Err(error) => return Err(Error::io(Action::Open, path)(error)),
            }
        }
        if next > file {
            self.leave_file(file, Position::start_of(next));
        } else {
            // The file being written is gone; there is nothing to read in it.
            self.cursor = self.write;
        }
        Ok(())
    }

    /// Moves the cursor over files that do not exist or have nothing more to read, so that a queue without any
    /// record knows that it is empty.
    pub(super) fn skip_exhausted_files(&mut self) -> Result<(), Error> {
        while self.cursor.file < self.write.file {
            let Position { file, offset } = self.cursor;
            let path = self.data_path(file);
            match self.storage.len(&path) {
                Ok(len) if len > offset => break,
                Ok(_) => self.next_file()?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.event(Event::Damaged {
                        path,
                        offset,
                        fault: Fault::Missing,
                    });
                    self.next_file()?;
                }
                Err(error) => return Err(Error::io(Action::Open, path)(error)),
            }
        }
        self.settle_at_tail();
        Ok(())
    }

    fn next_existing_file(&self, from: u64) -> Result<u64, Error> {
        let prefix = self.names.prefix();
        let files = DirectoryIndex::scan_prefix(self.storage.as_ref(), self.names.directory(), &prefix)?
            .into_queue(self.names.queue());
        let existing = files.data.into_iter().find(|file| *file >= from);
        Ok(existing.map_or(self.write.file, |file| file.min(self.write.file)))
    }

    /// Hands out the records of one block, or passes over one damaged part.
    fn read_block(&mut self, limit: u64, max_bytes: usize) -> Result<Vec<Record>, Error> {
        let Some(reader) = self.reader.take() else {
            return Ok(Vec::new());
        };
        let path = self.data_path(reader.file);
        let parsed = self.parse_block(reader.handle.as_ref(), limit, max_bytes);
        let result = parsed
            .map_err(Error::io(Action::Read, path))
            .and_then(|(block, parsed)| {
                if let Some((start, _)) = parsed.records.last() {
                    let end = Position {
                        file: reader.file,
                        offset: start + 1,
                    };
                    self.dues.load(self.storage.as_ref(), &self.names, end)?;
                }
                let records = self.hand_out(&block, &parsed.records);
                if let Some((from, to, fault)) = parsed.damage {
                    self.pass_over_damage(reader.handle.as_ref(), from, to, fault);
                }
                Ok(records)
            });
        self.reader = Some(reader);
        result
    }

    fn parse_block(
        &self,
        file: &dyn StorageFile,
        limit: u64,
        max_bytes: usize,
    ) -> io::Result<(Bytes, Parsed)> {
        let block = self.load_block(file, limit, max_bytes)?;
        let parsed = self.parse(file, limit, &block)?;
        let Some(needed) = parsed.too_short else {
            return Ok((Bytes::from(block), parsed));
        };
        // One record is always read, however long.
        let start = self.cursor.offset;
        let mut block = Vec::with_capacity(needed);
        read_fully(file, &mut block, needed, start)?;
        let end = start + needed as u64;
        let parsed = if block.len() < needed {
            // The file has become shorter meanwhile.
            Parsed {
                damage: Some((start, end, Fault::Truncated)),
                ..Parsed::default()
            }
        } else {
            Parsed {
                records: vec![(start, end)],
                ..Parsed::default()
            }
        };
        Ok((Bytes::from(block), parsed))
    }

    fn load_block(&self, file: &dyn StorageFile, limit: u64, max_bytes: usize) -> io::Result<Vec<u8>> {
        let offset = self.cursor.offset;
        let head = FRAME_HEADER_LEN + self.rules.len_min as usize;
        let left = usize::try_from(limit.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut len = max_bytes.max(head).min(left);
        loop {
            let mut block = Vec::with_capacity(len);
            match read_fully(file, &mut block, len, offset) {
                Ok(_) => return Ok(block),
                Err(_) if len > BLOCK_LEN_MIN => len = (len / 2).max(BLOCK_LEN_MIN),
                Err(error) => return Err(error),
            }
        }
    }

    fn parse(&self, file: &dyn StorageFile, limit: u64, block: &[u8]) -> io::Result<Parsed> {
        let start = self.cursor.offset;
        let block_end = start + block.len() as u64;
        let mut scanner = Scanner::new(file, limit, self.rules, block, start);
        let mut parsed = Parsed::default();
        let mut position = start;
        while position < block_end || position == start {
            match scanner.judge(position) {
                Ok(Verdict::Record { end }) if end <= block_end => {
                    parsed.records.push((position, end));
                    position = end;
                }
                Ok(Verdict::Record { end }) => {
                    parsed.too_short = usize::try_from(end - start)
                        .ok()
                        .filter(|_| parsed.records.is_empty());
                    break;
                }
                Ok(Verdict::Damage { end, fault }) => {
                    parsed.damage = Some((position, end, fault));
                    break;
                }
                Ok(Verdict::End) => break,
                // What comes before the unreadable part can be handed out.
                Err(_) if !parsed.records.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(parsed)
    }

    fn hand_out(&mut self, block: &Bytes, records: &[(u64, u64)]) -> Vec<Record> {
        let (file, base) = (self.cursor.file, self.cursor.offset);
        let in_block = |offset: u64| usize::try_from(offset - base).unwrap_or(usize::MAX);
        let first_ticket = self.handed_out.next_ticket();
        let handed: Vec<Record> = (first_ticket..)
            .zip(records)
            .map(|(ticket, &(start, end))| {
                let data = block.slice(in_block(start) + FRAME_HEADER_LEN..in_block(end));
                let due_ns = self.dues.take(Position { file, offset: start }, &data);
                Record {
                    ticket,
                    data,
                    end: Position { file, offset: end },
                    due_ns,
                }
            })
            .collect();
        for (record, &(offset, _)) in handed.iter().zip(records) {
            self.handed_out.push(
                Position { file, offset },
                u32::try_from(record.data.len()).unwrap_or(u32::MAX),
            );
        }
        if let Some(record) = handed.last() {
            self.cursor = record.end;
        }
        self.unread = self.unread.saturating_sub_unsigned(handed.len() as u64);
        handed
    }

    fn pass_over_damage(&mut self, file: &dyn StorageFile, from: u64, to: u64, fault: Fault) {
        let number = self.cursor.file;
        let path = self.data_path(number);
        self.event(Event::Damaged {
            path: path.clone(),
            offset: from,
            fault,
        });
        self.writer.damaged |= number == self.write.file;
        let saved = self.save_damage(file, number, from, to);
        if saved.is_none() {
            self.passed.retain(|passed| passed.file != number);
            self.passed.push(Passed {
                file: number,
                keep: true,
            });
        }
        self.event(Event::Skipped {
            path,
            from,
            to,
            saved,
        });
        self.cursor.offset = to;
    }

    /// With nothing more to read, what is unread is known.
    pub(super) fn settle_at_tail(&mut self) {
        if self.cursor >= self.write && self.unread != 0 {
            self.event(Event::DepthAtTail { surplus: self.unread });
            self.unread = 0;
        }
    }
}
