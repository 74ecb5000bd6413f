//! What is remembered of one topic, channel or node.

use std::collections::VecDeque;

use super::chunk::Chunk;
use super::store::Tier;

/// Metrics of the whole cluster. Rates are in hundredths per second.
pub(crate) const CLUSTER_METRICS: &[&str] = &[
    "depth",
    "backlog",
    "publish",
    "bytes",
    "out",
    "in_flight",
    "requeue",
    "timeout",
];

/// Metrics of a topic, the same.
pub(crate) const TOPIC_METRICS: &[&str] = CLUSTER_METRICS;

/// Metrics of a channel.
pub(crate) const CHANNEL_METRICS: &[&str] =
    &["depth", "in", "out", "in_flight", "requeue", "timeout", "disk"];

/// Metrics of a node.
pub(crate) const NODE_METRICS: &[&str] = &["backlog", "publish", "heap"];

/// Metrics that are rates.
const RATES: &[&str] = &["publish", "bytes", "in", "out", "requeue", "timeout"];

/// The metrics of an entity by its name, such as `topic:orders`.
pub(crate) fn metrics_of(entity: &str) -> &'static [&'static str] {
    match entity.split_once(':').map_or(entity, |(kind, _)| kind) {
        "channel" => CHANNEL_METRICS,
        "node" => NODE_METRICS,
        _ => TOPIC_METRICS,
    }
}

/// What a stored value of a metric is to be divided by.
pub(super) fn divisor(metric: &str) -> f64 {
    if RATES.contains(&metric) { 100.0 } else { 1.0 }
}

/// How many of the last backlogs the trend is made of: a minute of them.
const RECENT_MAX: usize = 7;

/// What one entity takes beside its points, roughly: map entry, name and queues.
const OVERHEAD: usize = 200;

/// One entity. In the coarse tiers each metric is followed by its largest values.
#[derive(Debug)]
pub(super) struct Entity {
    tiers: Vec<Points>,
    /// When each of the last backlogs was, in milliseconds, and what.
    recent: VecDeque<(i64, i64)>,
    /// The slot of the finest tier in which it last changed.
    pub(super) active: i64,
}

#[derive(Debug, Default)]
struct Points {
    /// The last one is still written to.
    chunks: VecDeque<Chunk>,
    last: Vec<i64>,
    /// Finer points that are not a point yet, for the slot they are of.
    gathering: Option<Gathering>,
}

#[derive(Debug)]
struct Gathering {
    slot: i64,
    count: i64,
    sums: Vec<i64>,
    maxima: Vec<i64>,
}

impl Entity {
    pub(super) fn new(tiers: usize) -> Self {
        Self {
            tiers: (0..tiers).map(|_| Points::default()).collect(),
            recent: VecDeque::with_capacity(RECENT_MAX),
            active: 0,
        }
    }

    /// Takes a point. `backlog` is the one of its values that has a trend.
    pub(super) fn push(&mut self, tiers: &[Tier], now_ms: i64, point: &[i64], backlog: i64) {
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((now_ms, backlog));
        let mut own = self.tiers.iter_mut().zip(tiers);
        if let Some((finest, tier)) = own.next() {
            let slot = now_ms.div_euclid(tier.step_ms);
            if finest.last != point {
                self.active = slot;
            }
            finest.push(tier, slot, point);
        }
        for (points, tier) in own {
            points.gather(tier, now_ms.div_euclid(tier.step_ms), point);
        }
    }

    /// Change of the backlog per second over the last minute, by least squares.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(super) fn trend(&self) -> Option<f64> {
        let (first_ms, _) = self.recent.front()?;
        if self.recent.len() < 3 {
            return None;
        }
        let points = self
            .recent
            .iter()
            .map(|(at_ms, value)| ((at_ms - first_ms) as f64 / 1000.0, *value as f64));
        let count = self.recent.len() as f64;
        let (sum_x, sum_y) = points
            .clone()
            .fold((0.0, 0.0), |(xs, ys), (x, y)| (xs + x, ys + y));
        let (mean_x, mean_y) = (sum_x / count, sum_y / count);
        let (above, below) = points.fold((0.0, 0.0), |(above, below), (x, y)| {
            (
                above + (x - mean_x) * (y - mean_y),
                below + (x - mean_x) * (x - mean_x),
            )
        });
        (below > 0.0).then(|| above / below)
    }

    pub(super) fn size(&self) -> usize {
        let points = |points: &Points| {
            let chunks: usize = points.chunks.iter().map(Chunk::size).sum();
            let gathering = points.gathering.as_ref().map_or(0, |it| it.sums.len() * 16 + 64);
            chunks + points.last.len() * 8 + gathering
        };
        OVERHEAD + self.tiers.iter().map(points).sum::<usize>()
    }

    /// Drops the oldest chunk of the coarsest tier that has one to spare. Whether there was one.
    pub(super) fn shed(&mut self) -> bool {
        let with_spare = self.tiers.iter_mut().rev().find(|points| points.chunks.len() > 1);
        with_spare.is_some_and(|points| points.chunks.pop_front().is_some())
    }

    /// The time of the last point of the finest tier, as a slot.
    pub(super) fn last_slot(&self) -> i64 {
        self.tiers
            .first()
            .and_then(|points| points.chunks.back())
            .map_or(0, Chunk::end)
    }

    /// Shows the points of a tier from one slot to another one.
    pub(super) fn read(
        &self,
        tier: usize,
        width: usize,
        from: i64,
        to: i64,
        mut show: impl FnMut(i64, &[i64]),
    ) {
        let Some(points) = self.tiers.get(tier) else {
            return;
        };
        for chunk in points
            .chunks
            .iter()
            .filter(|chunk| chunk.end() > from && chunk.start <= to)
        {
            chunk.read(width, |slot, point| {
                if (from..=to).contains(&slot) {
                    show(slot, point);
                }
            });
        }
    }
}

impl Points {
    fn push(&mut self, tier: &Tier, slot: i64, point: &[i64]) {
        let oldest = slot - tier.span_ms / tier.step_ms;
        while self.chunks.front().is_some_and(|chunk| chunk.end() <= oldest) {
            self.chunks.pop_front();
        }
        // A clock that was set back, or two looks in one slot: there is a point for it already.
        if self.chunks.back().is_some_and(|chunk| slot < chunk.end()) {
            return;
        }
        let is_full = self
            .chunks
            .back()
            .is_none_or(|chunk| slot - chunk.start >= tier.chunk_slots);
        if is_full {
            if let Some(chunk) = self.chunks.back_mut() {
                chunk.close();
            }
            self.chunks.push_back(Chunk::new(slot));
            self.last = vec![0; point.len()];
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.push(slot, point, &mut self.last);
        }
    }

    fn gather(&mut self, tier: &Tier, slot: i64, point: &[i64]) {
        if let Some(done) = self.gathering.take_if(|gathering| gathering.slot != slot) {
            let averages = done.sums.iter().map(|sum| sum.div_euclid(done.count.max(1)));
            let point: Vec<_> = averages
                .zip(&done.maxima)
                .flat_map(|(average, max)| [average, *max])
                .collect();
            self.push(tier, done.slot, &point);
        }
        let gathering = self.gathering.get_or_insert_with(|| Gathering {
            slot,
            count: 0,
            sums: vec![0; point.len()],
            maxima: vec![0; point.len()],
        });
        gathering.count += 1;
        for ((sum, max), value) in gathering.sums.iter_mut().zip(&mut gathering.maxima).zip(point) {
            *sum = sum.saturating_add(*value);
            *max = (*max).max(*value);
        }
    }
}
