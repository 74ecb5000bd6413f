//! Buffers that a thread lends to the session it is running.

use std::cell::RefCell;

use bytes::BytesMut;

use super::intake::Intake;

/// Bytes read at once. Large enough that a batch of commands costs one system call.
pub(super) const INPUT_LEN: usize = 64 * 1024;

/// What a session needs only while it is polled: kept per thread, so that a connection without traffic
/// has no buffers at all and one with traffic finds them warm.
pub(super) struct Scratch {
    pub(super) input: Vec<u8>,
    pub(super) output: BytesMut,
    pub(super) intake: Intake,
}

thread_local! {
    static SCRATCH: RefCell<Option<Box<Scratch>>> = const { RefCell::new(None) };
}

impl Scratch {
    /// This thread's buffers, or new ones if they are lent already.
    pub(super) fn borrow() -> Box<Self> {
        SCRATCH.take().unwrap_or_else(|| {
            Box::new(Self {
                input: vec![0; INPUT_LEN],
                output: BytesMut::new(),
                intake: Intake::default(),
            })
        })
    }

    /// Returns the buffers for the next session.
    pub(super) fn give_back(self: Box<Self>) {
        SCRATCH.set(Some(self));
    }
}
