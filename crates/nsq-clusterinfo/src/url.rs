//! Names in query strings.

use std::fmt::Write as _;

/// `text` as a value in a query string, as Go's `url.QueryEscape` writes it.
pub fn escape(text: &str) -> String {
    escape_bytes(text.as_bytes())
}

/// The same of bytes that need not be text.
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut escaped = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            b' ' => escaped.push('+'),
            byte => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use nsq_http::Params;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_escaped_as_in_go() {
        assert_eq!(escape("a.b_c-d~1"), "a.b_c-d~1");
        assert_eq!(escape("t#ephemeral"), "t%23ephemeral");
        assert_eq!(escape("a b&c=é"), "a+b%26c%3D%C3%A9");
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_back(text in "\\PC*") {
            let query = format!("x=1&v={}&y=2", escape(&text));
            let params = Params::parse(Some(&query)).unwrap();
            prop_assert_eq!(params.get("v").unwrap(), text);
        }
    }
}
