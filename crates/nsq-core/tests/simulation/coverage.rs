//! Which states a run has been in: a generator that never gets there tests nothing.

use std::collections::BTreeMap;

/// Declares the states, each with the name it is reported by.
macro_rules! reached {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Reached {
            $($(#[$doc])* $name,)*
        }

        impl Reached {
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

reached! {
    /// A channel holds messages in memory and on disk.
    ChannelSpill,
    /// A topic does.
    TopicSpill,
    /// Messages were read back from disk.
    Refill,
    /// Messages on disk were delivered without being read back.
    HandOut,
    /// The pump moved messages that had been on disk.
    PumpThroughDisk,
    /// The pump moved deferred and other messages.
    PumpDeferred,
    /// A deferred message has lost its delay on the topic's disk.
    DelayLost,
    /// More than one data file of one queue.
    RollOver,
    /// One take did not bring all that RDY and the queue allowed.
    TakeCappedByBytes,
    PausedWithBacklog,
    UnpausedWithBacklog,
    TopicPausedWithBacklog,
    DeleteWhileInFlight,
    DeleteWithBacklogOnDisk,
    DeleteWhileWriting,
    TopicDeletedWithBacklog,
    EmptyWhileInFlight,
    EmptyWhileWriting,
    EmptyWithBacklogOnDisk,
    EphemeralOverflow,
    /// An ephemeral channel went with its last consumer.
    EphemeralChannelGone,
    /// An ephemeral topic went with its last channel.
    EphemeralTopicGone,
    WakePassedOn,
    /// A consumer left that had been woken and had not asked.
    LeftWhileWoken,
    TimedOut,
    /// Messages of a consumer that had gone timed out.
    TimedOutAbandoned,
    Touched,
    TouchedToTheLimit,
    RequeuedAtOnce,
    RequeuedToDisk,
    RequeuedWithDelay,
    DeferredCameDue,
    AnsweredAnothersMessage,
    AnsweredNobodysMessage,
    SampledAway,
    WallClockSteppedBack,
    WallClockSteppedForward,
    /// A publisher was told that its messages are not safe.
    PublishFailed,
    /// Some of the messages of a publish that failed were kept.
    PublishPartlyFailed,
    /// Messages were kept in memory beyond its bound, since the disk refused them.
    KeptBeyondMemory,
    FailedOpen,
    FailedRead,
    CleanStop,
    CleanStopWithInFlight,
    CleanStopWithDeferred,
    CleanStopWhileWriting,
    CleanStopAfterEmpty,
    StopFailed,
    CrashKeepingWrites,
    CrashLosingUnsynced,
    CrashTearing,
    CrashWithSyncedBacklog,
    /// A message that a consumer held, or that was deferred, was on disk when a crash came.
    CrashWithSyncedInFlight,
    /// A crash came with messages whose publishers had been told that they were accepted.
    CrashWithAccepted,
    /// Likewise, and what was not synced was lost.
    PowerLossWithAccepted,
    /// Records that held back the others were put aside.
    PutAside,
    /// A deferred message was written at once.
    DeferredToDisk,
    /// Likewise, since there was no room in memory.
    DeferredSpilled,
    /// After a clean stop, deferred messages were deferred again.
    DeferredKept,
    /// A crash has left deferred messages.
    CrashWithDeferredOnDisk,
    /// A topic's messages wait for a channel that could not take any more.
    PumpBlocked,
    /// The files took something again after they had not.
    Healed,
    /// A message came back after a crash though it had been finished.
    FinishedCameBack,
}

/// How often each state was reached.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage(BTreeMap<Reached, u64>);

impl Coverage {
    pub(crate) fn note(&mut self, state: Reached) {
        *self.0.entry(state).or_default() += 1;
    }

    pub(crate) fn note_if(&mut self, condition: bool, state: Reached) {
        if condition {
            self.note(state);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (state, count) in &other.0 {
            *self.0.entry(*state).or_default() += count;
        }
    }

    pub(crate) fn missing(&self) -> Vec<Reached> {
        let reached = |state: &&Reached| !self.0.contains_key(state);
        Reached::ALL.iter().filter(reached).copied().collect()
    }
}
