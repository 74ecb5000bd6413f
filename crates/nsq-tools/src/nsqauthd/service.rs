//! The HTTP side.

use std::sync::Arc;
use std::time::Duration;

use nsq_auth::{Question, QuestionError};
use nsq_http::header::{CONTENT_TYPE, HeaderMap};
use nsq_http::{
    ApiError, HandlerBody, Limits, Method, Request, Response, Router, Routes, Service, State, StatusCode,
    Uri, read_body, reply,
};
use nsq_net::Peer;

use super::policy::Verdict;
use super::reload::Current;

/// The largest question by POST; by GET the head of a request has the same bound.
const BODY_SIZE_MAX: usize = 64 * 1024;

/// How much of a name that others chose goes into a line of the log.
const SHOWN_LEN_MAX: usize = 64;

/// nsqds ask seldom, and a question takes no time.
pub(super) const LIMITS: Limits = Limits {
    head_size_max: 64 * 1024,
    head_time: Duration::from_secs(10),
    idle_time: Duration::from_secs(60),
    stall_time: Duration::from_secs(10),
    rate_min: 1024,
    drain_time: Duration::from_secs(1),
    connections_max: Some(4096),
};

/// Answers nsqds.
#[derive(Debug)]
pub(super) struct AuthService {
    routes: Routes,
}

#[derive(Debug)]
struct Shared {
    policy: Current,
    ttl_s: u64,
}

impl AuthService {
    pub(super) fn new(policy: Current, ttl_s: u64) -> Self {
        let routes = Router::new()
            .get("/ping", || async { reply::plain("OK") })
            .get("/auth", by_get)
            .post("/auth", by_post)
            .with_state(Arc::new(Shared { policy, ttl_s }));
        Self { routes }
    }
}

impl Service for AuthService {
    async fn call(&self, request: Request, peer: Peer) -> Response {
        self.routes.call(request, peer).await
    }

    /// Never: the query string holds a secret, whatever the path is.
    fn is_logged(&self, _: &Method, _: &str) -> bool {
        false
    }
}

async fn by_get(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, ApiError> {
    shared.answer(Question::from_form(uri.query().unwrap_or_default()))
}

async fn by_post(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: HandlerBody,
) -> Result<Response, ApiError> {
    let body = read_body(body, BODY_SIZE_MAX)
        .await
        .map_err(|_| ApiError::too_large("BODY_TOO_BIG").closing())?;
    let is_form = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    shared.answer(if is_form {
        str::from_utf8(&body)
            .map_err(|_| QuestionError::Malformed)
            .and_then(Question::from_form)
    } else {
        Question::from_json(&body)
    })
}

impl Shared {
    fn answer(&self, question: Result<Question, QuestionError>) -> Result<Response, ApiError> {
        let question = question.map_err(|error| {
            tracing::warn!("AUTH: bad request - {error}");
            ApiError::new(StatusCode::BAD_REQUEST, error.to_string())
        })?;
        let policy = Arc::clone(&self.policy.read());
        let verdict = policy.decide(&question, self.ttl_s);
        log(&question, &verdict);
        match verdict {
            Verdict::Answer(answer) => Ok(reply::json(&answer)),
            Verdict::NotAuthorized => Err(ApiError::new(StatusCode::FORBIDDEN, "NOT_AUTHORIZED")),
        }
    }
}

fn log(question: &Question, verdict: &Verdict) {
    let (ip, tls) = (cut(&question.remote_ip), question.tls);
    let common_name = cut(&question.common_name);
    match verdict {
        Verdict::Answer(answer) if !answer.authorizations.is_empty() => {
            let (identity, count) = (cut(&answer.identity), answer.authorizations.len());
            tracing::info!(
                "AUTH: {ip} (tls: {tls}, common name: {common_name:?}) is {identity:?} with {count} authorizations"
            );
        }
        _ => tracing::warn!("AUTH: {ip} (tls: {tls}, common name: {common_name:?}) is not authorized"),
    }
}

fn cut(text: &str) -> &str {
    match text.char_indices().nth(SHOWN_LEN_MAX) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}
