//! What consumers do with a message.

use crate::error::{Error, Result};
use crate::histogram::Histogram;
use crate::wire::body::{self, Tally};
use crate::wire::command;
use crate::wire::frame::Message;

/// Decides about every message of a group of consumers.
pub(crate) trait Handler {
    /// Takes one message that was read at `now_ns` and appends the reply to `reply`.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] when the message is not one that was published, or comes too early.
    fn on_message(&mut self, message: &Message<'_>, now_ns: u64, reply: &mut Vec<u8>) -> Result<()>;

    /// Whether everything that was expected has happened.
    fn is_done(&self) -> bool;
}

/// Finishes every message.
#[derive(Debug)]
pub(crate) struct Finish {
    /// What arrived.
    pub(crate) tally: Tally,
    goal: u64,
}

impl Finish {
    /// Done after `goal` messages.
    pub(crate) fn new(goal: u64) -> Self {
        Self {
            tally: Tally::default(),
            goal,
        }
    }
}

impl Handler for Finish {
    fn on_message(&mut self, message: &Message<'_>, _now_ns: u64, reply: &mut Vec<u8>) -> Result<()> {
        self.tally.add(body::check(message.body)?.sequence);
        command::fin(reply, message.id);
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.tally.count >= self.goal
    }
}

/// Finishes every message and records how long after its stamp it came.
#[derive(Debug)]
pub(crate) struct FinishTimed {
    /// What arrived.
    pub(crate) tally: Tally,
    /// Arrival minus stamp.
    pub(crate) latency: Histogram,
    goal: u64,
    early_max_ns: u64,
}

impl FinishTimed {
    /// Done after `goal` messages; one that comes more than `early_max_ns` before its stamp is an error.
    pub(crate) fn new(goal: u64, early_max_ns: u64) -> Self {
        Self {
            tally: Tally::default(),
            latency: Histogram::default(),
            goal,
            early_max_ns,
        }
    }
}

impl Handler for FinishTimed {
    fn on_message(&mut self, message: &Message<'_>, now_ns: u64, reply: &mut Vec<u8>) -> Result<()> {
        let stamped = body::check(message.body)?;
        if stamped.stamp_ns > now_ns + self.early_max_ns {
            let early_ms = (stamped.stamp_ns - now_ns) / crate::clock::MILLISECOND_NS;
            return Err(Error::Mismatch(format!(
                "a message came {early_ms} ms before it was due"
            )));
        }
        self.tally.add(stamped.sequence);
        self.latency.record(now_ns.saturating_sub(stamped.stamp_ns));
        command::fin(reply, message.id);
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.tally.count >= self.goal
    }
}

/// Lets every first delivery time out, finishes the second, and records how late it came.
#[derive(Debug)]
pub(crate) struct TimeOutOnce {
    /// Messages that were finished.
    pub(crate) tally: Tally,
    /// Redelivery minus (first delivery plus timeout).
    pub(crate) lateness: Histogram,
    first_ns: Vec<u64>,
    timeout_ns: u64,
}

impl TimeOutOnce {
    /// Done when sequence numbers `0..goal` were finished.
    pub(crate) fn new(goal: usize, timeout_ns: u64) -> Self {
        Self {
            tally: Tally::default(),
            lateness: Histogram::default(),
            first_ns: vec![0; goal],
            timeout_ns,
        }
    }
}

impl Handler for TimeOutOnce {
    fn on_message(&mut self, message: &Message<'_>, now_ns: u64, reply: &mut Vec<u8>) -> Result<()> {
        let sequence = body::check(message.body)?.sequence;
        let slot = usize::try_from(sequence)
            .ok()
            .and_then(|index| self.first_ns.get_mut(index));
        let Some(first_ns) = slot else {
            return Err(Error::Mismatch(format!(
                "message {sequence} arrived and was not published"
            )));
        };
        if *first_ns == 0 {
            *first_ns = now_ns;
            return Ok(());
        }
        if message.attempts < 2 {
            return Err(Error::Mismatch(format!(
                "message {sequence} came twice with attempts at 1"
            )));
        }
        // The server starts its timer before the first delivery is read here, so a negative value is no fault.
        self.lateness
            .record(now_ns.saturating_sub(*first_ns + self.timeout_ns));
        self.tally.add(sequence);
        command::fin(reply, message.id);
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.tally.count >= self.first_ns.len() as u64
    }
}

/// Expects no message at all and never ends by itself.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Handler for Nothing {
    fn on_message(&mut self, message: &Message<'_>, _now_ns: u64, _reply: &mut Vec<u8>) -> Result<()> {
        Err(Error::Mismatch(format!(
            "an idle consumer received a message of {} bytes",
            message.body.len()
        )))
    }

    fn is_done(&self) -> bool {
        false
    }
}
