//! JSON as Go's encoder writes it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// `value` as compact JSON in the form of Go's `json.Marshal`: `<`, `>`, `&`, U+2028 and U+2029 are
/// escaped in strings, and whole floats have no fraction.
///
/// # Errors
/// If the value has no JSON form, such as a map whose keys are not strings.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(128);
    write_json(&mut bytes, value)?;
    Ok(bytes)
}

/// Appends `value` to `out` in the form of [`to_json`].
///
/// # Errors
/// As [`to_json`], and whatever `out` reports.
pub fn write_json<W: Write, T: Serialize + ?Sized>(out: W, value: &T) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, GoFormatter))
}

/// Differs from the compact form in what Go does on top of the JSON standard.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, special) = rest.split_at(at);
            out.write_all(plain.as_bytes())?;
            let mut chars = special.chars();
            if let Some(char) = chars.next() {
                write!(out, "\\u{:04x}", u32::from(char))?;
            }
            rest = chars.as_str();
        }
        out.write_all(rest.as_bytes())
    }

    fn write_f64<W: ?Sized + Write>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        let magnitude = value.abs();
        if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
            return CompactFormatter.write_f64(out, value);
        }
        // Display never uses an exponent, and prints a whole number without a fraction.
        write!(out, "{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json<T: Serialize + ?Sized>(value: &T) -> String {
        String::from_utf8(to_json(value).unwrap()).unwrap()
    }

    #[test]
    fn strings_escape_what_html_would_read() {
        assert_eq!(
            json("a<b>&c\u{2028}\u{2029}d\"\\\n\u{1}é"),
            r#""a\u003cb\u003e\u0026c\u2028\u2029d\"\\\n\u0001é""#
        );
        assert_eq!(json("plain"), r#""plain""#);
        assert_eq!(json("<"), r#""\u003c""#);
    }

    #[test]
    fn floats_print_as_in_go() {
        for (value, text) in [
            (1.0, "1"),
            (0.99, "0.99"),
            (0.999, "0.999"),
            (0.0, "0"),
            (145_974_498.25, "145974498.25"),
            (1_525_239.0, "1525239"),
        ] {
            assert_eq!(json(&value), text);
        }
    }
}
