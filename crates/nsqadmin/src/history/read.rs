//! Series for charts.

use super::History;
use super::entity::{divisor, metrics_of};

/// Which points are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeriesRequest {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    /// At most this many.
    pub(crate) points_max: usize,
}

/// Points of one metric at even distances, the first at `from_ms`; `None` where there is nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) from_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) values: Vec<Option<f64>>,
}

impl History {
    /// The series of a metric of an entity, in the finest resolution that reaches back far enough and has not too many
    /// points. `None` if there is no such metric. `is_max` asks for the largest values instead of averages.
    pub(crate) fn series(
        &self,
        entity: &str,
        metric: &str,
        is_max: bool,
        request: SeriesRequest,
    ) -> Option<Series> {
        let metrics = metrics_of(entity);
        let at = metrics.iter().position(|known| *known == metric)?;
        let reaches = |span_ms: i64| request.to_ms - span_ms <= request.from_ms;
        let tier = self
            .tiers
            .iter()
            .position(|tier| reaches(tier.span_ms))
            .unwrap_or(self.tiers.len() - 1);
        let step_ms = self.tiers.get(tier)?.step_ms;
        let (from, to) = (
            request.from_ms.div_euclid(step_ms),
            request.to_ms.div_euclid(step_ms),
        );
        let slots = usize::try_from(to - from + 1).unwrap_or(0);
        let group = slots.div_ceil(request.points_max.max(1)).max(1);
        let mut groups = vec![Group::default(); slots.div_ceil(group)];
        // In the coarse tiers, averages and largest values take turns.
        let (width, at) = match tier {
            0 => (metrics.len(), at),
            _ => (metrics.len() * 2, at * 2 + usize::from(is_max)),
        };
        if let Some(entity) = self.entities.get(entity) {
            entity.read(tier, width, from, to, |slot, point| {
                let place = usize::try_from(slot - from).unwrap_or(0) / group;
                if let (Some(group), Some(value)) = (groups.get_mut(place), point.get(at)) {
                    group.add(*value);
                }
            });
        }
        // The point of the present slot is still to come.
        if groups.len() > 1 && groups.last().is_some_and(|group| group.count == 0) {
            groups.pop();
        }
        let divisor = divisor(metric);
        Some(Series {
            from_ms: from * step_ms,
            step_ms: step_ms * i64::try_from(group).unwrap_or(1),
            values: groups
                .iter()
                .map(|group| group.value(is_max).map(|value| value / divisor))
                .collect(),
        })
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    count: i64,
    sum: i64,
    max: i64,
}

impl Group {
    fn add(&mut self, value: i64) {
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        self.max = self.max.max(value);
    }

    #[expect(clippy::cast_precision_loss, reason = "points of a chart")]
    fn value(&self, is_max: bool) -> Option<f64> {
        match self.count {
            0 => None,
            _ if is_max => Some(self.max as f64),
            count => Some(self.sum as f64 / count as f64),
        }
    }
}
