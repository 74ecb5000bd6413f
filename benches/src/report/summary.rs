//! Many runs in a few numbers.

use crate::workload::{Better, Figure, Figures};

/// Median, smallest and largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary {
    /// The middle value, or the mean of the two in the middle.
    pub(super) median: f64,
    /// The smallest value.
    pub(super) min: f64,
    /// The largest value.
    pub(super) max: f64,
}

impl Summary {
    /// Of some values; `None` of none.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let upper = values.get(values.len() / 2)?;
        let lower = values.get((values.len() - 1) / 2)?;
        Some(Self {
            median: f64::midpoint(*lower, *upper),
            min,
            max,
        })
    }
}

/// The values that several runs found under one name.
pub(super) fn values(runs: &[Figures], name: &str) -> Vec<f64> {
    runs.iter()
        .filter_map(|run| run.iter().find(|figure| figure.name == name))
        .map(|figure| figure.value)
        .collect()
}

/// The subject's values over the rival's, run by run.
pub(super) fn ratio(subject: &[Figures], rival: &[Figures], name: &str) -> Option<Summary> {
    let pairs = values(subject, name).into_iter().zip(values(rival, name));
    Summary::of(
        pairs
            .filter(|(_, rival)| *rival != 0.0)
            .map(|(subject, rival)| subject / rival),
    )
}

/// How much of what the limit allows the subject reaches: 1 is the limit itself.
pub(super) fn share(figure: &Figure, subject: Summary, limit: Summary) -> Option<f64> {
    let (part, whole) = match figure.better {
        Better::Higher => (subject.median, limit.median),
        Better::Lower => (limit.median, subject.median),
        Better::Neither => return None,
    };
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let summary = Summary::of([4.0, 1.0, 3.0, 2.0]);
        assert_eq!(
            summary,
            Some(Summary {
                median: 2.5,
                min: 1.0,
                max: 4.0
            })
        );
        assert_eq!(Summary::of([]), None);
    }

    #[test]
    fn the_share_of_a_cost_is_the_limits_cost_over_the_subjects() {
        let one = |value| Summary {
            median: value,
            min: value,
            max: value,
        };
        let figure = |better| Figure {
            name: "",
            unit: "",
            better,
            value: 0.0,
        };
        assert_eq!(share(&figure(Better::Lower), one(2.0), one(1.0)), Some(0.5));
        assert_eq!(share(&figure(Better::Higher), one(2.0), one(8.0)), Some(0.25));
        assert_eq!(share(&figure(Better::Neither), one(2.0), one(8.0)), None);
    }
}
