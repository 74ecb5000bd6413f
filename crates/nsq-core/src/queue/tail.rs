//! The part of a queue that is on disk or on its way there.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use nsq_diskqueue::DiskQueue;
use nsq_runtime::Moment;
use tokio::sync::oneshot;

use super::work::{Command, Deferring, Parked, Segment, Trouble, Work, Written};
use super::{Claim, Outcome, QueueOptions, StorageError};
use crate::durability::Durability;
use crate::fifo::Fifo;
use crate::message::Message;

/// How often a clean stop tries to write what has no other place.
const SAVE_TRIES: u32 = 3;

/// Messages that are deferred in the files at once, at most.
const DEFER_MAX: usize = 1024;

/// Freshly written messages that stay in memory for a reader that has caught up.
const PREFETCH_MAX: u64 = 1024;

/// The part of a queue that is on disk or on its way there.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they come and go independently of each other"
)]
pub(super) struct Tail {
    durability: Durability,
    /// What is deferred stays so beyond a clean stop.
    keeps_deferred: bool,
    /// Freshly written messages that stay in memory, at most.
    prefetch_max: u64,
    /// So many consumed records are reported to the files at once.
    consumed_max: usize,
    opened: bool,
    /// Records in the files that are not in memory.
    pub(super) stored: u64,
    /// Messages in memory that have a record in the files as well.
    pub(super) prefetched: u64,
    /// When the first message of the tail was accepted, for statistics; known of one that came to an empty tail,
    /// until memory is refilled.
    pub(super) first_ns: Option<i64>,
    /// Tickets from here on were never taken: their messages are as they stand in the files.
    pub(super) untaken: u64,
    /// Tickets of records whose messages are finished or safe elsewhere, not yet reported to the files.
    pub(super) consumed: Vec<u64>,
    /// Likewise, of those that have other records by now.
    superseded: Vec<u64>,
    /// Delays of messages that have a record.
    pub(super) delays: HashMap<u64, u32>,
    /// Accepted, not yet handed to the files.
    pub(super) pending: Vec<Segment>,
    pub(super) pending_len: u64,
    /// Handed to the files, outcome not known yet.
    pub(super) writing: u64,
    /// Deferred messages on their way into the files.
    deferring: Vec<Deferring>,
    deferring_len: u64,
    /// Those that are there, or that the files refuse, for the owner to take.
    deferred: Vec<(Moment, Parked)>,
    /// Tickets of deferred messages that are due and have to be read, in the order of their times.
    due: VecDeque<u64>,
    /// Those that are being read.
    reading_due: u64,
    /// Reading them has failed: it is tried again later.
    is_due_held: bool,
    /// Those that the files keep deferred beyond a clean stop, by their tickets.
    kept_deferred: Vec<(u64, Moment)>,
    /// Written, and not synced, for those that wait for that.
    unsynced: Vec<Claim>,
    /// Likewise, covered by the sync that is under way.
    committing: Vec<Claim>,
    /// Memory should be refilled.
    pub(super) wanted: bool,
    /// How many messages the last refill brought; memory is refilled when as many are left, so that consumers
    /// take one block while the next is read.
    pub(super) last_block_len: u64,
    /// Reading failed, and is tried again then.
    pub(super) retry_at: Option<Moment>,
    /// Why the files take nothing.
    trouble: Option<Trouble>,
    /// When that is tried again.
    probe_at: Option<Moment>,
    probe_due: bool,
    /// When the files have to be synced, while something is not.
    sync_at: Option<Moment>,
    sync_due: bool,
    /// A sync is under way; commands wait for its end.
    syncing: bool,
    /// Messages are being moved elsewhere, and have their records here until they have arrived.
    pub(super) moving: bool,
    /// The content is to be dropped. Done before anything else, and what came later stays.
    dropping: Option<(Command, oneshot::Sender<Outcome>)>,
    /// Everything is to be written, and the files to be closed. Done after anything else.
    pub(super) closing: Option<oneshot::Sender<Outcome>>,
    /// A clean stop has found no files to write to: what is here is lost with the process.
    is_given_up: bool,
    /// Writes that failed since then.
    failed_saves: u32,
    /// Counts how often the queue was emptied: results of work begun before are stale.
    generation: u64,
}

