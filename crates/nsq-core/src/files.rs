//! The files behind a queue, and the work on them, done on I/O threads only.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use nsq_diskqueue::{DiskQueue, Level, Options, RecordBatch};
use nsq_protocol::message::{MESSAGE_HEADER_LEN, MessageHeader};
use parking_lot::Mutex;

use crate::core::Core;
use crate::message::Message;
use crate::queue::{Command, Outcome, Queue, Segment, StorageError, Work};

/// Bytes read from a disk queue at once. Large enough that the system call and the lock vanish beside the
/// copy; a queue holds at most one and a half of these in memory.
const READ_LEN: usize = 256 * 1024;

/// Pieces of work after which another queue gets the thread.
const WORK_MAX: usize = 16;

/// How long a read that failed waits before it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Shortest record: a message without a body.
#[expect(clippy::cast_possible_truncation, reason = "it is 26")]
const HEADER_LEN: u32 = MESSAGE_HEADER_LEN as u32;

/// A timestamp below this, in the year 2001, marks bytes that are no message.
const PLAUSIBLE_TIMESTAMP_MIN_NS: i64 = 1_000_000_000_000_000_000;

/// The files of one topic or channel.
#[derive(Debug, Default)]
pub(crate) struct Files(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Unopened,
    Open(Box<DiskQueue>),
    /// Closed or deleted: there is nothing to work on any more.
    Ended,
}

/// A topic or channel, as the I/O threads see it.
pub(crate) trait QueueOwner {
    /// Works on the queue under the owner's lock.
    fn with_queue<R>(&self, work: impl FnOnce(&mut Queue) -> R) -> R;

    fn files(&self) -> &Files;

    fn core(&self) -> &Core;

    /// What the names of the files begin with.
    fn files_name(&self) -> String;

    /// Messages could not be written.
    fn put_failed(&self, error: &StorageError);

    /// Messages may have become available, or the files want attention later.
    fn progressed(&self);
}

/// Does a bounded amount of the work that the queue has for its files. Returns whether there is more.
///
/// The lock of the files is held throughout, that of the owner only to fetch work and to hand over results:
/// publishers and consumers never wait for a disk here.
pub(crate) fn service(owner: &impl QueueOwner) -> bool {
    let mut files = owner.files().0.lock();
    for _ in 0..WORK_MAX {
        let Some((work, generation)) = owner.with_queue(Queue::next_work) else {
            return false;
        };
        let going = files.perform(owner, work, generation);
        if let State::Open(disk) = &mut *files {
            report(disk, owner);
            if disk.is_dirty() {
                let (now, sync_timeout) = (owner.core().clock.now(), owner.core().options.sync_timeout);
                owner.with_queue(|queue| queue.mark_dirty(now, sync_timeout));
            }
        }
        owner.progressed();
        if going.is_break() {
            return false;
        }
    }
    true
}

impl State {
    /// Does one piece of work. Breaks off if going on at once would only fail again.
    fn perform(&mut self, owner: &impl QueueOwner, work: Work, generation: u64) -> ControlFlow<()> {
        match work {
            Work::Open => return self.open(owner, generation),
            Work::Advance(count) => {
                if let Self::Open(disk) = self {
                    note(owner, disk.advance(count));
                }
            }
            Work::Write { segments, hand_out } => self.write(owner, segments, generation, hand_out),
            Work::Read => self.read(owner, generation),
            Work::Sync => {
                if let Self::Open(disk) = self {
                    note(owner, disk.sync());
                    disk.release_handles();
                }
            }
            Work::Command(command, reply) => {
                let outcome = self.command(owner, command);
                // Who asked may have gone.
                let _ = reply.send(outcome);
            }
        }
        ControlFlow::Continue(())
    }

