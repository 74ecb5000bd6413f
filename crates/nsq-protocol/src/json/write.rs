//! Writing with Go's escapes and numbers.

use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// Encodes `value` without white space, byte for byte as Go would: `<`, `>`, `&`, U+2028 and U+2029 are escaped
/// as `\uNNNN`, and a float without a fraction has no `.0`.
///
/// Maps come in their own order; Go sorts them by key, as a `BTreeMap` does.
///
/// ```
/// assert_eq!(nsq_protocol::json::to_vec(&["<a&b>"])?, br#"["\u003ca\u0026b\u003e"]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
///
/// The value's `Serialize` fails, or a map has keys that are not strings.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut encoded = Vec::with_capacity(256);
    value.serialize(&mut Serializer::with_formatter(&mut encoded, GoFormatter))?;
    Ok(encoded)
}

/// Compact, with Go's escapes and floats.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, escaped) = rest.split_at(at);
            let mut characters = escaped.chars();
            writer.write_all(plain.as_bytes())?;
            if let Some(character) = characters.next() {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let magnitude = value.abs();
        if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
            // Rust's Display never uses an exponent and prints the shortest digits, as Go does in this range.
            write!(writer, "{value}")
        } else {
            let sign = if magnitude < 1.0 { "e" } else { "e+" };
            writer.write_all(format!("{value:e}").replace('e', sign).as_bytes())
        }
    }
}

/// Encodes a struct of strings, numbers and booleans.
pub(crate) fn to_vec_of_plain_fields<T: Serialize>(value: &T) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "only custom Serialize code and maps with odd keys can fail"
    )]
    to_vec(value).expect("strings, numbers and booleans always encode")
}
