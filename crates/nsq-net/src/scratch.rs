//! Buffers that a thread lends to the layer it is running.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// Bytes in one buffer. The largest unit that has to be seen in one piece is a chunk of snappy, of 76,494
/// bytes; what is read beyond one costs no system call of its own.
pub(crate) const SCRATCH_LEN: usize = 128 * 1024;

/// Buffers that a thread keeps. Two layers on top of each other need one each while they read, and one
/// that gathers the pieces of a write needs another.
const KEPT_MAX: usize = 4;

thread_local! {
    static KEPT: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// [`SCRATCH_LEN`] bytes for as long as a layer is polled: a connection without traffic has no buffers at
/// all, and one with traffic finds them warm. What is in them is left over from others.
pub(crate) struct Scratch(Box<[u8]>);

impl Scratch {
    /// One of this thread's buffers, or a new one if all are lent.
    pub(crate) fn borrow() -> Self {
        let kept = KEPT.with_borrow_mut(Vec::pop);
        Self(kept.unwrap_or_else(|| vec![0; SCRATCH_LEN].into_boxed_slice()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        // A thread that is ending keeps nothing.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < KEPT_MAX {
                kept.push(buffer);
            }
        });
    }
}

impl Deref for Scratch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
