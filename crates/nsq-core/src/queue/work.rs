//! What passes between a queue and the threads that work on its files.

use nsq_runtime::Moment;
use tokio::sync::oneshot;

use super::{Claim, Outcome, StorageError};
use crate::message::Message;

/// Why the files take nothing.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// They could not be written to. Whether they can be by now shows when it is tried.
    Write(StorageError),
    /// They could not be synced: until they are, nothing that is written is safe.
    Sync(StorageError),
}

impl Trouble {
    pub(crate) fn error(&self) -> &StorageError {
        let (Self::Write(error) | Self::Sync(error)) = self;
        error
    }
}

/// Messages that came together, and who waits to hear that they are safe.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) messages: Vec<Message>,
    pub(crate) claim: Claim,
}

/// A message that is to be written with the time until which it is deferred.
#[derive(Debug)]
pub(crate) struct Deferring {
    pub(crate) message: Message,
    pub(crate) due: Moment,
    pub(crate) claim: Claim,
}

/// A deferred message: itself, or the ticket by which the files have it.
#[derive(Debug)]
pub(crate) enum Parked {
    Here(Message),
    InFiles(u64),
}

/// What happens to the files as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Drop all content.
    Empty,
    /// Write everything, sync, and end.
    Close,
    /// Drop all content and the files, and end.
    Delete,
}

/// The next thing to do with the files.
#[derive(Debug)]
pub(crate) enum Work {
    Open,
    Consume(Vec<u64>),
    /// Likewise, but these have other records that are yet to be synced.
    Supersede(Vec<u64>),
    Write {
        segments: Vec<Segment>,
        /// The reader of the files has caught up and memory is low: the messages stay in memory as well,
        /// and are not read back.
        hand_out: bool,
    },
    Defer(Vec<Deferring>),
    /// Read deferred messages that are due.
    ReadDue(Vec<u64>),
    Read,
    Sync,
    /// Sync what was written, for those that wait for it.
    Commit,
    /// Find out whether the files can be written to again.
    Probe,
    /// Nothing: the files take nothing, and what waited for them has found another place.
    Refused,
    Command(Command, oneshot::Sender<Outcome>),
}

/// What came of a write.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    /// So many messages are in the files, from the first on.
    pub(crate) kept: usize,
    /// So many of them are to stay in memory, from the first on.
    pub(crate) handed_out: usize,
    /// The ticket of the first of those; the others follow.
    pub(crate) first_ticket: u64,
    /// Records in the files that are not in memory, now.
    pub(crate) unread: u64,
}
