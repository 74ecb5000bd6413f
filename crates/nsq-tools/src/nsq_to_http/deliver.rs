//! One message, one request, and the redirections it meets.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use nsq_clusterinfo::escape_bytes;
use nsq_http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use nsq_http::{ClientError, ClientRequest, KeepAlive, StatusCode};
use nsq_runtime::Clock;

use super::target::{GetTarget, origin, redirected};

/// Upstream: Go's `net/http`.
const REDIRECTS_MAX: usize = 10;

/// What is done with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Targets {
    /// It becomes a part of a URL.
    Get(Vec<GetTarget>),
    /// It is sent to a URL as what this says it is.
    Post(Vec<String>, HeaderValue),
}

impl Targets {
    /// The addresses as they were given. Not empty.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Get(targets) => targets.iter().map(|target| target.text.as_str()).collect(),
            Self::Post(urls, _) => urls.iter().map(String::as_str).collect(),
        }
    }
}

/// Why a message was not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    Http(ClientError),
    Status(StatusCode),
    Redirection {
        method: &'static str,
        url: String,
        problem: &'static str,
    },
    TimedOut {
        method: &'static str,
        url: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => error.fmt(f),
            Self::Status(status) => write!(f, "got status code {}", status.as_u16()),
            Self::Redirection { method, url, problem } => write!(f, "{method} {url:?}: {problem}"),
            Self::TimedOut { method, url } => write!(f, "{method} {url:?}: context deadline exceeded"),
        }
    }
}

impl std::error::Error for Refusal {}

/// Sends messages.
#[derive(Debug)]
pub(super) struct Deliverer {
    pub(super) http: KeepAlive,
    pub(super) targets: Targets,
    /// Later ones win over earlier ones and over those that requests have anyway.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) user_agent: HeaderValue,
    /// For all of a delivery, redirections included.
    pub(super) timeout: Duration,
    pub(super) clock: Clock,
}

impl Deliverer {
    /// Sends a message to one of the targets.
    ///
    /// # Errors
    /// It was not taken, or nobody knows: any 2xx takes a POST, 200 alone takes a GET.
    pub(super) async fn deliver(&self, index: usize, body: &Bytes) -> Result<(), Refusal> {
        let (url, content) = match &self.targets {
            Targets::Get(targets) => {
                let target = targets.get(index);
                (target.map(|target| target.url(&escape_bytes(body))), None)
            }
            Targets::Post(urls, content_type) => (urls.get(index).cloned(), Some((content_type, body))),
        };
        let url = url.unwrap_or_default();
        let method = if content.is_some() { "Post" } else { "Get" };
        let status = tokio::select! {
            answered = self.follow(url.clone(), content) => answered?,
            () = self.clock.sleep(self.timeout) => return Err(Refusal::TimedOut { method, url }),
        };
        let is_taken = match self.targets {
            Targets::Get(_) => status == StatusCode::OK,
            Targets::Post(..) => status.is_success(),
        };
        if is_taken {
            Ok(())
        } else {
            Err(Refusal::Status(status))
        }
    }

    /// Asks, and asks elsewhere if the answer says so.
    async fn follow(
        &self,
        mut url: String,
        mut content: Option<(&HeaderValue, &Bytes)>,
    ) -> Result<StatusCode, Refusal> {
        let first_origin = origin(&url).to_owned();
        for _ in 0..REDIRECTS_MAX {
            let is_elsewhere = origin(&url) != first_origin;
            let request = self.request(&url, content, is_elsewhere);
            let reply = self.http.send(request).await.map_err(Refusal::Http)?;
            match reply.status.as_u16() {
                301..=303 => content = None,
                307 | 308 => {}
                _ => return Ok(reply.status),
            }
            let Some(location) = reply.headers.get(LOCATION) else {
                return Ok(reply.status);
            };
            let next = location
                .to_str()
                .ok()
                .and_then(|location| redirected(&url, location));
            url = next.ok_or_else(|| Refusal::Redirection {
                method: verb(content),
                url: url.clone(),
                problem: "unsupported protocol scheme",
            })?;
        }
        Err(Refusal::Redirection {
            method: verb(content),
            url,
            problem: "stopped after 10 redirects",
        })
    }

    fn request<'u>(
        &self,
        url: &'u str,
        content: Option<(&HeaderValue, &Bytes)>,
        is_elsewhere: bool,
    ) -> ClientRequest<'u> {
        let request = match content {
            None => ClientRequest::get(url),
            Some((content_type, body)) => ClientRequest::post(url)
                .payload(body.clone())
                .header(CONTENT_TYPE, content_type.clone()),
        };
        let request = request
            .without_header(&ACCEPT)
            .header(USER_AGENT, self.user_agent.clone());
        self.headers
            .iter()
            // What is meant for one server is not shown to another, to which that one has sent us.
            .filter(|(name, _)| !(is_elsewhere && [AUTHORIZATION, COOKIE].contains(name)))
            .fold(request, |request, (name, value)| {
                request.header(name.clone(), value.clone())
            })
    }
}

fn verb(content: Option<(&HeaderValue, &Bytes)>) -> &'static str {
    if content.is_some() { "Post" } else { "Get" }
}
