//! The queue itself: state, and what does not touch files.

mod append;
mod consume;
mod end;
mod open;
mod quarantine;
mod read;
mod sync;

use crate::aside::Aside;
use crate::dues::Dues;
use crate::handed_out::HandedOut;
use crate::metadata::Metadata;
use crate::names::Names;
use crate::scan::Rules;
use crate::storage::{Storage, StorageFile};
use crate::sync_job::Unsynced;
use crate::{Event, Position};
use bytes::Bytes;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Events kept until the owner takes them; later ones are dropped. Far more than one call usually makes.
const EVENTS_MAX: usize = 64;

/// One FIFO of records in files. See the [crate page](crate) for the life of a record.
///
/// All calls block on the disk and belong on a thread made for that. A call that fails leaves the queue usable
/// and consistent.
///
/// Dropping a queue closes its files and writes nothing, like a crash: use [`close`](Self::close).
///
/// Upstream: diskqueue.go, diskQueue.
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub struct DiskQueue {
    storage: Arc<dyn Storage>,
    names: Arc<Names>,
    rules: Rules,
    max_bytes_per_file: u64,
    sync_every: u64,
    /// See [`Options::syncs_itself`](crate::Options::syncs_itself).
    syncs_itself: bool,

    /// Where the next record goes.
    write: Position,
    writer: Writer,
    /// The name of the file being written survives a power loss.
    named: bool,
    /// Files before the one being written that do not survive a power loss completely.
    unsynced: Vec<Unsynced>,
    /// A sync is out with another thread.
    syncing: bool,
    /// A sync is due, whatever the number of operations.
    due: bool,

    /// Number of the first file when the queue was opened.
    opened_at: u64,
    /// Start of the next record to hand out.
    cursor: Position,
    reader: Option<Reader>,
    handed_out: HandedOut,
    /// Records that were handed out, are not consumed, and lie before `handed_out`.
    aside: Aside,
    /// Tickets of records that are not in the data files and have others by now, which may not survive a power loss
    /// before the next sync: they are consumed then.
    superseded: Vec<u64>,
    /// How many of them the sync covers that is out.
    superseding: usize,
    /// Which of the unread records are deferred.
    dues: Dues,
    /// See [`Options::keeps_deferred`](crate::Options::keeps_deferred).
    keeps_deferred: bool,
    /// Where the records begin that were appended last, while somebody wants to know.
    appended_at: Option<Vec<Position>>,
    /// Records from `cursor` to `write`, as far as known: damage and metadata that lag behind falsify it until
    /// `cursor` reaches `write`.
    unread: i64,

    /// Files before `cursor` that are still there.
    passed: Vec<Passed>,
    /// Files that should not be there any more, and could not be removed: tried again with each sync.
    unremoved: Vec<PathBuf>,
    /// Appended plus consumed records since the last sync.
    operations: u64,
    /// Content of the metadata file.
    persisted: Option<Metadata>,
    events: Vec<Event>,
}

/// The file being written.
#[derive(Debug, Default)]
struct Writer {
    handle: Option<Arc<dyn StorageFile>>,
    /// Bytes that survive a power loss.
    synced: u64,
    /// The last sync failed: what there is beyond `synced` must be written again.
    suspect: bool,
    /// A write failed, and what it left at the end of the file could not be cut off yet.
    torn: bool,
    /// There is damage in it. What is taken for that depends on where the file ends, so that nothing is appended.
    damaged: bool,
}

/// The file being read.
#[derive(Debug)]
struct Reader {
    file: u64,
    handle: Box<dyn StorageFile>,
}

/// A file that was read to its end and is not completely consumed.
#[derive(Debug, Clone, Copy)]
struct Passed {
    file: u64,
    /// It holds damage that could not be copied: it is set aside instead of removed.
    keep: bool,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is [consumed](DiskQueue::consume) by.
    pub ticket: u64,
    /// Its bytes: a part of the block that was read from disk, which stays in memory as long as any of its
    /// records does.
    pub data: Bytes,
    /// Just behind it; where reading goes on for one that was kept aside.
    pub end: Position,
    /// Until when it is [deferred](DiskQueue::defer), in nanoseconds since 1970.
    pub due_ns: Option<i64>,
}

