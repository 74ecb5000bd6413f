//! Durations with Go's text form.

use std::fmt::{self, Write};
use std::time::Duration;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000 * MICROSECOND;
const SECOND: u64 = 1_000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The largest magnitude: that of the most negative duration.
const MAGNITUDE_MAX: u64 = 1 << 63;

/// A span of time as Go has it: a signed 64-bit number of nanoseconds.
///
/// Flags and configuration values keep this form until they are validated, since a negative duration is
/// a value that must be named in the error. Reads and shows Go's text: `250ms`, `1h30m`, `1m0s`.
///
/// ```
/// use nsq_flags::GoDuration;
///
/// let timeout: GoDuration = "1.5s".parse()?;
/// assert_eq!(timeout.as_nanos(), 1_500_000_000);
/// assert_eq!(GoDuration::from_secs(60).to_string(), "1m0s");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(i64);

impl GoDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A duration of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A duration of `millis` milliseconds; what does not fit is the longest duration.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A duration of `secs` seconds; what does not fit is the longest duration.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// The number of nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The same span as a [`Duration`], or `None` if it is negative.
    pub fn to_std(self) -> Option<Duration> {
        u64::try_from(self.0).ok().map(Duration::from_nanos)
    }
}

impl From<Duration> for GoDuration {
    /// What does not fit is the longest duration, about 292 years.
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match nanos {
            0 => f.write_str("0s"),
            1..MICROSECOND => write!(f, "{nanos}ns"),
            MICROSECOND..MILLISECOND => write_decimal(f, nanos, MICROSECOND, "µs"),
            MILLISECOND..SECOND => write_decimal(f, nanos, MILLISECOND, "ms"),
            SECOND.. => {
                if nanos >= HOUR {
                    write!(f, "{}h", nanos / HOUR)?;
                }
                if nanos >= MINUTE {
                    write!(f, "{}m", nanos % HOUR / MINUTE)?;
                }
                write_decimal(f, nanos % MINUTE, SECOND, "s")
            }
        }
    }
}

/// Writes `nanos` in units of `unit` nanoseconds, with a fraction only if there is one.
fn write_decimal(f: &mut fmt::Formatter<'_>, nanos: u64, unit: u64, name: &str) -> fmt::Result {
    let (whole, mut fraction, mut places) = (nanos / unit, nanos % unit, unit.ilog10() as usize);
    if fraction == 0 {
        return write!(f, "{whole}{name}");
    }
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        places -= 1;
    }
    write!(f, "{whole}.{fraction:0places$}{name}")
}

/// `text` in double quotes with all that is not printable ASCII as bytes: other than elsewhere, the
/// errors about durations show `\xc2\xb5s` for `µs`.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=0x7f => quoted.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => {
                let _ = write!(quoted, "\\x{byte:02x}");
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Why a text is not a duration; shows as Go's error does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DurationError {
    /// Not a sequence of numbers and units, or longer than 64 bits of nanoseconds.
    Invalid(String),
    /// A number without a unit; only `0` may stand alone.
    MissingUnit(String),
    /// A unit that is none of `ns us µs ms s m h`.
    UnknownUnit {
        /// What stood in the place of a unit.
        unit: String,
        /// The whole text.
        text: String,
    },
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) => write!(f, "time: invalid duration {}", quote(text)),
            Self::MissingUnit(text) => write!(f, "time: missing unit in duration {}", quote(text)),
            Self::UnknownUnit { unit, text } => {
                write!(
                    f,
                    "time: unknown unit {} in duration {}",
                    quote(unit),
                    quote(text)
                )
            }
        }
    }
}

impl std::error::Error for DurationError {}

impl std::str::FromStr for GoDuration {
    type Err = DurationError;

    /// Reads an optional sign and one or more numbers with a unit each, without spaces: `1h15m30.5s`.
    fn from_str(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let negative = text.starts_with('-');
        let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total = 0_u64;
        while !rest.is_empty() {
            let term = Term::split_from(rest).ok_or_else(invalid)?;
            if term.unit.is_empty() {
                return Err(DurationError::MissingUnit(text.to_owned()));
            }
            let unit = unit_nanos(term.unit).ok_or_else(|| DurationError::UnknownUnit {
                unit: term.unit.to_owned(),
                text: text.to_owned(),
            })?;
            total = term
                .nanos(unit)
                .and_then(|nanos| total.checked_add(nanos))
                .filter(|&nanos| nanos <= MAGNITUDE_MAX)
                .ok_or_else(invalid)?;
            rest = term.rest;
        }
        let signed = if negative {
            0_i64.checked_sub_unsigned(total)
        } else {
            0_i64.checked_add_unsigned(total)
        };
        signed.map(Self).ok_or_else(invalid)
    }
}

/// One number with its unit, and what follows.
struct Term<'a> {
    whole: u64,
    fraction: &'a str,
    unit: &'a str,
    rest: &'a str,
}

impl<'a> Term<'a> {
    /// `None` when there is no number, or its whole part is out of range.
    fn split_from(text: &'a str) -> Option<Self> {
        let (whole, after) = split_where(text, |c| !c.is_ascii_digit());
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split_where(after, |c| !c.is_ascii_digit()),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (unit, rest) = split_where(after, |c| c == '.' || c.is_ascii_digit());
        Some(Self {
            whole: if whole.is_empty() {
                0
            } else {
                whole.parse().ok().filter(|&whole| whole <= MAGNITUDE_MAX)?
            },
            fraction,
            unit,
            rest,
        })
    }

    /// The length of the term in nanoseconds, `None` beyond [`MAGNITUDE_MAX`].
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a fraction is at most one unit, and upstream computes it in floating point as well, so \
                  that 0.3333333333333333333h is 20 minutes"
    )]
    fn nanos(&self, unit: u64) -> Option<u64> {
        let whole = self.whole.checked_mul(unit)?;
        let (mut digits, mut scale) = (0_u64, 1_f64);
        for digit in self.fraction.bytes().map(|byte| u64::from(byte - b'0')) {
            // Digits beyond 63 bits are dropped, as upstream does.
            match digits
                .checked_mul(10)
                .and_then(|shifted| shifted.checked_add(digit))
            {
                Some(longer) if longer <= MAGNITUDE_MAX => digits = longer,
                _ => break,
            }
            scale *= 10.0;
        }
        let fraction = (digits as f64 * (unit as f64 / scale)) as u64;
        whole
            .checked_add(fraction)
            .filter(|&nanos| nanos <= MAGNITUDE_MAX)
    }
}

/// Splits before the first character that `ends`.
fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

fn unit_nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        // The micro sign, and the Greek letter mu that looks the same.
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    })
}
