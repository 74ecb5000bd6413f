//! What the core should hold, kept in the simplest way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use nsq_core::{Channel, Guid, Topic};
use nsq_runtime::Moment;

/// The number of a message, which is in its body.
pub(crate) type Serial = u64;

/// A message that waits in a queue.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(crate) struct Entry {
    /// `None` where only the count is known: which message it is shows when it is delivered.
    pub(crate) serial: Option<Serial>,
    /// How often it was delivered.
    pub(crate) attempts: u16,
    /// In a topic: how long it is to wait once it has reached a channel.
    pub(crate) defer_ms: u32,
    /// In a topic: it went to disk, where it may have lost its delay.
    pub(crate) may_lose_delay: bool,
    /// It is on disk.
    pub(crate) is_on_disk: bool,
    /// It is on disk, synced: no crash may lose it.
    pub(crate) synced: bool,
    /// Its publisher was told that it is accepted. Known when a crash comes.
    pub(crate) is_accepted: bool,
    /// Entries of one group came back at the same moment, in any order.
    pub(crate) group: u64,
}

impl Entry {
    pub(crate) fn new(serial: Serial, group: u64) -> Self {
        Self {
            serial: Some(serial),
            attempts: 0,
            defer_ms: 0,
            may_lose_delay: false,
            is_on_disk: false,
            synced: false,
            is_accepted: false,
            group,
        }
    }

    pub(crate) fn unknown(group: u64) -> Self {
        Self {
            serial: None,
            ..Self::new(0, group)
        }
    }
}

/// A queue, in memory or on disk.
#[derive(Clone, Debug)]
pub(crate) struct QueueModel {
    pub(crate) entries: VecDeque<Entry>,
    /// Messages leave in the order of `entries`. Not so after a restart or when the disk refused some,
    /// until the queue is empty.
    pub(crate) is_ordered: bool,
    /// Opened after a crash: what the crash left comes first, and only the files know how much it is.
    pub(crate) is_recovering: bool,
}

impl Default for QueueModel {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            is_ordered: true,
            is_recovering: false,
        }
    }
}

impl QueueModel {
    pub(crate) fn depth(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn serials(&self) -> impl Iterator<Item = Serial> {
        self.entries.iter().filter_map(|entry| entry.serial)
    }

    /// Takes out the message that was delivered; `None` if a crash has left it. `may_be` says whether an
    /// unknown message can be this one.
    pub(crate) fn deliver(
        &mut self,
        serial: Serial,
        attempts: u16,
        may_be: bool,
    ) -> Result<Option<Entry>, String> {
        let mut front = self.entries.len();
        if self.is_ordered {
            let group = self.entries.front().map(|entry| entry.group);
            front = self
                .entries
                .iter()
                .take_while(|entry| Some(entry.group) == group)
                .count();
        }
        let find = |is_it: &dyn Fn(&Entry) -> bool| self.entries.iter().take(front).position(is_it);
        // After a crash there may be two copies, which were delivered so many times each.
        let index =
            find(&|entry| entry.serial == Some(serial) && entry.attempts.saturating_add(1) == attempts)
                .or_else(|| find(&|entry| entry.serial == Some(serial)))
                .or_else(|| find(&|entry| entry.serial.is_none() && may_be));
        match index {
            Some(index) => Ok(self.entries.remove(index)),
            None if self.is_recovering && may_be => Ok(None),
            None => Err(format!(
                "message {serial} is not next (ordered: {}, recovering: {}, allowed: {may_be}); next are {:?}",
                self.is_ordered,
                self.is_recovering,
                self.entries
                    .iter()
                    .take(8)
                    .map(|entry| entry.serial)
                    .collect::<Vec<_>>(),
            )),
        }
    }

    /// Removes the last `count` of the entries for which `is_failed` holds or that are unknown; returns
    /// the serials that are known, or `None` if there are not so many.
    pub(crate) fn lose(&mut self, count: u64, is_failed: impl Fn(&Entry) -> bool) -> Option<Vec<Serial>> {
        let mut lost = Vec::new();
        let mut left = count;
        for index in (0..self.entries.len()).rev() {
            if left == 0 {
                break;
            }
            let entry = &self.entries[index];
            if entry.serial.is_none() || is_failed(entry) {
                left -= 1;
                lost.extend(self.entries.remove(index).and_then(|entry| entry.serial));
            }
        }
        (left == 0).then_some(lost)
    }

    /// Forgets the order and the identity of all entries.
    pub(crate) fn blur(&mut self, depth: u64) {
        let group = self.entries.front().map_or(0, |entry| entry.group);
        self.entries = (0..depth).map(|_| Entry::unknown(group)).collect();
        self.is_ordered = false;
    }
}

/// A message in flight.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) serial: Serial,
    pub(crate) id: Guid,
    pub(crate) attempts: u16,
    pub(crate) deadline: Moment,
    pub(crate) delivered_at: Moment,
    /// Its record is on disk, synced.
    pub(crate) synced: bool,
}

