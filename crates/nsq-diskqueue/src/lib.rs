//! One FIFO of opaque records, byte-compatible with go-diskqueue; synchronous.
//!
//! A [`DiskQueue`] keeps its records in numbered data files and its positions in a small text file, all in the
//! same form as go-diskqueue 1.1, so that either implementation opens what the other has closed. The format and
//! what happens after a crash or to damaged files is described in `docs/disk-format.md`.
//!
//! A record is in one of three states: *unread*, *handed out* by [`DiskQueue::read`] (or by
//! [`DiskQueue::append_handed_out`]), and *consumed* by [`DiskQueue::consume`], in any order. Everything that is
//! not consumed is still there after a restart.
//!
//! The crate leaves to its owner: threads (every call may block on the disk), time (when to sync), logging
//! (things worth a line are collected as [`Event`]s), and the meaning of the records.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! use nsq_diskqueue::{DiskQueue, FsStorage, Options, RecordBatch};
//! use std::sync::Arc;
//!
//! let mut queue = DiskQueue::open(Arc::new(FsStorage), Options::new(directory.path(), "topic"))?;
//! let mut batch = RecordBatch::new();
//! batch.push(&[b"hello, ", b"world"]);
//! queue.append(&batch)?;
//!
//! let records = queue.read(256 * 1024)?;
//! assert_eq!(records[0].data, "hello, world");
//! queue.consume(&[records[0].ticket])?;
//! queue.close()?;
//! # Ok(())
//! # }
//! ```

mod aside;
mod batch;
mod dues;
mod error;
mod event;
mod handed_out;
mod index;
mod metadata;
mod names;
mod options;
mod position;
mod queue;
mod scan;
mod storage;
mod sync_job;

pub use batch::RecordBatch;
pub use error::{Action, AppendError, Error};
pub use event::{Event, Fault, Level};
pub use index::DirectoryIndex;
pub use options::Options;
pub use position::Position;
pub use queue::{Appended, DiskQueue, Record};
pub use storage::{FsStorage, OpenMode, ReadOnly, Storage, StorageFile};
pub use sync_job::{SyncJob, SyncOutcome};
