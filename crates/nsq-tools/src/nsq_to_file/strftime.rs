//! Dates in file names.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Writes the moment `wall_ns`, in nanoseconds since the Unix epoch, as `format` says. Sequences that are not
/// known stay as they are.
///
/// Upstream: `apps/nsq_to_file/strftime.go`.
///
/// # Differs from upstream
/// There the format is made into a layout of Go first, in which words and digits of its own such as `Jan` and `15`
/// are replaced as well.
pub(super) fn strftime(format: &str, wall_ns: i64, zone: &TimeZone) -> String {
    let moment = Timestamp::from_nanosecond(i128::from(wall_ns)).unwrap_or(Timestamp::UNIX_EPOCH);
    let local = moment.to_zoned(zone.clone());
    let mut text = String::with_capacity(format.len());
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match rest.next() {
            Some(
                kind @ ('B' | 'b' | 'm' | 'A' | 'a' | 'd' | 'H' | 'I' | 'M' | 'S' | 'Y' | 'y' | 'p' | 'Z'
                | 'z'),
            ) => text.push_str(&local.strftime(&format!("%{kind}")).to_string()),
            Some('%') | None => text.push('%'),
            Some(unknown) => text.extend(['%', unknown]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL_NS: i64 = 1_795_190_069_123_456_789;

    fn utc(format: &str) -> String {
        strftime(format, WALL_NS, &TimeZone::UTC)
    }

    #[test]
    fn known_sequences_are_those_of_upstream() {
        assert_eq!(utc("%Y-%m-%d_%H"), "2026-11-20_15");
        assert_eq!(utc("%y %B %b %A %a"), "26 November Nov Friday Fri");
        assert_eq!(utc("%I %M %S %p %Z %z"), "03 54 29 PM UTC +0000");
    }

    // Captured from the original.
    #[test]
    fn unknown_sequences_stay() {
        assert_eq!(utc("%Y%m%d-%%-%j-%Q-%"), "20261120-%-%j-%Q-%");
    }

    #[test]
    fn words_that_mean_something_to_go_stay() {
        assert_eq!(utc("v1-%H-Jan-2006"), "v1-15-Jan-2006");
    }

    #[test]
    fn time_is_local() {
        let east = TimeZone::fixed(jiff::tz::offset(9));
        assert_eq!(strftime("%d %H %z", WALL_NS, &east), "21 00 +0900");
    }
}
