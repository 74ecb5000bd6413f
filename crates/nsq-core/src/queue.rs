//! Where messages wait: in memory first, on disk beyond it, nowhere for ephemeral ones.

mod claim;
#[cfg(test)]
mod model;
mod tail;
mod work;

pub(crate) use claim::{Claim, Move, Progress};
pub(crate) use work::{Command, Deferring, Parked, Segment, Trouble, Work, Written};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use nsq_runtime::Moment;
use tokio::sync::oneshot;

use crate::durability::Durability;
use crate::fifo::Fifo;
use crate::message::Message;
use tail::Tail;

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

/// What a queue is made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueOptions {
    /// Messages kept in memory.
    pub(crate) memory_max: usize,
    /// What has to be true of a message that is accepted.
    pub(crate) durability: Durability,
    /// Whether what is deferred stays so beyond a clean stop.
    pub(crate) keeps_deferred: bool,
    /// So many consumed records are reported to the files at once.
    pub(crate) consumed_max: usize,
    /// It has no files.
    pub(crate) is_ephemeral: bool,
}

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
/// A message that has a record on disk keeps it, by its ticket, until it is finished or has another: whether it
/// waits, is in flight or deferred, it is there again after a crash.
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

/// A message that left the queue.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) message: Message,
    /// It has a record on disk.
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
    /// A queue without messages. The files are opened by the first service.
    pub(crate) fn new(options: QueueOptions) -> Self {
        let QueueOptions {
            memory_max,
            durability,
            is_ephemeral,
            ..
        } = options;
        let writes_all = durability.writes() && !is_ephemeral;
        Self {
            memory: Fifo::new(),
            memory_max: if writes_all { 0 } else { memory_max },
            tail: (!is_ephemeral).then(|| Tail::new(options)),
        }
    }

    /// Messages in memory and on disk.
    pub(crate) fn depth(&self) -> u64 {
        let on_disk = self.tail.as_ref().map_or(0, |tail| tail.depth() + tail.due_len());
        self.memory.len() as u64 + on_disk
    }

    /// Messages on disk or on their way there.
    pub(crate) fn backend_depth(&self) -> u64 {
        self.tail
            .as_ref()
            .map_or(0, |tail| tail.depth() + tail.due_len() + tail.prefetched)
    }

    /// Deferred messages that are on their way to the files, or have just arrived there.
    pub(crate) fn deferring(&self) -> u64 {
        self.tail.as_ref().map_or(0, Tail::deferring)
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

    /// Whether messages wait to be written.
    pub(crate) fn is_behind(&self) -> bool {
        self.tail
            .as_ref()
            .is_some_and(|tail| tail.pending_len + tail.writing > 0)
    }

    /// Whether the files take nothing, and memory is full.
    pub(crate) fn is_blocked(&self) -> bool {
        let is_full = |tail: &Tail| {
            let in_files = usize::try_from(tail.prefetched).unwrap_or(usize::MAX);
            self.memory.len().saturating_sub(in_files) >= self.memory_max
        };
        self.tail
            .as_ref()
            .is_some_and(|tail| tail.is_in_trouble() && is_full(tail))
    }

    /// Puts messages behind all others. `claim` says who is told once those that went to disk are written; it is
    /// called at most once, and only if some did.
    pub(crate) fn put(
        &mut self,
        mut messages: impl ExactSizeIterator<Item = Message>,
        claim: impl FnOnce() -> Claim,
    ) -> Put {
        let Some(tail) = &mut self.tail else {
            let room = self.memory_max.saturating_sub(self.memory.len());
            for message in messages.take(room) {
                self.memory.push_back(message);
            }
            return Put::Memory;
        };
        let mut overflow = None;
        if tail.is_drained() {
            let in_files = usize::try_from(tail.prefetched).unwrap_or(usize::MAX);
            let mut room = (self.memory_max + in_files).saturating_sub(self.memory.len());
            for message in messages.by_ref() {
                let has_record = message.ticket().is_some();
                if has_record && tail.can_prefetch() {
                    tail.prefetched += 1;
                } else if !has_record && room > 0 {
                    room -= 1;
                } else {
                    overflow = Some(message);
                    break;
                }
                self.memory.push_back(message);
            }
        }
        let mut rest = Vec::with_capacity(messages.len() + usize::from(overflow.is_some()));
        rest.extend(overflow);
        rest.extend(messages);
        if rest.is_empty() {
            return Put::Memory;
        }
        tail.note_first(&rest);
        tail.push_pending(rest, claim());
        Put::Disk
    }

    /// Lets an ephemeral queue without memory accept as many messages as consumers can take at once.
    pub(crate) fn put_for_waiting(&mut self, message: Message) {
        self.memory.push_back(message);
    }

    /// Writes a message to the files that is deferred, if the durability asks for that, or if `here` of them are in
    /// memory and that is enough; gives it back if not. What was written is [taken](Self::take_deferred) then.
    pub(crate) fn defer(
        &mut self,
        message: Message,
        due: Moment,
        here: usize,
        claim: impl FnOnce() -> Claim,
    ) -> Option<Message> {
        match &mut self.tail {
            Some(tail) if tail.writes_all() || here >= self.memory_max => {
                tail.defer(Deferring {
                    message,
                    due,
                    claim: claim(),
                });
                None
            }
            _ => Some(message),
        }
    }

    /// Deferred messages that are in the files since the last call.
    pub(crate) fn take_deferred(&mut self) -> Vec<(Moment, Parked)> {
        self.tail.as_mut().map_or_else(Vec::new, Tail::take_deferred)
    }

    /// Takes the oldest message that is in memory.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Taken> {
        let message = self.memory.pop_front()?;
        let ticket = message.ticket();
        if let (Some(ticket), Some(tail)) = (ticket, &mut self.tail) {
            tail.prefetched -= 1;
            tail.untaken = tail.untaken.max(ticket + 1);
        }
        Some(Taken {
            message,
            was_on_disk: ticket.is_some(),
        })
    }

    /// How long a message that was taken is to wait, in milliseconds.
    pub(crate) fn take_delay(&mut self, message: &Message) -> u32 {
        match (&mut self.tail, message.ticket()) {
            (Some(tail), Some(ticket)) if !tail.delays.is_empty() => tail.delays.remove(&ticket).unwrap_or(0),
            _ => message.defer_ms(),
        }
    }

    /// The messages of these records are finished, or safe elsewhere.
    #[inline]
    pub(crate) fn consume(&mut self, tickets: &mut Vec<u64>) {
        if let Some(tail) = &mut self.tail {
            tail.consumed.append(tickets);
        }
        tickets.clear();
    }

    /// Messages that were taken have records here until they have arrived elsewhere.
    pub(crate) fn set_moving(&mut self, is_moving: bool) {
        if let Some(tail) = &mut self.tail {
            tail.moving = is_moving;
        }
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
        self.memory
            .front()
            .map(|message| message.timestamp_ns)
            .or_else(|| self.tail.as_ref()?.first_ns())
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
        tail.has_consumed()
    }

    /// When the files want attention next: for a sync, or to try again what failed.
    pub(crate) fn next_deadline(&mut self, now: Moment, sync_timeout: Duration) -> Option<Moment> {
        self.tail.as_mut()?.next_deadline(now, sync_timeout)
    }

    /// Notes that the files have unsynced changes since `now`.
    pub(crate) fn mark_dirty(&mut self, now: Moment, sync_timeout: Duration) {
        if let Some(tail) = &mut self.tail {
            tail.mark_dirty(now, sync_timeout);
        }
    }

    /// Turns what is due into work. Returns whether there is any.
    pub(crate) fn on_timer(&mut self, now: Moment) -> bool {
        self.tail.as_mut().is_some_and(|tail| tail.on_timer(now))
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
        let Some(tail) = &mut self.tail else {
            self.memory.clear();
            // The receiver may have gone: nobody is left to be told.
            let _ = reply.send(Ok(()));
            return;
        };
        if command != Command::Close {
            self.memory.clear();
            tail.drop_all(command, reply);
            return;
        }
        let untaken = tail.untaken;
        // Block by block: a million messages are not moved to one place first.
        for mut unsaved in self.memory.take_blocks() {
            let count = unsaved.len();
            // What was never taken is still in the files as it is, and is read again after the next start.
            unsaved.retain(|message| message.ticket().is_none_or(|ticket| ticket < untaken));
            tail.stored += (count - unsaved.len()) as u64;
            tail.push_pending(unsaved, Claim::Nobody);
        }
        tail.prefetched = 0;
        tail.close(reply);
    }

    /// Puts messages that were accepted before behind all others on disk, for the clean stop.
    pub(crate) fn save(&mut self, messages: Vec<Message>) {
        if let Some(tail) = &mut self.tail {
            tail.push_pending(messages, Claim::Nobody);
        }
    }

    /// Likewise, messages that are deferred, in the order in which they are due, and those that the files have.
    pub(crate) fn save_deferred(&mut self, messages: Vec<(Moment, Message)>, in_files: Vec<(u64, Moment)>) {
        if let Some(tail) = &mut self.tail {
            tail.save_deferred(messages, in_files);
        }
    }

    /// What the files keep deferred beyond a clean stop, by ticket.
    pub(crate) fn take_kept_deferred(&mut self) -> Vec<(u64, Moment)> {
        self.tail.as_mut().map_or_else(Vec::new, Tail::take_kept_deferred)
    }

    /// The next thing to do with the files, with the generation its result belongs to.
    pub(crate) fn next_work(&mut self) -> Option<(Work, u64)> {
        self.tail.as_mut()?.next_work(&mut self.memory)
    }

    /// A sync is under way. It covers all that is written.
    pub(crate) fn sync_began(&mut self) {
        if let Some(tail) = &mut self.tail {
            tail.sync_began();
        }
    }

    /// It has ended.
    pub(crate) fn sync_ended(&mut self, outcome: &Outcome) {
        if let Some(tail) = &mut self.tail {
            tail.sync_ended(outcome);
        }
    }

    /// Who waits for a sync is told this, as none is under way, and none needed or possible.
    pub(crate) fn settle_unsynced(&mut self, outcome: &Outcome) {
        if let Some(tail) = &mut self.tail {
            tail.settle_unsynced(outcome);
        }
    }

    /// The files cannot be written to: publishers are told, and it is tried again at `probe_at`.
    pub(crate) fn enter_trouble(&mut self, trouble: Trouble, probe_at: Moment) {
        if let Some(tail) = &mut self.tail {
            tail.enter_trouble(trouble, probe_at);
        }
    }

    /// They were written to. Returns whether they could not be before.
    pub(crate) fn has_written(&mut self) -> bool {
        self.tail.as_mut().is_some_and(Tail::has_written)
    }

    /// They can. Returns whether they could not.
    pub(crate) fn leave_trouble(&mut self) -> bool {
        self.tail.as_mut().is_some_and(Tail::leave_trouble)
    }

    /// The files were opened and hold `depth` records, of which the first may be deferred.
    /// A crash has left those of `left` deferred.
    pub(crate) fn opened(
        &mut self,
        generation: u64,
        depth: u64,
        starts_deferred: bool,
        left: Vec<(u64, Moment)>,
    ) {
        if let Some(tail) = &mut self.tail {
            tail.opened(generation, depth, starts_deferred, left);
        }
    }

    /// The files could not be opened: publishers are told, and it is tried again at `retry_at`.
    pub(crate) fn open_failed(&mut self, error: &StorageError, retry_at: Moment) {
        let Some(tail) = &mut self.tail else { return };
        let (segments, generation) = tail.open_failed(error, retry_at);
        self.written(generation, segments, Written::default(), Some(error));
    }

    /// The messages of `segments` are in the files as far as `written` says; the others are not if there was
    /// an `error`. Publishers are told.
    pub(crate) fn written(
        &mut self,
        generation: u64,
        segments: Vec<Segment>,
        written: Written,
        error: Option<&StorageError>,
    ) {
        if let Some(tail) = &mut self.tail {
            tail.written(generation, segments, written, error, &mut self.memory);
        }
    }

    /// Deferred messages are in the files, with the tickets from the one given on, or are not.
    pub(crate) fn put_off(
        &mut self,
        generation: u64,
        messages: Vec<Deferring>,
        outcome: Result<u64, StorageError>,
    ) {
        if let Some(tail) = &mut self.tail {
            tail.put_off(generation, messages, outcome);
        }
    }

    /// Deferred messages that the files have are due.
    pub(crate) fn push_due(&mut self, tickets: Vec<u64>) {
        if let Some(tail) = &mut self.tail {
            tail.push_due(tickets);
        }
    }

    /// Deferred messages that are due were read, except those of `unread`.
    pub(crate) fn due_read(&mut self, generation: u64, messages: Vec<Message>, unread: &[u64]) {
        let is_current = self
            .tail
            .as_mut()
            .is_some_and(|tail| tail.due_read(generation, unread));
        if is_current {
            // If they are too many, the files keep them as they keep all others.
            self.put(messages.into_iter(), || Claim::Nobody);
        }
    }

    /// They could not be read; it is tried again at `retry_at`.
    pub(crate) fn hold_due(&mut self, retry_at: Moment) {
        if let Some(tail) = &mut self.tail {
            tail.hold_due(retry_at);
        }
    }

    /// The next messages were read from the files, oldest first, and so many are left there. Those with a due time
    /// are deferred until then.
    pub(crate) fn refilled(
        &mut self,
        generation: u64,
        messages: Vec<Message>,
        deferred: Vec<(Moment, Message)>,
        unread: u64,
    ) {
        let Some(tail) = &mut self.tail else { return };
        if !tail.takes(generation) {
            return;
        }
        let count = messages.len() as u64;
        tail.prefetched += count;
        tail.last_block_len = count;
        // Behind deferred ones, there may be more of them. If they cannot be written elsewhere, that can wait.
        tail.wanted = count == 0 && !deferred.is_empty() && !tail.is_in_trouble();
        tail.stored = unread;
        tail.first_ns = None;
        tail.take_back(deferred);
        for message in messages {
            self.memory.push_back(message);
        }
    }

    /// Nothing can be read: there are no files any more.
    pub(crate) fn files_are_gone(&mut self, generation: u64) {
        if let Some(tail) = &mut self.tail
            && tail.takes(generation)
        {
            tail.stored = 0;
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
