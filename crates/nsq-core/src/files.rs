//! The files behind a queue, and the work on them, done on I/O threads only.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use nsq_diskqueue::{Appended, DiskQueue, Level, Options, Record, RecordBatch, SyncJob, SyncOutcome};
use nsq_protocol::message::{MESSAGE_HEADER_LEN, MessageHeader};
use nsq_runtime::Moment;
use parking_lot::Mutex;

use crate::core::Core;
use crate::io::{IoState, IoTask};
use crate::message::Message;
use crate::queue::{
    Claim, Command, Deferring, Outcome, Queue, Segment, StorageError, Trouble, Work, Written,
};

/// Bytes read from a disk queue at once. Large enough that the system call and the lock vanish beside the
/// copy; a queue that is drained holds at most two of these in memory.
const READ_LEN: usize = 256 * 1024;

/// Bytes written at once, unless one message is larger: a backlog of any size is encoded in a small buffer.
const WRITE_LEN: usize = 1024 * 1024;

/// Pieces of work after which another queue gets the thread.
const WORK_MAX: usize = 16;

/// How long a read that failed waits before it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How soon files that take nothing are tried again: they heal within two seconds of what ails them.
const PROBE_EVERY: Duration = Duration::from_millis(500);

/// Bytes written to see whether files take any: as much as one write of many small messages.
const PROBE_LEN: usize = 64 * 1024;

/// Passes in which records are put aside after one batch was consumed. What is left waits for the next.
const ASIDE_PASSES: usize = 16;

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
    synced: Mutex<Synced>,
}

/// What came of a sync.
#[derive(Debug, Default)]
enum Synced {
    /// It is under way, or there is none.
    #[default]
    Not,
    As(SyncOutcome),
    Panicked,
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
            let mut end = EndOfSync {
                owner: &self.owner,
                came_of_it: Synced::Panicked,
            };
            end.came_of_it = Synced::As(self.owner.core().run_sync(job));
        }
        false
    }
}

/// Lets the owner take notice of the end of a sync when it is dropped, also if the sync panics: whoever waits for its
/// end must not wait for ever.
struct EndOfSync<'a, O: QueueOwner> {
    owner: &'a Arc<O>,
    /// Handed over once, and not looked at before: a service that is under way takes it at any moment.
    came_of_it: Synced,
}

impl<O: QueueOwner> Drop for EndOfSync<'_, O> {
    fn drop(&mut self) {
        *self.owner.files().synced.lock() = std::mem::take(&mut self.came_of_it);
        self.owner.core().io.schedule(self.owner);
    }
}

