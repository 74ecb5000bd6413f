//! The files behind a queue, and the work on them, done on I/O threads only.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use nsq_diskqueue::{DiskQueue, Level, Options, RecordBatch, SyncJob, SyncOutcome};
use nsq_protocol::message::{MESSAGE_HEADER_LEN, MessageHeader};
use parking_lot::Mutex;

use crate::core::Core;
use crate::io::{IoState, IoTask};
use crate::message::Message;
use crate::queue::{Command, Outcome, Queue, Segment, StorageError, Work};

/// Bytes read from a disk queue at once. Large enough that the system call and the lock vanish beside the
/// copy; a queue that is drained holds at most two of these in memory.
const READ_LEN: usize = 256 * 1024;

/// Bytes written at once, unless one message is larger: a backlog of any size is encoded in a small buffer.
const WRITE_LEN: usize = 1024 * 1024;

/// Pieces of work after which another queue gets the thread.
const WORK_MAX: usize = 16;

/// How long a read that failed waits before it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Shortest record: a message without a body.
#[expect(clippy::cast_possible_truncation, reason = "it is 26")]
const HEADER_LEN: u32 = MESSAGE_HEADER_LEN as u32;

thread_local! {
    /// The buffer in which this thread encodes what it writes next.
    static BATCH: RefCell<RecordBatch> = RefCell::default();
}

/// The files of one topic or channel.
#[derive(Debug, Default)]
pub(crate) struct Files {
    state: Mutex<State>,
    /// What came of a sync, until the next service takes notice of it.
    synced: Mutex<Option<SyncOutcome>>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Unopened,
    Open(Box<DiskQueue>),
    /// Everything is in the files, for the next start.
    Closed,
    /// There are no files any more.
    Deleted,
}

/// A topic or channel, as the I/O threads see it.
pub(crate) trait QueueOwner: IoTask + Sized + 'static {
    /// The owner itself, unless it is going away.
    fn me(&self) -> Option<Arc<Self>>;

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
/// publishers and consumers never wait for a disk here. Nor does this wait for a sync, which another thread
/// does meanwhile; only commands do, since they end with a state that is synced.
pub(crate) fn service<O: QueueOwner>(owner: &O) -> bool {
    let mut files = owner.files().state.lock();
    files.end_sync(owner);
    for _ in 0..WORK_MAX {
        let Some((work, generation)) = owner.with_queue(Queue::next_work) else {
            return false;
        };
        let going = files.perform(owner, work, generation);
        files.keep_up(owner);
        owner.progressed();
        if going.is_break() {
            return false;
        }
    }
    true
}

/// A sync on its way to the disk.
struct Syncing<O> {
    owner: Arc<O>,
    job: Mutex<Option<SyncJob>>,
    io: IoState,
}

impl<O: QueueOwner> IoTask for Syncing<O> {
    fn io_state(&self) -> &IoState {
        &self.io
    }

    fn run_io(&self) -> bool {
        let job = self.job.lock().take();
        if let Some(job) = job {
            *self.owner.files().synced.lock() = Some(self.owner.core().run_sync(job));
            self.owner.core().io.schedule(&self.owner);
        }
        false
    }
}

impl State {
    /// Does one piece of work. Breaks off if going on at once would only fail again.
    fn perform<O: QueueOwner>(&mut self, owner: &O, work: Work, generation: u64) -> ControlFlow<()> {
        match work {
            Work::Open => return self.open(owner, generation),
            Work::Advance(count) => {
                if let Self::Open(disk) = self {
                    note(owner, disk.advance(count));
                }
            }
            Work::Write { segments, hand_out } => self.write(owner, segments, generation, hand_out),
            Work::Read => self.read(owner, generation),
            Work::Sync => self.begin_sync(owner),
            Work::Command(command, reply) => {
                let outcome = self.command(owner, command);
                // Who asked may have gone.
                let _ = reply.send(outcome);
            }
        }
        ControlFlow::Continue(())
    }

