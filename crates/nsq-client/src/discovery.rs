//! Asking nsqlookupd where a topic is.
//!
//! All nsqlookupds are asked at once, and what any of them knows counts. An nsqd that is missing from the
//! answers is not disconnected: it may only have lost its nsqlookupd.
//!
//! Upstream: go-nsq consumer.go, `lookupdLoop`, `queryLookupd`; `api_request.go`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use nsq_http::header::{AUTHORIZATION, HeaderValue};
use nsq_http::{Client, ClientRequest, StatusCode};
use nsq_net::HostPort;
use serde::Deserialize;

use crate::conn::Dialer;
use crate::consumer::Shared;
use crate::random::Random;
use crate::retry::Retry;
use crate::{Config, Error, Event};

/// Answers above this are refused: a hundred thousand producers of one topic fit.
const REPLY_SIZE_MAX: usize = 64 * 1024 * 1024;

/// How often an nsqlookupd is asked before the next poll. Upstream: go-nsq consumer.go.
const TRIES_MAX: usize = 3;

/// Time between two polls, however often connections are lost.
const SPACING: Duration = Duration::from_millis(100);

/// An address of an nsqlookupd, made into what is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lookupd {
    /// As it was given.
    pub(crate) address: String,
    /// Scheme, host, port and path.
    base: String,
    /// Its own parameters, without the question mark.
    query: String,
}

impl Lookupd {
    /// Takes `host:port` or a URL. `path` is asked if it has none of its own.
    pub(crate) fn parse(address: &str, path: &str) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::InvalidAddress(format!("{reason}: {address}"));
        let url = if address.contains("://") {
            address.to_owned()
        } else {
            // What is no URL has to name its port.
            HostPort::parse(address).map_err(|error| Error::InvalidAddress(error.to_string()))?;
            format!("http://{address}")
        };
        let (url, query) = url.split_once('?').unwrap_or((&url, ""));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("not a URL"))?;
        let (authority, own_path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if authority.is_empty() {
            return Err(invalid("no host"));
        }
        let path = if own_path.len() > 1 { own_path } else { path };
        Ok(Self {
            address: address.to_owned(),
            base: format!("{scheme}://{authority}{path}"),
            query: query.to_owned(),
        })
    }

    /// Whether both ask the same of the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.base == other.base && self.query == other.query
    }

    /// What is asked, with one more parameter, whose value needs no escapes.
    fn url(&self, parameter: Option<(&str, &str)>) -> String {
        let Self { base, query, .. } = self;
        match parameter {
            None if query.is_empty() => base.clone(),
            None => format!("{base}?{query}"),
            Some((name, value)) => {
                // The one character of a topic name that means something in a URL.
                let value = value.replace('#', "%23");
                let separator = if query.is_empty() { "" } else { "&" };
                format!("{base}?{query}{separator}{name}={value}")
            }
        }
    }
}

/// An nsqd as nsqlookupd knows it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ProducerInfo {
    broadcast_address: String,
    tcp_port: u16,
}

/// The answer to `/lookup` and `/nodes`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    producers: Option<Vec<ProducerInfo>>,
    /// Old versions put the answer in here.
    data: Option<Wrapped>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wrapped {
    producers: Option<Vec<ProducerInfo>>,
}

/// Asks nsqlookupds.
#[derive(Debug)]
pub(crate) struct Asker {
    http: Client,
    authorization: Option<HeaderValue>,
}

impl Asker {
    pub(crate) fn new(dialer: &Dialer) -> Self {
        let Config {
            lookupd_poll_timeout,
            lookupd_authorization,
            auth_secret,
            ..
        } = &dialer.config;
        let http = Client::new(dialer.clock.clone(), *lookupd_poll_timeout, *lookupd_poll_timeout)
            .with_reply_size_max(REPLY_SIZE_MAX)
            .with_tls(dialer.tls.clone());
        let sends_secret = *lookupd_authorization && !auth_secret.is_empty();
        let authorization = sends_secret.then(|| HeaderValue::from_str(&format!("Bearer {auth_secret}")));
        Self {
            http,
            // A secret that no header can hold is not sent.
            authorization: authorization.and_then(Result::ok),
        }
    }

