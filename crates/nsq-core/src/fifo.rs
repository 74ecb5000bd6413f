//! A queue whose memory follows what it holds.

use std::collections::VecDeque;

/// Elements per full block. A block of 56-byte messages is then 7 KiB: large enough that its share of
/// the outer queue vanishes, small enough to be given back soon.
const BLOCK_LEN: usize = 128;

/// An empty queue keeps a first block up to this capacity, so that a trickle does not allocate.
const KEPT_CAPACITY: usize = 8;

/// First in, first out, in blocks.
///
/// A `VecDeque` alone doubles: a million elements may occupy the room of two million, and the room
/// stays when they have gone. Blocks are allocated as they fill and freed as they empty.
#[derive(Debug)]
pub(crate) struct Fifo<T> {
    blocks: VecDeque<VecDeque<T>>,
    len: usize,
}

impl<T> Fifo<T> {
    pub(crate) const fn new() -> Self {
        Self {
            blocks: VecDeque::new(),
            len: 0,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn push_back(&mut self, element: T) {
        match self.blocks.back_mut() {
            Some(block) if block.len() < BLOCK_LEN => block.push_back(element),
            full => {
                // The first block grows as it fills; once there is a second, a full one is expected.
                let capacity = if full.is_some() { BLOCK_LEN } else { 0 };
                let mut block = VecDeque::with_capacity(capacity);
                block.push_back(element);
                self.blocks.push_back(block);
            }
        }
        self.len += 1;
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let is_last = self.blocks.len() == 1;
        let block = self.blocks.front_mut()?;
        let element = block.pop_front()?;
        self.len -= 1;
        if block.is_empty() && (!is_last || block.capacity() > KEPT_CAPACITY) {
            self.blocks.pop_front();
        }
        Some(element)
    }

    pub(crate) fn front(&self) -> Option<&T> {
        self.blocks.front()?.front()
    }

    pub(crate) fn clear(&mut self) {
        self.blocks = VecDeque::new();
        self.len = 0;
    }

    /// Empties the queue, oldest elements first, some at a time.
    pub(crate) fn take_blocks(&mut self) -> impl Iterator<Item = Vec<T>> {
        self.len = 0;
        std::mem::take(&mut self.blocks).into_iter().map(Vec::from)
    }

    #[cfg(test)]
    fn capacity(&self) -> usize {
        self.blocks.iter().map(VecDeque::capacity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_leave_in_the_order_they_came() {
        let mut fifo = Fifo::new();
        let mut expected = 0;
        for n in 0..10_000 {
            fifo.push_back(n);
            if n % 3 == 0 {
                assert_eq!(fifo.pop_front(), Some(expected));
                expected += 1;
            }
        }
        assert_eq!(fifo.len(), 10_000 - expected);
        assert_eq!(fifo.front(), Some(&expected));
        assert!(fifo.take_blocks().flatten().eq(expected..10_000));
        assert_eq!(fifo.len(), 0);
        assert_eq!(fifo.pop_front(), None);
    }

    #[test]
    fn memory_is_given_back_as_the_queue_empties() {
        let mut fifo = Fifo::new();
        for n in 0..100_000 {
            fifo.push_back(n);
        }
        assert!(fifo.capacity() <= 100_000 + BLOCK_LEN);
        while fifo.len() > 10 {
            fifo.pop_front();
        }
        assert!(fifo.capacity() <= 2 * BLOCK_LEN);
        while fifo.pop_front().is_some() {}
        assert!(fifo.capacity() <= KEPT_CAPACITY);
    }
}
