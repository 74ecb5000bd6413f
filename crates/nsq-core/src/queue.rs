//! Where messages wait: in memory first, on disk beyond it, nowhere for ephemeral ones.

#[cfg(test)]
mod model;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use nsq_runtime::Moment;
use tokio::sync::oneshot;

use crate::fifo::Fifo;
use crate::message::Message;

/// Why a message could not be kept, or a queue not be emptied: the words of the operating system with
/// the file they are about. Shared, since one failed write may concern many publishers.
#[derive(Clone, Debug)]
pub struct StorageError(Arc<str>);

impl StorageError {
    /// An error with the words of `cause`.
    pub fn new(cause: impl fmt::Display) -> Self {
        Self(cause.to_string().into())
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StorageError {}

/// How an operation on the files ended, for whoever waits for it.
pub(crate) type Outcome = Result<(), StorageError>;

/// Consumed records are advanced past in the files when this many have gathered, or with the next sync.
const CONSUMED_MAX: u64 = 2048;

/// How often a clean stop tries to write what has no other place.
const SAVE_TRIES: u32 = 3;

/// Freshly written messages that stay in memory for a reader that has caught up.
const PREFETCH_MAX: u64 = 1024;

/// One FIFO through memory and disk.
///
/// Memory is its head and the disk its tail. A message goes to memory while there is room and nothing
/// waits on disk; else behind what waits there. Memory is refilled from the front of the disk by blocks.
///
/// ```text
///            memory (head)                        disk (tail)
///   ┌──────────────┬─────────────┐   ┌────────┬──────────┬─────────┐
/// ← │ in memory    │ prefetched  │ ← │ stored │ writing  │ pending │ ←
///   │ only         │ from disk   │   │        │ (I/O)    │         │
///   └──────────────┴─────────────┘   └────────┴──────────┴─────────┘
/// ```
///
/// The queue itself does no I/O: it says what [`Work`] there is for its files, and is told the results.
///
/// # Differs from upstream
/// Upstream picks memory or disk at random when both hold messages; here order survives the spill.
#[derive(Debug)]
pub(crate) struct Queue {
    memory: Fifo<Message>,
    /// Bound on the messages that are in memory only.
    memory_max: usize,
    /// `None` for an ephemeral queue: what does not fit into memory is dropped.
    tail: Option<Tail>,
}

/// The part of a queue that is on disk or on its way there.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they come and go independently of each other"
)]
struct Tail {
    opened: bool,
    /// Records in the files that are not in memory.
    stored: u64,
    /// Records in the files whose messages are in `memory` as well.
    prefetched: u64,
    /// When the first message of the tail was accepted, for statistics; known of one that came to an empty tail,
    /// until memory is refilled.
    first_ns: Option<i64>,
    /// Prefetched records whose messages have been taken, not yet advanced past in the files.
    consumed: u64,
    /// Accepted, not yet handed to the files.
    pending: Vec<Segment>,
    pending_len: u64,
    /// Handed to the files, outcome not known yet.
    writing: u64,
    /// Memory should be refilled.
    wanted: bool,
    /// How many messages the last refill brought; memory is refilled when as many are left, so that consumers
    /// take one block while the next is read.
    last_block_len: u64,
    /// Reading failed, and is tried again then.
    retry_at: Option<Moment>,
    /// When the files have to be synced, while something is not.
    sync_at: Option<Moment>,
    sync_due: bool,
    /// A sync is under way; commands wait for its end.
    syncing: bool,
    /// The content is to be dropped. Done before anything else, and what came later stays.
    dropping: Option<(Command, oneshot::Sender<Outcome>)>,
    /// Everything is to be written, and the files to be closed. Done after anything else.
    closing: Option<oneshot::Sender<Outcome>>,
    /// Writes that failed since then.
    failed_saves: u32,
    /// Counts how often the queue was emptied: results of work begun before are stale.
    generation: u64,
}

