//! Parameters from the query string, by Go's rules.

use std::borrow::Cow;
use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::ApiError;

/// The parameters of a request. They come from the query string alone; form bodies are never read.
///
/// A repeated parameter has its first value. As an extractor, a malformed query string is logged at
/// ERROR and answered with 400 `INVALID_REQUEST`.
///
/// Upstream: `internal/http_api/req_params.go`, `NewReqParams`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params<'q> {
    /// Checked at construction: every escape is whole and no segment has a semicolon.
    query: Cow<'q, str>,
}

impl<'q> Params<'q> {
    /// Checks the whole of `query`, the part behind the `?`.
    ///
    /// # Errors
    /// If an escape is malformed, or a semicolon separates parameters, which Go refuses because
    /// servers disagree about it.
    pub fn parse(query: Option<&'q str>) -> Result<Self, ParamsError> {
        let query = query.unwrap_or_default();
        check(query)?;
        Ok(Self {
            query: Cow::Borrowed(query),
        })
    }

    /// The first value of the parameter `name`; `Some` of an empty text for `name` or `name=`.
    ///
    /// Bytes that are not UTF-8 come out as U+FFFD, which no valid name contains.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query
            .split('&')
            .filter(|segment| !segment.is_empty())
            .map(|segment| segment.split_once('=').unwrap_or((segment, "")))
            .find(|(key, _)| unescape(key) == name)
            .map(|(_, value)| unescape(value))
    }

    /// All values of the parameter `name`, in their order.
    pub fn all(&self, name: &str) -> Vec<Cow<'_, str>> {
        self.query
            .split('&')
            .filter(|segment| !segment.is_empty())
            .map(|segment| segment.split_once('=').unwrap_or((segment, "")))
            .filter(|(key, _)| unescape(key) == name)
            .map(|(_, value)| unescape(value))
            .collect()
    }

    /// The first value of the parameter `name`.
    ///
    /// # Errors
    /// 400 with `missing` as its code if the parameter is absent.
    pub fn require(&self, name: &str, missing: &'static str) -> Result<Cow<'_, str>, ApiError> {
        self.get(name).ok_or(ApiError::bad_request(missing))
    }

    /// The same parameters, not borrowing the request.
    pub fn into_owned(self) -> Params<'static> {
        Params {
            query: Cow::Owned(self.query.into_owned()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Params<'static> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Params::parse(parts.uri.query())?.into_owned())
    }
}

/// A query string that is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParamsError {
    /// The `%` escape at fault, as far as it goes.
    Escape(String),
    /// A semicolon where only `&` separates.
    Semicolon,
}

impl fmt::Display for ParamsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Escape(escape) => write!(f, "invalid URL escape {escape:?}"),
            Self::Semicolon => f.write_str("invalid semicolon separator in query"),
        }
    }
}

impl std::error::Error for ParamsError {}

impl From<ParamsError> for ApiError {
    fn from(error: ParamsError) -> Self {
        tracing::error!("failed to parse request params - {error}");
        Self::bad_request("INVALID_REQUEST")
    }
}

fn check(query: &str) -> Result<(), ParamsError> {
    let mut rest = query;
    while let Some(at) = rest.find(['%', ';']) {
        let (_, from) = rest.split_at(at);
        let bytes = from.as_bytes();
        match bytes {
            [b';', ..] => return Err(ParamsError::Semicolon),
            [_, high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest = from.get(3..).unwrap_or_default();
            }
            _ => {
                let shown = from.chars().take(3).take_while(|&char| char != '&');
                return Err(ParamsError::Escape(shown.collect()));
            }
        }
    }
    Ok(())
}

/// Undoes the escapes of a key or a value; text without any is not copied.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()) << 4 | hex(bytes.next()),
            byte => byte,
        });
    }
    match String::from_utf8(plain) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// The value of a hexadecimal digit; the digits were checked when the query string was.
fn hex(digit: Option<u8>) -> u8 {
    match digit {
        Some(digit @ b'0'..=b'9') => digit - b'0',
        Some(digit @ b'a'..=b'f') => digit - b'a' + 10,
        Some(digit @ b'A'..=b'F') => digit - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn get(query: &str, name: &str) -> Option<String> {
        Params::parse(Some(query)).unwrap().get(name).map(Cow::into_owned)
    }

    #[test]
    fn the_first_of_repeated_parameters_counts() {
        assert_eq!(get("topic=a&topic=b", "topic").as_deref(), Some("a"));
        assert_eq!(get("&&x=1&topic=a", "topic").as_deref(), Some("a"));
    }

    #[test]
    fn repeated_parameters_can_be_had_all() {
        let params = Params::parse(Some("e=a%26&x=1&e=b&e")).unwrap();
        assert_eq!(params.all("e"), ["a&", "b", ""]);
        assert!(params.all("y").is_empty());
    }

    #[test]
    fn an_empty_value_is_present_and_a_missing_one_is_not() {
        assert_eq!(get("topic=", "topic").as_deref(), Some(""));
        assert_eq!(get("topic", "topic").as_deref(), Some(""));
        assert_eq!(get("", "topic"), None);
        assert_eq!(get("topics=a", "topic"), None);
        assert_eq!(Params::parse(None).unwrap().get("topic"), None);
    }

    #[test]
    fn escapes_and_plus_signs_are_undone_in_names_and_values() {
        assert_eq!(
            get("topic=a%23ephemeral", "topic").as_deref(),
            Some("a#ephemeral")
        );
        assert_eq!(get("top%69c=a+b%2B", "topic").as_deref(), Some("a b+"));
        assert_eq!(get("topic=%ff", "topic").as_deref(), Some("\u{fffd}"));
        assert_eq!(get("topic=a=b", "topic").as_deref(), Some("a=b"));
    }

    #[test]
    fn a_malformed_query_is_refused_as_a_whole() {
        for (query, message) in [
            ("topic=a%zz", r#"invalid URL escape "%zz""#),
            ("topic=a%", r#"invalid URL escape "%""#),
            ("topic=a%2", r#"invalid URL escape "%2""#),
            ("topic=a%&x=1", r#"invalid URL escape "%""#),
            ("topic=a;b", "invalid semicolon separator in query"),
        ] {
            assert_eq!(Params::parse(Some(query)).unwrap_err().to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn what_was_escaped_is_read_back(value in "\\PC*") {
            let mut escaped = String::new();
            for byte in value.bytes() {
                write!(escaped, "%{byte:02X}").unwrap();
            }
            prop_assert_eq!(get(&format!("a=1&v={escaped}&b=2"), "v"), Some(value));
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(query in "[a%;&=+0-9é]*") {
            if let Ok(params) = Params::parse(Some(&query)) {
                let _ = params.get("a");
            }
        }
    }
}
