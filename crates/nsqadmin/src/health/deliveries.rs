//! How many deliveries of each channel have failed in the last minutes.
//!
//! Rates are summed up over time, not counters compared: those are added up over nodes, and jump when a node comes or
//! goes. Only channels of which something has failed lately are followed.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use nsq_runtime::Moment;

use crate::snapshot::{ChannelRow, View};

/// Failures are counted over this long.
const WINDOW: Duration = Duration::from_secs(300);

/// And at least this long, before a share says anything.
const WINDOW_MIN: Duration = Duration::from_secs(60);

/// Distance of the places at which the window can begin.
const MARK_EVERY: Duration = Duration::from_secs(20);

/// Looks further apart than this say nothing about the time between them.
const GAP_MAX: Duration = Duration::from_secs(60);

/// More failing channels than anyone reads about are not followed.
const CHANNELS_MAX: usize = 10_000;

/// The deliveries of the channels of which some have failed.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    /// When was looked last.
    looked: Option<Moment>,
    channels: HashMap<String, Followed>,
}

/// A channel, from its first failure on until a window without one.
#[derive(Debug)]
struct Followed {
    /// When something failed last.
    failed: Moment,
    sum: Sum,
    /// What `sum` was at times within the window; the first may be older.
    marks: VecDeque<(Moment, Sum)>,
    /// Whether the last look has found it.
    is_there: bool,
    failing: Option<Failing>,
}

/// Messages, since a channel is followed.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    deliveries: f64,
    timed_out: f64,
    requeued: f64,
}

/// What has failed of a channel within the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Failing {
    pub(super) timed_out: f64,
    pub(super) requeued: f64,
    deliveries: f64,
    span: Duration,
}

impl Failing {
    pub(super) fn timeouts_percent(&self) -> f64 {
        self.timed_out / self.deliveries * 100.0
    }

    pub(super) fn requeues_percent(&self) -> f64 {
        self.requeued / self.deliveries * 100.0
    }

    /// How long the window is, in minutes.
    pub(super) fn minutes(&self) -> u64 {
        (self.span.as_secs() + 30) / 60
    }
}

impl Deliveries {
    /// Adds what has happened since the last look.
    pub(super) fn observe(&mut self, view: &View, now: Moment) {
        let gap = self
            .looked
            .replace(now)
            .map_or(Duration::ZERO, |looked| now - looked);
        let gap = if gap > GAP_MAX { Duration::ZERO } else { gap };
        for row in &view.channels {
            let rates = Sum::rates_of(row);
            let is_failing = rates.timed_out > 0.0 || rates.requeued > 0.0;
            if !is_failing && self.channels.is_empty() {
                continue;
            }
            let key = row.key();
            if let Some(followed) = self.channels.get_mut(&key) {
                followed.add(rates, gap, now);
                if is_failing {
                    followed.failed = now;
                }
            } else if is_failing && self.channels.len() < CHANNELS_MAX {
                self.channels.insert(key, Followed::from(now));
            }
        }
        self.channels
            .retain(|_, followed| std::mem::take(&mut followed.is_there) && now - followed.failed < WINDOW);
    }

    /// What has failed of a channel; `None` while that is nothing, or too soon to say.
    pub(super) fn failing(&self, channel: &str) -> Option<Failing> {
        self.channels.get(channel)?.failing
    }
}

impl Followed {
    fn from(now: Moment) -> Self {
        Self {
            failed: now,
            sum: Sum::default(),
            marks: VecDeque::from([(now, Sum::default())]),
            is_there: true,
            failing: None,
        }
    }

    fn add(&mut self, rates: Sum, gap: Duration, now: Moment) {
        self.is_there = true;
        self.sum.add(rates, gap.as_secs_f64());
        if self.marks.back().is_none_or(|(at, _)| now - *at >= MARK_EVERY) {
            self.marks.push_back((now, self.sum));
        }
        while self.marks.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
            self.marks.pop_front();
        }
        self.failing = self.marks.front().and_then(|(at, base)| {
            let failing = Failing {
                timed_out: self.sum.timed_out - base.timed_out,
                requeued: self.sum.requeued - base.requeued,
                deliveries: self.sum.deliveries - base.deliveries,
                span: now - *at,
            };
            (failing.span >= WINDOW_MIN && failing.deliveries > 0.0).then_some(failing)
        });
    }
}

impl Sum {
    /// Of a second.
    fn rates_of(row: &ChannelRow) -> Self {
        let (timed_out, requeued) = (row.timeout_rate.unwrap_or(0.0), row.requeue_rate.unwrap_or(0.0));
        Self {
            timed_out,
            requeued,
            // A message that times out or is requeued is delivered once more.
            deliveries: row.out_rate.unwrap_or(0.0) + timed_out + requeued,
        }
    }

    fn add(&mut self, rates: Self, seconds: f64) {
        self.deliveries += rates.deliveries * seconds;
        self.timed_out += rates.timed_out * seconds;
        self.requeued += rates.requeued * seconds;
    }
}