/// Which records of a batch were handed out when they were appended: its first ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appended {
    /// How many.
    pub handed_out: usize,
    /// The ticket of the first of them; those of the others follow.
    pub first_ticket: u64,
}

impl DiskQueue {
    /// The queue's name, as in [`Options::name`](crate::Options::name).
    pub fn name(&self) -> &str {
        self.names.queue()
    }

    /// Records that are not consumed.
    ///
    /// May be too high after damage, and too low after a crash, until the records concerned have been read.
    pub fn depth(&self) -> u64 {
        self.handed_out() + self.unread()
    }

    /// Records that are not handed out. Zero if and only if there is nothing more to read.
    pub fn unread(&self) -> u64 {
        let at_tail = self.cursor >= self.write;
        let in_files = u64::try_from(self.unread).unwrap_or(0).max(u64::from(!at_tail));
        in_files + self.aside.unread()
    }

    /// Records that are handed out and not consumed.
    pub fn handed_out(&self) -> u64 {
        self.handed_out.len() + self.aside.len() - self.aside.unread()
    }

    /// Records of the data files that are handed out and not consumed: those that [`advance`](Self::advance) takes.
    pub fn handed_out_in_order(&self) -> u64 {
        self.handed_out.len()
    }

    /// Records that are consumed and would be handed out again after a crash, since one before them is not.
    pub fn holes(&self) -> u64 {
        self.handed_out.holes()
    }

    /// Start of the oldest record in the data files that is not consumed: where reading starts after a restart.
    pub fn position(&self) -> Position {
        self.handed_out.first().unwrap_or(self.cursor)
    }

    /// Whether a sync would change anything. An owner syncs a dirty queue after a while.
    pub fn is_dirty(&self) -> bool {
        self.operations > 0
            || self.needs_data_sync()
            || self.aside.is_unsynced()
            || !self.superseded.is_empty()
            || (self.persisted != Some(self.metadata()) && !self.is_pristine())
    }

    /// The events since the last call, oldest first. To be called after every other call; at most 64 are kept.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Closes the files that are not needed until the next call, so that an idle queue holds no descriptors.
    ///
    /// The file being written stays open while it [is dirty](Self::is_dirty), since a write error that the
    /// operating system finds later might be reported to an open file only.
    pub fn release_handles(&mut self) {
        self.reader = None;
        self.aside.release_handle();
        if !self.needs_data_sync() {
            self.writer.handle = None;
        }
    }

    fn event(&mut self, event: Event) {
        if self.events.len() < EVENTS_MAX {
            self.events.push(event);
        }
    }

    fn data_path(&self, file: u64) -> PathBuf {
        self.names.data(file)
    }

    /// What the metadata file should say.
    fn metadata(&self) -> Metadata {
        // All records behind the position: holes among them cannot be told apart.
        let at_tail = self.cursor >= self.write;
        let unread = u64::try_from(self.unread).unwrap_or(0).max(u64::from(!at_tail));
        let depth = self.handed_out.span() + unread;
        Metadata {
            depth: i64::try_from(depth).unwrap_or(i64::MAX),
            read: self.position(),
            write: self.write,
        }
    }

    fn count_as_unread(&mut self, records: u64) {
        self.unread = self.unread.saturating_add_unsigned(records);
    }

    /// Whether the queue was never used.
    fn is_pristine(&self) -> bool {
        self.persisted.is_none() && self.write == Position::default() && self.cursor == Position::default()
    }

    fn needs_data_sync(&self) -> bool {
        self.write.offset > self.writer.synced || !self.unsynced.is_empty()
    }
}

impl fmt::Debug for DiskQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskQueue")
            .field("name", &self.names.queue())
            .field("position", &self.position())
            .field("cursor", &self.cursor)
            .field("write", &self.write)
            .field("depth", &self.depth())
            .finish_non_exhaustive()
    }
}
