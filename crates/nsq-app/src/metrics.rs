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
//! assert!(str::from_utf8(&out).unwrap().lines().eq(lines));
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
}

impl Metric {
    /// Appends the lines in front of the samples.
    pub fn put_head(&self, out: &mut Vec<u8>) {
        let Self { name, help, kind } = self;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        put(out, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// Appends a sample. No other of this metric has the same labels.
    pub fn put(&self, out: &mut Vec<u8>, labels: &Labels, value: impl Display) {
        put(out, format_args!("{}{} {value}\n", self.name, labels.0));
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
        let mut text = String::new();
        for (name, value) in pairs {
            text.push(if text.is_empty() { '{' } else { ',' });
            text.push_str(name);
            text.push_str("=\"");
            for char in value.chars() {
                match char {
                    '\\' => text.push_str("\\\\"),
                    '"' => text.push_str("\\\""),
                    '\n' => text.push_str("\\n"),
                    char => text.push(char),
                }
            }
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
