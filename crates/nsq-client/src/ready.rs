//! Who may be sent how much: the RDY counts of a consumer's connections.
//!
//! Nothing here sends; what is to be sent is gathered, to be [taken](Ready::take_changes) afterwards.
//!
//! Upstream: go-nsq consumer.go, `updateRDY`, `redistributeRDY`, `maybeUpdateRDY`.

use std::time::Duration;

use nsq_runtime::Moment;

use crate::Config;
use crate::random::Random;

/// When a connection that got nothing tries again. Upstream: go-nsq consumer.go.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Names a connection of a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MemberId(pub(crate) u64);

/// The RDY counts of all connections.
#[derive(Debug)]
pub(crate) struct Ready {
    max_in_flight: u32,
    idle_timeout: Duration,
    turn_timeout: Duration,
    members: Vec<Member>,
    /// A connection has gone that held what others could use.
    wanted: bool,
    changes: Vec<(MemberId, u32)>,
    random: Random,
}

#[derive(Debug)]
struct Member {
    id: MemberId,
    /// What nsqd allows.
    max_rdy: u32,
    rdy: u32,
    /// When it got its RDY.
    since: Moment,
    /// When it tries to get some, and how much.
    retry: Option<(Moment, u32)>,
    /// It is being closed, and gets nothing any more.
    closing: bool,
}

impl Ready {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            max_in_flight: config.max_in_flight,
            idle_timeout: config.low_rdy_idle_timeout,
            turn_timeout: config.low_rdy_timeout,
            members: Vec::new(),
            wanted: false,
            changes: Vec::new(),
            random: Random::new(),
        }
    }

    /// What is to be sent since this was called last, in order.
    pub(crate) fn take_changes(&mut self) -> Vec<(MemberId, u32)> {
        std::mem::take(&mut self.changes)
    }

    pub(crate) fn max_in_flight(&self) -> u32 {
        self.max_in_flight
    }

    /// What one connection gets when all get the same.
    pub(crate) fn share(&self) -> u32 {
        let count = u32::try_from(self.members.len()).unwrap_or(u32::MAX).max(1);
        (self.max_in_flight / count).max(1).min(self.max_in_flight)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// A new connection, which has RDY 0.
    pub(crate) fn add(&mut self, id: MemberId, max_rdy: u32, now: Moment) {
        self.members.push(Member {
            id,
            max_rdy,
            rdy: 0,
            since: now,
            retry: None,
            closing: false,
        });
    }

    /// A connection has gone.
    pub(crate) fn remove(&mut self, id: MemberId, in_backoff: bool) {
        let Some(at) = self.position(id) else {
            return;
        };
        let gone = self.members.swap_remove(at);
        let held = gone.rdy > 0 || gone.retry.is_some();
        if held && (self.count() == self.max_in_flight || in_backoff) {
            self.wanted = true;
        }
    }

    /// A connection is being closed.
    pub(crate) fn close(&mut self, id: MemberId) {
        if let Some(member) = self.position(id).and_then(|at| self.members.get_mut(at)) {
            member.closing = true;
            member.retry = None;
        }
    }

    pub(crate) fn set_max_in_flight(&mut self, max_in_flight: u32) {
        self.max_in_flight = max_in_flight;
    }

    /// Gives every connection its share. Those that have more than that go first, so that the others find
    /// something to take.
    ///
    /// # Differs from upstream
    /// Upstream does this in random order, so that some have to wait for their retry; and not when a
    /// connection has gone, whose share then stays unused.
    pub(crate) fn distribute(&mut self, now: Moment) {
        let share = self.share();
        for lowers in [true, false] {
            for at in 0..self.members.len() {
                let is_above = self.members.get(at).is_some_and(|member| member.rdy > share);
                if is_above == lowers {
                    self.update(at, share, now);
                }
            }
        }
    }

    /// Takes everything from every connection.
    pub(crate) fn pause(&mut self, now: Moment) {
        for at in 0..self.members.len() {
            self.update(at, 0, now);
        }
    }

    /// Lets one connection, any, have one message. Says whether one could have it.
    pub(crate) fn test(&mut self, now: Moment) -> bool {
        if self.members.is_empty() {
            return false;
        }
        let at = self.random.index(self.members.len());
        self.update(at, 1, now)
    }

    /// Sets the count of a connection, as far as there is something to give. Says whether it has what it
    /// should have, or some of it.
    ///
    /// # Differs from upstream
    /// Where the others hold all there may be, upstream lets the connection keep what it has too.
    fn update(&mut self, at: usize, count: u32, now: Moment) -> bool {
        let total = self.total();
        let max_in_flight = self.max_in_flight;
        let Some(member) = self.members.get_mut(at) else {
            return false;
        };
        if member.closing {
            return false;
        }
        let mut count = count.min(member.max_rdy);
        member.retry = None;
        let possible = i64::from(max_in_flight) - total + i64::from(member.rdy);
        if possible <= 0 && count > 0 && member.rdy == 0 {
            member.retry = Some((now + RETRY_AFTER, count));
            return false;
        }
        let wanted = count;
        count = count.min(u32::try_from(possible.max(0)).unwrap_or(u32::MAX));
        if count != member.rdy {
            member.rdy = count;
            self.changes.push((member.id, count));
            if count > 0 {
                member.since = now;
            }
        }
        wanted == 0 || count > 0
    }

    /// The next moment at which a connection tries to get something.
    pub(crate) fn next_retry(&self) -> Moment {
        let retries = self.members.iter().filter_map(|member| member.retry);
        retries.map(|(at, _)| at).min().unwrap_or(Moment::FAR)
    }

    /// Lets those try whose time has come.
    pub(crate) fn retry(&mut self, now: Moment) {
        for at in 0..self.members.len() {
            if let Some((due, count)) = self.members.get(at).and_then(|member| member.retry)
                && due <= now
            {
                self.update(at, count, now);
            }
        }
    }

    /// Lets others have a turn where there is not enough for all. `last_message` says when a connection got
    /// its last message.
    pub(crate) fn redistribute(
        &mut self,
        now: Moment,
        in_backoff: bool,
        last_message: impl Fn(MemberId) -> Moment,
    ) {
        if self.members.is_empty() {
            return;
        }
        let is_short = self.count() > self.max_in_flight || (in_backoff && self.count() > 1);
        if !std::mem::take(&mut self.wanted) && !is_short {
            return;
        }
        for at in 0..self.members.len() {
            let Some(member) = self.members.get(at).filter(|member| member.rdy > 0) else {
                continue;
            };
            let is_idle = now - last_message(member.id) > self.idle_timeout;
            let had_its_turn = now - member.since > self.turn_timeout;
            if is_idle || had_its_turn {
                self.update(at, 0, now);
            }
        }
        let most = if in_backoff {
            1
        } else {
            i64::from(self.max_in_flight)
        };
        let mut available = most - self.total();
        let mut waiting: Vec<usize> = (0..self.members.len()).collect();
        while available > 0 && !waiting.is_empty() {
            let at = waiting.swap_remove(self.random.index(waiting.len()));
            if self.update(at, 1, now) {
                available -= 1;
            }
        }
    }

    fn total(&self) -> i64 {
        self.members.iter().map(|member| i64::from(member.rdy)).sum()
    }

    fn count(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    fn position(&self, id: MemberId) -> Option<usize> {
        self.members.iter().position(|member| member.id == id)
    }

    /// The count that a connection has.
    pub(crate) fn count_of(&self, id: MemberId) -> u32 {
        let member = self.position(id).and_then(|at| self.members.get(at));
        member.map_or(0, |member| member.rdy)
    }
}

#[cfg(test)]
mod tests;
