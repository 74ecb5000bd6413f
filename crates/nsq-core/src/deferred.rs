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
/// Some are here, and of the others only the tickets, by which the files have them. Messages due at the same moment
/// leave in the order they came, those first that are here.
///
/// Upstream: internal/pqueue/pqueue.go and the deferred map of nsqd/channel.go.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    heap: BinaryHeap<Reverse<Entry>>,
    sequence: u64,
    in_files: BinaryHeap<Reverse<(Moment, u64)>>,
}

#[derive(Debug)]
struct Entry {
    due: Moment,
    sequence: u64,
    message: Message,
}

/// A message that is due.
#[derive(Debug)]
pub(crate) enum Due {
    Here(Message),
    /// It has to be read by its ticket.
    InFiles(u64),
}

impl Deferred {
    pub(crate) fn len(&self) -> usize {
        self.heap.len() + self.in_files.len()
    }

    /// Those whose bodies are in memory.
    pub(crate) fn len_here(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn insert(&mut self, due: Moment, message: Message) {
        make_room(&mut self.heap);
        self.heap.push(Reverse(Entry {
            due,
            sequence: self.sequence,
            message,
        }));
        self.sequence += 1;
    }

    /// Adds one that the files have.
    pub(crate) fn insert_in_files(&mut self, due: Moment, ticket: u64) {
        make_room(&mut self.in_files);
        self.in_files.push(Reverse((due, ticket)));
    }

    /// When the earliest message is due.
    pub(crate) fn next_due(&self) -> Option<Moment> {
        let here = self.heap.peek().map(|Reverse(entry)| entry.due);
        let in_files = self.in_files.peek().map(|Reverse((due, _))| *due);
        here.into_iter().chain(in_files).min()
    }

    /// Takes out the earliest message if it is due.
    pub(crate) fn pop_due(&mut self, now: Moment) -> Option<Due> {
        let due = self.next_due().filter(|due| *due <= now)?;
        if self.heap.peek().is_some_and(|Reverse(entry)| entry.due == due) {
            let message = self.heap.pop().map(|Reverse(entry)| Due::Here(entry.message));
            give_back_room(&mut self.heap);
            message
        } else {
            let ticket = self
                .in_files
                .pop()
                .map(|Reverse((_, ticket))| Due::InFiles(ticket));
            give_back_room(&mut self.in_files);
            ticket
        }
    }

    /// Takes out everything that is here, in due order.
    pub(crate) fn take_all(&mut self) -> Vec<(Moment, Message)> {
        let heap = std::mem::take(&mut self.heap);
        // Ascending order of `Reverse` is descending order of what is due.
        heap.into_sorted_vec()
            .into_iter()
            .rev()
            .map(|Reverse(entry)| (entry.due, entry.message))
            .collect()
    }

    /// Takes out the tickets of all that the files have, in any order.
    pub(crate) fn take_in_files(&mut self) -> Vec<(u64, Moment)> {
        let in_files = std::mem::take(&mut self.in_files).into_vec();
        in_files
            .into_iter()
            .map(|Reverse((due, ticket))| (ticket, due))
            .collect()
    }
}

fn make_room<T: Ord>(heap: &mut BinaryHeap<T>) {
    if heap.len() == heap.capacity() {
        heap.reserve_exact(heap.len() / GROWTH_DIVISOR + GROWTH_MIN);
    }
}

fn give_back_room<T: Ord>(heap: &mut BinaryHeap<T>) {
    if heap.len() < heap.capacity() / 4 {
        heap.shrink_to(heap.len() * 2);
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
            .map(|due| match due {
                Due::Here(message) => message.id.as_u64(),
                Due::InFiles(ticket) => ticket,
            })
            .collect();
        assert_eq!(ids, [1, 0, 2]);
        assert_eq!(deferred.len(), 1);
    }

    #[test]
    fn those_in_files_leave_in_due_order_too() {
        let mut deferred = deferred(&[5, 3]);
        deferred.insert_in_files(at(4), 100);
        deferred.insert_in_files(at(1), 101);
        assert_eq!((deferred.len(), deferred.len_here()), (4, 2));
        let ids: Vec<_> = std::iter::from_fn(|| deferred.pop_due(at(4)))
            .map(|due| match due {
                Due::Here(message) => message.id.as_u64(),
                Due::InFiles(ticket) => ticket,
            })
            .collect();
        assert_eq!(ids, [101, 1, 100]);
        deferred.insert_in_files(at(9), 102);
        assert_eq!(deferred.take_in_files(), [(102, at(9))]);
        assert_eq!(deferred.take_all().len(), 1);
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