    fn open(&mut self, owner: &impl QueueOwner, generation: u64) -> ControlFlow<()> {
        let core = owner.core();
        let options = Options {
            max_bytes_per_file: core.options.max_bytes_per_file,
            record_len_min: HEADER_LEN,
            record_len_max: core.options.max_msg_size.saturating_add(HEADER_LEN),
            sync_every: core.options.sync_every,
            plausible: is_plausible,
            index: core.directory_index(),
            ..Options::new(&core.options.data_path, owner.files_name())
        };
        match DiskQueue::open(Arc::clone(&core.storage), options) {
            Ok(disk) => {
                let depth = disk.depth();
                *self = Self::Open(Box::new(disk));
                owner.with_queue(|queue| queue.opened(generation, depth));
                ControlFlow::Continue(())
            }
            Err(error) => {
                let error = StorageError::new(error);
                owner.put_failed(&error);
                core.health.note(Some(&error));
                let retry_at = core.clock.now() + RETRY_AFTER;
                owner.with_queue(|queue| queue.open_failed(&error, retry_at));
                ControlFlow::Break(())
            }
        }
    }

    fn write(&mut self, owner: &impl QueueOwner, segments: Vec<Segment>, generation: u64, hand_out: bool) {
        let Self::Open(disk) = self else {
            let ended = StorageError::new("exiting");
            owner.with_queue(|queue| queue.written(generation, segments, 0, Some(&ended), false));
            return;
        };
        let mut batch = RecordBatch::new();
        for message in segments.iter().flat_map(|segment| &segment.messages) {
            batch.push(&[&message.header().encode(), &message.body]);
        }
        let appended = if hand_out {
            disk.append_handed_out(&batch)
        } else {
            disk.append(&batch)
        };
        let (kept, error) = match appended {
            Ok(()) => (batch.len(), None),
            Err(failed) => (failed.written, Some(StorageError::new(&failed.source))),
        };
        owner.core().health.note(error.as_ref());
        if let Some(error) = &error {
            owner.put_failed(error);
        }
        owner.with_queue(|queue| queue.written(generation, segments, kept, error.as_ref(), hand_out));
    }

    fn read(&mut self, owner: &impl QueueOwner, generation: u64) {
        let Self::Open(disk) = self else {
            owner.with_queue(|queue| queue.correct_stored(generation, 0));
            return;
        };
        match disk.read(READ_LEN) {
            Ok(records) => {
                let messages = records
                    .iter()
                    .filter_map(|record| Message::from_record(&record.data))
                    .collect();
                let unread = disk.unread();
                owner.with_queue(|queue| {
                    queue.refilled(generation, messages);
                    queue.correct_stored(generation, unread);
                });
            }
            Err(error) => {
                let retry_at = owner.core().clock.now() + RETRY_AFTER;
                owner.with_queue(|queue| queue.refill_failed(retry_at));
                note(owner, Err(error));
            }
        }
    }

    fn command(&mut self, owner: &impl QueueOwner, command: Command) -> Outcome {
        let Self::Open(disk) = self else {
            if command != Command::Empty {
                *self = Self::Ended;
            }
            return Ok(());
        };
        let outcome = match command {
            Command::Empty => disk.empty(),
            Command::Close => disk.close(),
            Command::Delete => disk.delete(),
        };
        report(disk, owner);
        if command != Command::Empty {
            *self = Self::Ended;
        }
        outcome.map_err(StorageError::new)
    }
}

/// Logs a failure that nobody waits to hear of.
fn note(owner: &impl QueueOwner, outcome: Result<(), nsq_diskqueue::Error>) {
    if let Err(error) = outcome {
        tracing::error!("DISKQUEUE({}) {error}", owner.files_name());
    }
}

/// Logs what happened to the files, in upstream's words.
fn report(disk: &mut DiskQueue, owner: &impl QueueOwner) {
    for event in disk.take_events() {
        let line = event.log_line(&owner.files_name());
        match event.level() {
            Level::Info => tracing::info!("{line}"),
            Level::Warning => tracing::warn!("{line}"),
            Level::Error => tracing::error!("{line}"),
        }
    }
}

/// Whether bytes can be the header of a message: used to find the next message behind damage.
fn is_plausible(record: &[u8]) -> bool {
    MessageHeader::decode(record).is_some_and(|header| {
        header.timestamp_ns >= PLAUSIBLE_TIMESTAMP_MIN_NS && header.id.to_u64().is_some()
    })
}
