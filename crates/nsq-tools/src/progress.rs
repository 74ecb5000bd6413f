//! How far long work has come, for somebody at a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use nsq_runtime::{Clock, Moment};

/// Time between two updates.
const INTERVAL: Duration = Duration::from_millis(500);

/// A line on standard error that is kept up to date, if that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    clock: Clock,
    /// `None` if nobody would see it.
    next: Option<Moment>,
    started: Moment,
    count: u64,
    is_shown: bool,
}

impl Progress {
    /// The progress of a program that reads standard input; nothing is shown if that is typed.
    pub(crate) fn of_pipe(clock: Clock) -> Self {
        let is_seen = io::stderr().is_terminal() && !io::stdin().is_terminal();
        Self::new(clock, is_seen)
    }

    fn new(clock: Clock, is_seen: bool) -> Self {
        let started = clock.now();
        Self {
            next: is_seen.then_some(started + INTERVAL),
            started,
            count: 0,
            is_shown: false,
            clock,
        }
    }

    /// Counts messages.
    pub(crate) fn add(&mut self, count: usize) {
        self.count += u64::try_from(count).unwrap_or(u64::MAX);
        let Some(next) = self.next else {
            return;
        };
        let now = self.clock.now();
        if now >= next {
            self.next = Some(now + INTERVAL);
            self.show(now, "");
        }
    }

    /// Shows the last state and leaves the line.
    pub(crate) fn end(mut self) {
        if self.is_shown {
            self.show(self.clock.now(), "\n");
        }
    }

    fn show(&mut self, now: Moment, end: &str) {
        self.is_shown = true;
        let line = line(self.count, now.since(self.started));
        // Nobody would see why it cannot be shown.
        let _ = write!(io::stderr(), "\r{line}\x1b[K{end}");
    }
}

fn line(count: u64, elapsed: Duration) -> String {
    let elapsed_ms = elapsed.as_millis().max(1);
    let per_second = u128::from(count) * 1000 / elapsed_ms;
    format!("{count} messages, {per_second}/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_count_and_the_rate() {
        assert_eq!(line(3000, Duration::from_secs(2)), "3000 messages, 1500/s");
        assert_eq!(line(0, Duration::ZERO), "0 messages, 0/s");
    }
}
