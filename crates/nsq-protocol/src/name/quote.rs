//! Go's `%q`, in which rejected names appear in error texts.

use std::fmt::Write;

/// Quotes `bytes` as Go's `%q` verb does, for a rejected name in an error text.
///
/// `"`, `\` and `\a \b \f \n \r \t \v` are escaped by letter; other bytes below 0x20, 0x7f and bytes that are
/// not UTF-8 as `\xNN`; valid characters that do not print as `\uNNNN` or `\UNNNNNNNN`; everything else stands
/// for itself.
///
/// ```
/// use nsq_protocol::name::quote;
///
/// assert_eq!(quote(b"a\tb"), r#""a\tb""#);
/// assert_eq!(quote(b"t\xff"), r#""t\xff""#);
/// ```
///
/// Upstream: Go's strconv.Quote, through fmt.
pub fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_escaped(&mut quoted, character);
        }
        for byte in chunk.invalid() {
            push_byte(&mut quoted, *byte);
        }
    }
    quoted.push('"');
    quoted
}

fn push_escaped(quoted: &mut String, character: char) {
    let letter = match character {
        '"' | '\\' => Some(character),
        '\x07' => Some('a'),
        '\x08' => Some('b'),
        '\x0c' => Some('f'),
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        '\x0b' => Some('v'),
        _ => None,
    };
    if let Some(letter) = letter {
        quoted.push('\\');
        quoted.push(letter);
    } else if let Ok(byte @ (0..0x20 | 0x7f)) = u8::try_from(character) {
        push_byte(quoted, byte);
    } else if is_printable(character) {
        quoted.push(character);
    } else {
        let code = u32::from(character);
        // Writing to a string cannot fail.
        let _ = if code <= 0xffff {
            write!(quoted, "\\u{code:04x}")
        } else {
            write!(quoted, "\\U{code:08x}")
        };
    }
}

fn push_byte(quoted: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(quoted, "\\x{byte:02x}");
}

/// Whether a character is a letter, mark, number, punctuation, symbol or the ASCII space.
///
/// The standard library keeps this table for its own debug escapes. It also escapes combining marks at the
/// start of a text, which is why the character is asked about in second place.
fn is_printable(character: char) -> bool {
    let mut text = [b'a'; 5];
    let Some(tail) = text.get_mut(1..) else {
        return false;
    };
    let len = character.encode_utf8(tail).len();
    let text = text
        .get(..=len)
        .and_then(|text| str::from_utf8(text).ok())
        .unwrap_or_default();
    text.escape_debug().eq(text.chars()) || character == '\''
}
