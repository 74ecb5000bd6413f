//! The part of a sync that waits for the disk.

use crate::metadata::Metadata;
use crate::names::Names;
use crate::scan::{Rules, Scanner};
use crate::storage::{OpenMode, Storage, StorageFile, read_fully, write_fully};
use crate::{Action, Error, Event, Position};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Bytes rewritten at once after a failed sync.
const REWRITE_LEN: usize = 256 * 1024;

/// A sync that was [begun](crate::DiskQueue::begin_sync): all that waits for the disk, and nothing that changes
/// the queue. Made to be run on another thread.
#[must_use = "a sync that is begun has to be run and finished"]
pub struct SyncJob {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) names: Arc<Names>,
    pub(crate) rules: Rules,
    pub(crate) files: Vec<Unsynced>,
    /// What holds the records that the metadata will have passed.
    pub(crate) aside: Option<Arc<dyn StorageFile>>,
    /// Changes of it that are covered.
    pub(crate) aside_changes: u64,
    /// What the metadata file should say, if it does not yet.
    pub(crate) metadata: Option<Metadata>,
    /// The names of new files are covered.
    pub(crate) syncs_names: bool,
    pub(crate) covers: Position,
}

/// A part of a file that may not survive a power loss.
#[derive(Debug, Clone)]
pub(crate) struct Unsynced {
    pub(crate) file: u64,
    /// The file, if it is open: the one with which it was written hears of all errors.
    pub(crate) handle: Option<Arc<dyn StorageFile>>,
    /// Offset of the first byte.
    pub(crate) from: u64,
    /// Offset behind the last byte. Without, to the end of the file.
    pub(crate) end: Option<u64>,
    /// A sync failed, and another one is not enough: the bytes have to be written again.
    pub(crate) suspect: bool,
}

/// What came of a [`SyncJob`]. To be given to [`DiskQueue::finish_sync`](crate::DiskQueue::finish_sync).
#[derive(Debug)]
#[must_use = "the queue has to know what came of the sync"]
pub struct SyncOutcome {
    /// Files that are on the disk, each up to an offset.
    pub(crate) synced: Vec<(u64, Option<u64>)>,
    /// The file whose sync failed.
    pub(crate) suspect: Option<u64>,
    pub(crate) aside_changes: u64,
    pub(crate) syncs_names: bool,
    pub(crate) covers: Position,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) events: Vec<Event>,
    pub(crate) result: Result<(), Error>,
}

impl SyncJob {
    /// All records before this survive a power loss if the job succeeds.
    pub fn covers(&self) -> Position {
        self.covers
    }

    /// Waits for the disk.
    pub fn run(self) -> SyncOutcome {
        let mut outcome = SyncOutcome {
            synced: Vec::new(),
            suspect: None,
            aside_changes: self.aside_changes,
            syncs_names: self.syncs_names,
            covers: self.covers,
            metadata: self.metadata,
            events: Vec::new(),
            result: Ok(()),
        };
        outcome.result = self.sync_into(&mut outcome);
        outcome
    }

    fn sync_into(&self, outcome: &mut SyncOutcome) -> Result<(), Error> {
        for file in &self.files {
            outcome.suspect = Some(file.file);
            let intact = self.sync_file(file)?;
            outcome.synced.push((file.file, file.end));
            if !intact {
                let path = self.names.data(file.file);
                outcome.events.push(Event::LostAfterFailedSync {
                    path,
                    from: file.from,
                });
            }
        }
        outcome.suspect = None;
        if let Some(aside) = &self.aside {
            aside
                .sync()
                .map_err(Error::io(Action::Sync, self.names.aside()))?;
        }
        match self.metadata {
            Some(metadata) => replace_metadata(self.storage.as_ref(), &self.names, &metadata),
            None if self.syncs_names => {
                let directory = self.names.directory();
                self.storage
                    .sync_directory(directory)
                    .map_err(Error::io(Action::Sync, directory))
            }
            None => Ok(()),
        }
    }

    /// Syncs a file; first writes again what an earlier failure may have left unwritten. Returns whether that
    /// could be read back as it had been written.
    fn sync_file(&self, file: &Unsynced) -> Result<bool, Error> {
        let path = self.names.data(file.file);
        let Some(handle) = self.handle_of(file, &path)? else {
            // What is gone is gone; reading will say so.
            return Ok(true);
        };
        let synced = || {
            if !file.suspect {
                handle.sync()?;
                return Ok(true);
            }
            let end = file.end.map_or_else(|| handle.len(), Ok)?;
            rewrite(handle.as_ref(), file.from, end)?;
            handle.sync()?;
            Scanner::is_intact(handle.as_ref(), file.from, end, self.rules)
        };
        synced().map_err(Error::io(Action::Sync, path))
    }

    /// The file, unless it does not exist any more.
    fn handle_of(&self, file: &Unsynced, path: &Path) -> Result<Option<Arc<dyn StorageFile>>, Error> {
        if let Some(handle) = &file.handle {
            return Ok(Some(Arc::clone(handle)));
        }
        // Opening to write would make it again.
        match self.storage.len(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            length => length
                .and_then(|_| self.storage.open(path, OpenMode::Write))
                .map(|handle| Some(handle.into()))
                .map_err(Error::io(Action::Open, path)),
        }
    }
}

impl fmt::Debug for SyncJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncJob")
            .field("name", &self.names.queue())
            .field("files", &self.files)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
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

/// Replaces the metadata file so that, whatever happens, either the old or the new one is there.
///
/// Syncing the directory also secures the names of new data files: the metadata changes with every record that
/// is written to one.
fn replace_metadata(storage: &dyn Storage, names: &Names, metadata: &Metadata) -> Result<(), Error> {
    let (temporary, path) = (names.metadata_temporary(), names.metadata());
    let written = write_temporary(storage, names, metadata)
        .and_then(|file| file.sync().map_err(Error::io(Action::Sync, &temporary)));
    if let Err(error) = written {
        // Nothing refers to it, and the next try overwrites it.
        let _ = storage.remove(&temporary);
        return Err(error);
    }
    storage
        .rename(&temporary, &path)
        .map_err(Error::io(Action::Rename, path))?;
    let directory = names.directory();
    storage
        .sync_directory(directory)
        .map_err(Error::io(Action::Sync, directory))
}

/// Writes the metadata file of a queue that was never used. There is nothing that could be lost with it, so
/// nothing is synced.
pub(crate) fn write_pristine_metadata(
    storage: &dyn Storage,
    names: &Names,
    metadata: &Metadata,
) -> Result<(), Error> {
    let path = names.metadata();
    write_temporary(storage, names, metadata)?;
    storage
        .rename(&names.metadata_temporary(), &path)
        .map_err(Error::io(Action::Rename, path))
}

fn write_temporary(
    storage: &dyn Storage,
    names: &Names,
    metadata: &Metadata,
) -> Result<Box<dyn StorageFile>, Error> {
    let path = names.metadata_temporary();
    let file = storage
        .open(&path, OpenMode::Replace)
        .map_err(Error::io(Action::Open, &path))?;
    let text = metadata.encode();
    write_fully(file.as_ref(), text.as_bytes(), 0)
        .map_err(|(_, error)| Error::io(Action::Write, &path)(error))?;
    Ok(file)
}
