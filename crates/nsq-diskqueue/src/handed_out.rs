//! Records that the owner holds and has not consumed.

use crate::Position;
use crate::batch::framed_len;
use std::collections::VecDeque;

/// Marks the length of a record that is consumed. Lengths are below 2 GiB, so the bit is free.
const CONSUMED: u32 = 1 << 31;

/// Where the records lie that are handed out, from the oldest that is not consumed on. Four bytes per record.
///
/// Each has a ticket, a number that counts all records ever handed out. Consumed records in between are *holes*:
/// they go once everything before them is consumed too.
#[derive(Debug, Default)]
pub(crate) struct HandedOut {
    /// The length of each record, and whether it is consumed. The first is not.
    lens: VecDeque<u32>,
    /// Ticket of the first of `lens`.
    first_ticket: u64,
    holes: u64,
    runs: VecDeque<Run>,
}

/// Records that lie back to back in one file.
#[derive(Debug)]
struct Run {
    start: Position,
    end: u64,
}

/// A record that is handed out and not consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) ticket: u64,
    pub(crate) start: Position,
    pub(crate) len: u32,
}

impl HandedOut {
    /// Records from the oldest that is not consumed on, holes included.
    pub(crate) fn span(&self) -> u64 {
        self.lens.len() as u64
    }

    /// Consumed records behind one that is not.
    pub(crate) fn holes(&self) -> u64 {
        self.holes
    }

    /// Records that are not consumed.
    pub(crate) fn len(&self) -> u64 {
        self.span() - self.holes
    }

    /// Start of the oldest record that is not consumed.
    pub(crate) fn first(&self) -> Option<Position> {
        self.runs.front().map(|run| run.start)
    }

    /// Begins to count at `ticket`, while nothing is handed out.
    pub(crate) fn start_at(&mut self, ticket: u64) {
        self.first_ticket = self.first_ticket.max(ticket);
    }

    /// The ticket of the next record.
    pub(crate) fn next_ticket(&self) -> u64 {
        self.first_ticket + self.span()
    }

    /// Adds the record of `len` bytes whose frame starts at `start`.
    pub(crate) fn push(&mut self, start: Position, len: u32) {
        let end = start.offset + framed_len(len);
        match self.runs.back_mut() {
            Some(run) if run.start.file == start.file && run.end == start.offset => run.end = end,
            _ => self.runs.push_back(Run { start, end }),
        }
        self.lens.push_back(len);
    }

    /// Consumes the oldest record.
    pub(crate) fn pop(&mut self) {
        if !self.lens.is_empty() {
            self.remove_first();
            self.close_holes();
        }
    }

    /// Consumes the record of this ticket; false if it is not here, or consumed already.
    pub(crate) fn consume(&mut self, ticket: u64) -> bool {
        let index = ticket.checked_sub(self.first_ticket);
        let index = index.and_then(|index| usize::try_from(index).ok());
        let Some(len) = index.and_then(|index| self.lens.get_mut(index)) else {
            return false;
        };
        if *len & CONSUMED != 0 {
            return false;
        }
        if index == Some(0) {
            self.pop();
        } else {
            *len |= CONSUMED;
            self.holes += 1;
        }
        true
    }

    /// The oldest records that are not consumed, up to `count`.
    pub(crate) fn oldest(&self, count: usize) -> Vec<Held> {
        let mut held = Vec::new();
        let mut runs = self.runs.iter();
        let mut run = runs.next();
        let mut offset = run.map_or(0, |run| run.start.offset);
        for (ticket, len) in (self.first_ticket..).zip(&self.lens) {
            if run.is_some_and(|run| offset >= run.end) {
                run = runs.next();
                offset = run.map_or(0, |run| run.start.offset);
            }
            let Some(run) = run.filter(|_| held.len() < count) else {
                break;
            };
            let file = run.start.file;
            if len & CONSUMED == 0 {
                held.push(Held {
                    ticket,
                    start: Position { file, offset },
                    len: *len,
                });
            }
            offset += framed_len(len & !CONSUMED);
        }
        held
    }

    pub(crate) fn clear(&mut self) {
        *self = Self {
            // A ticket is never used again.
            first_ticket: self.next_ticket(),
            ..Self::default()
        };
    }

    fn close_holes(&mut self) {
        while self.lens.front().is_some_and(|len| len & CONSUMED != 0) {
            self.remove_first();
            self.holes -= 1;
        }
        if self.lens.is_empty() {
            // An idle queue holds no memory for a backlog it once had.
            self.clear();
        }
    }

    fn remove_first(&mut self) {
        let Some(len) = self.lens.pop_front() else { return };
        self.first_ticket += 1;
        if let Some(run) = self.runs.front_mut() {
            run.start.offset += framed_len(len & !CONSUMED);
            if run.start.offset >= run.end {
                self.runs.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Records of 6 bytes in files of 5 records, and of others here and there.
    fn position(index: u64) -> Position {
        Position {
            file: index / 5,
            offset: index % 5 * 10,
        }
    }

    proptest! {
        #[test]
        fn records_consumed_in_any_order_leave_the_oldest_of_the_others(
            steps in prop::collection::vec(0_u64..80, 1..200),
        ) {
            let mut handed_out = HandedOut::default();
            let mut model = std::collections::BTreeSet::new();
            let mut pushed = 0;
            for step in steps {
                if step < 30 {
                    prop_assert_eq!(handed_out.next_ticket(), pushed);
                    handed_out.push(position(pushed), 6);
                    model.insert(pushed);
                    pushed += 1;
                } else {
                    let ticket = step - 30;
                    prop_assert_eq!(handed_out.consume(ticket), model.remove(&ticket));
                }
                let first = model.first().copied();
                prop_assert_eq!(handed_out.len(), model.len() as u64);
                prop_assert_eq!(handed_out.span(), first.map_or(0, |first| pushed - first));
                prop_assert_eq!(handed_out.first(), first.map(position));
                let oldest: Vec<_> = handed_out.oldest(3).iter().map(|held| (held.ticket, held.start)).collect();
                let expected: Vec<_> = model.iter().take(3).map(|ticket| (*ticket, position(*ticket))).collect();
                prop_assert_eq!(oldest, expected);
            }
        }
    }
}
