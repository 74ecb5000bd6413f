//! One line for each request.

use hyper::{Method, StatusCode, Uri};
use nsq_net::Peer;
use nsq_runtime::{Clock, Moment};

use crate::duration::GoDuration;

/// A request that will be logged when it has been answered.
///
/// Upstream: `internal/http_api/api_response.go`, `Log`.
#[derive(Debug)]
pub(super) struct AccessLog {
    started: Moment,
    method: Method,
    uri: Uri,
    peer: Peer,
}

impl AccessLog {
    /// `None` if nobody would see the line, which then costs nothing.
    pub(super) fn begin(method: &Method, uri: &Uri, peer: Peer, clock: &Clock) -> Option<Self> {
        tracing::enabled!(tracing::Level::INFO).then(|| Self {
            started: clock.now(),
            method: method.clone(),
            uri: uri.clone(),
            peer,
        })
    }

    /// Writes the line, except for redirects and answered `OPTIONS`, which upstream does not log.
    pub(super) fn end(self, status: StatusCode, clock: &Clock) {
        if status.is_redirection() || (self.method == Method::OPTIONS && status == StatusCode::OK) {
            return;
        }
        let uri = self.uri.path_and_query().map_or("", |it| it.as_str());
        tracing::info!(
            "{} {} {} ({}) {}",
            status.as_u16(),
            self.method,
            uri,
            self.peer,
            GoDuration(clock.now() - self.started)
        );
    }
}
