//! Numbers, durations and quoted strings in the text forms of Go.
//!
//! Flags, configuration values, log lines and error bodies of NSQ show these forms, so what reads and
//! writes them sits in one place.

mod duration;
mod error;
mod float;
mod int;
mod quote;

pub use duration::{DurationError, GoDuration};
pub use error::os_error;
pub use float::{format_float, parse_float};
pub use int::{parse_bool, parse_decimal, parse_int};
pub use quote::quote;

use std::fmt;

/// Why a number could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// The text is not a number of this kind.
    Syntax,
    /// The number does not fit its type.
    Range,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "invalid syntax",
            Self::Range => "value out of range",
        })
    }
}

impl std::error::Error for NumberError {}

/// Whether every underscore stands between two digits, or between a base prefix and a digit.
///
/// The rule of Go's number literals; what else the text holds is checked by the caller.
fn underscores_separate_digits(text: &str) -> bool {
    #[derive(PartialEq)]
    enum Before {
        Digit,
        Underscore,
        Other,
    }

    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (rest, hexadecimal, mut before) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (unsigned.get(2..), true, Before::Digit),
        [b'0', b'b' | b'B' | b'o' | b'O', ..] => (unsigned.get(2..), false, Before::Digit),
        _ => (Some(unsigned), false, Before::Other),
    };
    for byte in rest.unwrap_or_default().bytes() {
        before = match byte {
            b'_' if before == Before::Digit => Before::Underscore,
            b'_' => return false,
            _ if byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit()) => Before::Digit,
            _ if before == Before::Underscore => return false,
            _ => Before::Other,
        };
    }
    before != Before::Underscore
}

#[cfg(test)]
mod tests;