    /// After each piece of work: logs what it was about, and syncs when that is due.
    fn keep_up<O: QueueOwner>(&mut self, owner: &O) {
        let Self::Open(disk) = self else { return };
        report(disk, owner);
        if disk.sync_due() {
            self.begin_sync(owner);
        } else if disk.is_dirty() {
            let (now, sync_timeout) = (owner.core().clock.now(), owner.core().options.sync_timeout);
            owner.with_queue(|queue| queue.mark_dirty(now, sync_timeout));
        }
    }

    /// Hands a sync to the threads for that, unless one is under way: that one's end brings the next.
    fn begin_sync<O: QueueOwner>(&mut self, owner: &O) {
        let Self::Open(disk) = self else { return };
        let Some(job) = disk.begin_sync() else { return };
        match owner.me() {
            Some(me) => {
                owner.with_queue(Queue::sync_began);
                let syncing = Syncing {
                    owner: me,
                    job: Mutex::new(Some(job)),
                    io: IoState::default(),
                };
                owner.core().syncs.schedule(&Arc::new(syncing));
            }
            None => note(owner, disk.finish_sync(owner.core().run_sync(job))),
        }
    }

    /// Takes notice of a sync that has ended.
    fn end_sync<O: QueueOwner>(&mut self, owner: &O) {
        let Some(outcome) = owner.files().synced.lock().take() else {
            return;
        };
        owner.with_queue(Queue::sync_ended);
        let Self::Open(disk) = self else { return };
        let finished = disk.finish_sync(outcome);
        if let Err(error) = &finished {
            owner.core().health.note(Some(&StorageError::new(error)));
        }
        note(owner, finished);
        if !disk.is_dirty() {
            // Nothing has happened since: an idle queue holds no descriptors.
            disk.release_handles();
        }
        self.keep_up(owner);
        owner.progressed();
    }

    fn open(&mut self, owner: &impl QueueOwner, generation: u64) -> ControlFlow<()> {
        let core = owner.core();
        let options = Options {
            max_bytes_per_file: core.options.max_bytes_per_file,
            record_len_min: HEADER_LEN,
            record_len_max: core.options.max_msg_size.saturating_add(HEADER_LEN),
            sync_every: core.options.sync_every,
            syncs_itself: false,
            plausible: MessageHeader::is_plausible,
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
        let (kept, error) = match append(
            disk,
            segments.iter().flat_map(|segment| &segment.messages),
            hand_out,
        ) {
            Ok(kept) => (kept, None),
            Err((kept, error)) => (kept, Some(error)),
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
                    .into_iter()
                    .filter_map(|record| Message::from_record(record.data))
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
        let disk = match (&mut *self, command) {
            (Self::Open(disk), _) => disk,
            // The stop came first: what is in the files is there again after the next start.
            (Self::Closed, Command::Empty | Command::Delete) => return Err(StorageError::new("exiting")),
            (Self::Unopened | Self::Closed | Self::Deleted, _) => return Ok(()),
        };
        let outcome = match command {
            Command::Empty => disk.empty(),
            Command::Close => disk.close(),
            Command::Delete => disk.delete(),
        };
        report(disk, owner);
        match command {
            Command::Empty => {}
            Command::Close => *self = Self::Closed,
            Command::Delete => *self = Self::Deleted,
        }
        outcome.map_err(StorageError::new)
    }
}

/// Appends messages in pieces of a bounded size; returns how many are in the files.
fn append<'a>(
    disk: &mut DiskQueue,
    messages: impl Iterator<Item = &'a Message>,
    hand_out: bool,
) -> Result<usize, (usize, StorageError)> {
    let mut messages = messages.peekable();
    let mut kept = 0;
    let mut batch = BATCH.take();
    let outcome = loop {
        batch.clear();
        while batch.bytes().len() < WRITE_LEN
            && let Some(message) = messages.next()
        {
            batch.push(&[&message.header().encode(), &message.body]);
        }
        let appended = if hand_out {
            disk.append_handed_out(&batch)
        } else {
            disk.append(&batch)
        };
        match appended {
            Ok(()) => kept += batch.len(),
            Err(failed) => break Err((kept + failed.written, StorageError::new(&failed.source))),
        }
        if messages.peek().is_none() {
            break Ok(kept);
        }
    };
    batch.clear();
    BATCH.set(batch);
    outcome
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