impl Held {
    pub(crate) fn into_entry(self, group: u64) -> Entry {
        Entry {
            attempts: self.attempts,
            synced: self.synced,
            ..Entry::new(self.serial, group)
        }
    }
}

/// A message that is not due yet.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) due: Moment,
    pub(crate) order: u64,
    pub(crate) entry: Entry,
}

#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(crate) struct ChannelModel {
    pub(crate) handle: Arc<Channel>,
    pub(crate) is_ephemeral: bool,
    pub(crate) is_paused: bool,
    /// Being deleted: what it holds does not count any more.
    pub(crate) is_exiting: bool,
    pub(crate) queue: QueueModel,
    pub(crate) deferred: Vec<Waiting>,
    pub(crate) abandoned: Vec<Held>,
    pub(crate) message_count: u64,
    pub(crate) requeue_count: u64,
    pub(crate) timeout_count: u64,
    pub(crate) finished: u64,
    /// Dropped on purpose: emptied, sampled away, beyond the bound of an ephemeral queue; or refused by
    /// the disk, and the publisher told.
    pub(crate) dropped: u64,
    /// What it held when this process began.
    pub(crate) brought: i128,
    /// Accepted and not delivered yet, not even once.
    pub(crate) owed: BTreeSet<Serial>,
    pub(crate) delivered: BTreeSet<Serial>,
    /// Finished before the last crash.
    pub(crate) finished_before: BTreeSet<Serial>,
    pub(crate) finished_since: BTreeSet<Serial>,
    /// Finished before all was synced: few of these may come back after a crash.
    pub(crate) finished_synced: BTreeSet<Serial>,
    /// How many of them did.
    pub(crate) come_back: u64,
    /// A crash has left deferred messages, of which only the files know.
    pub(crate) has_left_deferred: bool,
    /// After a clean stop, deferred messages count as queued until they are read.
    pub(crate) has_unread_deferred: bool,
    /// Some of them may be unread though they are due: if the wall clock is set back, they are not.
    pub(crate) has_unread_due: bool,
    /// Emptied: these must not come back.
    pub(crate) dead: BTreeSet<Serial>,
    /// Messages published before this number may never have been meant for it.
    pub(crate) created_at: Serial,
    /// Some consumers want a sample only: what is delivered is a matter of luck.
    pub(crate) is_sampled: bool,
    /// Reads of all files when nothing of it was on disk.
    pub(crate) reads_when_dry: u64,
    /// The disk refused messages that had been accepted before: they are kept in memory beyond its bound.
    pub(crate) is_overfull: bool,
}

