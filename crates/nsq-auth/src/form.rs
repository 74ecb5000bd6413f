//! Form encoding, `key=value&key=value`, as Go's `net/url` writes and reads it.

/// Appends `bytes` with everything escaped but letters, digits and `-_.~`; a space becomes `+`.
pub(crate) fn escape(bytes: &[u8], out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => out.push(byte.into()),
            _ => {
                let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).map_or('0', |&digit| digit.into());
                out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
}

/// The keys and values of `form`, with their escapes undone; `None` in place of a pair that has a malformed
/// escape.
pub(crate) fn pairs(form: &str) -> impl Iterator<Item = Option<(Vec<u8>, Vec<u8>)>> {
    form.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| Some((unescape(key)?, unescape(value)?)))
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => nibble(bytes.next()?)? << 4 | nibble(bytes.next()?)?,
            byte => byte,
        });
    }
    Some(plain)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