impl State {
    /// Does one piece of work. Breaks off if going on at once would only fail again.
    fn perform<O: QueueOwner>(&mut self, owner: &O, work: Work, generation: u64) -> ControlFlow<()> {
        match work {
            Work::Open => return self.open(owner, generation),
            Work::Consume(tickets) => self.consume(owner, |disk| disk.consume(&tickets)),
            Work::Supersede(tickets) => self.consume(owner, |disk| disk.supersede(&tickets)),
            Work::Write { segments, hand_out } => self.write(owner, segments, generation, hand_out),
            Work::Defer(messages) => self.defer(owner, messages, generation),
            Work::ReadDue(tickets) => self.read_due(owner, &tickets, generation),
            Work::Read => self.read(owner, generation),
            Work::Sync => self.begin_sync(owner),
            Work::Commit => self.commit(owner),
            Work::Probe => self.probe(owner),
            Work::Refused => {}
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
        self.put_aside(owner);
        if let Self::Open(disk) = self
            && let Some(job) = disk.begin_sync()
        {
            self.hand_over(owner, job);
        }
    }

    /// Likewise, for publishers that wait for it. What is written meanwhile waits for the next: all that wait at
    /// its beginning share one.
    fn commit<O: QueueOwner>(&mut self, owner: &O) {
        let job = match self {
            Self::Open(disk) => disk.begin_commit().map_err(StorageError::new),
            _ => Ok(None),
        };
        match job {
            Ok(Some(job)) => self.hand_over(owner, job),
            Ok(None) => owner.with_queue(|queue| queue.settle_unsynced(&Ok(()))),
            Err(error) => {
                log_error(owner, &error);
                enter_trouble(owner, Trouble::Sync(error.clone()));
                owner.with_queue(|queue| queue.sync_ended(&Err(error)));
            }
        }
    }

    fn hand_over<O: QueueOwner>(&mut self, owner: &O, job: SyncJob) {
        owner.with_queue(Queue::sync_began);
        let Some(me) = owner.me() else {
            *owner.files().synced.lock() = Synced::As(owner.core().run_sync(job));
            self.end_sync(owner);
            return;
        };
        let syncing = Syncing {
            owner: me,
            job: Mutex::new(Some(job)),
            io: IoState::default(),
        };
        owner.core().syncs.schedule(&Arc::new(syncing));
    }

    /// Takes notice of a sync that has ended.
    fn end_sync<O: QueueOwner>(&mut self, owner: &O) {
        let synced = std::mem::take(&mut *owner.files().synced.lock());
        let finished = match (&mut *self, synced) {
            (_, Synced::Not) => return,
            (Self::Open(disk), Synced::As(outcome)) => disk.finish_sync(outcome).map_err(StorageError::new),
            (Self::Open(disk), Synced::Panicked) => {
                disk.abandon_sync();
                Err(StorageError::new("sync: panicked"))
            }
            (_, Synced::As(_) | Synced::Panicked) => Err(StorageError::new("exiting")),
        };
        owner.with_queue(|queue| queue.sync_ended(&finished));
        let Self::Open(disk) = self else { return };
        if let Err(error) = &finished {
            log_error(owner, error);
            enter_trouble(owner, Trouble::Sync(error.clone()));
        }
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
            keeps_deferred: core.options.keeps_deferred,
            ..Options::new(&core.options.data_path, owner.files_name())
        };
        match DiskQueue::open(Arc::clone(&core.storage), options) {
            Ok(mut disk) => {
                let (depth, starts_deferred) = (disk.unread(), disk.starts_deferred());
                let clock = WallTime::of(core);
                let left = disk.take_left_deferred().into_iter();
                let left = left
                    .map(|(ticket, due_ns)| (ticket, clock.moment_of(due_ns)))
                    .collect();
                *self = Self::Open(Box::new(disk));
                core.health.clear(&owner.files_name());
                owner.with_queue(|queue| queue.opened(generation, depth, starts_deferred, left));
                ControlFlow::Continue(())
            }
            Err(error) => {
                let error = StorageError::new(error);
                owner.put_failed(&error);
                core.health.note(&owner.files_name(), &error);
                let retry_at = core.clock.now() + RETRY_AFTER;
                owner.with_queue(|queue| queue.open_failed(&error, retry_at));
                ControlFlow::Break(())
            }
        }
    }

    fn consume(
        &mut self,
        owner: &impl QueueOwner,
        consume: impl FnOnce(&mut DiskQueue) -> Result<(), nsq_diskqueue::Error>,
    ) {
        let Self::Open(disk) = self else { return };
        note(owner, consume(disk));
        self.put_aside(owner);
    }

    /// Sees to it that a crash brings back few messages that are finished.
    fn put_aside(&mut self, owner: &impl QueueOwner) {
        let Self::Open(disk) = self else { return };
        let holes_max = owner.core().options.sync_every;
        for _ in 0..ASIDE_PASSES {
            match disk.put_aside(holes_max) {
                Ok(true) => {}
                Ok(false) => break,
                // The records stay where they are, and more comes back after a crash. Tried again with the next
                // sync.
                Err(error) => {
                    note(owner, Err(error));
                    let (now, sync_timeout) = (owner.core().clock.now(), owner.core().options.sync_timeout);
                    owner.with_queue(|queue| queue.mark_dirty(now, sync_timeout));
                    break;
                }
            }
        }
    }

    fn write(&mut self, owner: &impl QueueOwner, segments: Vec<Segment>, generation: u64, hand_out: bool) {
        let Self::Open(disk) = self else {
            let ended = StorageError::new("exiting");
            owner.with_queue(|queue| queue.written(generation, segments, Written::default(), Some(&ended)));
            return;
        };
        // What was accepted before is written as long as there is any space.
        let is_new = segments
            .iter()
            .any(|segment| matches!(segment.claim, Claim::Publisher(_)));
        let space = if is_new {
            owner.core().check_space()
        } else {
            Ok(())
        };
        let (mut written, error) = match space {
            Ok(()) => {
                let messages = segments.iter().flat_map(|segment| &segment.messages);
                append(disk, messages, hand_out)
            }
            Err(error) => (Written::default(), Some(Refusal::Files(error))),
        };
        written.unread = disk.unread();
        let error = error.map(|refusal| match refusal {
            Refusal::Files(error) => {
                owner.put_failed(&error);
                enter_trouble(owner, Trouble::Write(error.clone()));
                error
            }
            Refusal::Message(error) => {
                owner.put_failed(&error);
                error
            }
        });
        if error.is_none() && owner.with_queue(Queue::has_written) {
            // Before publishers are told: who hears OK finds the queue healthy.
            note_healed(owner);
        }
        owner.with_queue(|queue| queue.written(generation, segments, written, error.as_ref()));
    }

