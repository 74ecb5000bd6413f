//! Aligned text.

use std::fmt::Write;

use super::summary::{Summary, ratio, share, values};
use crate::runner::{Contest, Entry};

/// The figures of one workload: one line each, with the range over the runs, the ratio to the rival and the share of
/// the limit where they were measured.
pub(crate) fn table(contest: &Contest, entry: &Entry) -> String {
    let mut header = vec![
        entry.workload.name.to_owned(),
        "unit".to_owned(),
        contest.subject.label(),
    ];
    if let Some(rival) = &contest.rival {
        header.extend([rival.label(), "ratio".to_owned()]);
    }
    if !entry.limit.is_empty() {
        let limit = entry
            .workload
            .limit
            .map_or_else(String::new, |limit| format!("limit:{limit}"));
        header.extend([limit, "of limit".to_owned()]);
    }
    let mut rows = vec![header];
    for figure in entry
        .subject
        .first()
        .into_iter()
        .flat_map(|figures| figures.iter())
    {
        let of = |runs| Summary::of(values(runs, figure.name));
        let subject = of(&entry.subject);
        let mut row = vec![figure.name.to_owned(), figure.unit.to_owned(), range(subject)];
        if contest.rival.is_some() {
            row.push(range(of(&entry.rival)));
            row.push(range(ratio(&entry.subject, &entry.rival, figure.name)));
        }
        if !entry.limit.is_empty() {
            let limit = of(&entry.limit);
            let share = subject
                .zip(limit)
                .and_then(|(subject, limit)| share(figure, subject, limit));
            row.push(range(limit));
            row.push(share.map_or_else(String::new, |share| format!("{:.0} %", share * 100.0)));
        }
        rows.push(row);
    }
    align(&rows)
}

/// The median, with the smallest and largest behind it if they differ.
fn range(summary: Option<Summary>) -> String {
    let Some(Summary { median, min, max }) = summary else {
        return String::new();
    };
    let (median, min, max) = (number(median), number(min), number(max));
    if min == max {
        median
    } else {
        format!("{median} [{min}..{max}]")
    }
}

/// Three significant digits, or all digits before the point.
fn number(value: f64) -> String {
    let magnitude = value.abs();
    let decimals = match magnitude {
        _ if magnitude >= 100.0 || magnitude == 0.0 => 0,
        _ if magnitude >= 10.0 => 1,
        _ if magnitude >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.1234, "0.123"),
            (5.678, "5.68"),
            (56.78, "56.8"),
            (567.8, "568"),
            (1.0e6, "1000000"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_single_value_is_shown_without_a_range() {
        assert_eq!(
            range(Some(Summary {
                median: 2.0,
                min: 2.0,
                max: 2.0
            })),
            "2.00"
        );
        assert_eq!(
            range(Some(Summary {
                median: 2.0,
                min: 1.0,
                max: 3.0
            })),
            "2.00 [1.00..3.00]"
        );
        assert_eq!(range(None), "");
    }

    #[test]
    fn columns_are_aligned_and_lines_not_padded() {
        let cells = |row: [&str; 2]| row.map(str::to_owned).to_vec();
        assert_eq!(
            align(&[cells(["a", "b"]), cells(["long", "x"])]),
            "a     b\nlong  x\n\n"
        );
    }
}
