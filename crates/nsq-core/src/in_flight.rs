//! Messages held by consumers, ordered by deadline.

#[cfg(test)]
mod model;
mod strays;

use std::collections::VecDeque;
use std::time::Duration;

use nsq_runtime::Moment;

use crate::guid::Guid;
use crate::message::Message;
use strays::Strays;

/// Places left behind by answered messages are closed when they outnumber the messages, and this many.
const GAPS_MIN: usize = 64;

/// The messages that one consumer (or nobody any more) has not answered yet.
///
/// Most are delivered in the order of their ids, have deadlines in the order of their delivery, and are
/// answered in about that order too. Those stand in a `row`, where the next answer is found at once and any
/// other by binary search; an answer leaves a gap, which goes when it comes to the front. The few that do
/// not fit the order, and those that were touched, are strays.
///
/// Upstream: `nsqd/in_flight_pqueue.go` and the in-flight map of nsqd/channel.go.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    /// Ascending by id and by deadline; begins and ends with a message.
    row: VecDeque<Place>,
    gaps: usize,
    /// Where in the row the next answer is expected: behind the last one.
    next: usize,
    strays: Strays,
    /// Records of messages that are finished, for the channel to consume.
    pub(crate) finished: Vec<u64>,
}

/// A place in the row, with the id of a message even when that has gone.
#[derive(Debug)]
struct Place {
    id: Guid,
    held: Option<Held>,
}

/// A message in flight.
#[derive(Debug)]
struct Held {
    message: Message,
    deadline: Moment,
    /// When it was delivered: TOUCH extends the deadline up to a bound counted from here.
    delivered_at: Moment,
}

impl InFlight {
    pub(crate) fn len(&self) -> usize {
        self.row.len() - self.gaps + self.strays.len()
    }

    pub(crate) fn contains(&self, id: Guid) -> bool {
        self.place_of(id)
            .and_then(|index| self.row.get(index))
            .is_some_and(|place| place.held.is_some())
            || self.strays.contains(id)
    }

