//! End-to-end latency.

use serde::Serialize;

use super::ALL_NODES;
use crate::wire::QuantileLatency;

/// Latency of one node, or of several.
///
/// Upstream: internal/quantile/aggregate.go.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LatencyStats {
    /// Of how many messages.
    pub count: i64,
    /// In the order in which nodes report them; `None` if none do.
    pub percentiles: Option<Vec<PercentileStats>>,
    /// The topic, of a merged one.
    pub topic: String,
    /// The channel, of a merged one.
    pub channel: String,
    /// [`ALL_NODES`] of a merged one.
    pub host: String,
}

/// Latency at one quantile, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct PercentileStats {
    /// The mean of the nodes, each weighted by its number of messages; it is no quantile of anything.
    pub average: f64,
    /// Of how many messages.
    pub count: i64,
    /// That of the slowest node.
    pub max: f64,
    /// That of the fastest node.
    pub min: f64,
    /// In (0,1].
    pub quantile: f64,
    /// Of a single node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

impl LatencyStats {
    /// The latency of one node.
    pub fn of(latency: &QuantileLatency) -> Self {
        let percentiles = latency.percentiles.as_ref().map(|percentiles| {
            let stats = percentiles.iter().map(|percentile| PercentileStats {
                average: percentile.value,
                count: latency.count,
                max: percentile.value,
                min: percentile.value,
                quantile: percentile.quantile,
                value: Some(percentile.value),
            });
            stats.collect()
        });
        Self {
            count: latency.count,
            percentiles,
            ..Self::default()
        }
    }

    pub(super) fn merged(topic: &str, channel: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            channel: channel.to_owned(),
            host: ALL_NODES.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.count += other.count;
        for percentile in other.percentiles.iter().flatten() {
            let own = self.percentiles.get_or_insert_default();
            match own
                .iter_mut()
                .find(|own| is_same(own.quantile, percentile.quantile))
            {
                Some(own) => own.add(percentile),
                None => own.push(PercentileStats {
                    value: None,
                    ..*percentile
                }),
            }
        }
    }
}

impl PercentileStats {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a weight, of messages within some minutes"
    )]
    fn add(&mut self, other: &Self) {
        // A node without messages has no latency, and not one of 0.
        if other.count > 0 {
            self.min = if self.count > 0 {
                self.min.min(other.min)
            } else {
                other.min
            };
        }
        self.max = self.max.max(other.max);
        self.count += other.count;
        if self.count == 0 {
            self.average = 0.0;
        } else {
            self.average += (other.average - self.average) * other.count as f64 / self.count as f64;
        }
    }
}

#[expect(clippy::float_cmp, reason = "nodes are configured with the same text")]
fn is_same(left: f64, right: f64) -> bool {
    left == right
}
