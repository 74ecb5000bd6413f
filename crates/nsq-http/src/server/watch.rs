//! The time limits of one connection.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use nsq_runtime::{Clock, Moment, Timer};

use super::Limits;
use super::monitor::{Mark, Monitor, Phase};

/// How long a connection that is being closed still takes in what its peer is sending.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// Decides when a peer has taken too long.
///
/// The clock is read and the timer moved only when a connection is found waiting in the middle of
/// something. Requests that come whole, the usual case, never touch either: the idle limit is
/// checked when the timer happens to elapse, and postponed then if there was a request meanwhile.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    limits: &'a Limits,
    clock: &'a Clock,
    timer: Timer,
    /// What the connection had come to when the timer was armed.
    armed: Mark,
    /// When the present phase of the present request was first seen, and the bytes until then.
    since: (Moment, u64),
    draining: bool,
}

impl<'a> Watch<'a> {
    /// A watch over a connection that has just been opened.
    pub(super) fn new(limits: &'a Limits, clock: &'a Clock, monitor: &Monitor) -> Self {
        let mut watch = Self {
            limits,
            clock,
            timer: clock.timer(),
            armed: monitor.mark(),
            since: (Moment::START, 0),
            draining: false,
        };
        watch.arm(monitor.mark());
        watch
    }

    /// From now on the connection has the drain time left, whatever it is doing.
    pub(super) fn drain(&mut self) {
        self.draining = true;
        self.timer.arm(self.clock.now() + self.limits.drain_time);
    }

    /// Ready when the connection has exceeded a limit.
    pub(super) fn poll_overdue(&mut self, monitor: &Monitor, cx: &mut Context<'_>) -> Poll<()> {
        let mark = monitor.mark();
        let relaxed = matches!(mark.phase, Phase::Idle | Phase::Handler);
        if !relaxed && !self.draining && mark != self.armed {
            self.arm(mark);
        }
        loop {
            ready!(self.timer.poll_elapsed(cx));
            if self.draining || (mark == self.armed && mark.phase != Phase::Handler) {
                return Poll::Ready(());
            }
            self.arm(mark);
        }
    }

    fn arm(&mut self, mark: Mark) {
        let now = self.clock.now();
        if (mark.phase, mark.requests) != (self.armed.phase, self.armed.requests) {
            self.since = (now, mark.transferred);
        }
        self.armed = mark;
        self.timer.arm(self.deadline(mark, now));
    }

    fn deadline(&self, mark: Mark, now: Moment) -> Moment {
        let (since, transferred_before) = self.since;
        let limits = self.limits;
        match mark.phase {
            Phase::Idle if mark.requests == 0 => now + limits.head_time,
            // A handler has no limit; the timer only comes back to look again.
            Phase::Idle | Phase::Handler => now + limits.idle_time,
            Phase::Head => since + limits.head_time,
            Phase::Body | Phase::Writing => {
                let moved = mark.transferred - transferred_before;
                let earned = Duration::from_secs(moved / limits.rate_min.max(1));
                (now + limits.stall_time).min(since + limits.stall_time + earned)
            }
            Phase::Lingering => since + LINGER_TIME,
        }
    }
}
