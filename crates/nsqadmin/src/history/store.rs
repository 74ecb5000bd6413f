//! All entities, and the memory they take.

use std::collections::HashMap;
use std::time::Duration;

use super::entity::Entity;
use crate::snapshot::{ChannelRow, TopicRow, View};

/// A resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tier {
    pub(crate) step_ms: i64,
    pub(crate) span_ms: i64,
    /// Slots of a chunk: points are dropped in chunks.
    pub(super) chunk_slots: i64,
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The resolutions of a history with a point each `interval`: an hour of those, 12 hours of minutes, 7 days of ten
/// minutes.
pub(crate) fn tiers(interval: Duration) -> Vec<Tier> {
    let step_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1000);
    let mut tiers = vec![Tier {
        step_ms,
        span_ms: HOUR_MS.max(step_ms * 60),
        chunk_slots: 60,
    }];
    for (minutes, hours, chunk_slots) in [(1, 12, 60), (10, 7 * 24, 36)] {
        if minutes * MINUTE_MS > step_ms {
            tiers.push(Tier {
                step_ms: minutes * MINUTE_MS,
                span_ms: hours * HOUR_MS,
                chunk_slots,
            });
        }
    }
    tiers
}

/// How things were.
#[derive(Debug)]
pub(crate) struct History {
    pub(super) tiers: Vec<Tier>,
    bytes_max: usize,
    bytes: usize,
    dropped: usize,
    pub(super) entities: HashMap<String, Entity>,
}

impl History {
    /// An empty history with a point each `interval`, in at most `bytes_max` bytes.
    pub(crate) fn new(interval: Duration, bytes_max: usize) -> Self {
        Self {
            tiers: tiers(interval),
            bytes_max,
            bytes: 0,
            dropped: 0,
            entities: HashMap::new(),
        }
    }

    /// What it takes in memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// How many entities there are.
    pub(crate) fn len(&self) -> usize {
        self.entities.len()
    }

    /// For how many entities there was no room, at the last point.
    pub(crate) fn dropped(&self) -> usize {
        self.dropped
    }

    /// The resolutions.
    pub(crate) fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// Change of the backlog of an entity per second.
    pub(crate) fn trend(&self, entity: &str) -> Option<f64> {
        self.entities.get(entity)?.trend()
    }

    /// Takes a point of everything.
    pub(crate) fn push(&mut self, view: &View) {
        let now_ms = view.at_ms;
        self.dropped = 0;
        self.push_entity(
            "cluster".to_owned(),
            now_ms,
            &cluster_point(view),
            view.totals.backlog,
        );
        for node in &view.nodes {
            let Some(sample) = node.current.as_deref().filter(|_| node.status.error.is_none()) else {
                continue;
            };
            let mut backlog = 0_i64;
            let mut publish = None;
            let window = node
                .base
                .as_ref()
                .map_or(Duration::ZERO, |base| sample.at - base.at);
            for topic in &sample.stats.topics {
                let base = node
                    .base
                    .as_ref()
                    .and_then(|base| crate::snapshot::find_topic(&base.stats, &topic.topic_name));
                let rate = crate::snapshot::TopicRates::between(base, topic, window).publish;
                publish = rate.map_or(publish, |rate| Some(publish.unwrap_or(0.0) + rate));
                let channels: i64 = topic.channels.iter().map(|channel| channel.depth).sum();
                backlog = backlog.saturating_add(topic.depth).saturating_add(channels);
            }
            let heap = sample.stats.memory.map_or(0, |memory| memory.heap_in_use_bytes);
            let point = [backlog, rate(publish), i64::try_from(heap).unwrap_or(i64::MAX)];
            self.push_entity(format!("node:{}", node.address()), now_ms, &point, backlog);
        }
        for topic in view.topics.iter().filter(|topic| !topic.inactive) {
            self.push_entity(
                format!("topic:{}", topic.topic),
                now_ms,
                &topic_point(topic),
                topic.backlog,
            );
        }
        for channel in &view.channels {
            self.push_entity(
                format!("channel:{}", channel.key()),
                now_ms,
                &channel_point(channel),
                channel.depth,
            );
        }
        self.forget(now_ms);
        self.shrink();
    }

