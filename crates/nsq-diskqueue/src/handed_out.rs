//! Records that the owner holds and has not consumed.

use crate::Position;
use crate::batch::framed_len;
use std::collections::VecDeque;

/// Where the records lie that are handed out and not consumed, oldest first. Four bytes per record.
#[derive(Debug, Default)]
pub(crate) struct HandedOut {
    lens: VecDeque<u32>,
    runs: VecDeque<Run>,
}

/// Records that lie back to back in one file.
#[derive(Debug)]
struct Run {
    start: Position,
    end: u64,
}

impl HandedOut {
    pub(crate) fn len(&self) -> u64 {
        self.lens.len() as u64
    }

    /// Start of the oldest record.
    pub(crate) fn first(&self) -> Option<Position> {
        self.runs.front().map(|run| run.start)
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

    /// Forgets the oldest `count` records.
    pub(crate) fn pop(&mut self, count: u64) {
        let count = usize::try_from(count).map_or(self.lens.len(), |count| count.min(self.lens.len()));
        for len in self.lens.drain(..count) {
            if let Some(run) = self.runs.front_mut() {
                run.start.offset += framed_len(len);
                if run.start.offset >= run.end {
                    self.runs.pop_front();
                }
            }
        }
        if self.lens.is_empty() {
            // An idle queue holds no memory for a backlog it once had.
            *self = Self::default();
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