    fn defer(&mut self, owner: &impl QueueOwner, messages: Vec<Deferring>, generation: u64) {
        let outcome = match self {
            Self::Open(disk) => {
                let clock = WallTime::of(owner.core());
                let records: Vec<_> = messages
                    .iter()
                    .map(|deferring| (clock.ns_at(deferring.due), record(&deferring.message)))
                    .collect();
                // What was accepted before is written as long as there is any space.
                let is_new = messages
                    .iter()
                    .any(|deferring| matches!(deferring.claim, Claim::Publisher(_)));
                let space = if is_new {
                    owner.core().check_space()
                } else {
                    Ok(())
                };
                let deferred = space.and_then(|()| disk.defer(&records).map_err(StorageError::new));
                if let Err(error) = &deferred {
                    owner.put_failed(error);
                    enter_trouble(owner, Trouble::Write(error.clone()));
                }
                deferred
            }
            _ => Err(StorageError::new("exiting")),
        };
        owner.with_queue(|queue| queue.put_off(generation, messages, outcome));
    }

    fn read_due(&mut self, owner: &impl QueueOwner, tickets: &[u64], generation: u64) {
        let Self::Open(disk) = self else { return };
        match disk.read_deferred(tickets) {
            Ok(records) => {
                let unread = tickets.get(records.len()..).unwrap_or_default();
                let messages = tickets.iter().zip(records).filter_map(|(ticket, record)| {
                    let mut message = Message::from_record(record?)?;
                    message.set_ticket(*ticket);
                    Some(message)
                });
                let messages = messages.collect();
                owner.with_queue(|queue| queue.due_read(generation, messages, unread));
            }
            Err(error) => {
                let retry_at = owner.core().clock.now() + RETRY_AFTER;
                owner.with_queue(|queue| {
                    queue.due_read(generation, Vec::new(), tickets);
                    queue.hold_due(retry_at);
                });
                note(owner, Err(error));
            }
        }
    }

    fn read(&mut self, owner: &impl QueueOwner, generation: u64) {
        let Self::Open(disk) = self else {
            owner.with_queue(|queue| queue.files_are_gone(generation));
            return;
        };
        match disk.read(READ_LEN) {
            Ok(records) => {
                let clock = WallTime::of(owner.core());
                let mut messages = Vec::with_capacity(records.len());
                let mut deferred = Vec::new();
                let mut consumed = Vec::new();
                for Record {
                    ticket, data, due_ns, ..
                } in records
                {
                    let Some(mut message) = Message::from_record(data) else {
                        consumed.push(ticket);
                        continue;
                    };
                    message.set_ticket(ticket);
                    match due_ns.map(|due_ns| clock.moment_of(due_ns)) {
                        Some(due) if due > clock.now => deferred.push((due, message)),
                        _ => messages.push(message),
                    }
                }
                let unread = disk.unread();
                owner.with_queue(|queue| {
                    queue.refilled(generation, messages, deferred, unread);
                    queue.consume(&mut consumed);
                });
            }
            Err(error) => {
                let retry_at = owner.core().clock.now() + RETRY_AFTER;
                owner.with_queue(|queue| queue.refill_failed(retry_at));
                note(owner, Err(error));
            }
        }
    }

    /// Sees whether files that took nothing do again.
    fn probe(&mut self, owner: &impl QueueOwner) {
        let Self::Open(disk) = self else { return };
        let healed = owner
            .core()
            .check_space()
            .and_then(|()| disk.probe(PROBE_LEN).map_err(StorageError::new));
        match healed {
            Ok(()) => {
                if owner.with_queue(Queue::leave_trouble) {
                    note_healed(owner);
                }
            }
            // No better than it was.
            Err(error) => enter_trouble(owner, Trouble::Write(error)),
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
            Command::Close => {
                let clock = WallTime::of(owner.core());
                let kept = owner.with_queue(Queue::take_kept_deferred).into_iter();
                let kept: Vec<_> = kept.map(|(ticket, due)| (ticket, clock.ns_at(due))).collect();
                disk.close_deferred(&kept)
            }
            Command::Delete => disk.delete(),
        };
        report(disk, owner);
        match command {
            Command::Empty => {}
            Command::Close => *self = Self::Closed,
            Command::Delete => *self = Self::Deleted,
        }
        let outcome = outcome.map_err(StorageError::new);
        if command != Command::Empty {
            owner.core().health.clear(&owner.files_name());
        }
        owner.with_queue(|queue| queue.settle_unsynced(&outcome));
        outcome
    }
}

