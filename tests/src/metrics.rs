//! What Prometheus would read.

use std::collections::{BTreeMap, HashSet};

use crate::http;

/// A sample's labels and its value.
pub type Samples = BTreeMap<BTreeMap<String, String>, f64>;

/// An answer of `GET /metrics`, by the names of the metrics.
#[derive(Debug)]
pub struct Metrics {
    /// `counter`, `gauge` or `histogram`; of the last, each of `_bucket`, `_sum` and `_count`.
    pub kinds: BTreeMap<String, String>,
    /// The samples.
    pub samples: BTreeMap<String, Samples>,
}

impl Metrics {
    /// Reads the text format as strictly as it is described: HELP and TYPE once in front of the samples of a
    /// metric, which stand together, and no two of which have the same labels.
    #[track_caller]
    pub fn parse(response: &http::Response) -> Self {
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(
            response.header("Content-Type"),
            Some("text/plain; version=0.0.4; charset=utf-8")
        );
        assert!(response.text().ends_with('\n'));
        let mut metrics = Self {
            kinds: BTreeMap::new(),
            samples: BTreeMap::new(),
        };
        let mut seen = HashSet::new();
        let mut current = String::new();
        for line in response.text().lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, text) = help.split_once(' ').expect("a name and its help");
                assert!(seen.insert(name.to_owned()), "{name} stands in two places");
                assert!(!text.is_empty() && !text.contains('\\'), "{line}");
                name.clone_into(&mut current);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a name and its kind");
                assert_eq!(name, current);
                let parts: &[&str] = match kind {
                    "counter" | "gauge" => &[""],
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => panic!("{line}"),
                };
                for part in parts {
                    let known = metrics.kinds.insert(format!("{name}{part}"), kind.to_owned());
                    assert!(known.is_none(), "{line}");
                }
            } else {
                let (name, labels, value) = sample(line);
                assert!(metrics.kinds.contains_key(name), "{line}");
                assert!(name.starts_with(&current), "{line}");
                let samples = metrics.samples.entry(name.to_owned()).or_default();
                assert!(samples.insert(labels, value).is_none(), "{line} is there twice");
            }
        }
        assert!(
            metrics.kinds.keys().eq(metrics.samples.keys()),
            "a metric without samples"
        );
        metrics
    }

    /// The value of the sample with exactly these labels.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let samples = self
            .samples
            .get(name)
            .unwrap_or_else(|| panic!("there is no {name}"));
        *samples
            .get(&wanted)
            .unwrap_or_else(|| panic!("{name} has {samples:?}, not {wanted:?}"))
    }

    /// Asserts that the buckets of a histogram without labels contain each other, and returns how many values it has.
    #[track_caller]
    pub fn expect_histogram(&self, name: &str) -> f64 {
        let buckets = &self.samples.get(&format!("{name}_bucket"));
        let buckets = buckets.unwrap_or_else(|| panic!("there is no {name}"));
        let mut counts: Vec<(f64, f64)> = buckets
            .iter()
            .map(|(labels, count)| {
                let bound = labels.get("le").and_then(|bound| bound.parse().ok());
                (bound.expect("a bound"), *count)
            })
            .collect();
        counts.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(
            counts.is_sorted_by(|(_, one), (_, other)| one <= other),
            "{counts:?}"
        );
        let count = self.value(&format!("{name}_count"), &[]);
        assert_eq!(counts.last(), Some(&(f64::INFINITY, count)), "{name}");
        count
    }

    /// Asserts the values and the kind of metrics that all have a sample with these labels.
    #[track_caller]
    pub fn expect(&self, kind: &str, labels: &[(&str, &str)], expected: &[(&str, f64)]) {
        for (name, value) in expected {
            let found = self.value(name, labels);
            assert!((found - value).abs() < 1e-9, "{name} is {found}, not {value}");
            assert_eq!(self.kinds.get(*name).map(String::as_str), Some(kind), "{name}");
        }
    }
}

/// The parts of `name{label="value",…} value`.
#[track_caller]
fn sample(line: &str) -> (&str, BTreeMap<String, String>, f64) {
    let end = line.find(['{', ' ']).expect("a value behind the name");
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, value) = rest.split_once("=\"").expect("a label and its value");
            let (value, after) = quoted(value);
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            if let Some(after) = after.strip_prefix('}') {
                rest = after;
                break;
            }
            rest = after.strip_prefix(',').expect("a comma between labels");
        }
    }
    let value = rest
        .strip_prefix(' ')
        .expect("a space before the value")
        .parse()
        .expect("a number");
    (name, labels, value)
}

/// A text up to its closing quote, with its escapes undone, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next().expect("a closing quote") {
            '"' => return (value, chars.as_str()),
            '\\' => value.push(match chars.next().expect("a character behind a backslash") {
                'n' => '\n',
                escaped @ ('"' | '\\') => escaped,
                other => panic!("\\{other} is no escape"),
            }),
            char => value.push(char),
        }
    }
}