impl ChannelModel {
    pub(crate) fn new(handle: Arc<Channel>, created_at: Serial) -> Self {
        Self {
            is_ephemeral: handle.name().is_ephemeral(),
            handle,
            is_paused: false,
            is_exiting: false,
            queue: QueueModel::default(),
            deferred: Vec::new(),
            abandoned: Vec::new(),
            message_count: 0,
            requeue_count: 0,
            timeout_count: 0,
            finished: 0,
            dropped: 0,
            brought: 0,
            owed: BTreeSet::new(),
            delivered: BTreeSet::new(),
            finished_before: BTreeSet::new(),
            finished_since: BTreeSet::new(),
            finished_synced: BTreeSet::new(),
            come_back: 0,
            has_left_deferred: false,
            has_unread_deferred: false,
            has_unread_due: false,
            dead: BTreeSet::new(),
            created_at,
            is_sampled: false,
            reads_when_dry: 0,
            is_overfull: false,
        }
    }

    /// Whether its counts tell which of its messages are deferred.
    pub(crate) fn knows_deferred(&self) -> bool {
        !self.has_left_deferred && !self.has_unread_deferred
    }

    /// Deferred messages that count as queued until they are read.
    pub(crate) fn unread_deferred(&self) -> u64 {
        if !self.has_unread_deferred {
            return 0;
        }
        let read = self.handle.snapshot(false).deferred_count;
        (self.deferred.len() as u64).saturating_sub(read)
    }

    /// Forgets until when messages are deferred that an earlier process has left.
    pub(crate) fn blur_deferred(&mut self) {
        if std::mem::take(&mut self.has_unread_due) {
            self.has_unread_deferred = false;
            self.queue.is_recovering = true;
            self.queue.is_ordered = false;
            self.has_left_deferred = true;
            let deferred = std::mem::take(&mut self.deferred);
            let serials = deferred.into_iter().filter_map(|waiting| waiting.entry.serial);
            let serials = serials.filter(|serial| *serial != crate::client::DAMAGED);
            if !self.is_sampled {
                self.owed.extend(serials);
            }
        }
    }

    /// Takes out what is due, in order.
    pub(crate) fn take_due(&mut self, now: Moment, group: u64) -> Vec<Entry> {
        self.deferred.sort_by_key(|waiting| (waiting.due, waiting.order));
        let count = self
            .deferred
            .iter()
            .take_while(|waiting| waiting.due <= now)
            .count();
        self.deferred
            .drain(..count)
            .map(|waiting| Entry {
                group,
                ..waiting.entry
            })
            .collect()
    }

    /// Takes out what its gone consumers did not answer in time.
    pub(crate) fn take_expired(&mut self, now: Moment, group: u64) -> Vec<Entry> {
        take_expired(&mut self.abandoned, now, group)
    }
}

/// Takes out what is past its deadline.
pub(crate) fn take_expired(held: &mut Vec<Held>, now: Moment, group: u64) -> Vec<Entry> {
    held.extract_if(.., |held| held.deadline <= now)
        .map(|held| held.into_entry(group))
        .collect()
}

pub(crate) struct TopicModel {
    pub(crate) handle: Arc<Topic>,
    pub(crate) is_ephemeral: bool,
    pub(crate) is_paused: bool,
    pub(crate) is_exiting: bool,
    pub(crate) queue: QueueModel,
    pub(crate) channels: BTreeMap<String, ChannelModel>,
    pub(crate) message_count: u64,
    pub(crate) message_bytes: u64,
    pub(crate) created_at: Serial,
}

impl TopicModel {
    pub(crate) fn new(handle: Arc<Topic>, created_at: Serial) -> Self {
        Self {
            is_ephemeral: handle.name().is_ephemeral(),
            handle,
            is_paused: false,
            is_exiting: false,
            queue: QueueModel::default(),
            channels: BTreeMap::new(),
            message_count: 0,
            message_bytes: 0,
            created_at,
        }
    }

    /// Whether messages go on to channels.
    pub(crate) fn flows(&self) -> bool {
        let has_channel = self.channels.values().any(|channel| !channel.is_exiting);
        !self.is_paused && !self.is_exiting && has_channel
    }
}
