//! The pauses of a consumer whose handler fails.
//!
//! ```text
//!            fail                    timer ends
//!  level 0 ────────▶ pausing(level) ────────────▶ testing(level): one connection has RDY 1
//!     ▲                   ▲    ▲                      │
//!     │                   │    └── fail: level + 1 ───┤
//!     │                   └─────── neutral ───────────┤
//!     └─── level 1 ◀── success: level - 1, else pausing ┘
//! ```
//!
//! While a pause lasts, whatever happens to messages that are still held changes nothing.
//!
//! Upstream: go-nsq consumer.go, `startStopContinueBackoff`.

use std::time::Duration;

use nsq_runtime::Moment;

use crate::random::Random;
use crate::{BackoffStrategy, Config};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Finished.
    Success,
    /// Requeued because it failed.
    Failure,
    /// Requeued for another reason.
    Neutral,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    /// All connections have RDY 0 for this long.
    Pause {
        level: u32,
        duration: Duration,
    },
    /// All connections have their share again.
    Exit,
}

#[derive(Debug)]
pub(crate) struct Backoff {
    strategy: BackoffStrategy,
    multiplier: Duration,
    longest: Duration,
    level: u32,
    /// The end of the present pause; [`Moment::FAR`] without one.
    until: Moment,
    random: Random,
}

impl Backoff {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            strategy: config.backoff_strategy,
            multiplier: config.backoff_multiplier,
            longest: config.max_backoff_duration,
            level: 0,
            until: Moment::FAR,
            random: Random::new(),
        }
    }

    /// How often failure has won over success; 0 when nothing is wrong.
    pub(crate) fn level(&self) -> u32 {
        self.level
    }

    /// The end of the present pause; [`Moment::FAR`] without one.
    pub(crate) fn until(&self) -> Moment {
        self.until
    }

    pub(crate) fn is_pausing(&self) -> bool {
        self.until != Moment::FAR
    }

    pub(crate) fn apply(&mut self, signal: Signal, now: Moment) -> Step {
        if self.is_pausing() || self.longest.is_zero() {
            return Step::Nothing;
        }
        match signal {
            Signal::Failure => {
                if self.duration(self.level + 1) <= self.longest {
                    self.level += 1;
                }
            }
            Signal::Success if self.level > 0 => {
                self.level -= 1;
                if self.level == 0 {
                    return Step::Exit;
                }
            }
            Signal::Success | Signal::Neutral => {}
        }
        if self.level == 0 {
            return Step::Nothing;
        }
        let duration = self.duration(self.level).min(self.longest);
        self.pause(now, duration);
        Step::Pause {
            level: self.level,
            duration,
        }
    }

    /// Pauses, or goes on pausing.
    pub(crate) fn pause(&mut self, now: Moment, duration: Duration) {
        self.until = now + duration;
    }

    /// The pause has ended; a message is to be tried.
    pub(crate) fn begin_test(&mut self) {
        self.until = Moment::FAR;
    }

    fn duration(&mut self, level: u32) -> Duration {
        let factor = 1_u32.checked_shl(level).unwrap_or(u32::MAX);
        let exponential = self.multiplier.saturating_mul(factor);
        match self.strategy {
            BackoffStrategy::Exponential => exponential,
            BackoffStrategy::FullJitter => exponential.mul_f64(self.random.fraction()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(multiplier_ms: u64, longest_ms: u64) -> Backoff {
        Backoff::new(&Config {
            backoff_multiplier: Duration::from_millis(multiplier_ms),
            max_backoff_duration: Duration::from_millis(longest_ms),
            ..Config::default()
        })
    }

    /// Applies a signal once the pause is over.
    fn test(backoff: &mut Backoff, signal: Signal) -> Step {
        backoff.begin_test();
        backoff.apply(signal, Moment::START)
    }

    fn pause(level: u32, millis: u64) -> Step {
        Step::Pause {
            level,
            duration: Duration::from_millis(millis),
        }
    }

    #[test]
    fn pauses_double_and_the_first_is_twice_the_multiplier() {
        let mut backoff = backoff(250, 120_000);
        for (level, millis) in [(1, 500), (2, 1000), (3, 2000)] {
            assert_eq!(test(&mut backoff, Signal::Failure), pause(level, millis));
        }
    }

    #[test]
    fn recovery_takes_as_many_successes_as_there_were_failures() {
        let mut backoff = backoff(1000, 120_000);
        for _ in 0..3 {
            test(&mut backoff, Signal::Failure);
        }
        assert_eq!(test(&mut backoff, Signal::Success), pause(2, 4000));
        assert_eq!(test(&mut backoff, Signal::Neutral), pause(2, 4000));
        assert_eq!(test(&mut backoff, Signal::Success), pause(1, 2000));
        assert_eq!(test(&mut backoff, Signal::Success), Step::Exit);
        assert_eq!(test(&mut backoff, Signal::Success), Step::Nothing);
    }

    #[test]
    fn the_level_stops_growing_where_the_pause_would_be_too_long() {
        let mut backoff = backoff(1000, 120_000);
        for _ in 0..20 {
            test(&mut backoff, Signal::Failure);
        }
        assert_eq!(backoff.level(), 6);
        assert_eq!(test(&mut backoff, Signal::Failure), pause(6, 64_000));
    }

    #[test]
    fn nothing_counts_during_a_pause() {
        let mut backoff = backoff(1000, 120_000);
        assert_eq!(backoff.apply(Signal::Failure, Moment::START), pause(1, 2000));
        for signal in [Signal::Failure, Signal::Success, Signal::Neutral] {
            assert_eq!(backoff.apply(signal, Moment::START), Step::Nothing);
        }
        assert_eq!(backoff.level(), 1);
    }

    #[test]
    fn a_longest_pause_of_zero_means_none() {
        let mut backoff = backoff(1000, 0);
        assert_eq!(backoff.apply(Signal::Failure, Moment::START), Step::Nothing);
        assert_eq!(backoff.level(), 0);
    }

    #[test]
    fn jitter_stays_below_the_exponential_pause_even_if_that_is_zero() {
        for multiplier_ms in [0, 1000] {
            let mut backoff = backoff(multiplier_ms, 120_000);
            backoff.strategy = BackoffStrategy::FullJitter;
            for _ in 0..50 {
                let Step::Pause { level, duration } = test(&mut backoff, Signal::Failure) else {
                    panic!("a failure pauses");
                };
                assert!(duration <= Duration::from_millis(multiplier_ms << level));
            }
        }
    }
}