/// What the wall clock says now, by which files tell the time.
struct WallTime {
    now: Moment,
    wall_ns: i64,
    defer_max: Duration,
}

impl WallTime {
    fn of(core: &Core) -> Self {
        Self {
            now: core.clock.now(),
            wall_ns: core.clock.wall_ns(),
            defer_max: core.options.defer_max,
        }
    }

    /// In nanoseconds since 1970; now, if the moment has passed.
    fn ns_at(&self, moment: Moment) -> i64 {
        let ahead = i64::try_from(moment.since(self.now).as_nanos());
        self.wall_ns.saturating_add(ahead.unwrap_or(i64::MAX))
    }

    /// The moment until which a message is deferred: now, if the time has passed, and no later than any message can
    /// be deferred, however the clock was set meanwhile.
    fn moment_of(&self, due_ns: i64) -> Moment {
        let ahead = u64::try_from(due_ns.saturating_sub(self.wall_ns)).unwrap_or(0);
        self.now + Duration::from_nanos(ahead).min(self.defer_max)
    }
}

/// Appends messages in pieces of a bounded size; says how many are in the files.
fn append<'a>(
    disk: &mut DiskQueue,
    messages: impl Iterator<Item = &'a Message>,
    hand_out: bool,
) -> (Written, Option<Refusal>) {
    let mut messages = messages.peekable();
    let mut written = Written::default();
    let mut batch = BATCH.take();
    let error = loop {
        batch.clear();
        while batch.bytes().len() < WRITE_LEN
            && let Some(message) = messages.next()
        {
            batch.push(&[&message.header().encode(), &message.body]);
        }
        let (kept, appended, error) = append_batch(disk, &batch, hand_out);
        if written.handed_out == 0 {
            written.first_ticket = appended.first_ticket;
        }
        written.kept += kept;
        written.handed_out += appended.handed_out;
        if error.is_some() || messages.peek().is_none() {
            break error;
        }
    };
    batch.clear();
    BATCH.set(batch);
    (written, error)
}

fn append_batch(
    disk: &mut DiskQueue,
    batch: &RecordBatch,
    hand_out: bool,
) -> (usize, Appended, Option<Refusal>) {
    let appended = if hand_out {
        disk.append_handed_out(batch)
    } else {
        disk.append(batch).map(|()| Appended::default())
    };
    match appended {
        Ok(appended) => (batch.len(), appended, None),
        Err(failed) => {
            let error = StorageError::new(&failed.source);
            let refusal = if failed.source.io_kind().is_some() {
                Refusal::Files(error)
            } else {
                Refusal::Message(error)
            };
            (failed.written, failed.appended, Some(refusal))
        }
    }
}

/// Why messages could not be written.
enum Refusal {
    /// The files take nothing at present.
    Files(StorageError),
    /// One of the messages is at fault.
    Message(StorageError),
}

fn record(message: &Message) -> Vec<u8> {
    [&message.header().encode()[..], &message.body].concat()
}

/// The files take nothing: publishers are refused until they do again.
fn enter_trouble(owner: &impl QueueOwner, trouble: Trouble) {
    let core = owner.core();
    core.health.note(&owner.files_name(), trouble.error());
    let probe_at = core.clock.now() + PROBE_EVERY;
    owner.with_queue(|queue| queue.enter_trouble(trouble, probe_at));
}

fn note_healed(owner: &impl QueueOwner) {
    owner.core().health.clear(&owner.files_name());
    tracing::info!("DISKQUEUE({}): can be written to again", owner.files_name());
}

/// Logs a failure that nobody waits to hear of.
fn note(owner: &impl QueueOwner, outcome: Result<(), nsq_diskqueue::Error>) {
    if let Err(error) = outcome {
        log_error(owner, &StorageError::new(error));
    }
}

fn log_error(owner: &impl QueueOwner, error: &StorageError) {
    tracing::error!("DISKQUEUE({}) {error}", owner.files_name());
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
