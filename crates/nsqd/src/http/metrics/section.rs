//! Metrics about the same things.

use bytes::Bytes;
use nsq_app::metrics::{Labels, Metric};

/// A piece is passed on when it has at least this many bytes; as for the statistics, that is worth a system
/// call and takes well under a millisecond to make.
const PIECE_LEN: usize = 32 * 1024;

/// A value of a metric.
pub(super) trait Sample: Copy {
    fn put(self, metric: &Metric, labels: &Labels, out: &mut Vec<u8>);
}

impl Sample for u64 {
    fn put(self, metric: &Metric, labels: &Labels, out: &mut Vec<u8>) {
        metric.put_integer(out, labels, self);
    }
}

impl Sample for f64 {
    fn put(self, metric: &Metric, labels: &Labels, out: &mut Vec<u8>) {
        metric.put(out, labels, self);
    }
}

/// A row for each thing and a column for each metric, which is written column by column: all samples of one
/// metric stand together.
#[derive(Debug)]
pub(super) struct Section<V, const N: usize> {
    metrics: [Metric; N],
    rows: Vec<(Labels, [V; N])>,
}

impl<V: Sample, const N: usize> Section<V, N> {
    pub(super) fn new(metrics: [Metric; N]) -> Self {
        Self {
            metrics,
            rows: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, labels: Labels, values: [V; N]) {
        self.rows.push((labels, values));
    }

    /// The text, piece by piece; nothing at all of metrics without samples.
    pub(super) fn into_pieces(self) -> Pieces<V, N> {
        Pieces {
            section: self,
            column: 0,
            row: 0,
        }
    }
}

/// The text of a [`Section`] in the making.
#[derive(Debug)]
pub(super) struct Pieces<V, const N: usize> {
    section: Section<V, N>,
    column: usize,
    /// The next row to be written in this column.
    row: usize,
}

impl<V: Sample, const N: usize> Iterator for Pieces<V, N> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let rows = &self.section.rows;
        if rows.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(PIECE_LEN + 1024);
        while let Some(metric) = self.section.metrics.get(self.column) {
            if self.row == 0 {
                metric.put_head(&mut out);
            }
            for (labels, values) in rows.iter().skip(self.row) {
                if let Some(value) = values.get(self.column) {
                    value.put(metric, labels, &mut out);
                }
                self.row += 1;
                if out.len() >= PIECE_LEN {
                    break;
                }
            }
            if self.row >= rows.len() {
                self.row = 0;
                self.column += 1;
            }
            if out.len() >= PIECE_LEN {
                break;
            }
        }
        (!out.is_empty()).then(|| out.into())
    }
}

#[cfg(test)]
mod tests {
    use nsq_app::metrics::Kind;

    use super::*;

    const METRICS: [Metric; 2] = [
        Metric {
            name: "a",
            help: "First.",
            kind: Kind::Gauge,
        },
        Metric {
            name: "b",
            help: "Second.",
            kind: Kind::Counter,
        },
    ];

    #[test]
    fn all_samples_of_a_metric_stand_together() {
        let mut section = Section::new(METRICS);
        section.add(Labels::of(&[("t", "x")]), [1, 2]);
        section.add(Labels::of(&[("t", "y")]), [3, 4]);
        let text = section.into_pieces().collect::<Vec<_>>().concat();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "# HELP a First.\n# TYPE a gauge\na{t=\"x\"} 1\na{t=\"y\"} 3\n\
             # HELP b Second.\n# TYPE b counter\nb{t=\"x\"} 2\nb{t=\"y\"} 4\n"
        );
    }

    #[test]
    fn a_metric_without_samples_is_not_mentioned() {
        assert_eq!(Section::<u64, 2>::new(METRICS).into_pieces().next(), None);
    }

    #[test]
    fn a_long_section_comes_in_pieces_of_whole_lines() {
        let mut section = Section::new(METRICS);
        for number in 0..5_000_u64 {
            section.add(Labels::of(&[("t", &number.to_string())]), [number, 7]);
        }
        let pieces: Vec<_> = section.into_pieces().collect();
        assert!(pieces.len() > 3, "{} pieces", pieces.len());
        for piece in &pieces {
            assert!(piece.ends_with(b"\n"));
            assert!(piece.len() < PIECE_LEN + 1024, "{} bytes", piece.len());
        }
        let text = String::from_utf8(pieces.concat()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2 * (2 + 5_000));
        assert_eq!(lines[2], "a{t=\"0\"} 0");
        assert_eq!(lines[5_001], "a{t=\"4999\"} 4999");
        assert_eq!(lines[5_002], "# HELP b Second.");
        assert_eq!(lines[10_003], "b{t=\"4999\"} 7");
    }
}
