//! Which of several destinations is next.
//!
//! Upstream: `github.com/bitly/go-hostpool`, as the utilities use it.

mod timing;

use std::time::Duration;

use nsq_flags::{ConfigValue, SetError, Value};
use nsq_runtime::{Clock, Moment};
use parking_lot::Mutex;

use crate::chance::Chance;
use timing::Timing;

/// A destination that has failed is tried again after this long, which doubles with each failed try up to the
/// greatest.
const RETRY_FIRST: Duration = Duration::from_secs(30);
const RETRY_MAX: Duration = Duration::from_secs(900);

/// How often the fastest destinations are not what is asked for: at first, at last, and what it is multiplied by
/// each time.
const EXPLORE_FIRST: f64 = 0.3;
const EXPLORE_MIN: f64 = 0.01;
const EXPLORE_FACTOR: f64 = 0.9;

/// How the next destination is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// One after the other, those that fail as well.
    RoundRobin,
    /// One after the other of those that do not fail.
    #[default]
    HostPool,
    /// Of those that do not fail mostly the faster ones.
    EpsilonGreedy,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::HostPool => "hostpool",
            Self::EpsilonGreedy => "epsilon-greedy",
        }
    }
}

impl Value for Mode {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        *self = [Self::RoundRobin, Self::HostPool, Self::EpsilonGreedy]
            .into_iter()
            .find(|mode| mode.name() == text)
            .ok_or_else(|| {
                SetError::Invalid("one of round-robin, hostpool, epsilon-greedy is wanted".to_owned())
            })?;
        Ok(())
    }

    fn usage_name(&self) -> &'static str {
        "string"
    }

    fn text(&self) -> String {
        self.name().to_owned()
    }

    fn is_quoted(&self) -> bool {
        true
    }

    fn is_zero(&self) -> bool {
        false
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Text(self.text())
    }
}

/// Some destinations, known by their index.
#[derive(Debug)]
pub(crate) struct HostPool {
    mode: Mode,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    hosts: Vec<Host>,
    next: usize,
    explore: f64,
    chance: Chance,
}

#[derive(Debug)]
struct Host {
    /// It has failed, and is tried again at this moment; then the wait that follows.
    dead: Option<(Moment, Duration)>,
    timing: Timing,
}

/// A destination that was chosen, to be told how it went.
#[derive(Debug)]
#[must_use = "a pool learns from what became of it"]
pub(crate) struct Pick {
    pub(crate) index: usize,
    picked_at: Moment,
}

impl HostPool {
    /// A pool of `count` destinations, which is not zero.
    pub(crate) fn new(mode: Mode, count: usize, clock: Clock) -> Self {
        let now = clock.now();
        let hosts = (0..count).map(|_| Host {
            dead: None,
            timing: Timing::new(now),
        });
        let state = State {
            hosts: hosts.collect(),
            // Upstream counts up before it looks.
            next: usize::from(mode == Mode::RoundRobin),
            explore: EXPLORE_FIRST,
            chance: Chance::new(),
        };
        Self {
            mode,
            clock,
            state: Mutex::new(state),
        }
    }

    /// The next destination.
    pub(crate) fn pick(&self) -> Pick {
        let now = self.clock.now();
        let state = &mut *self.state.lock();
        let index = match self.mode {
            Mode::RoundRobin => state.advance(),
            Mode::HostPool => state.live(now),
            Mode::EpsilonGreedy => state.fast(now),
        };
        Pick {
            index,
            picked_at: now,
        }
    }

    /// Learns how it went.
    pub(crate) fn mark(&self, Pick { index, picked_at }: Pick, is_ok: bool) {
        let now = self.clock.now();
        let state = &mut *self.state.lock();
        let Some(host) = state.hosts.get_mut(index) else {
            return;
        };
        if is_ok {
            host.dead = None;
            host.timing.add(now, now.since(picked_at));
        } else if host.dead.is_none() {
            host.dead = Some((now + RETRY_FIRST, RETRY_FIRST));
        }
    }
}

impl State {
    /// The next in turn.
    fn advance(&mut self) -> usize {
        let count = self.hosts.len().max(1);
        let index = self.next % count;
        self.next = (index + 1) % count;
        index
    }

