//! Emptying, closing and deleting.

use super::{DiskQueue, Writer};
use crate::sync_job::write_pristine_metadata;
use crate::{DirectoryIndex, Error, Event, Position};
use std::path::PathBuf;

/// Numbers tried one by one when files are removed; a wider range, which only damaged metadata has, is listed.
const RANGE_MAX: u64 = 1024;

impl DiskQueue {
    /// Drops all records, also those handed out, and removes their files. Syncs, so that they do not come back.
    ///
    /// Upstream: diskqueue.go, deleteAllFiles. Differs in that the new state is on disk before the files are
    /// removed, so that a crash in between leaves no files without metadata.
    ///
    /// # Errors
    ///
    /// If the sync failed. The queue is empty nevertheless.
    pub fn empty(&mut self) -> Result<(), Error> {
        self.event(Event::Emptying);
        let (files, next) = self.forget_all()?;
        self.write = Position::start_of(next);
        self.cursor = self.write;
        let result = self.sync();
        for path in files {
            self.remove_file(&path);
        }
        result
    }

    /// Syncs and closes the queue. All that is not consumed is there when it is opened again.
    ///
    /// Leaves what upstream leaves at a clean stop: a metadata file even for a queue that was never used.
    ///
    /// # Errors
    ///
    /// If the sync failed: what was appended or consumed since the last success may be undone by a power loss.
    /// The owner may call this again.
    pub fn close(&mut self) -> Result<(), Error> {
        self.event(Event::Closing);
        if self.writer.torn {
            self.open_writer()?;
        }
        if self.is_pristine() {
            write_pristine_metadata(self.storage.as_ref(), &self.names, &self.metadata())
        } else {
            self.sync()
        }?;
        self.reader = None;
        self.writer.handle = None;
        Ok(())
    }

    /// Drops all records and removes all files, also the metadata file. What is left is a queue as if never used.
    ///
    /// # Errors
    ///
    /// If the directory could not be listed. Files that cannot be removed are [reported](Self::take_events).
    pub fn delete(&mut self) -> Result<(), Error> {
        self.event(Event::Deleting);
        let (files, _) = self.forget_all()?;
        for path in files {
            self.remove_file(&path);
        }
        self.remove_file(&self.names.metadata());
        self.write = Position::default();
        self.cursor = Position::default();
        self.operations = 0;
        self.due = false;
        self.persisted = None;
        Ok(())
    }

    /// Forgets all records; returns the files that held them, and a number for the next.
    fn forget_all(&mut self) -> Result<(Vec<PathBuf>, u64), Error> {
        assert!(
            !self.syncing,
            "the sync that was begun is finished before the records are dropped"
        );
        let (first, last) = (self.position().file, self.write.file);
        let numbers: Vec<u64> = if last.saturating_sub(first) <= RANGE_MAX {
            (first..=last)
                .chain(
                    self.passed
                        .iter()
                        .map(|passed| passed.file)
                        .filter(|file| *file < first),
                )
                .collect()
        } else {
            let prefix = self.names.prefix();
            DirectoryIndex::scan_prefix(self.storage.as_ref(), self.names.directory(), &prefix)?
                .into_queue(self.names.queue())
                .data
        };
        self.writer = Writer::default();
        self.reader = None;
        self.handed_out.clear();
        self.passed.clear();
        self.unsynced.clear();
        self.unread = 0;
        Ok((
            numbers.into_iter().map(|file| self.names.data(file)).collect(),
            last + 1,
        ))
    }
}