/// Messages that came together, and who waits to hear that they are safe.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) messages: Vec<Message>,
    /// A publisher. Without one the messages were accepted before: they must not be dropped.
    pub(crate) receipt: Option<oneshot::Sender<Outcome>>,
}

/// What happens to the files as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Drop all content.
    Empty,
    /// Write everything, sync, and end.
    Close,
    /// Drop all content and the files, and end.
    Delete,
}

/// The next thing to do with the files.
#[derive(Debug)]
pub(crate) enum Work {
    Open,
    Advance(u64),
    Write {
        segments: Vec<Segment>,
        /// The reader of the files has caught up and memory is low: the messages stay in memory as well,
        /// and are not read back.
        hand_out: bool,
    },
    Read,
    Sync,
    Command(Command, oneshot::Sender<Outcome>),
}

/// A message that left the queue.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) message: Message,
    /// It came from disk, where its record is to be advanced past.
    pub(crate) was_on_disk: bool,
}

/// Where [`Queue::put`] left the messages.
#[derive(Debug)]
pub(crate) enum Put {
    /// All in memory (or, for an ephemeral queue, what did not fit was dropped).
    Memory,
    /// Some are on their way to the files, which have to be serviced.
    Disk,
}

impl Queue {
    /// A queue that keeps up to `memory_max` messages in memory, and the rest in files unless it is
    /// ephemeral. The files are opened by the first service.
    pub(crate) fn new(memory_max: usize, ephemeral: bool) -> Self {
        let tail = (!ephemeral).then(|| Tail {
            opened: false,
            stored: 0,
            prefetched: 0,
            first_ns: None,
            consumed: 0,
            pending: Vec::new(),
            pending_len: 0,
            writing: 0,
            wanted: false,
            last_block_len: 0,
            retry_at: None,
            sync_at: None,
            sync_due: false,
            syncing: false,
            dropping: None,
            closing: None,
            failed_saves: 0,
            generation: 0,
        });
        Self {
            memory: Fifo::new(),
            memory_max,
            tail,
        }
    }

    /// Messages in memory and on disk.
    pub(crate) fn depth(&self) -> u64 {
        let tail = self
            .tail
            .as_ref()
            .map_or(0, |tail| tail.stored + tail.writing + tail.pending_len);
        self.memory.len() as u64 + tail
    }

    /// Messages on disk or on their way there.
    pub(crate) fn backend_depth(&self) -> u64 {
        self.tail.as_ref().map_or(0, |tail| {
            tail.stored + tail.writing + tail.pending_len + tail.prefetched
        })
    }

    /// Messages that can be taken at once.
    pub(crate) fn available(&self) -> usize {
        self.memory.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.depth() == 0
    }

    pub(crate) fn is_ephemeral(&self) -> bool {
        self.tail.is_none()
    }

    /// Puts messages behind all others. `receipt` makes the sender that is told once those that went to
    /// disk are written; it is called at most once, and only if some did.
    pub(crate) fn put(
        &mut self,
        mut messages: impl ExactSizeIterator<Item = Message>,
        receipt: impl FnOnce() -> Option<oneshot::Sender<Outcome>>,
    ) -> Put {
        let room = match &self.tail {
            None => self.memory_max.saturating_sub(self.memory.len()),
            Some(tail) if tail.is_drained() => {
                let prefetched = usize::try_from(tail.prefetched).unwrap_or(usize::MAX);
                (self.memory_max + prefetched).saturating_sub(self.memory.len())
            }
            Some(_) => 0,
        };
        for message in messages.by_ref().take(room) {
            self.memory.push_back(message);
        }
        if messages.len() == 0 {
            return Put::Memory;
        }
        let Some(tail) = &mut self.tail else {
            return Put::Memory;
        };
        let mut rest = Vec::with_capacity(messages.len());
        rest.extend(messages);
        if tail.is_drained() {
            tail.first_ns = rest.first().map(|message| message.timestamp_ns);
        }
        tail.pending_len += rest.len() as u64;
        tail.pending.push(Segment {
            messages: rest,
            receipt: receipt(),
        });
        Put::Disk
    }