    /// The nsqds that a lookupd knows, as `host:port`.
    pub(crate) async fn ask(
        &self,
        lookupd: &Lookupd,
        parameter: Option<(&str, &str)>,
    ) -> Result<Vec<String>, Failure> {
        let url = lookupd.url(parameter);
        tracing::debug!("querying nsqlookupd {url}");
        let mut request = ClientRequest::get(&url);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let reply = self.http.send(request).await.map_err(Failure::Http)?;
        if reply.status != StatusCode::OK {
            return Err(Failure::Status(reply.status, reply.body));
        }
        if reply.body.is_empty() {
            return Ok(Vec::new());
        }
        let answer: Answer = serde_json::from_slice(&reply.body).map_err(Failure::Json)?;
        let producers = match answer {
            Answer {
                producers: Some(producers),
                ..
            } => producers,
            Answer { data, .. } => data.and_then(|data| data.producers).unwrap_or_default(),
        };
        let address = |info: ProducerInfo| HostPort::new(info.broadcast_address, info.tcp_port).to_string();
        Ok(producers.into_iter().map(address).collect())
    }

    /// Asks all of `lookupds` at once. Those that fail are given to `on_failure`.
    pub(crate) async fn ask_all(
        &self,
        lookupds: &[Lookupd],
        parameter: Option<(&str, &str)>,
        on_failure: impl Fn(&Lookupd, Failure),
    ) -> Vec<String> {
        let asking = lookupds.iter().map(|lookupd| async {
            let mut answer = self.ask(lookupd, parameter).await;
            for _ in 1..TRIES_MAX {
                match &answer {
                    // It has answered, and would answer the same again.
                    Ok(_) | Err(Failure::Status(..)) => break,
                    Err(_) => answer = self.ask(lookupd, parameter).await,
                }
            }
            answer
        });
        let mut found = Vec::new();
        for (lookupd, answer) in lookupds.iter().zip(join_all(asking).await) {
            match answer {
                Ok(addresses) => found.extend(addresses),
                Err(failure) => on_failure(lookupd, failure),
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Why an nsqlookupd has not told anything.
#[derive(Debug)]
pub(crate) enum Failure {
    Http(nsq_http::ClientError),
    Status(StatusCode, bytes::Bytes),
    Json(serde_json::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => error.fmt(f),
            Self::Status(status, body) => {
                write!(f, "got response {status} {:?}", String::from_utf8_lossy(body))
            }
            Self::Json(error) => error.fmt(f),
        }
    }
}

/// Polls until the consumer stops: once at once, then after a random part of the interval, then at every
/// interval; and before its time when a connection was lost, or an nsqd that was found could not be reached.
pub(crate) async fn run(shared: Arc<Shared>) {
    let asker = Asker::new(&shared.dialer);
    let mut pace = Pace::new(&shared);
    tokio::select! {
        () = async {
            loop {
                poll(&shared, &asker).await;
                pace.wait().await;
            }
        } => {}
        () = shared.stop.triggered() => {}
    }
}

/// When to poll next.
struct Pace<'a> {
    shared: &'a Shared,
    /// How long to wait if nothing happens.
    interval: Duration,
    /// Puts off polls for an nsqd that cannot be reached: it may be starting, or be gone for good.
    retry: Retry,
}

impl<'a> Pace<'a> {
    fn new(shared: &'a Shared) -> Self {
        let Config {
            lookupd_poll_interval,
            lookupd_poll_jitter,
            ..
        } = shared.dialer.config;
        Self {
            shared,
            interval: lookupd_poll_interval.mul_f64(lookupd_poll_jitter * Random::new().fraction()),
            retry: Retry::up_to(lookupd_poll_interval),
        }
    }

    async fn wait(&mut self) {
        let Shared {
            dialer,
            poll_now,
            unreachable,
            ..
        } = self.shared;
        let clock = &dialer.clock;
        let earliest = clock.now() + SPACING.min(self.interval);
        let mut due = clock.now() + self.interval;
        self.interval = dialer.config.lookupd_poll_interval;
        let mut all_reached = true;
        loop {
            tokio::select! {
                () = clock.sleep_until(due) => break,
                () = poll_now.notified() => due = due.min(earliest.max(clock.now())),
                () = unreachable.notified() => {
                    all_reached = false;
                    due = due.min(clock.now() + self.retry.wait());
                }
            }
        }
        if all_reached {
            self.retry.reset();
        }
    }
}

async fn poll(shared: &Arc<Shared>, asker: &Asker) {
    let lookupds = shared.lookupds();
    let parameter = Some(("topic", shared.topic.as_str()));
    let mut found = asker
        .ask_all(&lookupds, parameter, |lookupd, failure| {
            tracing::error!(
                "{} error querying nsqlookupd ({}) - {failure}",
                shared.prefix(),
                lookupd.address
            );
            shared.emit(&Event::LookupFailed {
                nsqlookupd: lookupd.address.clone(),
                reason: failure.to_string(),
            });
        })
        .await;
    if let Some(filter) = &shared.hooks.discovery_filter {
        found = filter(found);
    }
    for address in found {
        // Those that are connected already are no news.
        let _ = shared.connect(&address);
    }
}
