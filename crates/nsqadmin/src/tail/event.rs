//! What viewers are told, as server-sent events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nsq_client::Message;
use nsq_http::to_json;
use serde::Serialize;
use serde_json::{Value, json};

use super::Reason;

/// How much of a body is shown at once.
const BODY_SHOWN_MAX: usize = 64 << 10;

/// What a session begins with.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Open {
    pub(crate) id: String,
    pub(crate) channel: String,
    pub(crate) nodes: Vec<Value>,
    pub(crate) skipped: Vec<Value>,
    pub(crate) paused: bool,
    /// Milliseconds since 1970.
    pub(crate) expires_at: i64,
}

/// A line that only keeps the connection alive.
pub(super) fn keep_alive() -> Bytes {
    Bytes::from_static(b":\n\n")
}

pub(super) fn event<T: Serialize>(name: &str, data: &T) -> Bytes {
    // JSON has no line breaks, which would end the event.
    let data = to_json(data).unwrap_or_else(|_| b"null".to_vec());
    [b"event: ", name.as_bytes(), b"\ndata: ", &data, b"\n\n"]
        .concat()
        .into()
}

pub(super) fn message(node: &str, message: &Message, at_ms: i64) -> Bytes {
    let body = message.body();
    let shown = body.get(..BODY_SHOWN_MAX).unwrap_or(body);
    let (text, encoding) = encoded(shown);
    let data = json!({
        "node": node, "id": message.id().to_string(), "at_ms": at_ms,
        // More digits than a number in a browser has.
        "timestamp_ns": message.timestamp_ns().to_string(),
        "attempts": message.attempts(), "size": body.len(), "body": text, "encoding": encoding,
        "truncated": shown.len() < body.len(),
    });
    event("msg", &data)
}

/// Bytes as text, or as base64 if they are none.
pub(crate) fn encoded(bytes: &[u8]) -> (String, &'static str) {
    match str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), "text"),
        // A character may have been cut in two.
        Err(error) if error.error_len().is_none() && bytes.len() == BODY_SHOWN_MAX => {
            let text = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
            (text.into_owned(), "text")
        }
        Err(_) => (STANDARD.encode(bytes), "base64"),
    }
}

pub(super) fn skipped(count: u64) -> Bytes {
    event("skip", &json!({"rate_limited": count}))
}

pub(super) fn node_lost(node: &str, reason: &Reason) -> Bytes {
    event(
        "node",
        &json!({"node": node, "ok": false, "reason": reason.code(), "detail": reason.detail()}),
    )
}

pub(super) fn end(reason: &str, detail: &str) -> Bytes {
    event("end", &json!({"reason": reason, "detail": detail}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_whatever_is_in_it() {
        let frame = event("msg", &json!({"body": "a\n\nevent: end\ndata: x</script>"}));
        assert_eq!(
            frame,
            "event: msg\ndata: {\"body\":\"a\\n\\nevent: end\\ndata: x\\u003c/script\\u003e\"}\n\n"
        );
    }

    #[test]
    fn what_is_no_text_is_base64() {
        assert_eq!(encoded(b"h\xc3\xa9"), ("hé".to_owned(), "text"));
        assert_eq!(encoded(b"\xff\x00"), ("/wA=".to_owned(), "base64"));
        let mut cut = vec![b'a'; BODY_SHOWN_MAX - 1];
        cut.push(0xc3);
        assert_eq!(encoded(&cut).1, "text");
    }
}
