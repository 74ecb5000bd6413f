//! Why no server granted anything.

use std::fmt::{self, Write};

use bytes::Bytes;
use nsq_auth::{AnswerError, RulesError, Secret};
use nsq_http::{ClientError, StatusCode};

use super::server::Server;

/// What one server adds to a line of the log, at most, in bytes.
const SHOWN_LEN_MAX: usize = 512;

/// Why one server granted nothing.
#[derive(Debug)]
pub(super) enum Cause {
    /// The question has no JSON form.
    Question(serde_json::Error),
    /// It did not reply.
    Http(ClientError),
    /// It did not reply in time, redirects included.
    TimedOut,
    /// It redirects to no place, or to a less safe one.
    Location,
    /// It redirects again and again.
    Redirects,
    /// Its status is not 200.
    Status { status: StatusCode, body: Bytes },
    /// Its answer is invalid.
    Answer(AnswerError),
    /// Its answer names an identity of this many bytes.
    Identity(usize),
    /// Its patterns are invalid.
    Rules(RulesError),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Question(error) => error.fmt(f),
            Self::Http(error) => error.fmt(f),
            Self::TimedOut => f.write_str("context deadline exceeded"),
            Self::Location => f.write_str("redirected to no usable place"),
            Self::Redirects => f.write_str("stopped after 10 redirects"),
            Self::Status { status, body } => {
                write!(f, "got response {status} {:?}", String::from_utf8_lossy(body))
            }
            Self::Answer(error) => error.fmt(f),
            Self::Identity(len) => write!(f, "identity of {len} bytes"),
            Self::Rules(error) => error.fmt(f),
        }
    }
}

/// Why no server granted anything, each with its cause. Shows in upstream's words and without the secret.
#[derive(Debug, Default)]
pub(crate) struct AuthFailure {
    text: String,
}

impl AuthFailure {
    /// Adds why `server` granted nothing to whoever presented `secret`.
    pub(super) fn add(&mut self, server: &Server, cause: &Cause, secret: &Secret) {
        if !self.text.is_empty() {
            self.text.push_str("; ");
        }
        let cause = cut(without(cause.to_string(), secret));
        // Writing to a string cannot fail.
        let _ = write!(self.text, "failed to auth against {} - {cause}", server.shown());
    }
}

impl fmt::Display for AuthFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for AuthFailure {}

/// A server may repeat what it was asked.
fn without(text: String, secret: &Secret) -> String {
    match str::from_utf8(secret.reveal()) {
        Ok(secret) if !secret.is_empty() && text.contains(secret) => text.replace(secret, "***"),
        _ => text,
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().find(|(at, _)| *at >= SHOWN_LEN_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_every_server_and_its_cause() {
        let mut failure = AuthFailure::default();
        let secret = Secret::new(*b"hunter2");
        failure.add(&Server::new("a:1"), &Cause::TimedOut, &secret);
        failure.add(&Server::new("http://b/x"), &Cause::Identity(5000), &secret);
        assert_eq!(
            failure.to_string(),
            "failed to auth against a:1 - context deadline exceeded; \
             failed to auth against http://b/x - identity of 5000 bytes"
        );
    }

    #[test]
    fn a_secret_that_a_server_repeats_is_not_shown_and_a_long_cause_is_cut() {
        let mut failure = AuthFailure::default();
        let cause = Cause::Answer(AnswerError::UnknownPermission(format!(
            "hunter2{}hunter2",
            "é".repeat(10_000)
        )));
        failure.add(&Server::new("a:1"), &cause, &Secret::new(*b"hunter2"));
        let text = failure.to_string();
        assert!(
            text.starts_with("failed to auth against a:1 - unknown permission ***é"),
            "{text}"
        );
        assert!(
            text.len() < 600 && text.ends_with('…') && !text.contains("hunter2"),
            "{text}"
        );
    }
}