impl Tail {
    pub(super) fn new(options: QueueOptions) -> Self {
        let QueueOptions {
            memory_max,
            durability,
            keeps_deferred,
            consumed_max,
            ..
        } = options;
        let prefetch_max = if durability.writes() { memory_max as u64 } else { 0 };
        Self {
            durability,
            keeps_deferred,
            prefetch_max: prefetch_max.max(PREFETCH_MAX),
            consumed_max,
            opened: false,
            stored: 0,
            prefetched: 0,
            first_ns: None,
            untaken: 0,
            consumed: Vec::new(),
            superseded: Vec::new(),
            delays: HashMap::new(),
            pending: Vec::new(),
            pending_len: 0,
            writing: 0,
            deferring: Vec::new(),
            deferring_len: 0,
            deferred: Vec::new(),
            due: VecDeque::new(),
            reading_due: 0,
            is_due_held: false,
            kept_deferred: Vec::new(),
            unsynced: Vec::new(),
            committing: Vec::new(),
            wanted: false,
            last_block_len: 0,
            retry_at: None,
            trouble: None,
            probe_at: None,
            probe_due: false,
            sync_at: None,
            sync_due: false,
            syncing: false,
            moving: false,
            dropping: None,
            closing: None,
            is_given_up: false,
            failed_saves: 0,
            generation: 0,
        }
    }

    /// Messages in the files that are not in memory, or on their way there.
    pub(super) fn depth(&self) -> u64 {
        self.stored + self.writing + self.pending_len
    }

    /// Nothing is on disk that is not in memory too, so memory may take what comes next.
    pub(super) fn is_drained(&self) -> bool {
        self.depth() == 0
    }

    /// Whether memory takes one more message that has a record.
    pub(super) fn can_prefetch(&self) -> bool {
        self.prefetched < self.prefetch_max
    }

    /// Whether every message is written before it is accepted.
    pub(super) fn writes_all(&self) -> bool {
        self.durability.writes()
    }

    /// Whether the result of work of this generation means anything.
    pub(super) fn takes(&self, generation: u64) -> bool {
        self.generation == generation && self.closing.is_none()
    }

    /// Deferred messages are due: they are to be read.
    pub(super) fn push_due(&mut self, tickets: Vec<u64>) {
        self.due.extend(tickets);
    }

    /// Deferred messages that are due and not read yet.
    pub(super) fn due_len(&self) -> u64 {
        self.due.len() as u64 + self.reading_due
    }

    /// So many of them have been read, or are not there any more; the others are to be read again.
    pub(super) fn due_read(&mut self, generation: u64, unread: &[u64]) -> bool {
        if self.generation != generation {
            return false;
        }
        self.reading_due = 0;
        if self.closing.is_none() {
            for ticket in unread.iter().rev() {
                self.due.push_front(*ticket);
            }
        }
        self.takes(generation)
    }

    /// They could not be read; it is tried again at `retry_at`.
    pub(super) fn hold_due(&mut self, retry_at: Moment) {
        self.is_due_held = true;
        self.retry_at = Some(retry_at);
    }

    /// Deferred messages that an earlier process has left in the data files.
    pub(super) fn take_back(&mut self, messages: Vec<(Moment, Message)>) {
        let tickets = messages.iter().filter_map(|(_, message)| message.ticket());
        let in_files = tickets.filter(|ticket| !DiskQueue::is_deferred(*ticket));
        if let Some(last) = in_files.max() {
            // A clean stop gives them other records: those before them cannot stay as they are, either.
            self.untaken = self.untaken.max(last + 1);
        }
        for (due, message) in messages {
            // There may be more than there is memory for.
            self.defer(Deferring {
                message,
                due,
                claim: Claim::Nobody,
            });
        }
    }

    /// Messages are about to be written.
    pub(super) fn note_first(&mut self, messages: &[Message]) {
        if self.is_drained() {
            self.first_ns = messages.first().map(|message| message.timestamp_ns);
        }
    }

    /// When the first message that is not in memory was accepted, if that is known.
    pub(super) fn first_ns(&self) -> Option<i64> {
        self.first_ns.filter(|_| !self.is_drained())
    }

    /// Whether enough records are consumed to report them.
    pub(super) fn has_consumed(&self) -> bool {
        self.consumed.len() + self.superseded.len() >= self.consumed_max
    }

    /// Whether any are.
    fn has_to_report(&self) -> bool {
        !self.consumed.is_empty() || !self.superseded.is_empty()
    }

