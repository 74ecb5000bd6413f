//! Answers that some, or all, do not give.

use std::fmt;

use nsq_http::{ClientError, StatusCode};

/// How much of an answer that is no success is shown.
const SHOWN_LEN_MAX: usize = 512;

/// Why one process did not answer a question. Shows in the words of Go's HTTP client.
#[derive(Debug)]
#[non_exhaustive]
pub enum QueryError {
    /// There was no reply, or none in time.
    Http(ClientError),
    /// The reply was not 200.
    Status {
        /// What it was.
        status: StatusCode,
        /// Its body, as far as it is shown.
        body: String,
    },
    /// The reply was not what was asked for.
    Answer {
        /// The URL that was asked.
        url: String,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
}

impl QueryError {
    pub(crate) fn status(status: StatusCode, body: &[u8]) -> Self {
        let mut body = String::from_utf8_lossy(body).into_owned();
        if let Some((end, _)) = body.char_indices().find(|(at, _)| *at >= SHOWN_LEN_MAX) {
            body.truncate(end);
        }
        Self::Status { status, body }
    }

    /// Whether it took too long, be it to connect or to reply.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_timeout())
    }

    /// Whether the process replied that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { status, .. } if *status == StatusCode::NOT_FOUND)
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => error.fmt(f),
            Self::Status { status, body } => write!(f, "got response {status} {body:?}"),
            Self::Answer { url, cause } => write!(f, "{url:?}: {cause}"),
        }
    }
}

impl std::error::Error for QueryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Http(error) => Some(error),
            Self::Answer { cause, .. } => Some(cause),
            Self::Status { .. } => None,
        }
    }
}

/// What those said who answered, and why the others did not.
#[derive(Debug)]
pub struct Partial<T> {
    /// The answers, merged.
    pub value: T,
    /// One per process without an answer.
    pub errors: Vec<QueryError>,
}

impl<T> Partial<T> {
    /// An answer in which nothing is missing.
    pub fn complete(value: T) -> Self {
        Self {
            value,
            errors: Vec::new(),
        }
    }

    /// The value, with its errors added to those of other questions.
    pub fn collect(self, errors: &mut Vec<String>) -> T {
        if !self.errors.is_empty() {
            errors.push(lines(&self.errors));
        }
        self.value
    }

    /// The same answers in another form.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Partial<U> {
        Partial {
            value: change(self.value),
            errors: self.errors,
        }
    }
}

/// Nobody of those who were asked has answered, or there was nobody to ask.
#[derive(Debug)]
pub struct NobodyAnswered {
    /// `nsqlookupd` or `nsqd`.
    pub kind: &'static str,
    /// One per process that was asked.
    pub errors: Vec<QueryError>,
}

impl fmt::Display for NobodyAnswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to query any {}: {}", self.kind, lines(&self.errors))
    }
}

impl std::error::Error for NobodyAnswered {}

/// One line per error, as upstream joins those of one question.
fn lines(errors: &[QueryError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_no_success_shows_as_in_go() {
        let error = QueryError::status(StatusCode::NOT_FOUND, br#"{"message":"TOPIC_NOT_FOUND"}"#);
        assert_eq!(
            error.to_string(),
            r#"got response 404 Not Found "{\"message\":\"TOPIC_NOT_FOUND\"}""#
        );
        assert!(error.is_not_found() && !error.is_timeout());
    }

    #[test]
    fn a_page_of_a_foreign_server_is_cut() {
        let error = QueryError::status(StatusCode::BAD_GATEWAY, "é".repeat(10_000).as_bytes());
        assert!(error.to_string().len() < 600);
    }

    #[test]
    fn nobody_to_ask_is_nobody_who_answers() {
        let failed = NobodyAnswered {
            kind: "nsqd",
            errors: Vec::new(),
        };
        assert_eq!(failed.to_string(), "failed to query any nsqd: ");
    }
}
