//! Wall time as log lines show it.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

const SECOND_NS: i64 = 1_000_000_000;
const MICROSECOND_NS: i64 = 1_000;

/// Local time, by the time zone that the environment and the system had when this was made.
#[derive(Clone, Debug)]
pub struct LocalTime {
    zone: TimeZone,
}

impl LocalTime {
    /// The zone of `TZ` or of the system, UTC where neither is known.
    pub fn system() -> Self {
        Self {
            zone: TimeZone::system(),
        }
    }

    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { zone: TimeZone::UTC }
    }

    /// `YYYY/MM/DD HH:MM:SS` of a moment in nanoseconds since the Unix epoch.
    pub fn to_second(&self, wall_ns: i64) -> String {
        let moment = Timestamp::from_nanosecond(i128::from(wall_ns)).unwrap_or(Timestamp::UNIX_EPOCH);
        let local = self.zone.to_datetime(moment);
        format!(
            "{:04}/{:02}/{:02} {:02}:{:02}:{:02}",
            local.year(),
            local.month(),
            local.day(),
            local.hour(),
            local.minute(),
            local.second()
        )
    }

    /// `YYYY-MM-DDTHH:MM:SS` and the offset, `Z` for none, of a moment in seconds since the Unix
    /// epoch: RFC 3339 as Go prints it.
    pub fn rfc3339(&self, unix_seconds: i64) -> String {
        let moment = Timestamp::from_second(unix_seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        let offset = self.zone.to_offset(moment);
        let format = if offset.is_zero() {
            "%Y-%m-%dT%H:%M:%SZ"
        } else {
            "%Y-%m-%dT%H:%M:%S%:z"
        };
        moment
            .to_zoned(TimeZone::fixed(offset))
            .strftime(format)
            .to_string()
    }
}

/// The text of the present second, made anew only when the second changes: a busy log needs it for
/// every line.
#[derive(Debug, Default)]
pub(crate) struct Stamp {
    second: i64,
    text: String,
}

impl Stamp {
    /// Appends `YYYY/MM/DD HH:MM:SS.uuuuuu` to `line`.
    pub(crate) fn write(&mut self, time: &LocalTime, wall_ns: i64, line: &mut String) {
        let second = wall_ns.div_euclid(SECOND_NS);
        if self.text.is_empty() || second != self.second {
            self.text = time.to_second(wall_ns);
            self.second = second;
        }
        line.push_str(&self.text);
        // Writing to a string cannot fail.
        let _ = write!(line, ".{:06}", wall_ns.rem_euclid(SECOND_NS) / MICROSECOND_NS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(wall_ns: i64) -> String {
        let mut line = String::new();
        Stamp::default().write(&LocalTime::utc(), wall_ns, &mut line);
        line
    }

    #[test]
    fn a_moment_shows_with_microseconds() {
        assert_eq!(stamped(1_795_190_069_000_042_999), "2026/11/20 15:54:29.000042");
    }

    #[test]
    fn a_moment_before_the_epoch_counts_its_fraction_forward() {
        assert_eq!(stamped(-1_000), "1969/12/31 23:59:59.999999");
    }

    #[test]
    fn the_text_follows_when_the_second_changes_in_either_direction() {
        let (mut stamp, time) = (Stamp::default(), LocalTime::utc());
        let mut line = String::new();
        for second in [10, 10, 11, 9] {
            stamp.write(&time, second * SECOND_NS, &mut line);
            line.push('|');
        }
        assert_eq!(
            line,
            "1970/01/01 00:00:10.000000|1970/01/01 00:00:10.000000|1970/01/01 00:00:11.000000|\
             1970/01/01 00:00:09.000000|"
        );
    }

    #[test]
    fn local_time_is_that_of_the_zone() {
        let east = LocalTime {
            zone: TimeZone::fixed(jiff::tz::offset(2)),
        };
        assert_eq!(east.to_second(0), "1970/01/01 02:00:00");
        assert_eq!(east.rfc3339(0), "1970-01-01T02:00:00+02:00");
        assert_eq!(LocalTime::utc().rfc3339(1_795_190_178), "2026-11-20T15:56:18Z");
    }
}
