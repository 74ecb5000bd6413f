//! What a run found.

use std::time::Duration;

use super::bench::Spent;
use crate::clock::MILLISECOND_NS;
use crate::histogram::Histogram;

/// Which direction is an improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    /// Costs and times.
    Lower,
    /// Rates.
    Higher,
    /// Context only, such as what the generator itself used.
    Neither,
}

/// One measured value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    /// What was measured; the same in every run of a workload.
    pub(crate) name: &'static str,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// Which direction is an improvement.
    pub(crate) better: Better,
    /// The value.
    pub(crate) value: f64,
}

/// The figures of one run, in the order in which they are shown.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    /// In order.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Figure> {
        self.0.iter()
    }

    /// Adds a cost.
    pub(super) fn lower(&mut self, name: &'static str, unit: &'static str, value: f64) {
        self.0.push(Figure {
            name,
            unit,
            better: Better::Lower,
            value,
        });
    }

    /// Adds a rate.
    pub(super) fn higher(&mut self, name: &'static str, unit: &'static str, value: f64) {
        self.0.push(Figure {
            name,
            unit,
            better: Better::Higher,
            value,
        });
    }

    /// Adds something that is neither good nor bad.
    pub(super) fn context(&mut self, name: &'static str, unit: &'static str, value: f64) {
        self.0.push(Figure {
            name,
            unit,
            better: Better::Neither,
            value,
        });
    }

    /// Adds processor time of the server per message; nothing when the server's process is unknown.
    pub(super) fn server_cpu(&mut self, name: &'static str, spent: &Spent, messages: u64) {
        if let Some(cpu) = spent.server_cpu {
            self.lower(name, "s/M msg", per(cpu.as_secs_f64() * 1e6, messages));
        }
    }

    /// Adds what most workloads report about a phase: server time per message, rates, memory, and the generator's own
    /// time as a check that it was not the bottleneck.
    pub(super) fn phase(&mut self, spent: &Spent, messages: u64, body_bytes: u64) {
        self.server_cpu("server CPU", spent, messages);
        self.rate("messages", spent.wall, messages);
        self.bandwidth("bodies", spent.wall, body_bytes);
        if let Some(peak_bytes) = spent.peak_bytes {
            self.lower("peak memory", "MiB", mebibytes(peak_bytes));
        }
        self.context(
            "generator CPU",
            "s/M msg",
            per(spent.generator_cpu.as_secs_f64() * 1e6, messages),
        );
    }

    /// Adds a number per second.
    pub(super) fn rate(&mut self, name: &'static str, wall: Duration, count: u64) {
        self.higher(name, "/s", float(count) / wall.as_secs_f64().max(1e-9));
    }

    /// Adds megabytes (10^6) per second.
    pub(super) fn bandwidth(&mut self, name: &'static str, wall: Duration, bytes: u64) {
        self.higher(name, "MB/s", float(bytes) / 1e6 / wall.as_secs_f64().max(1e-9));
    }

    /// Adds median, 99th and 99.9th percentile and maximum in milliseconds, under four names.
    pub(super) fn latency(&mut self, names: [&'static str; 4], histogram: &Histogram) {
        let [p50, p99, p999, max] = names;
        for (name, value_ns) in [
            (p50, histogram.quantile_ns(500)),
            (p99, histogram.quantile_ns(990)),
            (p999, histogram.quantile_ns(999)),
            (max, histogram.max_ns()),
        ] {
            self.lower(name, "ms", milliseconds(value_ns));
        }
    }
}

/// A count as a float; exact below 2^53, which no count here reaches.
#[expect(clippy::cast_precision_loss, reason = "figures are shown with four digits")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// `total` per one of `count`.
pub(super) fn per(total: f64, count: u64) -> f64 {
    total / float(count.max(1))
}

/// Bytes in MiB.
pub(super) fn mebibytes(bytes: u64) -> f64 {
    float(bytes) / (1024.0 * 1024.0)
}

/// Nanoseconds in ms.
pub(super) fn milliseconds(value_ns: u64) -> f64 {
    float(value_ns) / float(MILLISECOND_NS)
}
