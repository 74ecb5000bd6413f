//! What a queue is opened with.

use crate::DirectoryIndex;
use std::path::PathBuf;
use std::sync::Arc;

/// What a queue is opened with. [`Options::new`] gives values for records of any content.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory of all files of the queue. It exists.
    pub path: PathBuf,
    /// What the names of all files of the queue begin with: `<topic>` or `<topic>:<channel>`.
    pub name: String,
    /// A data file is closed before it would grow beyond this, unless it would stay empty. In bytes.
    pub max_bytes_per_file: u64,
    /// Shortest record that is written or read, in bytes.
    pub record_len_min: u32,
    /// Longest record that is written, in bytes. Longer ones, from before this was lowered, are still read.
    pub record_len_max: u32,
    /// Appended plus consumed records after which a sync is due; with 0, each call that changes
    /// anything is followed by a sync. Syncing after a time is left to the owner.
    pub sync_every: u64,
    /// Whether the queue syncs by itself, within [`DiskQueue::append`](crate::DiskQueue::append) and
    /// [`DiskQueue::advance`](crate::DiskQueue::advance), when that is due. If not, its owner does when
    /// [`DiskQueue::sync_due`](crate::DiskQueue::sync_due) says so; with
    /// [`DiskQueue::begin_sync`](crate::DiskQueue::begin_sync), nothing waits for it.
    pub syncs_itself: bool,
    /// Whether bytes can be the first [`record_len_min`](Self::record_len_min) bytes of a record. Never the
    /// reason to refuse a record that its neighbours confirm; it tells records from damage, so it should hold
    /// for as few other byte strings as possible.
    pub plausible: fn(&[u8]) -> bool,
    /// Whether records that are [deferred](crate::DiskQueue::defer) stay so beyond a
    /// [close](crate::DiskQueue::close). If not, they are like all others then, as with upstream.
    pub keeps_deferred: bool,
    /// What the directory held when the process started, for a start with many queues. Without it, opening a
    /// queue that has no metadata file lists the directory.
    pub index: Option<Arc<DirectoryIndex>>,
}

impl Options {
    /// Upstream's defaults and records of any content from 1 byte to 1 MiB.
    pub fn new(path: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            name: name.into(),
            // Upstream: nsqd/options.go, NewOptions.
            max_bytes_per_file: 100 * 1024 * 1024,
            record_len_min: 1,
            record_len_max: 1024 * 1024,
            sync_every: 2500,
            syncs_itself: true,
            plausible: |_| true,
            keeps_deferred: true,
            index: None,
        }
    }
}
