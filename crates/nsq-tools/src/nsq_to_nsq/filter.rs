//! Which messages pass, and what of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use nsq_flags::text::parse_float;
use serde_json::Value;
use serde_json::value::RawValue;

/// What is asked of messages, which have to be JSON objects if anything is.
///
/// Upstream: `apps/nsq_to_nsq/nsq_to_nsq.go`, `shouldPassMessage` and `filterMessage`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// A field that must be there; empty for none.
    pub(super) require_field: String,
    /// What it must be; empty for anything.
    pub(super) require_value: String,
    /// The fields that are kept; empty for all.
    pub(super) whitelist: Vec<String>,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is published, so.
    Pass(Bytes),
    /// It is not published.
    Drop,
    /// It cannot be told, and is to be tried again.
    Retry,
}

impl Filter {
    /// # Differs from upstream
    /// Numbers and strings that are kept stay as they are written.
    pub(super) fn judge(&self, body: &Bytes) -> Verdict {
        if self.require_field.is_empty() && self.whitelist.is_empty() {
            return Verdict::Pass(body.clone());
        }
        // As in Go, bytes that are no text count as unknown characters.
        let text = String::from_utf8_lossy(body);
        let Ok(fields) = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(&text) else {
            tracing::info!("ERROR: Unable to decode json: {text}");
            return Verdict::Drop;
        };
        if !self.require_field.is_empty() {
            match fields.get(self.require_field.as_str()) {
                None if self.require_value.is_empty() => return Verdict::Drop,
                None => {
                    tracing::info!("ERROR: missing field to check required value");
                    return Verdict::Retry;
                }
                Some(field) if !self.is_required(field) => return Verdict::Drop,
                Some(_) => {}
            }
        }
        if self.whitelist.is_empty() {
            return Verdict::Pass(body.clone());
        }
        let kept: BTreeMap<&str, &RawValue> = self
            .whitelist
            .iter()
            .filter_map(|name| Some((name.as_str(), *fields.get(name.as_str())?)))
            .collect();
        match serde_json::to_vec(&kept) {
            Ok(text) => Verdict::Pass(text.into()),
            Err(_) => Verdict::Drop,
        }
    }

    fn is_required(&self, field: &RawValue) -> bool {
        if self.require_value.is_empty() {
            return true;
        }
        match serde_json::from_str(field.get()) {
            Ok(Value::String(text)) => text == self.require_value,
            Ok(Value::Number(number)) => {
                let required = parse_float(&self.require_value).ok();
                required.is_some() && number.as_f64() == required
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(filter: &Filter, body: &str) -> String {
        match filter.judge(&Bytes::copy_from_slice(body.as_bytes())) {
            Verdict::Pass(body) => String::from_utf8(body.to_vec()).unwrap(),
            Verdict::Drop => "dropped".to_owned(),
            Verdict::Retry => "retried".to_owned(),
        }
    }

    fn requiring(field: &str, value: &str) -> Filter {
        Filter {
            require_field: field.to_owned(),
            require_value: value.to_owned(),
            whitelist: Vec::new(),
        }
    }

    #[test]
    fn without_a_filter_anything_passes() {
        for body in ["", "no json", "[1]"] {
            assert_eq!(judged(&Filter::default(), body), body);
        }
        // A value alone asks nothing.
        assert_eq!(judged(&requiring("", "x"), "no json"), "no json");
    }

    #[test]
    fn what_is_no_object_is_dropped() {
        for body in ["", "no json", "[1]", "1", "{\"a\":1}x", "{\"a\":1"] {
            assert_eq!(judged(&requiring("a", ""), body), "dropped", "{body}");
        }
    }

    #[test]
    fn a_field_is_required() {
        let filter = requiring("a", "");
        for body in [" {\"a\" : null}", "{\"\\u0061\":1,\"b\":2}"] {
            assert_eq!(judged(&filter, body), body);
        }
        for body in ["{}", "{\"A\":1}", "{\"b\":{\"a\":1}}"] {
            assert_eq!(judged(&filter, body), "dropped");
        }
    }

    #[test]
    fn a_value_is_required() {
        for (required, value, passes) in [
            ("1", "1", true),
            ("1", "1.0", true),
            ("1e0", "1", true),
            ("1", "\"1\"", true),
            ("1", "\"1.0\"", false),
            ("1", "true", false),
            ("1", "2", false),
            ("x", "\"x\"", true),
            ("x", "\"\\u0078\"", true),
            ("x", "1", false),
            ("true", "true", false),
            ("null", "null", false),
            ("x", "{}", false),
        ] {
            let body = format!("{{\"a\":{value}}}");
            let expected = if passes { body.as_str() } else { "dropped" };
            assert_eq!(
                judged(&requiring("a", required), &body),
                expected,
                "{required} {value}"
            );
        }
        assert_eq!(judged(&requiring("a", "1"), "{}"), "retried");
        assert_eq!(
            judged(&requiring("a", "1"), "{\"a\":2,\"a\":1}"),
            "{\"a\":2,\"a\":1}"
        );
    }

    #[test]
    fn listed_fields_are_kept_sorted_and_as_they_were() {
        let filter = Filter {
            whitelist: ["z", "big", "b", "d", "e", "missing", "a\""]
                .map(str::to_owned)
                .to_vec(),
            ..Filter::default()
        };
        assert_eq!(
            judged(
                &filter,
                r#"{"z":1e3,"x":1,"big":12345678901234567890123,"b":2.50,"d":[1, 2.0],"e":null,"a\"":"<\u0026"}"#
            ),
            r#"{"a\"":"<\u0026","b":2.50,"big":12345678901234567890123,"d":[1, 2.0],"e":null,"z":1e3}"#
        );
        assert_eq!(judged(&filter, "{}"), "{}");
    }

    #[test]
    fn bytes_that_are_no_text_do_not_matter_elsewhere() {
        let body = Bytes::from_static(b"{\"a\":1,\"b\":\"\xff\"}");
        assert_eq!(requiring("a", "1").judge(&body), Verdict::Pass(body.clone()));
    }
}
