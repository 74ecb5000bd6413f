//! Who sends a request, as far as it says.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nsq_http::header::{AUTHORIZATION, HOST, USER_AGENT};
use nsq_http::{Parts, Uri};
use nsq_net::Peer;

/// The URI of a request before the base path was taken off.
#[derive(Clone, Debug)]
pub(crate) struct OriginalUri(pub(crate) Uri);

/// What the head of a request says about its sender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'r>(pub(crate) &'r Parts);

impl<'r> Caller<'r> {
    /// A header as text; empty without it.
    pub(crate) fn header(self, name: &str) -> &'r str {
        self.0
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }

    /// The other end of the connection, `ip:port`.
    pub(crate) fn remote_address(self) -> String {
        self.0
            .extensions
            .get::<Peer>()
            .map_or_else(String::new, ToString::to_string)
    }

    /// Its IP address.
    pub(crate) fn ip(self) -> Option<IpAddr> {
        self.0.extensions.get::<Peer>()?.ip()
    }

    pub(crate) fn user_agent(self) -> &'r str {
        self.header(USER_AGENT.as_str())
    }

    /// The user name of Basic authentication, which a proxy may have checked; empty without it.
    pub(crate) fn basic_user(self) -> String {
        let user = || {
            let (scheme, credentials) = self.header(AUTHORIZATION.as_str()).split_once(' ')?;
            let decoded = STANDARD.decode(credentials.trim()).ok()?;
            let decoded = String::from_utf8(decoded).ok()?;
            let (user, _) = decoded.split_once(':')?;
            scheme.eq_ignore_ascii_case("basic").then(|| user.to_owned())
        };
        user().unwrap_or_default()
    }

    /// The URL as the sender wrote it.
    pub(crate) fn url(self) -> String {
        let scheme = if self.header("x-scheme") == "https" {
            "https"
        } else {
            "http"
        };
        let uri = self
            .0
            .extensions
            .get()
            .map_or(&self.0.uri, |OriginalUri(uri)| uri);
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        format!("{scheme}://{}{target}", self.header(HOST.as_str()))
    }
}