    /// Lets an ephemeral queue without memory accept as many messages as consumers can take at once.
    pub(crate) fn put_for_waiting(&mut self, message: Message) {
        self.memory.push_back(message);
    }

    /// Takes the oldest message that is in memory.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Taken> {
        let mut message = self.memory.pop_front()?;
        let was_on_disk = std::mem::take(&mut message.from_disk);
        if was_on_disk && let Some(tail) = &mut self.tail {
            tail.prefetched -= 1;
            tail.consumed += 1;
        }
        Some(Taken { message, was_on_disk })
    }

    /// Bound on the messages that are in memory only.
    pub(crate) fn memory_max(&self) -> usize {
        self.memory_max
    }

    /// Body size of the message that [`pop`](Self::pop) would take.
    pub(crate) fn next_body_len(&self) -> Option<usize> {
        self.memory.front().map(|message| message.body.len())
    }

    /// When the first message was accepted; `None` if there is none, or if nobody has looked at it on disk.
    pub(crate) fn oldest_ns(&self) -> Option<i64> {
        let tail = self.tail.as_ref().filter(|tail| !tail.is_drained());
        self.memory
            .front()
            .map(|message| message.timestamp_ns)
            .or_else(|| tail?.first_ns)
    }

    /// Says that somebody wants messages: memory is refilled when it runs low. Returns whether the files
    /// have to be serviced for it.
    #[inline]
    pub(crate) fn want(&mut self) -> bool {
        let Some(tail) = &mut self.tail else { return false };
        if !tail.wanted
            && tail.stored > 0
            && tail.retry_at.is_none()
            && tail.prefetched <= tail.last_block_len
        {
            tail.wanted = true;
            return true;
        }
        tail.consumed >= CONSUMED_MAX
    }

    /// When the files want attention next: for a sync, or to try a failed read again.
    pub(crate) fn next_deadline(&mut self, now: Moment, sync_timeout: Duration) -> Option<Moment> {
        let tail = self.tail.as_mut()?;
        if tail.consumed > 0 && tail.sync_at.is_none() {
            tail.sync_at = Some(now + sync_timeout);
        }
        match (tail.sync_at, tail.retry_at) {
            (Some(sync), Some(retry)) => Some(sync.min(retry)),
            (sync, retry) => sync.or(retry),
        }
    }

    /// Notes that the files have unsynced changes since `now`.
    pub(crate) fn mark_dirty(&mut self, now: Moment, sync_timeout: Duration) {
        if let Some(tail) = &mut self.tail
            && tail.sync_at.is_none()
        {
            tail.sync_at = Some(now + sync_timeout);
        }
    }

    /// Turns what is due into work. Returns whether there is any.
    pub(crate) fn on_timer(&mut self, now: Moment) -> bool {
        let Some(tail) = &mut self.tail else { return false };
        let is_due = |at: &mut Option<Moment>| at.take_if(|at| *at <= now).is_some();
        let sync = is_due(&mut tail.sync_at);
        let retry = is_due(&mut tail.retry_at);
        tail.sync_due |= sync;
        tail.wanted |= retry;
        sync || retry
    }

    /// Drops everything. `reply` is told once the files are gone, at once if there are none. Returns how
    /// many messages were dropped.
    pub(crate) fn empty(&mut self, reply: oneshot::Sender<Outcome>) -> u64 {
        let dropped = self.depth();
        self.memory.clear();
        self.command(Command::Empty, reply);
        dropped
    }

    /// Gives the files a command; messages that wait for them are dropped unless it is `Close`.
    ///
    /// A queue without files answers at once.
    pub(crate) fn command(&mut self, command: Command, reply: oneshot::Sender<Outcome>) {
        if command != Command::Close {
            self.memory.clear();
        }
        let Some(tail) = &mut self.tail else {
            self.memory.clear();
            // The receiver may have gone: nobody is left to be told.
            let _ = reply.send(Ok(()));
            return;
        };
        if command == Command::Close {
            // Block by block: a million messages are not moved to one place first.
            for mut unsaved in self.memory.take_blocks() {
                unsaved.retain(|message| !message.from_disk);
                tail.push_pending(unsaved);
            }
            // What was prefetched is still in the files, and is read again after the next start.
            tail.stored += tail.prefetched;
            tail.prefetched = 0;
            tail.closing = Some(reply);
        } else {
            tail.generation += 1;
            tail.stored = 0;
            tail.prefetched = 0;
            tail.consumed = 0;
            tail.writing = 0;
            tail.pending_len = 0;
            tail.wanted = false;
            for segment in tail.pending.drain(..) {
                segment.acknowledge();
            }
            if let Some((_, superseded)) = tail.dropping.replace((command, reply)) {
                // Two requests at the same moment: the later one does the work of both.
                let _ = superseded.send(Ok(()));
            }
        }
    }

    /// Puts messages that were accepted before behind all others on disk, for the clean stop.
    pub(crate) fn save(&mut self, messages: Vec<Message>) {
        if let Some(tail) = &mut self.tail {
            tail.push_pending(messages);
        }
    }

    /// The next thing to do with the files, with the generation its result belongs to.
    pub(crate) fn next_work(&mut self) -> Option<(Work, u64)> {
        let tail = self.tail.as_mut()?;
        let generation = tail.generation;
        let work = if !tail.opened {
            Work::Open
        } else if tail.dropping.is_some() && tail.syncing {
            return None;
        } else if let Some((command, reply)) = tail.dropping.take() {
            Work::Command(command, reply)
        } else if tail.consumed >= CONSUMED_MAX
            || tail.consumed > 0 && (tail.sync_due || tail.closing.is_some())
        {
            Work::Advance(std::mem::take(&mut tail.consumed))
        } else if !tail.pending.is_empty() {
            let hand_out = tail.stored == 0
                && tail.closing.is_none()
                && tail.prefetched + tail.pending_len <= PREFETCH_MAX;
            tail.writing += std::mem::take(&mut tail.pending_len);
            Work::Write {
                segments: std::mem::take(&mut tail.pending),
                hand_out,
            }
        } else if tail.closing.is_some() && tail.syncing {
            return None;
        } else if let Some(reply) = tail.closing.take() {
            Work::Command(Command::Close, reply)
        } else if tail.wanted && tail.stored > 0 {
            Work::Read
        } else if tail.sync_due {
            tail.sync_due = false;
            tail.sync_at = None;
            Work::Sync
        } else {
            tail.wanted = false;
            return None;
        };
        Some((work, generation))
    }

    /// A sync is under way.
    pub(crate) fn sync_began(&mut self) {
        if let Some(tail) = &mut self.tail {
            tail.syncing = true;
        }
    }

    /// It has ended.
    pub(crate) fn sync_ended(&mut self) {
        if let Some(tail) = &mut self.tail {
            tail.syncing = false;
        }
    }

    /// The files were opened and hold `depth` records.
    pub(crate) fn opened(&mut self, generation: u64, depth: u64) {
        if let Some(tail) = &mut self.tail {
            tail.opened = true;
            if tail.generation == generation {
                tail.stored += depth;
            }
        }
    }

    /// The files could not be opened: publishers are told, and it is tried again at `retry_at`.
    pub(crate) fn open_failed(&mut self, error: &StorageError, retry_at: Moment) {
        let Some(tail) = &mut self.tail else { return };
        tail.retry_at = Some(retry_at);
        let segments = std::mem::take(&mut tail.pending);
        tail.writing += std::mem::take(&mut tail.pending_len);
        let dropping = tail.dropping.take().map(|(_, reply)| reply);
        for reply in dropping.into_iter().chain(tail.closing.take()) {
            // Who asked may have gone.
            let _ = reply.send(Err(error.clone()));
        }
        let generation = tail.generation;
        self.written(generation, segments, 0, Some(error), false);
    }

    /// The first `kept` of the messages of `segments` are in the files; the others are not if there was
    /// an `error`. Publishers are told.
    pub(crate) fn written(
        &mut self,
        generation: u64,
        segments: Vec<Segment>,
        mut kept: usize,
        error: Option<&StorageError>,
        handed_out: bool,
    ) {
        let Some(tail) = &mut self.tail else { return };
        let current = tail.generation == generation;
        if current {
            let count: usize = segments.iter().map(|segment| segment.messages.len()).sum();
            tail.writing -= count as u64;
            if error.is_some() {
                tail.first_ns = None;
            }
        }
        let mut unsaved = Vec::new();
        for mut segment in segments {
            let here = kept.min(segment.messages.len());
            kept -= here;
            let lost = segment.messages.split_off(here);
            if current && handed_out {
                tail.first_ns = None;
                tail.prefetched += here as u64;
                for mut message in segment.messages {
                    message.from_disk = true;
                    self.memory.push_back(message);
                }
            } else if current {
                tail.stored += here as u64;
            }
            match (segment.receipt, error) {
                (receipt, _) if lost.is_empty() => acknowledge(receipt, Ok(())),
                (Some(receipt), error) => {
                    let cause = error.cloned().unwrap_or_else(|| StorageError::new("short write"));
                    acknowledge(Some(receipt), Err(cause));
                }
                // Accepted before: kept in memory, beyond its bound if need be, rather than lost.
                (None, _) if current && tail.closing.is_none() => lost
                    .into_iter()
                    .for_each(|message| self.memory.push_back(message)),
                // Tried again below.
                (None, _) if current => unsaved.extend(lost),
                (None, _) => {}
            }
        }
        if !unsaved.is_empty() {
            tail.failed_saves += 1;
            if tail.failed_saves < SAVE_TRIES {
                tail.push_pending(unsaved);
            } else if let Some(reply) = tail.closing.replace(oneshot::channel().0) {
                // The files are closed all the same. Who asked may have gone.
                let _ = reply.send(Err(error
                    .cloned()
                    .unwrap_or_else(|| StorageError::new("short write"))));
            }
        }
    }

    /// The next messages were read from the files, oldest first.
    pub(crate) fn refilled(&mut self, generation: u64, messages: Vec<Message>) {
        let Some(tail) = &mut self.tail else { return };
        if tail.generation != generation || tail.closing.is_some() {
            return;
        }
        let count = messages.len() as u64;
        tail.stored = tail.stored.saturating_sub(count);
        tail.prefetched += count;
        tail.last_block_len = count;
        tail.first_ns = None;
        tail.wanted = false;
        for message in messages {
            self.memory.push_back(message);
        }
    }

    /// The files say that `stored` records are left to read: damage may have cost some.
    pub(crate) fn correct_stored(&mut self, generation: u64, stored: u64) {
        if let Some(tail) = &mut self.tail
            && tail.generation == generation
            && tail.closing.is_none()
        {
            tail.stored = stored;
        }
    }

    /// Reading failed; it is tried again at `retry_at`.
    pub(crate) fn refill_failed(&mut self, retry_at: Moment) {
        if let Some(tail) = &mut self.tail {
            tail.wanted = false;
            tail.retry_at = Some(retry_at);
        }
    }
}

impl Tail {
    /// Nothing is on disk that is not in memory too, so memory may take what comes next.
    fn is_drained(&self) -> bool {
        self.stored == 0 && self.pending_len == 0 && self.writing == 0
    }

    fn push_pending(&mut self, messages: Vec<Message>) {
        if !messages.is_empty() {
            self.pending_len += messages.len() as u64;
            self.pending.push(Segment {
                messages,
                receipt: None,
            });
        }
    }
}

impl Segment {
    fn acknowledge(self) {
        acknowledge(self.receipt, Ok(()));
    }
}

fn acknowledge(receipt: Option<oneshot::Sender<Outcome>>, outcome: Outcome) {
    if let Some(receipt) = receipt {
        // A publisher that has gone cannot be told; its messages stay as they are.
        let _ = receipt.send(outcome);
    }
}
