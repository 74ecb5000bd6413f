//! Who waits to hear that messages are safe.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::oneshot;

use super::Outcome;

/// Who waits to hear that messages are safe.
#[derive(Debug)]
pub(crate) enum Claim {
    /// Nobody: they were accepted before, and must not be dropped.
    Nobody,
    /// A publisher. If they cannot be written they are dropped, and it is told.
    Publisher(oneshot::Sender<Outcome>),
    /// A topic that moves them into its channels, and keeps them in its files until then.
    Move(Arc<Move>),
}

impl Claim {
    /// The messages are safe, or were dropped on purpose.
    pub(crate) fn fulfil(self) {
        if let Self::Publisher(receipt) = self {
            // A publisher that has gone cannot be told; its messages stay as they are.
            let _ = receipt.send(Ok(()));
        }
    }

    /// They are not.
    pub(crate) fn fail(self, error: &super::StorageError) {
        match self {
            Self::Nobody => {}
            // Likewise.
            Self::Publisher(receipt) => drop(receipt.send(Err(error.clone()))),
            Self::Move(moving) => moving.progress.0.store(FAILED, Ordering::Release),
        }
    }
}

const UNDER_WAY: u8 = 0;
const DONE: u8 = 1;
const FAILED: u8 = 2;

/// How far a [`Move`] has come.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicU8);

impl Progress {
    /// Whether all messages have safely arrived, once that is known.
    pub(crate) fn outcome(&self) -> Option<bool> {
        match self.0.load(Ordering::Acquire) {
            UNDER_WAY => None,
            outcome => Some(outcome == DONE),
        }
    }
}

/// Messages on their way from a topic's files into those of its channels: each channel that has yet to write them
/// holds this. They have arrived when nobody does any more, unless one has said that it failed.
pub(crate) struct Move {
    progress: Arc<Progress>,
    /// Called when it has ended, with locks of channels held.
    on_end: Box<dyn Fn() + Send + Sync>,
}

impl Move {
    pub(crate) fn new(on_end: impl Fn() + Send + Sync + 'static) -> (Arc<Self>, Arc<Progress>) {
        let progress = Arc::new(Progress::default());
        let moving = Self {
            progress: Arc::clone(&progress),
            on_end: Box::new(on_end),
        };
        (Arc::new(moving), progress)
    }
}

impl Drop for Move {
    fn drop(&mut self) {
        let swap = |from, to| {
            self.progress
                .0
                .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
        };
        // Unless it has failed.
        let _ = swap(UNDER_WAY, DONE);
        (self.on_end)();
    }
}

impl fmt::Debug for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Move")
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}
