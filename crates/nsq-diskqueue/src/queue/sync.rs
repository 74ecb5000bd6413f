//! Making what was written, and what was consumed, survive a power loss.

use super::{DiskQueue, Unsynced};
use crate::scan::Scanner;
use crate::storage::{OpenMode, StorageFile, read_fully, write_fully};
use crate::{Action, Error, Event};
use std::io;

/// Bytes rewritten at once after a failed sync.
const REWRITE_LEN: usize = 256 * 1024;

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
    pub fn sync(&mut self) -> Result<(), Error> {
        // Also if it fails: it is tried again when it is due again, not with every call.
        self.operations = 0;
        let result = self.sync_data().and_then(|()| self.sync_metadata());
        if let Err(error) = result {
            let full = matches!(
                error.io_kind(),
                Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            );
            if !full || !self.has_consumed_files() {
                return Err(error);
            }
            // On a full disk, removing what is consumed is what makes room. If power is lost in between, the
            // metadata names files that are gone, which is passed over.
            self.remove_consumed_files();
            self.sync_data()?;
            self.sync_metadata()?;
        }
        self.remove_consumed_files();
        Ok(())
    }

    /// Syncs if enough records were appended and consumed.
    pub(super) fn sync_if_due(&mut self) -> Result<(), Error> {
        if self.operations > 0 && self.operations >= self.sync_every {
            self.sync()
        } else {
            Ok(())
        }
    }

    /// Whether a file has no record that is not consumed.
    pub(super) fn has_consumed_files(&self) -> bool {
        let position = self.position();
        self.passed.iter().any(|passed| passed.file < position.file)
    }

    pub(super) fn sync_data(&mut self) -> Result<(), Error> {
        while let Some(unsynced) = self.unsynced.first().copied() {
            // What is consumed is about to be removed, and what is gone is gone.
            if unsynced.file >= self.position().file && self.file_len(unsynced.file)?.is_some() {
                let file = self.open_to_sync(unsynced.file)?;
                if let Err(error) = self.sync_file(file.as_ref(), unsynced, None) {
                    if let Some(unsynced) = self.unsynced.first_mut() {
                        unsynced.suspect = true;
                    }
                    return Err(error);
                }
            }
            self.unsynced.remove(0);
        }
        if self.write.offset > self.synced {
            self.sync_writer()?;
        }
        Ok(())
    }

    fn sync_writer(&mut self) -> Result<(), Error> {
        let unsynced = Unsynced {
            file: self.write.file,
            from: self.synced,
            suspect: self.suspect,
        };
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.open_to_sync(unsynced.file)?,
        };
        let result = self.sync_file(writer.as_ref(), unsynced, Some(self.write.offset));
        self.writer = Some(writer);
        self.suspect = result.is_err();
        result?;
        self.synced = self.write.offset;
        Ok(())
    }

    fn open_to_sync(&self, file: u64) -> Result<Box<dyn StorageFile>, Error> {
        let path = self.data_path(file);
        self.storage
            .open(&path, OpenMode::Write)
            .map_err(Error::io(Action::Open, path))
    }

    /// Syncs a file; first writes again what an earlier failure may have left unwritten.
    fn sync_file(
        &mut self,
        file: &dyn StorageFile,
        unsynced: Unsynced,
        end: Option<u64>,
    ) -> Result<(), Error> {
        let Unsynced {
            file: number,
            from,
            suspect,
        } = unsynced;
        let path = self.data_path(number);
        if !suspect {
            return file.sync().map_err(Error::io(Action::Sync, path));
        }
        let write_again = || {
            let end = end.map_or_else(|| file.len(), Ok)?;
            rewrite(file, from, end)?;
            file.sync()?;
            Ok((end, Scanner::is_intact(file, from, end, self.rules)?))
        };
        let (to, intact) = write_again().map_err(Error::io(Action::Sync, &path))?;
        if !intact {
            self.event(Event::LostAfterFailedSync { path, from, to });
        }
        Ok(())
    }

    /// Replaces the metadata file if it does not say what it should.
    fn sync_metadata(&mut self) -> Result<(), Error> {
        let metadata = self.metadata();
        if self.persisted == Some(metadata) && !self.directory_changed {
            return Ok(());
        }
        let (temporary, path) = (self.names.metadata_temporary(), self.names.metadata());
        let written = self.write_temporary(metadata.encode().as_bytes(), true);
        if let Err(error) = written {
            // Nothing refers to it, and the next try overwrites it.
            let _ = self.storage.remove(&temporary);
            return Err(error);
        }
        self.storage
            .rename(&temporary, &path)
            .map_err(Error::io(Action::Rename, &path))?;
        let directory = self.names.directory();
        self.storage
            .sync_directory(directory)
            .map_err(Error::io(Action::Sync, directory))?;
        self.directory_changed = false;
        self.persisted = Some(metadata);
        Ok(())
    }

    /// Writes the metadata file of a queue that was never used. There is nothing that could be lost with it, so
    /// nothing is synced.
    pub(super) fn write_pristine_metadata(&self) -> Result<(), Error> {
        let path = self.names.metadata();
        self.write_temporary(self.metadata().encode().as_bytes(), false)?;
        self.storage
            .rename(&self.names.metadata_temporary(), &path)
            .map_err(Error::io(Action::Rename, &path))
    }

    fn write_temporary(&self, text: &[u8], sync: bool) -> Result<(), Error> {
        let path = self.names.metadata_temporary();
        let file = self
            .storage
            .open(&path, OpenMode::Replace)
            .map_err(Error::io(Action::Open, &path))?;
        write_fully(file.as_ref(), text, 0).map_err(|(_, error)| Error::io(Action::Write, &path)(error))?;
        if sync {
            file.sync().map_err(Error::io(Action::Sync, &path))
        } else {
            Ok(())
        }
    }

    /// Removes, or sets aside, the files that are completely consumed, oldest first.
    pub(super) fn remove_consumed_files(&mut self) {
        let position = self.position();
        let (consumed, kept) = self.passed.iter().partition(|passed| passed.file < position.file);
        self.passed = kept;
        let mut consumed: Vec<_> = consumed;
        consumed.sort_unstable_by_key(|passed| passed.file);
        for passed in consumed {
            let path = self.data_path(passed.file);
            if passed.keep && self.set_aside(passed.file) {
                continue;
            }
            self.remove_file(&path);
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

    /// Removes a file; says so if that fails. A missing one is fine.
    pub(super) fn remove_file(&mut self, path: &std::path::Path) {
        match self.storage.remove(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                self.event(Event::RemoveFailed {
                    path: path.to_owned(),
                    cause: error.to_string(),
                });
            }
        }
    }
}

/// Writes again what lies from `from` to `end`, as it is read back.
fn rewrite(file: &dyn StorageFile, from: u64, end: u64) -> io::Result<()> {
    let mut part = Vec::with_capacity(REWRITE_LEN);
    let mut offset = from;
    while offset < end {
        part.clear();
        let len = usize::try_from(end - offset).map_or(REWRITE_LEN, |left| left.min(REWRITE_LEN));
        let count = read_fully(file, &mut part, len, offset)?;
        if count == 0 {
            break;
        }
        write_fully(file, &part, offset).map_err(|(_, error)| error)?;
        offset += count as u64;
    }
    Ok(())
}
