//! Consuming records, in any order.

use super::DiskQueue;
use crate::aside::{DEFERRED_TICKETS, Keep};
use crate::batch::FRAME_HEADER_LEN;
use crate::handed_out::Held;
use crate::storage::{OpenMode, StorageFile, read_fully};
use crate::{Action, Error};
use std::io;

/// Records put aside at once, at most.
const ASIDE_MAX: usize = 1024;

/// Bytes of them, but at least one record.
const ASIDE_BYTES_MAX: usize = 1024 * 1024;

impl DiskQueue {
    /// Consumes records that are handed out, by their tickets: they will not come back after a restart that
    /// follows the next sync. Tickets of records that are gone already mean nothing.
    ///
    /// While one record is not consumed, those behind it come back after a crash, consumed or not; see
    /// [`put_aside`](Self::put_aside). Syncs by itself when that is due, and when a file is completely consumed,
    /// which is then removed.
    ///
    /// # Errors
    ///
    /// If the sync failed. The records are consumed nevertheless.
    pub fn consume(&mut self, tickets: &[u64]) -> Result<(), Error> {
        let file = self.position().file;
        let mut aside = Vec::new();
        for ticket in tickets {
            if self.handed_out.consume(*ticket) {
                self.operations += 1;
            } else if self.aside.len() > 0 {
                aside.push(*ticket);
            }
        }
        if !aside.is_empty() {
            self.operations += self.aside.done(self.storage.as_ref(), &self.names, &aside);
        }
        self.sync_after_consuming(file)
    }

    /// Consumes records whose content was appended anew, likewise. They come back after a power loss unless their
    /// successors do.
    ///
    /// # Errors
    ///
    /// As for [`consume`](Self::consume).
    pub fn supersede(&mut self, tickets: &[u64]) -> Result<(), Error> {
        let file = self.position().file;
        for ticket in tickets {
            if self.handed_out.consume(*ticket) {
                // The metadata says so only when the successor is synced.
                self.operations += 1;
            } else if self.aside.len() > 0 {
                self.superseded.push(*ticket);
            }
        }
        self.sync_after_consuming(file)
    }

    /// Consumes those records whose successors survive a power loss.
    pub(super) fn consume_superseded(&mut self, count: usize) {
        let tickets: Vec<_> = self.superseded.drain(..count).collect();
        if !tickets.is_empty() {
            self.operations += self.aside.done(self.storage.as_ref(), &self.names, &tickets);
            // To be gone is worth a sync of its own.
            self.due = true;
        }
    }

    /// Consumes the oldest `count` records of the data files that are handed out.
    ///
    /// # Errors
    ///
    /// As for [`consume`](Self::consume).
    ///
    /// # Panics
    ///
    /// If fewer records are handed out.
    pub fn advance(&mut self, count: u64) -> Result<(), Error> {
        let held = self.handed_out.len();
        assert!(count <= held, "consumes {count} records of {held} handed out");
        let file = self.position().file;
        for _ in 0..count {
            self.handed_out.pop();
        }
        self.operations += count;
        self.sync_after_consuming(file)
    }

    fn sync_after_consuming(&mut self, file: u64) -> Result<(), Error> {
        if self.position().file > file {
            self.sync_now_or_later()
        } else {
            self.sync_if_due()
        }
    }

    /// Sees to it that a crash brings back at most about `holes_max` records that were consumed: copies those
    /// that are not, and hold back more than that, to a file of their own. They keep their tickets. Does a
    /// bounded amount of work; returns whether there is more.
    ///
    /// # Errors
    ///
    /// If a record could not be copied. Nothing is lost; it may be tried again.
    pub fn put_aside(&mut self, holes_max: u64) -> Result<bool, Error> {
        if self.handed_out.holes() <= holes_max {
            return Ok(false);
        }
        let held = self.handed_out.oldest(ASIDE_MAX);
        let mut kept = Vec::with_capacity(held.len());
        let mut bytes = 0;
        let mut file: Option<(u64, Box<dyn StorageFile>)> = None;
        for held in held {
            if bytes > 0 && bytes + held.len as usize > ASIDE_BYTES_MAX {
                break;
            }
            bytes += held.len as usize;
            kept.push(self.copy_of(held, &mut file)?);
        }
        self.aside.keep(self.storage.as_ref(), &self.names, &kept)?;
        let position = self.position();
        for Keep { ticket, .. } in kept {
            self.handed_out.consume(ticket);
        }
        if self.position().file > position.file {
            self.sync_now_or_later()?;
        }
        Ok(self.handed_out.holes() > holes_max)
    }

    /// Keeps records that are not to be read before a certain time, in nanoseconds since 1970. They are handed out: by
    /// [`read_deferred`](Self::read_deferred), and after a crash with
    /// [`take_left_deferred`](Self::take_left_deferred). Returns the ticket of the first; those of the others follow.
    ///
    /// They are with the operating system when this returns. [`close`](Self::close) appends them to the data
    /// files, where upstream looks for them, and keeps the time in a file that upstream ignores; see
    /// [`Options::keeps_deferred`](crate::Options::keeps_deferred).
    ///
    /// # Errors
    ///
    /// If they could not be written: none of them is kept.
    pub fn defer(&mut self, records: &[(i64, Vec<u8>)]) -> Result<u64, Error> {
        let first_ticket = self.aside.defer(self.storage.as_ref(), &self.names, records)?;
        self.operations += records.len() as u64;
        Ok(first_ticket)
    }

    /// Whether a record of this ticket was [deferred](Self::defer) by this process, or one that has crashed.
    pub fn is_deferred(ticket: u64) -> bool {
        ticket >= DEFERRED_TICKETS
    }

    fn copy_of(&self, held: Held, file: &mut Option<(u64, Box<dyn StorageFile>)>) -> Result<Keep, Error> {
        let number = held.start.file;
        let path = self.data_path(number);
        let handle = match file.take() {
            Some((open, handle)) if open == number => handle,
            _ => self
                .storage
                .open(&path, OpenMode::Read)
                .map_err(Error::io(Action::Open, &path))?,
        };
        let mut record = Vec::new();
        let offset = held.start.offset + FRAME_HEADER_LEN as u64;
        let read = read_fully(handle.as_ref(), &mut record, held.len as usize, offset);
        *file = Some((number, handle));
        match read {
            Ok(read) if read == held.len as usize => Ok(Keep {
                ticket: held.ticket,
                origin: held.start,
                record,
            }),
            Ok(_) => Err(Error::io(Action::Read, path)(io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(Error::io(Action::Read, path)(error)),
        }
    }
}
