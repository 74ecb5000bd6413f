//! Messages held by consumers, ordered by deadline.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use nsq_runtime::Moment;

use crate::guid::Guid;
use crate::message::Message;

/// Stale deadlines are swept when they outnumber the messages by this factor, and this many.
const STALE_FACTOR: usize = 2;
const STALE_MIN: usize = 64;

/// The messages that one consumer (or nobody any more) has not answered yet.
///
/// Found by id, and ordered by deadline. The deadlines of one consumer are nearly monotonic, so a
/// sorted queue with lazily removed entries serves: an entry is stale when its message is gone or has
/// another deadline by now. It is bounded by the number of messages, which RDY bounds.
///
/// Upstream: `nsqd/in_flight_pqueue.go` and the in-flight map of nsqd/channel.go.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    entries: HashMap<Guid, Entry, BuildHasherDefault<GuidHasher>>,
    deadlines: VecDeque<(Moment, Guid)>,
}

#[derive(Debug)]
struct Entry {
    message: Message,
    deadline: Moment,
    /// When it was delivered: TOUCH extends the deadline up to a bound counted from here.
    delivered_at: Moment,
}

impl InFlight {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn contains(&self, id: Guid) -> bool {
        self.entries.contains_key(&id)
    }

    /// Takes in a message and returns it as it is held.
    ///
    /// Ids are unique within a topic, except after a clock stepped back between two runs or damage was
    /// read from disk: a second message of the same id gets the next free one, and neither is lost.
    pub(crate) fn insert(
        &mut self,
        mut message: Message,
        delivered_at: Moment,
        deadline: Moment,
    ) -> &Message {
        while self.entries.contains_key(&message.id) {
            message.id = Guid::from_u64(message.id.as_u64().wrapping_add(1));
        }
        self.note_deadline(deadline, message.id);
        let entry = Entry {
            message,
            deadline,
            delivered_at,
        };
        &self
            .entries
            .entry(entry.message.id)
            .insert_entry(entry)
            .into_mut()
            .message
    }

    /// Takes out a message that was answered.
    pub(crate) fn remove(&mut self, id: Guid) -> Option<Message> {
        let entry = self.entries.remove(&id)?;
        // In the usual case messages are answered in order, and nothing stale is ever left.
        while self
            .deadlines
            .front()
            .is_some_and(|&(at, id)| self.is_stale(at, id))
        {
            self.deadlines.pop_front();
        }
        if self.deadlines.len() > STALE_FACTOR * self.entries.len() + STALE_MIN {
            let entries = &self.entries;
            self.deadlines
                .retain(|&(at, id)| entries.get(&id).is_some_and(|entry| entry.deadline == at));
        }
        Some(entry.message)
    }

