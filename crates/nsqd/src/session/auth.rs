//! AUTH, and what a client may do after it.
//!
//! A grant is looked at when a command publishes or subscribes, never in between. If it has expired by then,
//! the command stays where it is in the input, the server is asked again, and the command is decoded anew.
//! Deliveries and heartbeats go on meanwhile.
//!
//! Upstream: `nsqd/protocol_v2.go`, `AUTH` and `CheckAuth`.

use std::sync::Arc;

use nsq_auth::{Question, Secret};
use nsq_protocol::auth::AuthResponse;
use nsq_protocol::client_error::ClientError;
use nsq_protocol::command::{Command, Verb};
use nsq_protocol::frame;
use nsq_protocol::name::{ChannelRef, TopicName, TopicRef};
use nsq_runtime::Moment;

use super::execute::Completion;
use super::{End, Session};
use crate::auth::{AuthFailure, Grant};

/// What a client was granted, and what for.
pub(super) struct Login {
    /// What it presented, for when it expires.
    secret: Secret,
    grant: Grant,
    /// The topic that the grant was last asked about and open to publishing: mostly it is the next, too.
    publishes_to: Option<TopicName>,
}

/// Whether a command is permitted, if that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    Granted,
    /// What was granted has expired: only the server knows.
    Expired,
}

impl Login {
    /// Whether `verb` may publish to `topic`.
    pub(super) fn publish(
        login: Option<&mut Self>,
        verb: Verb,
        topic: TopicRef<'_>,
        now: Moment,
    ) -> Result<Permission, ClientError> {
        let login = login.ok_or_else(|| ClientError::auth_first(verb))?;
        if login.grant.expires_at <= now {
            return Ok(Permission::Expired);
        }
        if login
            .publishes_to
            .as_ref()
            .is_some_and(|open| open.as_str() == topic.as_str())
        {
            return Ok(Permission::Granted);
        }
        if !login.grant.rules.allow_publish(topic.as_str()) {
            return Err(ClientError::unauthorized(verb, topic, None));
        }
        login.publishes_to = Some(topic.to_owned());
        Ok(Permission::Granted)
    }

    /// Whether SUB may consume `channel` of `topic`.
    fn subscribe(
        login: Option<&mut Self>,
        topic: TopicRef<'_>,
        channel: ChannelRef<'_>,
        now: Moment,
    ) -> Result<Permission, ClientError> {
        let login = login.ok_or_else(|| ClientError::auth_first(Verb::Sub))?;
        if login.grant.expires_at <= now {
            return Ok(Permission::Expired);
        }
        if !login
            .grant
            .rules
            .allow_subscribe(topic.as_str(), channel.as_str())
        {
            return Err(ClientError::unauthorized(Verb::Sub, topic, Some(channel)));
        }
        Ok(Permission::Granted)
    }
}

impl Session {
    /// Begins to ask who has this secret.
    pub(super) fn auth(&mut self, secret: &[u8]) -> Result<(), ClientError> {
        if self.login.is_some() {
            return Err(ClientError::auth_already_set());
        }
        self.ask(Secret::new(secret))
    }

    /// Whether `command` is permitted; if not now, it will be known once the pending question is answered.
    /// An MPUB has been let in by the gate.
    pub(super) fn permits(&mut self, command: &Command<'_>) -> Result<bool, ClientError> {
        if self.nsqd.authorizer().is_none() {
            return Ok(true);
        }
        let (login, now) = (self.login.as_deref_mut(), self.now);
        let permission = match *command {
            Command::Pub { topic, .. } => Login::publish(login, Verb::Pub, topic, now)?,
            Command::Dpub { topic, .. } => Login::publish(login, Verb::Dpub, topic, now)?,
            Command::Sub { topic, channel } => Login::subscribe(login, topic, channel, now)?,
            _ => Permission::Granted,
        };
        if permission == Permission::Expired {
            self.renew_login()?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Begins to ask again what the client may do.
    pub(super) fn renew_login(&mut self) -> Result<(), ClientError> {
        match &self.login {
            Some(login) => self.ask(login.secret.clone()),
            None => Ok(()),
        }
    }

    fn ask(&mut self, secret: Secret) -> Result<(), ClientError> {
        let authorizer = self.nsqd.authorizer().ok_or_else(ClientError::auth_disabled)?;
        let authorizer = Arc::clone(authorizer);
        let question = self.question(secret);
        self.later = Some(Box::pin(async move {
            let outcome = authorizer.ask(&question).await;
            Completion::Asked {
                secret: question.secret,
                outcome,
            }
        }));
        Ok(())
    }

    fn question(&self, secret: Secret) -> Question {
        let common_name = self.client.details().tls.and_then(|tls| tls.peer_common_name);
        let ip = self.client.peer().ip();
        Question {
            common_name: common_name.unwrap_or_default(),
            remote_ip: ip.map_or_else(String::new, |ip| ip.to_string()),
            secret,
            tls: self.has_tls,
        }
    }

    /// Takes up what the servers said.
    pub(super) fn on_answer(
        &mut self,
        secret: Secret,
        outcome: Result<Grant, AuthFailure>,
    ) -> Result<(), End> {
        let grant = outcome.map_err(|failure| {
            let peer = self.client.peer();
            tracing::warn!("PROTOCOL(V2): [{peer}] AUTH failed {failure}");
            ClientError::auth_failed().with_cause(failure)
        })?;
        if self.login.is_none() {
            if grant.permission_count == 0 {
                return Err(ClientError::no_authorizations().into());
            }
            let response = AuthResponse {
                identity: grant.identity.clone(),
                identity_url: grant.identity_url.clone(),
                permission_count: i64::try_from(grant.permission_count).unwrap_or(i64::MAX),
            };
            frame::put_response(self.output.buffer(), &response.to_json());
        }
        self.client.update(|details| {
            details.authed = grant.permission_count > 0;
            details.auth_identity.clone_from(&grant.identity);
            details.auth_identity_url.clone_from(&grant.identity_url);
        });
        self.login = Some(Box::new(Login {
            secret,
            grant,
            publishes_to: None,
        }));
        Ok(())
    }
}
