//! Bodies of requests, read as Go's JSON decoder reads them.

use nsq_http::{ApiError, HandlerBody, StatusCode, read_body};
use serde_json::{Map, Value};

/// Bodies hold two names.
const BODY_SIZE_MAX: usize = 64 << 10;

/// The fields of a JSON object, found by their names in any case.
pub(super) struct Fields(Map<String, Value>);

/// Why a body is no object of texts, in the words of Go's decoder.
pub(super) struct BadBody(String);

impl From<BadBody> for ApiError {
    fn from(bad: BadBody) -> Self {
        Self::new(StatusCode::BAD_REQUEST, bad.0)
    }
}

impl Fields {
    /// Reads the first value in a body; what is behind it does not matter.
    pub(super) async fn read(body: HandlerBody) -> Result<Self, BadBody> {
        let bytes = read_body(body, BODY_SIZE_MAX)
            .await
            .map_err(|error| BadBody(error.to_string()))?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, BadBody> {
        let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
        match values.next() {
            None => Err(BadBody("EOF".to_owned())),
            Some(Err(error)) if error.is_eof() => Err(BadBody("unexpected EOF".to_owned())),
            Some(Err(error)) => Err(BadBody(error.to_string())),
            Some(Ok(Value::Object(fields))) => Ok(Self(fields)),
            Some(Ok(Value::Null)) => Ok(Self(Map::new())),
            Some(Ok(other)) => Err(BadBody(format!(
                "json: cannot unmarshal {} into Go value of type struct",
                kind(&other)
            ))),
        }
    }

    /// A text; empty if it is missing.
    pub(super) fn text(&self, name: &str) -> Result<&str, BadBody> {
        let exact = self.0.get(name);
        let found = exact.or_else(|| {
            let mut others = self.0.iter();
            others.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
        });
        match found {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(BadBody(format!(
                "json: cannot unmarshal {} into Go struct field .{name} of type string",
                kind(other)
            ))),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(body: &str) -> Result<String, String> {
        let fields = Fields::parse(body.as_bytes()).map_err(|bad| bad.0)?;
        fields.text("topic").map(str::to_owned).map_err(|bad| bad.0)
    }

    #[test]
    fn the_first_object_counts_in_any_case() {
        for (body, name) in [
            (r#"{"topic":"t"}"#, "t"),
            (r#"{"TOPIC":"t","x":{}}garbage"#, "t"),
            (r#"{"Topic":"a","topic":"b"}"#, "b"),
            ("{}", ""),
            ("null", ""),
            (r#"{"topic":null}"#, ""),
        ] {
            assert_eq!(topic(body).as_deref(), Ok(name), "{body}");
        }
    }

    #[test]
    fn bad_bodies_are_refused_in_gos_words() {
        for (body, error) in [
            ("", "EOF"),
            ("  ", "EOF"),
            ("{", "unexpected EOF"),
            (
                r#"{"topic":5}"#,
                "json: cannot unmarshal number into Go struct field .topic of type string",
            ),
            ("[]", "json: cannot unmarshal array into Go value of type struct"),
        ] {
            assert_eq!(topic(body), Err(error.to_owned()), "{body}");
        }
        assert!(topic("nonsense").is_err());
    }
}
