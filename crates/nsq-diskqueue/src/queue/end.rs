//! Emptying, closing and deleting.

use super::{DiskQueue, Writer};
use crate::dues::Due;
use crate::sync_job::write_pristine_metadata;
use crate::{Action, DirectoryIndex, Error, Event, Position, RecordBatch};
use std::path::PathBuf;

/// Numbers tried one by one when files are removed; a wider range, which only damaged metadata has, is listed. So
/// is a queue that had files before this process: one of them may have resisted its removal.
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
        // First: what is kept aside has no place in the metadata that would tell it from what is gone.
        self.aside.remove(self.storage.as_ref(), &self.names);
        self.dues.remove(self.storage.as_ref(), &self.names);
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
        self.close_deferred(&[])
    }

    /// Closes the queue as [`close`](Self::close) does, with these of the [deferred](Self::defer) records still
    /// waiting: their tickets, ascending, and until when, in nanoseconds since 1970.
    ///
    /// # Errors
    ///
    /// As for [`close`](Self::close).
    pub fn close_deferred(&mut self, waiting: &[(u64, i64)]) -> Result<(), Error> {
        self.event(Event::Closing);
        if self.writer.torn {
            self.open_writer()?;
        }
        // Their successors are synced with all the rest.
        for ticket in std::mem::take(&mut self.superseded) {
            self.aside.drop_record(ticket);
        }
        self.take_back_aside(waiting)?;
        if self.is_pristine() {
            write_pristine_metadata(self.storage.as_ref(), &self.names, &self.metadata())
        } else {
            self.sync()
        }?;
        // Its records are in the data files now, and the metadata says so.
        if self.aside.remove(self.storage.as_ref(), &self.names) {
            let directory = self.names.directory();
            self.storage
                .sync_directory(directory)
                .map_err(Error::io(Action::Sync, directory))?;
        }
        self.reader = None;
        self.writer.handle = None;
        Ok(())
    }

    /// Appends what is kept aside to the data files, where upstream looks for it, and notes beside them what of it is
    /// deferred.
    fn take_back_aside(&mut self, waiting: &[(u64, i64)]) -> Result<(), Error> {
        let left = self.aside.take_left();
        let due_of = |ticket| find(waiting, ticket).or_else(|| find(&left, ticket));
        let mut dues = Vec::new();
        let mut from = 0;
        loop {
            let records = self
                .aside
                .records_from(self.storage.as_ref(), &self.names, from)?;
            let Some(last) = records.last() else { break };
            from = last.ticket + 1;
            let mut batch = RecordBatch::new();
            for record in &records {
                batch.push(&[&record.data]);
            }
            self.appended_at = Some(Vec::with_capacity(records.len()));
            let appended = self.append(&batch);
            let positions = self.appended_at.take().unwrap_or_default();
            appended.map_err(|failed| failed.source)?;
            for (record, position) in records.iter().zip(positions) {
                dues.extend(due_of(record.ticket).map(|until_ns| Due {
                    position,
                    until_ns,
                    checksum: crc32fast::hash(&record.data),
                }));
            }
        }
        self.aside.mark_needless();
        self.keep_dues(&dues);
        Ok(())
    }

    /// Notes what is deferred of the unread records: `appended`, and what is there from before. If that fails, they
    /// are delivered early.
    fn keep_dues(&mut self, appended: &[Due]) {
        let from = self.cursor;
        let (storage, names) = (self.storage.as_ref(), &self.names);
        if !self.keeps_deferred || (appended.is_empty() && !self.dues.reach(storage, names, from)) {
            self.dues.remove(storage, names);
        } else if let Err(error) = self.dues.rewrite(storage, names, from, appended) {
            self.event(Event::DuesLost {
                cause: error.to_string(),
            });
        }
    }

    /// Drops all records and removes all files, also the metadata file. What is left is a queue as if never used.
    ///
    /// If a data file cannot be removed, the metadata file stays and says that all of them are consumed: a queue
    /// of the same name removes them when it is opened.
    ///
    /// # Errors
    ///
    /// If the directory could not be listed, or if data files stay and the metadata could not be written.
    pub fn delete(&mut self) -> Result<(), Error> {
        self.event(Event::Deleting);
        let (files, next) = self.forget_all()?;
        self.aside.remove(self.storage.as_ref(), &self.names);
        self.dues.remove(self.storage.as_ref(), &self.names);
        for path in files {
            self.remove_file(&path);
        }
        if !self.unremoved.is_empty() {
            self.write = Position::start_of(next);
            self.cursor = self.write;
            self.sync()?;
        }
        if !self.unremoved.is_empty() {
            return Ok(());
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
        let numbers: Vec<u64> = if self.opened_at == 0 && last.saturating_sub(first) <= RANGE_MAX {
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
        self.named = false;
        self.reader = None;
        self.handed_out.clear();
        self.superseded.clear();
        let stuck = std::mem::take(&mut self.unremoved);
        self.passed.clear();
        self.unsynced.clear();
        self.unread = 0;
        Ok((
            numbers
                .into_iter()
                .map(|file| self.names.data(file))
                .chain(stuck)
                .collect(),
            last + 1,
        ))
    }
}

fn find(times: &[(u64, i64)], ticket: u64) -> Option<i64> {
    let index = times.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()?;
    times.get(index).map(|(_, time)| *time)
}