    pub(super) fn is_in_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    pub(super) fn push_pending(&mut self, messages: Vec<Message>, claim: Claim) {
        if !messages.is_empty() {
            self.pending_len += messages.len() as u64;
            self.pending.push(Segment { messages, claim });
        }
    }

    /// When the files want attention next: for a sync, or to try again what failed.
    pub(super) fn next_deadline(&mut self, now: Moment, sync_timeout: Duration) -> Option<Moment> {
        if self.has_to_report() {
            self.mark_dirty(now, sync_timeout);
        }
        [self.sync_at, self.retry_at, self.probe_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Notes that the files have unsynced changes since `now`.
    pub(super) fn mark_dirty(&mut self, now: Moment, sync_timeout: Duration) {
        if self.sync_at.is_none() {
            self.sync_at = Some(now + sync_timeout);
        }
    }

    /// Turns what is due into work. Returns whether there is any.
    pub(super) fn on_timer(&mut self, now: Moment) -> bool {
        let is_due = |at: &mut Option<Moment>| at.take_if(|at| *at <= now).is_some();
        let sync = is_due(&mut self.sync_at);
        let retry = is_due(&mut self.retry_at);
        let probe = is_due(&mut self.probe_at);
        self.sync_due |= sync;
        self.wanted |= retry;
        self.is_due_held &= !retry;
        self.probe_due |= probe;
        sync || retry || probe
    }

    /// Drops all content, and then the files; `reply` is told.
    pub(super) fn drop_all(&mut self, command: Command, reply: oneshot::Sender<Outcome>) {
        self.generation += 1;
        self.stored = 0;
        self.prefetched = 0;
        self.consumed.clear();
        self.superseded.clear();
        self.delays.clear();
        self.writing = 0;
        self.pending_len = 0;
        self.deferring_len = 0;
        self.wanted = false;
        self.deferred.clear();
        self.due.clear();
        self.reading_due = 0;
        let pending = self.pending.drain(..).map(|segment| segment.claim);
        let deferring = self.deferring.drain(..).map(|deferring| deferring.claim);
        let written = self.unsynced.drain(..).chain(self.committing.drain(..));
        pending.chain(deferring).chain(written).for_each(Claim::fulfil);
        if let Some((_, superseded)) = self.dropping.replace((command, reply)) {
            // Two requests at the same moment: the later one does the work of both. Who asked may have gone.
            let _ = superseded.send(Ok(()));
        }
    }

    /// The next thing to do with the files, with the generation its result belongs to. `memory` takes what the
    /// files refuse.
    pub(super) fn next_work(&mut self, memory: &mut Fifo<Message>) -> Option<(Work, u64)> {
        let generation = self.generation;
        let work = if !self.opened {
            Work::Open
        } else if self.dropping.is_some() && self.syncing {
            return None;
        } else if let Some((command, reply)) = self.dropping.take() {
            Work::Command(command, reply)
        } else if self.has_consumed() || self.has_to_report() && (self.sync_due || self.closing.is_some()) {
            if self.consumed.is_empty() {
                Work::Supersede(std::mem::take(&mut self.superseded))
            } else {
                Work::Consume(std::mem::take(&mut self.consumed))
            }
        } else if std::mem::take(&mut self.probe_due) && self.trouble.is_some() && self.closing.is_none() {
            Work::Probe
        } else if let Some(work) = self.next_write(memory) {
            work
        } else if !self.due.is_empty() && !self.is_due_held && self.closing.is_none() {
            let tickets: Vec<_> = self.due.drain(..self.due.len().min(DEFER_MAX)).collect();
            self.reading_due = tickets.len() as u64;
            Work::ReadDue(tickets)
        } else if self.closing.is_some() && (self.syncing || self.moving) {
            return None;
        } else if let Some(reply) = self.closing.take() {
            Work::Command(Command::Close, reply)
        } else if self.can_commit() {
            Work::Commit
        } else if self.wanted && self.stored > 0 {
            Work::Read
        } else if self.sync_due {
            self.sync_due = false;
            self.sync_at = None;
            Work::Sync
        } else {
            self.wanted = false;
            return None;
        };
        Some((work, generation))
    }

    /// Whether somebody waits for a sync, and it is not known to fail.
    fn can_commit(&self) -> bool {
        !self.unsynced.is_empty() && !self.syncing && !matches!(self.trouble, Some(Trouble::Sync(_)))
    }

    fn next_write(&mut self, memory: &mut Fifo<Message>) -> Option<Work> {
        if self.closing.is_none()
            && let Some(trouble) = self.trouble.clone()
        {
            // For a publisher it is tried again: if it works, that is over. What has another place can wait.
            let is_publisher = |segment: &Segment| matches!(segment.claim, Claim::Publisher(_));
            let is_tried = matches!(trouble, Trouble::Write(_)) && self.pending.iter().any(is_publisher);
            if !is_tried {
                return self.refuse_all(trouble.error(), memory).then_some(Work::Refused);
            }
        }
        if !self.pending.is_empty() {
            let hand_out = self.stored == 0
                && self.closing.is_none()
                && self.prefetched + self.pending_len <= self.prefetch_max;
            self.writing += std::mem::take(&mut self.pending_len);
            return Some(Work::Write {
                segments: std::mem::take(&mut self.pending),
                hand_out,
            });
        }
        if !self.deferring.is_empty() {
            let rest = self.deferring.split_off(self.deferring.len().min(DEFER_MAX));
            return Some(Work::Defer(std::mem::replace(&mut self.deferring, rest)));
        }
        None
    }

    /// Nothing can be written now: gives everything that waits for it the place it then has. Returns whether
    /// anything has changed.
    fn refuse_all(&mut self, error: &StorageError, memory: &mut Fifo<Message>) -> bool {
        let before = self.pending.len() + self.deferring.len();
        self.first_ns = None;
        self.pending_len = 0;
        for segment in std::mem::take(&mut self.pending) {
            self.refuse(segment, error, memory);
        }
        for deferring in std::mem::take(&mut self.deferring) {
            self.refuse_deferring(deferring, error);
        }
        self.pending.len() + self.deferring.len() < before
    }

    /// Messages that could not be written.
    fn refuse(&mut self, segment: Segment, error: &StorageError, memory: &mut Fifo<Message>) {
        match segment.claim {
            Claim::Publisher(_) => segment.claim.fail(error),
            Claim::Move(_) if self.is_given_up => segment.claim.fail(error),
            // They have their place in the files of the topic.
            Claim::Move(_) if self.durability.writes() => self.push_pending(segment.messages, segment.claim),
            // Accepted before: kept in memory, beyond its bound if need be, rather than lost.
            Claim::Nobody | Claim::Move(_) => {
                for message in segment.messages {
                    self.prefetched += u64::from(message.ticket().is_some());
                    memory.push_back(message);
                }
            }
        }
    }

    fn refuse_deferring(&mut self, deferring: Deferring, error: &StorageError) {
        match deferring.claim {
            Claim::Publisher(_) => {
                self.deferring_len -= 1;
                deferring.claim.fail(error);
            }
            Claim::Move(_) if self.is_given_up => deferring.claim.fail(error),
            Claim::Move(_) => self.deferring.push(deferring),
            Claim::Nobody => {
                self.deferring_len -= 1;
                self.deferred
                    .push((deferring.due, Parked::Here(deferring.message)));
            }
        }
    }

    /// Writes a message with the time until which it is deferred.
    pub(super) fn defer(&mut self, deferring: Deferring) {
        self.deferring_len += 1;
        self.deferring.push(deferring);
    }

    /// Deferred messages on their way into the files, or just there.
    pub(super) fn deferring(&self) -> u64 {
        self.deferring_len + self.deferred.len() as u64
    }

    /// What has been deferred in the files since the last call.
    pub(super) fn take_deferred(&mut self) -> Vec<(Moment, Parked)> {
        std::mem::take(&mut self.deferred)
    }

    /// What the files keep deferred, by ticket, when they are closed.
    pub(super) fn take_kept_deferred(&mut self) -> Vec<(u64, Moment)> {
        let mut kept = std::mem::take(&mut self.kept_deferred);
        kept.sort_unstable();
        kept
    }

    /// Begins a clean stop. What is on its way to be deferred goes there before the files are closed, which keep its
    /// time; or to the queue, where its time ends.
    pub(super) fn close(&mut self, reply: oneshot::Sender<Outcome>) {
        self.closing = Some(reply);
        if !self.keeps_deferred {
            self.queue_deferring();
        }
    }

    /// Messages that are deferred when a clean stop comes, and the tickets of those that the files have.
    pub(super) fn save_deferred(&mut self, messages: Vec<(Moment, Message)>, in_files: Vec<(u64, Moment)>) {
        self.due.clear();
        self.kept_deferred.extend(in_files);
        if !self.keeps_deferred {
            self.kept_deferred.clear();
            let messages = messages.into_iter().map(|(_, message)| message).collect();
            self.push_pending(messages, Claim::Nobody);
            return;
        }
        for (due, message) in messages {
            self.defer(Deferring {
                message,
                due,
                claim: Claim::Nobody,
            });
        }
    }

    /// Puts what is on its way to be deferred behind all other messages instead.
    fn queue_deferring(&mut self) {
        self.deferring_len = 0;
        for Deferring { message, claim, .. } in std::mem::take(&mut self.deferring) {
            self.push_pending(vec![message], claim);
        }
    }

    /// Deferred messages are in the files, with the tickets from `first_ticket` on, or are not.
    pub(super) fn put_off(
        &mut self,
        generation: u64,
        messages: Vec<Deferring>,
        outcome: Result<u64, StorageError>,
    ) {
        if self.generation != generation {
            for deferring in messages {
                deferring.claim.fulfil();
            }
            return;
        }
        match outcome {
            Ok(first_ticket) => {
                for (ticket, deferring) in (first_ticket..).zip(messages) {
                    let Deferring { message, due, claim } = deferring;
                    self.superseded.extend(message.ticket());
                    self.deferring_len -= 1;
                    if self.closing.is_some() {
                        self.kept_deferred.push((ticket, due));
                    } else {
                        self.deferred.push((due, Parked::InFiles(ticket)));
                    }
                    self.settle(claim);
                }
            }
            Err(_) if self.closing.is_some() => {
                // Better without its time than not at all.
                self.deferring.extend(messages);
                self.queue_deferring();
            }
            Err(error) => {
                for deferring in messages {
                    self.refuse_deferring(deferring, &error);
                }
            }
        }
    }

    /// Messages are in the files: says so, now or once they are synced.
    fn settle(&mut self, claim: Claim) {
        if let (Some(Trouble::Sync(error)), Claim::Publisher(_)) = (&self.trouble, &claim) {
            claim.fail(&error.clone());
            return;
        }
        if self.durability.syncs() && !matches!(claim, Claim::Nobody) {
            self.unsynced.push(claim);
        } else {
            claim.fulfil();
        }
    }

    /// The files cannot be written to, and are tried again at `probe_at`.
    pub(super) fn enter_trouble(&mut self, trouble: Trouble, probe_at: Moment) {
        // The worse of both stays.
        if !matches!(
            (&self.trouble, &trouble),
            (Some(Trouble::Sync(_)), Trouble::Write(_))
        ) {
            self.trouble = Some(trouble);
        }
        self.probe_at = Some(probe_at);
    }

    /// They were written to.
    pub(super) fn has_written(&mut self) -> bool {
        matches!(self.trouble, Some(Trouble::Write(_))) && self.leave_trouble()
    }

    /// They can. Returns whether they could not.
    pub(super) fn leave_trouble(&mut self) -> bool {
        self.probe_at = None;
        self.trouble.take().is_some()
    }

    /// A sync is under way. It covers all that is written.
    pub(super) fn sync_began(&mut self) {
        self.syncing = true;
        self.committing.append(&mut self.unsynced);
    }

    /// It has ended.
    pub(super) fn sync_ended(&mut self, outcome: &Outcome) {
        self.syncing = false;
        let mut claims = std::mem::take(&mut self.committing);
        if outcome.is_err() {
            // What was written since is no safer.
            claims.append(&mut self.unsynced);
        }
        for claim in claims {
            match (outcome, claim) {
                (Ok(()), claim) => claim.fulfil(),
                // A topic can wait until it works.
                (Err(_), Claim::Move(moving)) => self.unsynced.push(Claim::Move(moving)),
                (Err(error), claim) => claim.fail(error),
            }
        }
    }

    /// All that is written is synced already, or will never be.
    pub(super) fn settle_unsynced(&mut self, outcome: &Outcome) {
        self.syncing = false;
        let unsynced = self.unsynced.drain(..).chain(self.committing.drain(..));
        for claim in unsynced {
            match outcome {
                Ok(()) => claim.fulfil(),
                Err(error) => claim.fail(error),
            }
        }
    }

    pub(super) fn opened(
        &mut self,
        generation: u64,
        depth: u64,
        starts_deferred: bool,
        left: Vec<(u64, Moment)>,
    ) {
        self.opened = true;
        self.trouble = None;
        // When it is due shows when it is read, and nobody may ask for it until then.
        self.wanted |= starts_deferred;
        // What is to be dropped next does not count any more.
        if self.generation == generation && self.dropping.is_none() {
            self.stored += depth;
            let left = left.into_iter();
            if self.closing.is_some() {
                self.kept_deferred.extend(left);
            } else {
                self.deferred
                    .extend(left.map(|(ticket, due)| (due, Parked::InFiles(ticket))));
            }
        }
    }

    /// The files could not be opened: takes everything that waits for them.
    pub(super) fn open_failed(&mut self, error: &StorageError, retry_at: Moment) -> (Vec<Segment>, u64) {
        self.retry_at = Some(retry_at);
        self.trouble = Some(Trouble::Write(error.clone()));
        let segments = std::mem::take(&mut self.pending);
        self.writing += std::mem::take(&mut self.pending_len);
        self.is_given_up |= self.closing.is_some();
        let dropping = self.dropping.take().map(|(_, reply)| reply);
        for reply in dropping.into_iter().chain(self.closing.take()) {
            // Who asked may have gone.
            let _ = reply.send(Err(error.clone()));
        }
        for deferring in std::mem::take(&mut self.deferring) {
            self.refuse_deferring(deferring, error);
        }
        (segments, self.generation)
    }

    /// The messages of `segments` are in the files as far as `written` says; the others are not if there was
    /// an `error`. Publishers are told.
    pub(super) fn written(
        &mut self,
        generation: u64,
        segments: Vec<Segment>,
        written: Written,
        error: Option<&StorageError>,
        memory: &mut Fifo<Message>,
    ) {
        let current = self.generation == generation;
        if current {
            let count: usize = segments.iter().map(|segment| segment.messages.len()).sum();
            self.writing -= count as u64;
            if error.is_some() || written.handed_out > 0 {
                self.first_ns = None;
            }
        }
        let mut kept = written.kept;
        let mut handed_out = (written.first_ticket..).take(written.handed_out);
        let mut unsaved = Vec::new();
        for mut segment in segments {
            let here = kept.min(segment.messages.len());
            kept -= here;
            let lost = segment.messages.split_off(here);
            if current {
                for message in segment.messages {
                    self.keep(message, handed_out.next(), memory);
                }
            }
            let claim = segment.claim;
            if lost.is_empty() {
                self.settle(claim);
                continue;
            }
            let error = error.cloned().unwrap_or_else(|| StorageError::new("short write"));
            let lost = Segment {
                messages: lost,
                claim,
            };
            if !current {
                lost.claim.fail(&error);
            } else if self.closing.is_some() && !matches!(lost.claim, Claim::Publisher(_)) {
                unsaved.push(lost);
            } else {
                self.refuse(lost, &error, memory);
            }
        }
        if current && self.closing.is_none() {
            self.stored = written.unread;
        }
        if !unsaved.is_empty() {
            let error = error.cloned().unwrap_or_else(|| StorageError::new("short write"));
            self.save_again(unsaved, &error);
        }
    }

    /// A message is in the files; with a new ticket, in memory as well.
    fn keep(&mut self, mut message: Message, ticket: Option<u64>, memory: &mut Fifo<Message>) {
        self.superseded.extend(message.ticket());
        let Some(ticket) = ticket else {
            self.stored += 1;
            return;
        };
        if message.defer_ms() > 0 {
            self.delays.insert(ticket, message.defer_ms());
        }
        message.set_ticket(ticket);
        self.prefetched += 1;
        memory.push_back(message);
    }

    /// A clean stop could not write these messages.
    fn save_again(&mut self, unsaved: Vec<Segment>, error: &StorageError) {
        self.failed_saves += 1;
        if self.failed_saves < SAVE_TRIES {
            for segment in unsaved {
                self.push_pending(segment.messages, segment.claim);
            }
            return;
        }
        for segment in unsaved {
            segment.claim.fail(error);
        }
        if let Some(reply) = self.closing.replace(oneshot::channel().0) {
            // The files are closed all the same. Who asked may have gone.
            let _ = reply.send(Err(error.clone()));
        }
    }
}
