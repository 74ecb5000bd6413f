//! Making what was written, and what was consumed, survive a power loss.

use super::DiskQueue;
use crate::metadata::Metadata;
use crate::storage::{OpenMode, write_fully};
use crate::sync_job::{SyncJob, SyncOutcome, Unsynced};
use crate::{Action, Error, Event};
use std::io;
use std::path::Path;
use std::sync::Arc;

impl DiskQueue {
    /// Returns when all that was appended and consumed survives a power loss; then removes the files that are
    /// completely consumed.
    ///
    /// Data goes before metadata, so that the metadata never speaks of records that are not there. After a failed
    /// sync the operating system may take unwritten data for written; therefore what is not known to be safe is
    /// read back and written again before the next try.
    ///
    /// Upstream: diskqueue.go, sync.
    ///
    /// # Errors
    ///
    /// If anything of it failed: the queue stays [dirty](Self::is_dirty), and what was appended since the last
    /// success may be lost in a power loss.
    ///
    /// # Panics
    ///
    /// If a [`SyncJob`] is out.
    pub fn sync(&mut self) -> Result<(), Error> {
        let full = self.has_consumed_files();
        match self.sync_once() {
            // Removing what is consumed has made room.
            Err(error) if full && is_full(&error) => self.sync_once(),
            result => result,
        }
    }

