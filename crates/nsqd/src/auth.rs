//! Asking authorization servers what a client may do.
//!
//! A session asks at AUTH, and again when what it was told has expired. Nothing is shared between
//! connections but the compiled form of equal answers.
//!
//! Whatever a server does, it cannot let anyone in by failing: only a complete and valid answer grants
//! anything, and time, size and patterns of an answer are bounded. Failures are told to the log, which never
//! sees a secret, and not to clients.
//!
//! Upstream: internal/auth/authorizations.go.

mod failure;
mod pool;
mod redirect;
mod server;

pub(crate) use failure::AuthFailure;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nsq_auth::{Answer, Question, Rules};
use nsq_http::{Client, ClientReply, StatusCode};
use nsq_runtime::{Clock, Moment};

use crate::options::{AuthMethod, Options};
use crate::tls::Tls;
use failure::Cause;
use pool::RulesPool;
use server::Server;

/// The longest answer. A thousand authorizations take a tenth of it.
const ANSWER_SIZE_MAX: usize = 1024 * 1024;

/// The longest name and the longest URL of an identity: they are kept for each connection, and shown in its
/// statistics.
const IDENTITY_LEN_MAX: usize = 4096;

/// Go's limit.
const REDIRECTS_MAX: usize = 10;

/// The authorization servers of this nsqd.
#[derive(Debug)]
pub(crate) struct Authorizer {
    servers: Vec<Server>,
    method: AuthMethod,
    client: Client,
    clock: Clock,
    /// For all that one server is asked.
    timeout: Duration,
    /// Counts questions: each begins at another server.
    turn: AtomicUsize,
    pool: RulesPool,
}

/// What a server has granted to one connection.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// Who the client is, for people to read.
    pub(crate) identity: String,
    /// A page about that identity.
    pub(crate) identity_url: String,
    /// How many authorizations there are; none let the client do nothing at all.
    pub(crate) permission_count: usize,
    /// What they allow.
    pub(crate) rules: Arc<Rules>,
    /// From here on the server has to be asked again.
    pub(crate) expires_at: Moment,
}

impl Authorizer {
    /// The servers in `options`; `None` if clients need no authorization. `tls` decides which of those behind
    /// `https` are trusted.
    pub(crate) fn new(options: &Options, tls: &Tls, clock: &Clock) -> Option<Self> {
        if options.auth_http_addresses.is_empty() {
            return None;
        }
        let timeout = options.http_client_request_timeout;
        let client = Client::new(clock.clone(), options.http_client_connect_timeout, timeout);
        Some(Self {
            servers: options
                .auth_http_addresses
                .iter()
                .map(|it| Server::new(it))
                .collect(),
            method: options.auth_http_request_method,
            client: client
                .with_reply_size_max(ANSWER_SIZE_MAX)
                .with_tls(tls.connector().clone()),
            clock: clock.clone(),
            timeout,
            // Several nsqds that are started together shall not all begin at the same server.
            turn: AtomicUsize::new(usize::from(options.node_id)),
            pool: RulesPool::default(),
        })
    }

    /// Asks one server after the other until one answers validly. Each is asked once.
    ///
    /// Upstream begins at a random server.
    ///
    /// # Errors
    /// None did.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the question.
    pub(crate) async fn ask(&self, question: &Question) -> Result<Grant, AuthFailure> {
        let mut failure = AuthFailure::default();
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.servers.len().max(1);
        let (before, from) = self.servers.split_at(first);
        for server in from.iter().chain(before) {
            let asked = tokio::select! {
                asked = self.ask_one(server, question) => asked,
                () = self.clock.sleep(self.timeout) => Err(Cause::TimedOut),
            };
            match asked {
                Ok(grant) => return Ok(grant),
                Err(cause) => failure.add(server, &cause, &question.secret),
            }
        }
        Err(failure)
    }

    async fn ask_one(&self, server: &Server, question: &Question) -> Result<Grant, Cause> {
        let reply = self.exchange(server, question).await?;
        if reply.status != StatusCode::OK {
            return Err(Cause::Status {
                status: reply.status,
                body: reply.body,
            });
        }
        let answer = Answer::from_json(&reply.body).map_err(Cause::Answer)?;
        for text in [&answer.identity, &answer.identity_url] {
            if text.len() > IDENTITY_LEN_MAX {
                return Err(Cause::Identity(text.len()));
            }
        }
        Ok(Grant {
            permission_count: answer.authorizations.len(),
            rules: self.pool.rules(answer.authorizations).map_err(Cause::Rules)?,
            identity: answer.identity,
            identity_url: answer.identity_url,
            expires_at: self.clock.now() + Duration::from_secs(answer.ttl_s),
        })
    }

    /// Sends the question, wherever the server redirects it to.
    async fn exchange(&self, server: &Server, question: &Question) -> Result<ClientReply, Cause> {
        let mut message = server.message(self.method, question).map_err(Cause::Question)?;
        for _ in 0..=REDIRECTS_MAX {
            let reply = self.client.send(message.request()).await.map_err(Cause::Http)?;
            match redirect::follow(message, &reply)? {
                Some(next) => message = next,
                None => return Ok(reply),
            }
        }
        Err(Cause::Redirects)
    }
}

#[cfg(test)]
mod tests;