    fn push_entity(&mut self, name: String, now_ms: i64, point: &[i64], backlog: i64) {
        let tiers = self.tiers.len();
        let has_room = self.bytes < self.bytes_max;
        let entity = match self.entities.entry(name) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) if has_room => {
                let entity = entry.insert(Entity::new(tiers));
                self.bytes += entity.size();
                entity
            }
            std::collections::hash_map::Entry::Vacant(_) => {
                self.dropped += 1;
                return;
            }
        };
        let before = entity.size();
        entity.push(&self.tiers, now_ms, point, backlog);
        self.bytes = self.bytes - before + entity.size();
    }

    /// Drops what is not there any more, once all its points of the finest tier are too old.
    fn forget(&mut self, now_ms: i64) {
        let Some(finest) = self.tiers.first() else {
            return;
        };
        let oldest = (now_ms - finest.span_ms).div_euclid(finest.step_ms);
        let bytes = &mut self.bytes;
        self.entities.retain(|_, entity| {
            let is_kept = entity.last_slot() >= oldest;
            if !is_kept {
                *bytes -= entity.size();
            }
            is_kept
        });
    }

    /// Keeps to the limit.
    fn shrink(&mut self) {
        if self.bytes <= self.bytes_max {
            return;
        }
        // A bit more than needed, so that this is not done at every point.
        let wanted = self.bytes_max - self.bytes_max / 10;
        let mut quietest: Vec<(i64, String)> = self
            .entities
            .iter()
            .map(|(name, entity)| (entity.active, name.clone()))
            .collect();
        quietest.sort_unstable();
        loop {
            let mut has_shed = false;
            for (_, name) in &quietest {
                let Some(entity) = self.entities.get_mut(name) else {
                    continue;
                };
                let before = entity.size();
                if entity.shed() {
                    has_shed = true;
                    self.bytes = self.bytes - before + entity.size();
                }
                if self.bytes <= wanted {
                    return;
                }
            }
            if !has_shed {
                break;
            }
        }
        for (_, name) in quietest.iter().filter(|(_, name)| name != "cluster") {
            if let Some(entity) = self.entities.remove(name) {
                self.bytes -= entity.size();
                self.dropped += 1;
            }
            if self.bytes <= wanted {
                return;
            }
        }
    }
}

/// A rate in hundredths, which is how it is stored.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rates are far below the largest integer, and saturate"
)]
fn rate(rate: Option<f64>) -> i64 {
    (rate.unwrap_or(0.0) * 100.0).round() as i64
}

fn cluster_point(view: &View) -> [i64; 8] {
    let totals = &view.totals;
    let depth = view.topics.iter().map(|topic| topic.depth).sum();
    [
        depth,
        totals.backlog,
        rate(totals.publish_rate),
        rate(totals.bytes_rate),
        rate(totals.out_rate),
        totals.in_flight,
        rate(totals.requeue_rate),
        rate(totals.timeout_rate),
    ]
}

fn topic_point(topic: &TopicRow) -> [i64; 8] {
    [
        topic.depth,
        topic.backlog,
        rate(topic.publish_rate),
        rate(topic.bytes_rate),
        rate(topic.out_rate),
        topic.in_flight,
        rate(topic.requeue_rate),
        rate(topic.timeout_rate),
    ]
}

fn channel_point(channel: &ChannelRow) -> [i64; 7] {
    [
        channel.depth,
        rate(channel.in_rate),
        rate(channel.out_rate),
        channel.in_flight,
        rate(channel.requeue_rate),
        rate(channel.timeout_rate),
        channel.disk_depth,
    ]
}
