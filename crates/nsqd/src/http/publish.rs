//! `/pub` and `/mpub`.

use bytes::Bytes;
use nsq_core::{PublishError, Receipt};
use nsq_http::{ApiError, BodyError, Params, RequestBody, Response, Uri, read_body, reply};
use nsq_protocol::command::parse_mpub_body;

use super::{topic_param, valid_topic};
use crate::daemon::Nsqd;
use crate::session::intake::Intake;

/// `POST /pub?topic=<t>[&defer=<ms>]`: the body is the message.
///
/// # Differs from upstream
/// A bad `defer` has not created the topic.
pub(super) async fn publish(nsqd: &Nsqd, uri: Uri, body: RequestBody) -> Result<Response, ApiError> {
    let body = read_body(body, nsqd.options().max_msg_size)
        .await
        .map_err(|error| refused_body(&error, "MSG_TOO_BIG"))?;
    if body.is_empty() {
        return Err(ApiError::bad_request("MSG_EMPTY"));
    }
    let params = Params::parse(uri.query())?;
    let name = topic_param(&params)?;
    let name = valid_topic(&name)?;
    let defer_ms = match params.get("defer") {
        Some(text) => parse_defer(&text, nsqd)?,
        None => 0,
    };
    let topic = nsqd.topic(name);
    let receipt = match defer_ms {
        0 => topic.publish(std::iter::once(body)),
        defer_ms => topic.publish_deferred(body, defer_ms),
    };
    settled(nsqd, receipt).await
}

/// `POST /mpub?topic=<t>[&binary=true]`: the body is one message per line, or a binary batch.
pub(super) async fn multi_publish(nsqd: &Nsqd, uri: Uri, body: RequestBody) -> Result<Response, ApiError> {
    let options = nsqd.options();
    // Before anything else is looked at, as upstream.
    if body
        .declared_len()
        .is_some_and(|len| len > options.max_body_size as u64)
    {
        return Err(refused_body(&BodyError::DeclaredTooLarge, "BODY_TOO_BIG"));
    }
    let params = Params::parse(uri.query())?;
    let name = topic_param(&params)?;
    let topic = nsqd.topic(valid_topic(&name)?);
    let is_binary = is_binary(params.get("binary").as_deref());
    let body = read_body(body, options.max_body_size)
        .await
        .map_err(|error| refused_body(&error, "BODY_TOO_BIG"))?;
    let mut intake = Intake::default();
    if is_binary {
        let bodies = parse_mpub_body(&body, &nsqd.command_limits())
            .map_err(|error| ApiError::too_large(error.as_str()))?;
        let mut to_come = bodies.body_bytes();
        for message in bodies {
            intake.push(message, to_come, Some(&body));
            to_come -= message.len();
        }
    } else {
        take_lines(&mut intake, &body, options.max_msg_size)?;
    }
    let receipt = topic.publish(intake.drain());
    settled(nsqd, receipt).await
}

/// Takes each line that is not empty as a message.
fn take_lines(intake: &mut Intake, body: &Bytes, max_msg_size: usize) -> Result<(), ApiError> {
    let mut to_come = body.len();
    for line in body.split(|&byte| byte == b'\n') {
        if line.len() > max_msg_size {
            return Err(ApiError::too_large("MSG_TOO_BIG"));
        }
        if !line.is_empty() {
            intake.push(line, to_come, Some(body));
        }
        to_come = to_come.saturating_sub(line.len() + 1);
    }
    Ok(())
}

/// Whether the body is a binary batch. Other values than the four booleans mean that it is, as ever.
fn is_binary(value: Option<&str>) -> bool {
    match value {
        None | Some("false" | "0") => false,
        Some("true" | "1") => true,
        Some(other) => {
            tracing::warn!("deprecated value '{other}' used for /mpub binary param");
            true
        }
    }
}

/// Milliseconds from 0 to `--max-req-timeout`, in Go's integer syntax.
fn parse_defer(text: &str, nsqd: &Nsqd) -> Result<u32, ApiError> {
    let max = u64::try_from(nsqd.options().max_req_timeout.as_millis()).unwrap_or(u64::MAX);
    text.parse::<i64>()
        .ok()
        .and_then(|millis| u64::try_from(millis).ok())
        .filter(|&millis| millis <= max)
        // Beyond 49 days: as long as the core can wait.
        .map(|millis| u32::try_from(millis).unwrap_or(u32::MAX))
        .ok_or(ApiError::bad_request("INVALID_DEFER"))
}

fn refused_body(error: &BodyError, too_big: &'static str) -> ApiError {
    match error {
        BodyError::DeclaredTooLarge => ApiError::too_large(too_big).closing(),
        BodyError::TooLarge => ApiError::too_large(too_big),
        _ => ApiError::internal(),
    }
}

/// Answers once the messages are safe.
async fn settled(nsqd: &Nsqd, receipt: Result<Receipt, PublishError>) -> Result<Response, ApiError> {
    let outcome = match receipt {
        Ok(receipt) if receipt.is_settled() => Ok(()),
        Ok(receipt) => nsqd.settle(receipt).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => Ok(reply::text("OK")),
        // Whatever the reason, a full disk included.
        Err(_) => Err(ApiError::unavailable("EXITING")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(body: &[u8], max_msg_size: usize) -> Result<Vec<Bytes>, ApiError> {
        let mut intake = Intake::default();
        take_lines(&mut intake, &Bytes::copy_from_slice(body), max_msg_size)?;
        Ok(intake.drain().collect())
    }

    #[test]
    fn empty_lines_are_dropped_and_carriage_returns_kept() {
        assert_eq!(lines(b"a\r\n\n\nb\n\n", 10).unwrap(), ["a\r", "b"]);
        assert_eq!(lines(b"\n\n", 10).unwrap(), [""; 0]);
        assert_eq!(lines(b"", 10).unwrap(), [""; 0]);
    }

    #[test]
    fn one_line_above_the_limit_refuses_all() {
        assert_eq!(lines(b"0123456789\n0", 10).unwrap().len(), 2);
        assert_eq!(
            lines(b"0\n01234567890\n0", 10),
            Err(ApiError::too_large("MSG_TOO_BIG"))
        );
    }

    proptest! {
        #[test]
        fn joined_messages_come_apart_again(messages in prop::collection::vec("[^\n]{1,20}", 0..50)) {
            let taken = lines(messages.join("\n").as_bytes(), 100).unwrap();
            prop_assert_eq!(taken, messages);
        }
    }
}