    /// Takes in a message and returns it as it is held.
    ///
    /// Ids are unique within a topic, except after a clock stepped back between two runs or damage was
    /// read from disk: a second message of the same id gets the next free one, and neither is lost.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        mut message: Message,
        delivered_at: Moment,
        deadline: Moment,
    ) -> &Message {
        let fits = self.row.back().is_none_or(|last| {
            last.id < message.id && last.held.as_ref().is_none_or(|held| held.deadline <= deadline)
        });
        if fits && !self.strays.contains(message.id) {
            self.row.push_back(Place {
                id: message.id,
                held: Some(Held {
                    message,
                    deadline,
                    delivered_at,
                }),
            });
            if let Some(Place { held: Some(held), .. }) = self.row.back() {
                return &held.message;
            }
            unreachable!("the message was pushed just now");
        }
        while self.contains(message.id) {
            message.id = Guid::from_u64(message.id.as_u64().wrapping_add(1));
        }
        self.strays.insert(Held {
            message,
            deadline,
            delivered_at,
        })
    }

    /// Takes out a message that was answered.
    #[inline]
    pub(crate) fn remove(&mut self, id: Guid) -> Option<Message> {
        if let Some(index) = self.place_of(id)
            && let Some(held) = self.take_place(index)
        {
            return Some(held.message);
        }
        self.strays.remove(id)
    }

    /// Moves the deadline of a message to `deadline`, at most `longest` after its delivery. Returns
    /// false if the message is not here.
    pub(crate) fn touch(&mut self, id: Guid, deadline: Moment, longest: Duration) -> bool {
        if let Some(index) = self.place_of(id)
            && let Some(held) = self.take_place(index)
        {
            self.strays.insert(held);
        }
        self.strays.touch(id, deadline, longest)
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&mut self) -> Option<Moment> {
        let stray = self.strays.next_deadline();
        let first = self
            .row
            .front()
            .and_then(|place| place.held.as_ref())
            .map(|held| held.deadline);
        match (first, stray) {
            (Some(first), Some(stray)) => Some(first.min(stray)),
            (first, stray) => first.or(stray),
        }
    }

    /// Takes out one message whose deadline has come.
    pub(crate) fn pop_expired(&mut self, now: Moment) -> Option<Message> {
        let due = |place: &Place| place.held.as_ref().is_some_and(|held| held.deadline <= now);
        if self.row.front().is_some_and(due) {
            return self.take_place(0).map(|held| held.message);
        }
        self.strays.pop_expired(now)
    }

    /// Takes out everything, in the order of delivery as far as deadlines tell.
    pub(crate) fn take_all(&mut self) -> Vec<Message> {
        std::mem::take(self)
            .into_held()
            .map(|held| held.message)
            .collect()
    }

    /// Takes over all messages of another set, with their deadlines.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.finished.extend_from_slice(&other.finished);
        for mut held in other.into_held() {
            while self.contains(held.message.id) {
                held.message.id = Guid::from_u64(held.message.id.as_u64().wrapping_add(1));
            }
            self.strays.push(held);
        }
        self.strays.sort();
    }

    /// Gives back memory that a burst left behind.
    pub(crate) fn shrink(&mut self) {
        if self.row.capacity() > 4 * self.row.len() + GAPS_MIN {
            self.row.shrink_to(2 * self.row.len());
        }
        self.strays.shrink();
    }

    fn into_held(mut self) -> impl Iterator<Item = Held> {
        let strays = self.strays.take_all();
        self.row.into_iter().filter_map(|place| place.held).chain(strays)
    }

    /// The place of an id in the row, which may be a gap.
    #[inline]
    fn place_of(&self, id: Guid) -> Option<usize> {
        if self.row.get(self.next).is_some_and(|place| place.id == id) {
            return Some(self.next);
        }
        self.row.binary_search_by_key(&id, |place| place.id).ok()
    }

    /// Empties a place of the row.
    #[inline]
    fn take_place(&mut self, index: usize) -> Option<Held> {
        let held = self.row.get_mut(index)?.held.take()?;
        self.gaps += 1;
        self.next = index + 1;
        if index == 0 || self.next == self.row.len() {
            self.trim();
        } else if self.gaps > self.row.len() / 2 + GAPS_MIN {
            self.row.retain(|place| place.held.is_some());
            self.gaps = 0;
            self.next = 0;
        }
        Some(held)
    }

    /// Lets the row begin and end with a message.
    fn trim(&mut self) {
        while self.row.front().is_some_and(|place| place.held.is_none()) {
            self.row.pop_front();
            self.gaps -= 1;
            self.next = self.next.saturating_sub(1);
        }
        while self.row.back().is_some_and(|place| place.held.is_none()) {
            self.row.pop_back();
            self.gaps -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(held.len(), 1);
    }

    #[test]
    fn two_messages_with_one_id_are_both_kept() {
        let mut held = InFlight::default();
        assert_eq!(held.insert(message(1), at(0), at(10)).id.as_u64(), 1);
        assert_eq!(held.insert(message(1), at(0), at(10)).id.as_u64(), 2);
        held.touch(Guid::from_u64(1), at(11), Duration::from_secs(60));
        assert_eq!(held.insert(message(1), at(0), at(10)).id.as_u64(), 3);
        assert_eq!(held.len(), 3);
    }

    #[test]
    fn answers_in_any_order_find_their_message() {
        let mut held = InFlight::default();
        for id in 0..1000 {
            held.insert(message(id), at(0), at(id / 10));
        }
        // Every third, backwards; then the others, forwards.
        for id in (0..1000).rev().filter(|id| id % 3 == 0) {
            assert_eq!(held.remove(Guid::from_u64(id)).unwrap().id.as_u64(), id);
            assert!(held.remove(Guid::from_u64(id)).is_none());
        }
        for id in (0..1000).filter(|id| id % 3 != 0) {
            assert!(held.contains(Guid::from_u64(id)));
            assert_eq!(held.next_deadline(), Some(at(id / 10)));
            assert_eq!(held.remove(Guid::from_u64(id)).unwrap().id.as_u64(), id);
        }
        assert_eq!(held.len(), 0);
        assert!(held.row.is_empty());
    }

    #[test]
    fn one_unanswered_message_does_not_keep_the_places_of_the_answered() {
        let mut held = InFlight::default();
        held.insert(message(0), at(0), at(1));
        for id in 1..100_000 {
            held.insert(message(id), at(0), at(1));
            held.insert(message(100_000 + id), at(0), at(1));
            held.remove(Guid::from_u64(id)).unwrap();
            held.remove(Guid::from_u64(100_000 + id)).unwrap();
        }
        assert!(held.row.len() <= 2 * GAPS_MIN + 2);
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