    /// The next in turn that may be alive.
    fn live(&mut self, now: Moment) -> usize {
        let start = self.next;
        for _ in 0..self.hosts.len() {
            let index = self.advance();
            match self.hosts.get_mut(index).and_then(|host| host.dead.as_mut()) {
                None => return index,
                Some((retry_at, wait)) if *retry_at <= now => {
                    *wait = (*wait * 2).min(RETRY_MAX);
                    *retry_at = now + *wait;
                    return index;
                }
                Some(_) => {}
            }
        }
        // Waiting would help nobody.
        self.next = start;
        for host in &mut self.hosts {
            host.dead = None;
        }
        self.next = 0;
        self.advance()
    }

    /// Mostly one of the fast ones.
    fn fast(&mut self, now: Moment) -> usize {
        if self.chance.fraction() < self.explore {
            self.explore = (self.explore * EXPLORE_FACTOR).max(EXPLORE_MIN);
            return self.live(now);
        }
        let mut weights: Vec<(usize, f64)> = Vec::with_capacity(self.hosts.len());
        for (index, host) in self.hosts.iter_mut().enumerate() {
            let is_usable = host.dead.is_none_or(|(retry_at, _)| retry_at <= now);
            let time = host.timing.weighted_ms(now);
            if is_usable && time > 0.0 {
                weights.push((index, 1.0 / time));
            }
        }
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut left = self.chance.fraction() * sum;
        for (index, weight) in &weights {
            left -= weight;
            if left < 0.0 {
                return *index;
            }
        }
        self.live(now)
    }
}

#[cfg(test)]
mod tests {
    use nsq_runtime::ManualClock;

    use super::*;

    fn picks(pool: &HostPool, count: usize) -> Vec<usize> {
        (0..count).map(|_| pool.pick().index).collect()
    }

    fn fail(pool: &HostPool, index: usize) {
        let pick = Pick {
            index,
            picked_at: Moment::START,
        };
        pool.mark(pick, false);
    }

    #[test]
    fn turns_begin_with_the_second_and_leave_nobody_out() {
        let pool = HostPool::new(Mode::RoundRobin, 3, ManualClock::new().clock());
        fail(&pool, 1);
        assert_eq!(picks(&pool, 4), [1, 2, 0, 1]);
    }

    #[test]
    fn what_fails_is_left_out_and_tried_again_at_growing_intervals() {
        let manual = ManualClock::new();
        let pool = HostPool::new(Mode::HostPool, 2, manual.clock());
        assert_eq!(picks(&pool, 3), [0, 1, 0]);
        fail(&pool, 1);
        assert_eq!(picks(&pool, 3), [0, 0, 0]);
        manual.advance(Duration::from_secs(30));
        assert_eq!(picks(&pool, 3), [1, 0, 0]);
        manual.advance(Duration::from_secs(59));
        assert_eq!(picks(&pool, 2), [0, 0]);
        manual.advance(Duration::from_secs(1));
        let pick = pool.pick();
        assert_eq!(pick.index, 1);
        pool.mark(pick, true);
        assert_eq!(picks(&pool, 3), [0, 1, 0]);
    }

    #[test]
    fn if_all_fail_all_are_tried() {
        let pool = HostPool::new(Mode::HostPool, 2, ManualClock::new().clock());
        fail(&pool, 0);
        fail(&pool, 1);
        assert_eq!(picks(&pool, 3), [0, 1, 0]);
    }

    #[test]
    fn the_faster_one_is_asked_more_often() {
        let manual = ManualClock::new();
        let pool = HostPool::new(Mode::EpsilonGreedy, 2, manual.clock());
        let mut counts = [0, 0];
        for _ in 0..2000 {
            let pick = pool.pick();
            counts[pick.index] += 1;
            manual.advance(Duration::from_millis(if pick.index == 0 { 90 } else { 10 }));
            pool.mark(pick, true);
        }
        assert!(counts[1] > 3 * counts[0] && counts[0] > 0, "{counts:?}");
    }

    #[test]
    fn a_mode_that_is_none_is_refused() {
        let mut mode = Mode::default();
        mode.set("round-robin").unwrap();
        assert_eq!(mode, Mode::RoundRobin);
        mode.set("multicast").unwrap_err();
    }
}
