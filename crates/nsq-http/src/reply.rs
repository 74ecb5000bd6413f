//! The answers of NSQ's HTTP endpoints.
//!
//! "V1" answers carry `X-NSQ-Content-Type: nsq; version=1.0`, without which old clients expect an
//! older envelope. Upstream: `internal/http_api/api_response.go`.

use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use serde::Serialize;

use crate::{ApiError, Body, to_json};

/// An answer on its way to the client.
pub type Response = hyper::Response<Body>;

const NSQ_CONTENT_TYPE: HeaderName = HeaderName::from_static("x-nsq-content-type");
const NSQ_V1: HeaderValue = HeaderValue::from_static("nsq; version=1.0");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The body of an error, and of a redirect that carries one.
#[derive(Serialize)]
pub(crate) struct Message<'a> {
    pub(crate) message: &'a str,
}

/// V1 200 with `value` as compact JSON in Go's form.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Response {
    match to_json(value) {
        Ok(json) => json_bytes(json),
        Err(error) => {
            tracing::error!("failed to encode a reply - {error}");
            json_bytes(&br#"{"message":"INTERNAL_ERROR"}"#[..]).with_status(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// V1 200 with JSON that is encoded already, or that a [`Body`] produces piece by piece.
pub fn json_bytes(json: impl Into<Body>) -> Response {
    let mut response = Response::new(json.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(NSQ_CONTENT_TYPE, NSQ_V1);
    response
}

/// V1 200 with a text, raw. An empty text has no content type.
pub fn text(text: impl Into<Body>) -> Response {
    let body = text.into();
    if body.is_empty() {
        return empty();
    }
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, TEXT);
    headers.insert(NSQ_CONTENT_TYPE, NSQ_V1);
    response
}

/// V1 200 without a body.
pub fn empty() -> Response {
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(NSQ_CONTENT_TYPE, NSQ_V1);
    response
}

/// 200 with a text and without the V1 header, as `/ping` answers.
pub fn plain(text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, TEXT);
    response
}

/// 200 or 405 with the methods that a path has.
pub(crate) fn allowed(mut response: Response, methods: &str) -> Response {
    if let Ok(methods) = HeaderValue::from_str(methods) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

/// Sends the client to `location`: 301 with the small page that Go adds for GET, else 307.
pub(crate) fn redirect(location: &str, is_get: bool) -> Response {
    let Ok(value) = HeaderValue::from_str(location) else {
        return ApiError::not_found("NOT_FOUND").into();
    };
    let mut response = if is_get {
        let page = format!("<a href=\"{}\">Moved Permanently</a>.\n\n", escape_html(location));
        let mut response = Response::new(Body::from(page)).with_status(StatusCode::MOVED_PERMANENTLY);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response
    } else {
        Response::new(Body::empty()).with_status(StatusCode::TEMPORARY_REDIRECT)
    };
    response.headers_mut().insert(LOCATION, value);
    response
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}

/// Sets the status of a reply in passing.
pub trait WithStatus {
    /// The same reply with another status.
    fn with_status(self, status: StatusCode) -> Self;
}

impl WithStatus for Response {
    fn with_status(mut self, status: StatusCode) -> Self {
        *self.status_mut() = status;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_text_has_no_content_type() {
        let response = text("");
        assert!(!response.headers().contains_key(CONTENT_TYPE));
        assert!(response.headers().contains_key(NSQ_CONTENT_TYPE));
    }

    #[test]
    fn a_redirect_cannot_smuggle_a_header_or_markup() {
        assert_eq!(redirect("/a\r\nX: y", true).status(), StatusCode::NOT_FOUND);
        let page = redirect("/a?<script>&\"", true).into_body();
        assert_eq!(
            page.as_bytes().unwrap(),
            "<a href=\"/a?&lt;script&gt;&amp;&#34;\">Moved Permanently</a>.\n\n".as_bytes()
        );
    }
}