    /// Moves the deadline of a message to `deadline`, at most `longest` after its delivery. Returns
    /// false if the message is not here.
    pub(crate) fn touch(&mut self, id: Guid, deadline: Moment, longest: std::time::Duration) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else {
            return false;
        };
        let deadline = deadline.min(entry.delivered_at + longest);
        if deadline != entry.deadline {
            entry.deadline = deadline;
            self.note_deadline(deadline, id);
        }
        true
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&mut self) -> Option<Moment> {
        while let Some(&(at, id)) = self.deadlines.front() {
            if !self.is_stale(at, id) {
                return Some(at);
            }
            self.deadlines.pop_front();
        }
        None
    }

    /// Takes out one message whose deadline has come.
    pub(crate) fn pop_expired(&mut self, now: Moment) -> Option<Message> {
        if self.next_deadline()? > now {
            return None;
        }
        let (_, id) = self.deadlines.pop_front()?;
        self.entries.remove(&id).map(|entry| entry.message)
    }

    /// Takes out everything, in the order of delivery as far as deadlines tell.
    pub(crate) fn take_all(&mut self) -> Vec<Message> {
        let mut messages = Vec::with_capacity(self.entries.len());
        while let Some(message) = self.pop_expired(Moment::FAR) {
            messages.push(message);
        }
        *self = Self::default();
        messages
    }

    /// Takes over all messages of another set, with their deadlines.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        while let Some((at, id)) = other.deadlines.pop_front() {
            if other.entries.get(&id).is_some_and(|entry| entry.deadline == at)
                && let Some(entry) = other.entries.remove(&id)
            {
                self.insert(entry.message, entry.delivered_at, entry.deadline);
            }
        }
    }

    /// Gives back memory that a burst left behind.
    pub(crate) fn shrink(&mut self) {
        if self.entries.capacity() > 4 * self.entries.len() + STALE_MIN {
            self.entries.shrink_to(2 * self.entries.len());
            self.deadlines.shrink_to(2 * self.deadlines.len());
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
pub(crate) struct GuidHasher(u64);

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

    fn message(id: u64) -> Message {
        Message::new(Guid::from_u64(id), 0, Bytes::new())
    }

    fn at(seconds: u64) -> Moment {
        Moment::START + Duration::from_secs(seconds)
    }

    #[test]
    fn the_earliest_deadline_expires_first() {
        let mut held = InFlight::default();
        for (id, deadline) in [(1, 30), (2, 10), (3, 20)] {
            held.insert(message(id), at(0), at(deadline));
        }
        assert_eq!(held.next_deadline(), Some(at(10)));
        assert!(held.pop_expired(at(9)).is_none());
        assert_eq!(held.pop_expired(at(20)).unwrap().id.as_u64(), 2);
        assert_eq!(held.pop_expired(at(20)).unwrap().id.as_u64(), 3);
        assert!(held.pop_expired(at(20)).is_none());
        assert_eq!(held.len(), 1);
    }

    #[test]
    fn a_touch_moves_the_deadline_up_to_its_bound() {
        let mut held = InFlight::default();
        held.insert(message(1), at(0), at(10));
        assert!(held.touch(Guid::from_u64(1), at(15), Duration::from_secs(60)));
        assert_eq!(held.next_deadline(), Some(at(15)));
        assert!(held.touch(Guid::from_u64(1), at(90), Duration::from_secs(60)));
        assert_eq!(held.next_deadline(), Some(at(60)));
        assert!(!held.touch(Guid::from_u64(2), at(15), Duration::from_secs(60)));
    }

    #[test]
    fn two_messages_with_one_id_are_both_kept() {
        let mut held = InFlight::default();
        assert_eq!(held.insert(message(1), at(0), at(10)).id.as_u64(), 1);
        assert_eq!(held.insert(message(1), at(0), at(10)).id.as_u64(), 2);
        assert_eq!(held.len(), 2);
    }

    #[test]
    fn one_unanswered_message_does_not_keep_the_deadlines_of_the_answered() {
        let mut held = InFlight::default();
        held.insert(message(0), at(0), at(1));
        for id in 1..100_000 {
            held.insert(message(id), at(0), at(1));
            held.remove(Guid::from_u64(id)).unwrap();
        }
        assert!(held.deadlines.len() <= STALE_FACTOR + STALE_MIN + 1);
        assert_eq!(held.take_all().len(), 1);
    }

    #[test]
    fn absorbing_keeps_every_message_and_its_deadline() {
        let (mut one, mut other) = (InFlight::default(), InFlight::default());
        one.insert(message(1), at(0), at(30));
        other.insert(message(2), at(0), at(20));
        other.insert(message(3), at(0), at(40));
        other.touch(Guid::from_u64(2), at(50), Duration::from_secs(60));
        one.absorb(other);
        assert_eq!(one.pop_expired(at(60)).unwrap().id.as_u64(), 1);
        assert_eq!(one.pop_expired(at(60)).unwrap().id.as_u64(), 3);
        assert_eq!(one.pop_expired(at(60)).unwrap().id.as_u64(), 2);
    }
}
