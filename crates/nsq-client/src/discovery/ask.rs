//! One question to one nsqlookupd.

use std::fmt;

use nsq_http::header::{AUTHORIZATION, HeaderValue};
use nsq_http::{Client, ClientRequest, StatusCode};
use nsq_net::HostPort;
use serde::Deserialize;

use super::Lookupd;
use crate::Config;
use crate::conn::Dialer;

/// Answers above this are refused: a hundred thousand producers of one topic fit.
const REPLY_SIZE_MAX: usize = 64 * 1024 * 1024;

/// How often an nsqlookupd is asked before the next poll. Upstream: go-nsq consumer.go.
const TRIES_MAX: usize = 3;

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
    async fn ask(&self, lookupd: &Lookupd, parameter: Option<(&str, &str)>) -> Result<Vec<String>, Failure> {
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

    /// As [`ask`](Self::ask), and again if there is no answer.
    pub(super) async fn ask_patiently(
        &self,
        lookupd: &Lookupd,
        parameter: Option<(&str, &str)>,
    ) -> Result<Vec<String>, Failure> {
        let mut answer = self.ask(lookupd, parameter).await;
        for _ in 1..TRIES_MAX {
            match &answer {
                // It has answered, and would answer the same again.
                Ok(_) | Err(Failure::Status(..)) => break,
                Err(_) => answer = self.ask(lookupd, parameter).await,
            }
        }
        answer
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
