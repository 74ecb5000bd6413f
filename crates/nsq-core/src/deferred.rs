//! Messages not yet due, ordered by due time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use nsq_runtime::Moment;

use crate::message::Message;

/// When the heap is full it grows by a quarter: doubling would leave half the room unused, and a
/// deferred message should cost little more than its body.
const GROWTH_DIVISOR: usize = 4;
const GROWTH_MIN: usize = 4;

/// The deferred messages of one channel: published with a delay, or requeued with one.
///
/// Messages due at the same moment leave in the order they came.
///
/// Upstream: internal/pqueue/pqueue.go and the deferred map of nsqd/channel.go.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    heap: BinaryHeap<Reverse<Entry>>,
    sequence: u64,
}

#[derive(Debug)]
struct Entry {
    due: Moment,
    sequence: u64,
    message: Message,
}

impl Deferred {
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn insert(&mut self, due: Moment, message: Message) {
        if self.heap.len() == self.heap.capacity() {
            self.heap
                .reserve_exact(self.heap.len() / GROWTH_DIVISOR + GROWTH_MIN);
        }
        self.heap.push(Reverse(Entry {
            due,
            sequence: self.sequence,
            message,
        }));
        self.sequence += 1;
    }

    /// When the earliest message is due.
    pub(crate) fn next_due(&self) -> Option<Moment> {
        self.heap.peek().map(|Reverse(entry)| entry.due)
    }

    /// Takes out the earliest message if it is due.
    pub(crate) fn pop_due(&mut self, now: Moment) -> Option<Message> {
        if self.next_due()? > now {
            return None;
        }
        let message = self.heap.pop().map(|Reverse(entry)| entry.message);
        if self.heap.len() < self.heap.capacity() / 4 {
            self.heap.shrink_to(self.heap.len() * 2);
        }
        message
    }

    /// Takes out everything, in due order.
    pub(crate) fn take_all(&mut self) -> Vec<(Moment, Message)> {
        let heap = std::mem::take(&mut self.heap);
        // Ascending order of `Reverse` is descending order of what is due.
        heap.into_sorted_vec()
            .into_iter()
            .rev()
            .map(|Reverse(entry)| (entry.due, entry.message))
            .collect()
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.sequence).cmp(&(other.due, other.sequence))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::guid::Guid;

    fn at(seconds: u64) -> Moment {
        Moment::START + Duration::from_secs(seconds)
    }

    fn deferred(dues: &[u64]) -> Deferred {
        let mut deferred = Deferred::default();
        for (id, &due) in dues.iter().enumerate() {
            deferred.insert(at(due), Message::new(Guid::from_u64(id as u64), 0, Bytes::new()));
        }
        deferred
    }

    #[test]
    fn messages_leave_when_due_and_in_the_order_they_came() {
        let mut deferred = deferred(&[5, 3, 5, 9]);
        assert_eq!(deferred.next_due(), Some(at(3)));
        assert!(deferred.pop_due(at(2)).is_none());
        let ids: Vec<_> = std::iter::from_fn(|| deferred.pop_due(at(5)))
            .map(|m| m.id.as_u64())
            .collect();
        assert_eq!(ids, [1, 0, 2]);
        assert_eq!(deferred.len(), 1);
    }

    #[test]
    fn taking_all_keeps_due_order() {
        let ids: Vec<_> = deferred(&[5, 3, 5, 9])
            .take_all()
            .iter()
            .map(|(_, message)| message.id.as_u64())
            .collect();
        assert_eq!(ids, [1, 0, 2, 3]);
    }
}
