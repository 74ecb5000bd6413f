//! When whom to ask.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nsq_runtime::Moment;

use crate::snapshot::Status;

/// How often is asked while somebody watches.
const WATCHED_INTERVAL: Duration = Duration::from_secs(2);

/// And for each process that there is: many of them are asked less often.
const WATCHED_PER_PROCESS: Duration = Duration::from_millis(50);

/// Pages ask each other second. Somebody who has not for this long does not watch any more.
const WATCH_TIME: Duration = Duration::from_secs(10);

/// A process is not kept busy with answering: for every second that takes, it is left alone for 20.
const REST_FACTOR: u32 = 20;

/// How often is looked for clients when nobody watches them.
const CLIENTS_INTERVAL: Duration = Duration::from_secs(60);

/// Times between tries while there is no answer.
const RETRIES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// How often is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) interval: Option<Duration>,
}

/// When a process was asked last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastAsked {
    /// When the question was put; `None` if none was.
    pub(super) begun: Option<Moment>,
    /// When it was answered, or failed.
    pub(super) ended: Moment,
    /// When a question for clients was put.
    pub(super) clients: Option<Moment>,
}

impl Pace {
    pub(super) fn new(interval: Option<Duration>) -> Self {
        Self { interval }
    }

    /// When the next question is due.
    pub(super) fn due(&self, last: LastAsked, status: &Status, is_watched: bool, processes: usize) -> Moment {
        let Some(begun) = last.begun else {
            return Moment::START;
        };
        let rested = last.ended + status.latency.saturating_mul(REST_FACTOR);
        if status.failures > 0 {
            let tries = usize::try_from(status.failures).unwrap_or(usize::MAX) - 1;
            let pause = RETRIES.get(tries).or(RETRIES.last()).copied().unwrap_or_default();
            return last.ended + pause;
        }
        let processes = u32::try_from(processes).unwrap_or(u32::MAX);
        let watched = WATCHED_INTERVAL.max(WATCHED_PER_PROCESS.saturating_mul(processes));
        match self.interval {
            Some(interval) if !is_watched => (begun + interval).max(rested),
            Some(interval) => (begun + interval.min(watched)).max(rested),
            None if is_watched => (begun + watched).max(rested),
            None => Moment::FAR,
        }
    }

    /// Whether clients are to be asked for as well.
    pub(super) fn wants_clients(&self, last: LastAsked, now: Moment, is_watched: bool) -> bool {
        let pause = self
            .interval
            .map_or(CLIENTS_INTERVAL, |interval| interval.max(CLIENTS_INTERVAL));
        is_watched || last.clients.is_none_or(|asked| now - asked >= pause)
    }

    /// How long the numbers of a process are taken for its present ones.
    pub(super) fn fresh_for(&self) -> Duration {
        self.interval
            .map_or(Duration::from_secs(30), |interval| interval * 3)
    }
}

/// Whether somebody has watched lately; `watched` is when, in nanoseconds of the clock, and 0 for never.
pub(super) fn is_watched(now: Moment, watched: &AtomicU64) -> bool {
    let last = watched.load(Ordering::Relaxed);
    last > 0 && now - Moment::from_nanos(last) < WATCH_TIME
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    fn asked(begun: u64, ended: u64) -> LastAsked {
        LastAsked {
            begun: Some(at(begun)),
            ended: at(ended),
            clients: None,
        }
    }

    const EACH_10_S: Pace = Pace {
        interval: Some(Duration::from_secs(10)),
    };

    #[test]
    fn who_was_never_asked_is_asked_at_once() {
        let due = EACH_10_S.due(LastAsked::default(), &Status::default(), false, 1);
        assert_eq!(due, Moment::START);
    }

    #[test]
    fn watching_makes_it_faster_and_many_processes_slower() {
        let status = Status::default();
        assert_eq!(EACH_10_S.due(asked(100, 100), &status, false, 3), at(110));
        assert_eq!(EACH_10_S.due(asked(100, 100), &status, true, 3), at(102));
        assert_eq!(EACH_10_S.due(asked(100, 100), &status, true, 100), at(105));
        assert_eq!(EACH_10_S.due(asked(100, 100), &status, true, 1000), at(110));
    }

    #[test]
    fn without_an_interval_only_who_watches_asks() {
        let pace = Pace::new(None);
        assert_eq!(
            pace.due(asked(100, 100), &Status::default(), false, 3),
            Moment::FAR
        );
        assert_eq!(pace.due(asked(100, 100), &Status::default(), true, 3), at(102));
    }

    #[test]
    fn a_slow_process_is_left_alone_for_longer() {
        let status = Status {
            latency: Duration::from_secs(1),
            ..Status::default()
        };
        assert_eq!(EACH_10_S.due(asked(100, 101), &status, true, 3), at(121));
    }

    #[test]
    fn who_does_not_answer_is_tried_again_soon_and_then_less_often() {
        for (failures, seconds) in [(1, 1), (2, 2), (3, 5), (4, 10), (100, 10)] {
            let status = Status {
                failures,
                ..Status::default()
            };
            assert_eq!(
                EACH_10_S.due(asked(100, 105), &status, true, 3),
                at(105 + seconds)
            );
        }
    }

    #[test]
    fn clients_are_asked_for_now_and_then_or_while_they_are_watched() {
        let last = LastAsked {
            clients: Some(at(100)),
            ..asked(100, 100)
        };
        assert!(EACH_10_S.wants_clients(LastAsked::default(), at(0), false));
        assert!(!EACH_10_S.wants_clients(last, at(150), false));
        assert!(EACH_10_S.wants_clients(last, at(150), true));
        assert!(EACH_10_S.wants_clients(last, at(160), false));
    }
}
