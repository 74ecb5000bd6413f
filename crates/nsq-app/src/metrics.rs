//! The text that Prometheus reads from `/metrics`.
//!
//! All samples of a metric stand together, behind lines that say what it is:
//!
//! ```
//! use nsq_app::metrics::{Kind, Labels, Metric};
//!
//! const DEPTH: Metric = Metric {
//!     name: "nsq_topic_depth",
//!     help: "Messages that wait.",
//!     kind: Kind::Gauge,
//! };
//!
//! let mut out = Vec::new();
//! DEPTH.put_head(&mut out);
//! DEPTH.put(&mut out, &Labels::of(&[("topic", "orders"), ("paused", "false")]), 7);
//! let lines = [
//!     "# HELP nsq_topic_depth Messages that wait.",
//!     "# TYPE nsq_topic_depth gauge",
//!     "nsq_topic_depth{topic=\"orders\",paused=\"false\"} 7",
//! ];
//! assert!(str::from_utf8(&out)?.lines().eq(lines));
//! # Ok::<_, std::str::Utf8Error>(())
//! ```
//!
//! Which metrics there are is left to the daemons, except for those that [every process](put_process) has.

mod process;

use std::fmt::{self, Display};
use std::io::Write as _;

pub use process::put_process;

/// The content type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What all samples of one metric share.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Letters, digits and underscores.
    pub name: &'static str,
    /// One line for people, without backslashes.
    pub help: &'static str,
    /// How its values move.
    pub kind: Kind,
}

/// How the values of a metric move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Upwards, from 0 when the process or the labelled thing begins.
    Counter,
    /// Up and down.
    Gauge,
    /// Counters of values by size.
    Histogram,
}

impl Metric {
    /// Appends the lines in front of the samples.
    pub fn put_head(&self, out: &mut Vec<u8>) {
        let Self { name, help, kind } = self;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        put(out, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// Appends a sample. No other of this metric has the same labels.
    pub fn put(&self, out: &mut Vec<u8>, labels: &Labels, value: impl Display) {
        self.put_name(out, labels);
        put(out, format_args!("{value}\n"));
    }

    /// The same for whole numbers, of which there may be hundreds of thousands.
    pub fn put_integer(&self, out: &mut Vec<u8>, labels: &Labels, value: u64) {
        self.put_name(out, labels);
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        out.push(b'\n');
    }

    /// Appends a histogram that has no labels. Each of the ascending `buckets` is a bound and how many values are at
    /// most that.
    pub fn put_histogram<B: Display>(
        &self,
        out: &mut Vec<u8>,
        buckets: impl IntoIterator<Item = (B, u64)>,
        count: u64,
        sum: impl Display,
    ) {
        self.put_head(out);
        let name = self.name;
        for (bound, values) in buckets {
            put(out, format_args!("{name}_bucket{{le=\"{bound}\"}} {values}\n"));
        }
        put(
            out,
            format_args!("{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}\n"),
        );
    }

    fn put_name(&self, out: &mut Vec<u8>, labels: &Labels) {
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(labels.0.as_bytes());
        out.push(b' ');
    }

    /// Appends a metric that has one sample, without labels.
    pub fn put_alone(&self, out: &mut Vec<u8>, value: impl Display) {
        self.put_head(out);
        self.put(out, &Labels::default(), value);
    }
}

/// The labels of a sample, ready to be written behind the names of several metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(String);

impl Labels {
    /// Labels with these names and values. A value may be any text: what could end it is escaped.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        // `{` or `,`, `="`, `"` and `}` around them; only what has to be escaped takes more.
        let len = pairs.iter().map(|(name, value)| name.len() + value.len() + 4);
        let mut text = String::with_capacity(len.sum::<usize>() + 1);
        for (name, value) in pairs {
            text.push(if text.is_empty() { '{' } else { ',' });
            text.push_str(name);
            text.push_str("=\"");
            push_escaped(&mut text, value);
            text.push('"');
        }
        if !text.is_empty() {
            text.push('}');
        }
        Self(text)
    }

    /// The same labels and one more.
    pub fn and(&self, name: &str, value: impl Display) -> Self {
        let mut text = match self.0.strip_suffix('}') {
            Some(labels) => format!("{labels},"),
            None => "{".to_owned(),
        };
        let more = Self::of(&[(name, &value.to_string())]);
        text.push_str(more.0.trim_start_matches('{'));
        Self(text)
    }
}

fn push_escaped(text: &mut String, value: &str) {
    let is_special = |char: char| matches!(char, '\\' | '"' | '\n');
    let mut rest = value;
    while let Some((plain, char)) = rest
        .find(is_special)
        .and_then(|at| Some((rest.get(..at)?, rest.get(at..=at)?)))
    {
        text.push_str(plain);
        text.push('\\');
        text.push_str(if char == "\n" { "n" } else { char });
        rest = rest.get(plain.len() + 1..).unwrap_or_default();
    }
    text.push_str(rest);
}

/// Appends to memory, which takes every byte.
fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "{written:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_before_its_value_does() {
        let labels = Labels::of(&[("client_id", "a\"} 1\nb\\"), ("hostname", "é{}, =")]);
        assert_eq!(labels.0, r#"{client_id="a\"} 1\nb\\",hostname="é{}, ="}"#);
    }

    #[test]
    fn a_histogram_ends_with_all_values_and_their_sum() {
        let metric = Metric {
            name: "sizes",
            help: "Sizes.",
            kind: Kind::Histogram,
        };
        let mut out = Vec::new();
        metric.put_histogram(&mut out, [(0.5, 1), (2.0, 4)], 5, 9.25);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "# HELP sizes Sizes.\n# TYPE sizes histogram\nsizes_bucket{le=\"0.5\"} 1\nsizes_bucket{le=\"2\"} 4\n\
             sizes_bucket{le=\"+Inf\"} 5\nsizes_sum 9.25\nsizes_count 5\n"
        );
    }

    #[test]
    fn no_labels_are_no_braces() {
        assert_eq!(Labels::of(&[]), Labels::default());
        assert_eq!(Labels::default().0, "");
    }

    #[test]
    fn one_more_label_goes_behind_the_others() {
        let labels = Labels::of(&[("topic", "t}")]);
        assert_eq!(labels.and("quantile", 0.99).0, r#"{topic="t}",quantile="0.99"}"#);
        assert_eq!(Labels::default().and("quantile", 1.0).0, r#"{quantile="1"}"#);
    }
}