    /// Sees whether the disk takes anything, after it has refused something: syncs what is not synced, unless a
    /// sync is under way, opens the file to be written, and writes and removes another of `len` bytes.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub fn probe(&mut self, len: usize) -> Result<(), Error> {
        if !self.syncing && (self.needs_data_sync() || self.aside.is_unsynced()) {
            self.sync()?;
        }
        self.open_writer()?;
        let path = self.names.probe();
        let written = || {
            let file = self.storage.open(&path, OpenMode::Replace)?;
            write_fully(file.as_ref(), &vec![0; len], 0).map_err(|(_, error)| error)?;
            file.sync()
        };
        let outcome = written().map_err(Error::io(Action::Write, &path));
        // Nothing refers to it, and the next try overwrites it.
        let _ = self.storage.remove(&path);
        outcome
    }

    fn sync_once(&mut self) -> Result<(), Error> {
        assert!(
            !self.syncing,
            "the sync that was begun is finished before another"
        );
        match self.begin_sync() {
            Some(job) => self.finish_sync(job.run()),
            None => Ok(()),
        }
    }

    /// Whether a sync is due, by the number of records or because a file was finished. With a queue that syncs by
    /// itself, only while a [`SyncJob`] is out.
    pub fn sync_due(&self) -> bool {
        self.due || (self.operations > 0 && self.operations >= self.sync_every)
    }

    /// Begins a [`sync`](Self::sync) that another thread may perform while this queue is worked with. `None` if
    /// there is nothing to do, or if one is out already.
    ///
    /// The outcome must be given to [`finish_sync`](Self::finish_sync), and before that, the queue must not be
    /// synced, emptied, closed or deleted.
    pub fn begin_sync(&mut self) -> Option<SyncJob> {
        if self.syncing || (self.is_pristine() && !self.aside.is_unsynced()) {
            return None;
        }
        // Also if it is going to fail: it is tried again when it is due again, not with every call.
        self.operations = 0;
        self.due = false;
        let metadata = self.metadata();
        let metadata = (self.persisted != Some(metadata)).then_some(metadata);
        // If what is kept aside cannot be repaired, the queue stays dirty, and it is tried again.
        let job = self.begin(metadata).ok()?;
        if job.is_none() {
            self.remove_consumed_files(self.position().file);
        }
        job
    }

    /// Begins to make what was appended survive a power loss, and nothing else, as fast as that can be: otherwise
    /// as [`begin_sync`](Self::begin_sync). After a crash, the records since the last whole sync are found by
    /// looking at the files.
    ///
    /// # Errors
    ///
    /// If what an earlier failure may have left unwritten cannot be written again.
    pub fn begin_commit(&mut self) -> Result<Option<SyncJob>, Error> {
        if self.syncing { Ok(None) } else { self.begin(None) }
    }

    fn begin(&mut self, metadata: Option<Metadata>) -> Result<Option<SyncJob>, Error> {
        self.aside.repair(self.storage.as_ref(), &self.names)?;
        let files = self.files_to_sync();
        let aside = self.aside.to_sync();
        if metadata.is_none() && files.is_empty() && aside.is_none() && self.aside.is_named() {
            self.consume_superseded(self.superseded.len());
            return Ok(None);
        }
        self.syncing = true;
        self.superseding = self.superseded.len();
        Ok(Some(SyncJob {
            storage: Arc::clone(&self.storage),
            names: Arc::clone(&self.names),
            rules: self.rules,
            files,
            aside,
            aside_changes: self.aside.changes(),
            metadata,
            // Replacing the metadata does that, too.
            syncs_names: metadata.is_some() || !self.named || !self.aside.is_named(),
            covers: self.write,
        }))
    }

    /// Takes notice of a sync that was begun; removes the files that are completely consumed.
    ///
    /// # Errors
    ///
    /// If anything of the sync failed, as with [`sync`](Self::sync).
    pub fn finish_sync(&mut self, outcome: SyncOutcome) -> Result<(), Error> {
        self.syncing = false;
        for (file, end) in outcome.synced {
            self.mark_synced(file, end);
        }
        for event in outcome.events {
            self.event(event);
        }
        if let Some(file) = outcome.suspect {
            self.mark_suspect(file);
        }
        if outcome.result.is_err() {
            self.aside.mark_suspect();
        }
        match &outcome.result {
            Ok(()) => {
                self.consume_superseded(self.superseding.min(self.superseded.len()));
                self.aside.mark_synced(outcome.aside_changes);
                if outcome.syncs_names {
                    self.aside.mark_named(outcome.aside_changes);
                    self.named |= outcome.covers.file == self.write.file && outcome.covers.offset > 0;
                }
                if let Some(metadata) = outcome.metadata {
                    self.persisted = Some(metadata);
                    self.remove_consumed_files(metadata.read.file);
                    if self.dues.end_before(metadata.read) {
                        self.dues.remove(self.storage.as_ref(), &self.names);
                    }
                }
            }
            // On a full disk, removing what is consumed is what makes room. If power is lost before the next
            // sync, the metadata names files that are gone, which is passed over.
            Err(error) if is_full(error) => self.remove_consumed_files(self.position().file),
            Err(_) => {}
        }
        outcome.result
    }

    /// Gives up a sync that was begun and whose outcome will never be known: it counts as failed.
    pub fn abandon_sync(&mut self) {
        self.syncing = false;
        self.mark_suspect(self.write.file);
    }

    /// Syncs, unless that is the owner's business or under way.
    pub(super) fn sync_now_or_later(&mut self) -> Result<(), Error> {
        if self.syncs_itself && !self.syncing {
            self.sync()
        } else {
            self.due = true;
            Ok(())
        }
    }

    /// Syncs if enough records were appended and consumed.
    pub(super) fn sync_if_due(&mut self) -> Result<(), Error> {
        if self.syncs_itself && !self.syncing && self.sync_due() {
            self.sync()
        } else {
            Ok(())
        }
    }

    fn files_to_sync(&self) -> Vec<Unsynced> {
        // What is consumed is about to be removed.
        let first = self.position().file;
        let earlier = self.unsynced.iter().filter(|unsynced| unsynced.file >= first);
        earlier.cloned().chain(self.unsynced_end()).collect()
    }

    /// What the file being written holds that may not survive a power loss.
    pub(super) fn unsynced_end(&self) -> Option<Unsynced> {
        (self.write.offset > self.writer.synced).then(|| Unsynced {
            file: self.write.file,
            handle: self.writer.handle.clone(),
            from: self.writer.synced,
            end: Some(self.write.offset),
            suspect: self.writer.suspect,
        })
    }

    fn mark_synced(&mut self, file: u64, end: Option<u64>) {
        if file == self.write.file {
            self.writer.synced = self.writer.synced.max(end.unwrap_or(self.write.offset));
            self.writer.suspect = false;
            return;
        }
        self.unsynced.retain_mut(|unsynced| {
            if unsynced.file != file {
                return true;
            }
            unsynced.from = unsynced.from.max(end.unwrap_or(u64::MAX));
            unsynced.suspect = false;
            unsynced.end.is_some_and(|end| unsynced.from < end)
        });
    }

    fn mark_suspect(&mut self, file: u64) {
        if file == self.write.file {
            self.writer.suspect = true;
        }
        for unsynced in self.unsynced.iter_mut().filter(|unsynced| unsynced.file == file) {
            unsynced.suspect = true;
            // Once everything is written again, any handle will hear of an error.
            unsynced.handle = None;
        }
    }

    fn has_consumed_files(&self) -> bool {
        let position = self.position();
        self.passed.iter().any(|passed| passed.file < position.file)
    }

    /// Removes, or sets aside, the files before `first`, oldest first. All of them are completely consumed.
    fn remove_consumed_files(&mut self, first: u64) {
        for path in std::mem::take(&mut self.unremoved) {
            self.remove_file(&path);
        }
        let (mut consumed, kept): (Vec<_>, _) = self.passed.iter().partition(|passed| passed.file < first);
        self.passed = kept;
        self.unsynced.retain(|unsynced| unsynced.file >= first);
        consumed.sort_unstable_by_key(|passed| passed.file);
        for passed in consumed {
            if passed.keep && self.set_aside(passed.file) {
                continue;
            }
            self.remove_file(&self.data_path(passed.file));
        }
    }

    /// Gives a file that holds damage the name that upstream gives to a bad file.
    fn set_aside(&mut self, file: u64) -> bool {
        let path = self.data_path(file);
        for offset in [None, Some(0)] {
            let to = self.names.quarantine(file, offset);
            if self
                .storage
                .len(&to)
                .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
                && self.storage.rename(&path, &to).is_ok()
            {
                self.event(Event::SetAside { path, to });
                return true;
            }
        }
        false
    }

    /// Removes a file. If that fails, says so, and tries again with the next sync. A missing one is fine.
    pub(super) fn remove_file(&mut self, path: &Path) {
        match self.storage.remove(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                self.event(Event::RemoveFailed {
                    path: path.to_owned(),
                    cause: error.to_string(),
                });
                self.unremoved.push(path.to_owned());
            }
        }
    }
}

fn is_full(error: &Error) -> bool {
    matches!(
        error.io_kind(),
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    )
}
