//! Failures as clients see them.

use std::borrow::Cow;

use axum::response::IntoResponse;
use hyper::StatusCode;
use hyper::header::{CONNECTION, HeaderValue};

use crate::{Response, reply};

/// A request that failed: the status, and the code that the body tells, `{"message":"<CODE>"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: Cow<'static, str>,
    closes: bool,
}

impl ApiError {
    /// Any status with any message. The message is mostly one of NSQ's upper-case codes.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code: code.into(),
            closes: false,
        }
    }

    const fn fixed(status: StatusCode, code: &'static str) -> Self {
        Self {
            status,
            code: Cow::Borrowed(code),
            closes: false,
        }
    }

    /// 400: the request is at fault.
    pub const fn bad_request(code: &'static str) -> Self {
        Self::fixed(StatusCode::BAD_REQUEST, code)
    }

    /// 404: what the request names does not exist.
    pub const fn not_found(code: &'static str) -> Self {
        Self::fixed(StatusCode::NOT_FOUND, code)
    }

    /// 413: the body, or a part of it, is too large or malformed.
    pub const fn too_large(code: &'static str) -> Self {
        Self::fixed(StatusCode::PAYLOAD_TOO_LARGE, code)
    }

    /// 500 `INTERNAL_ERROR`: the cause is in the log.
    pub const fn internal() -> Self {
        Self::fixed(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR")
    }

    /// 503: the daemon cannot do it now.
    pub const fn unavailable(code: &'static str) -> Self {
        Self::fixed(StatusCode::SERVICE_UNAVAILABLE, code)
    }

    /// Closes the connection after the reply, for a body that was left unread.
    pub fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// The status of the reply.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The message of the reply.
    pub fn code(&self) -> &str {
        &self.code
    }
}

impl From<ApiError> for Response {
    fn from(error: ApiError) -> Self {
        let mut response = reply::json(&reply::Message { message: &error.code });
        *response.status_mut() = error.status;
        if error.closes {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> axum::response::Response {
        Response::from(self).into_response()
    }
}
