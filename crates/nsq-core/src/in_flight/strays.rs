//! Messages whose ids or deadlines do not follow the order of delivery.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use nsq_runtime::Moment;

use super::Held;
use crate::guid::Guid;
use crate::message::Message;

/// Stale deadlines are swept when they outnumber the messages by this factor, and this many.
const STALE_FACTOR: usize = 2;
const STALE_MIN: usize = 64;

/// Messages found by id, and ordered by deadline: those that were touched, delivered again, or left
/// behind by consumers that have gone.
///
/// Deadlines are kept in a sorted queue with lazily removed entries: an entry is stale when its message
/// is gone or has another deadline by now. It is bounded by the number of messages.
#[derive(Debug, Default)]
pub(super) struct Strays {
    entries: HashMap<Guid, Held, BuildHasherDefault<GuidHasher>>,
    deadlines: VecDeque<(Moment, Guid)>,
}

impl Strays {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn contains(&self, id: Guid) -> bool {
        self.entries.contains_key(&id)
    }

    /// Takes in a message of an id that is not here yet.
    pub(super) fn insert(&mut self, held: Held) -> &Message {
        self.note_deadline(held.deadline, held.message.id);
        &self
            .entries
            .entry(held.message.id)
            .insert_entry(held)
            .into_mut()
            .message
    }

    /// Takes in one of many messages, of ids that are not here yet; [`sort`](Self::sort) is to follow.
    pub(super) fn push(&mut self, held: Held) {
        self.deadlines.push_back((held.deadline, held.message.id));
        self.entries.insert(held.message.id, held);
    }

    /// Puts what was [pushed](Self::push) in its place. Two sorted runs are merged, in one pass.
    pub(super) fn sort(&mut self) {
        self.deadlines.make_contiguous().sort_by_key(|&(at, _)| at);
    }

    /// Takes out a message that was answered.
    pub(super) fn remove(&mut self, id: Guid) -> Option<Message> {
        let entry = self.entries.remove(&id)?;
        // In the usual case messages are answered in order, and nothing stale is ever left.
        while self
            .deadlines
            .front()
            .is_some_and(|&(at, id)| self.is_stale(at, id))
        {
            self.deadlines.pop_front();
        }
        self.sweep();
        Some(entry.message)
    }

    /// Moves the deadline of a message to `deadline`, at most `longest` after its delivery. Returns
    /// false if the message is not here.
    pub(super) fn touch(&mut self, id: Guid, deadline: Moment, longest: std::time::Duration) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else {
            return false;
        };
        let deadline = deadline.min(entry.delivered_at + longest);
        if deadline != entry.deadline {
            entry.deadline = deadline;
            self.note_deadline(deadline, id);
            self.sweep();
        }
        true
    }

    /// The earliest deadline.
    pub(super) fn next_deadline(&mut self) -> Option<Moment> {
        while let Some(&(at, id)) = self.deadlines.front() {
            if !self.is_stale(at, id) {
                return Some(at);
            }
            self.deadlines.pop_front();
        }
        None
    }

    /// Takes out one message whose deadline has come.
    pub(super) fn pop_expired(&mut self, now: Moment) -> Option<Message> {
        if self.next_deadline()? > now {
            return None;
        }
        let (_, id) = self.deadlines.pop_front()?;
        self.entries.remove(&id).map(|entry| entry.message)
    }

    /// Takes out everything, ordered by deadline.
    pub(super) fn take_all(&mut self) -> Vec<Held> {
        let mut all: Vec<_> = std::mem::take(self).entries.into_values().collect();
        all.sort_unstable_by_key(|held| (held.deadline, held.message.id));
        all
    }

    /// Gives back memory that a burst left behind.
    pub(super) fn shrink(&mut self) {
        if self.entries.capacity() > 4 * self.entries.len() + STALE_MIN {
            self.entries.shrink_to(2 * self.entries.len());
            self.deadlines.shrink_to(2 * self.deadlines.len());
        }
    }

    /// Removes the stale deadlines once they are too many.
    fn sweep(&mut self) {
        if self.deadlines.len() > STALE_FACTOR * self.entries.len() + STALE_MIN {
            let entries = &self.entries;
            self.deadlines
                .retain(|&(at, id)| entries.get(&id).is_some_and(|entry| entry.deadline == at));
        }
    }

    fn is_stale(&self, at: Moment, id: Guid) -> bool {
        self.entries.get(&id).is_none_or(|entry| entry.deadline != at)
    }

    fn note_deadline(&mut self, deadline: Moment, id: Guid) {
        if self.deadlines.back().is_none_or(|&(last, _)| last <= deadline) {
            self.deadlines.push_back((deadline, id));
        } else {
            let place = self.deadlines.partition_point(|&(at, _)| at <= deadline);
            self.deadlines.insert(place, (deadline, id));
        }
    }
}

/// Spreads ids, which are mostly consecutive numbers, over the whole word.
///
/// A consumer can only hold ids that nsqd made, so nobody can choose colliding ones.
#[derive(Clone, Debug, Default)]
pub(super) struct GuidHasher(u64);

impl Hasher for GuidHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        let product = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_message_touched_again_and_again_does_not_keep_its_old_deadlines() {
        let at = |seconds| Moment::START + Duration::from_secs(seconds);
        let mut strays = Strays::default();
        for id in 0..2 {
            strays.insert(Held {
                message: Message::new(Guid::from_u64(id), 0, Bytes::new()),
                deadline: at(1),
                delivered_at: at(0),
            });
        }
        // The other one is never touched, and holds the front of the queue.
        for seconds in 2..10_000 {
            assert!(strays.touch(Guid::from_u64(1), at(seconds), Duration::MAX));
        }
        assert!(strays.deadlines.len() <= 2 * STALE_FACTOR + STALE_MIN);
        assert_eq!(strays.next_deadline(), Some(at(1)));
    }
}
