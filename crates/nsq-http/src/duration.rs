//! Durations as Go prints them.

use std::fmt;
use std::time::Duration;

/// Displays a duration as Go's `Duration.String`: `1m7.455947239s`, `30.721547ms`, `6.75µs`, `0s`.
///
/// The unit is the largest that is not zero, except that whole hours and minutes still show the
/// smaller ones; the fraction has no trailing zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GoDuration(pub(crate) Duration);

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.subsec_nanos();
        let seconds = self.0.as_secs();
        if seconds > 0 {
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            if hours > 0 {
                write!(f, "{hours}h")?;
            }
            if hours > 0 || minutes > 0 {
                write!(f, "{minutes}m")?;
            }
            write!(f, "{}{}s", seconds % 60, Fraction(nanos, 9))
        } else if nanos >= 1_000_000 {
            write!(f, "{}{}ms", nanos / 1_000_000, Fraction(nanos % 1_000_000, 6))
        } else if nanos >= 1_000 {
            write!(f, "{}{}µs", nanos / 1_000, Fraction(nanos % 1_000, 3))
        } else if nanos > 0 {
            write!(f, "{nanos}ns")
        } else {
            f.write_str("0s")
        }
    }
}

/// Digits behind the point, of which there are as many as the second number says, without trailing
/// zeros, and without the point if none is left.
struct Fraction(u32, usize);

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(mut digits, mut width) = *self;
        if digits == 0 {
            return Ok(());
        }
        while digits.is_multiple_of(10) {
            digits /= 10;
            width -= 1;
        }
        write!(f, ".{digits:0width$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_display_as_in_go() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (999, "999ns"),
            (1_000, "1µs"),
            (6_750, "6.75µs"),
            (999_999, "999.999µs"),
            (1_000_000, "1ms"),
            (30_721_547, "30.721547ms"),
            (455_985_671, "455.985671ms"),
            (1_000_000_000, "1s"),
            (1_500_000_000, "1.5s"),
            (1_000_000_001, "1.000000001s"),
            (60_000_000_000, "1m0s"),
            (67_455_947_239, "1m7.455947239s"),
            (3_600_000_000_000, "1h0m0s"),
            (93_784_000_000_000, "26h3m4s"),
        ] {
            assert_eq!(GoDuration(Duration::from_nanos(nanos)).to_string(), text);
        }
    }
}
