//! Double-quoted strings.

use std::fmt::Write;

/// `text` in double quotes, with everything that does not print escaped.
///
/// The form of Go's `%q`, which NSQ's error lines show names and values in.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{07}' => quoted.push_str("\\a"),
            '\u{08}' => quoted.push_str("\\b"),
            '\u{0c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{0b}' => quoted.push_str("\\v"),
            _ if prints(c) => quoted.push(c),
            _ => escape(c, &mut quoted),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether `c` shows as itself: letters, marks, numbers, punctuation, symbols and the plain space.
fn prints(c: char) -> bool {
    match c {
        ' '..='~' => true,
        // The standard library escapes what has no glyph, and combining marks besides, which print here.
        _ => c.is_alphanumeric() || c.escape_debug().next() != Some('\\'),
    }
}

fn escape(c: char, quoted: &mut String) {
    let code = u32::from(c);
    // Writing to a string cannot fail.
    let _ = match code {
        0..0x20 | 0x7f => write!(quoted, "\\x{code:02x}"),
        0x80..0x1_0000 => write!(quoted, "\\u{code:04x}"),
        _ => write!(quoted, "\\U{code:08x}"),
    };
}
