//! Which commands a session admits, and when.

use std::sync::Arc;

use nsq_core::Topic;
use nsq_protocol::client_error::ClientError;
use nsq_protocol::command::{Admission, Admit, AdmitMpub, Verb};
use nsq_protocol::name::TopicRef;
use nsq_runtime::Moment;

use super::Stage;
use super::auth::{Login, Permission};
use crate::daemon::Nsqd;

/// The session's answer to a command whose parameters have not been looked at.
///
/// | command | Init | Subscribed | Closing |
/// |---|---|---|---|
/// | IDENTIFY, AUTH, SUB | yes | fatal | fatal |
/// | RDY | fatal | yes | ignored |
/// | FIN, REQ, TOUCH | fatal | yes | yes |
/// | CLS | fatal | yes | fatal |
/// | PUB, MPUB, DPUB, NOP | yes | yes | yes |
pub(super) struct Gate<'a> {
    pub(super) nsqd: &'a Nsqd,
    pub(super) stage: &'a Stage,
    /// TLS is required and the connection has none.
    pub(super) tls_missing: bool,
    pub(super) heartbeats: bool,
    pub(super) login: Option<&'a mut Login>,
    pub(super) now: Moment,
    pub(super) topic: &'a mut Option<Arc<Topic>>,
}

impl Admission for Gate<'_> {
    #[inline]
    fn admit(&mut self, verb: Option<Verb>, name: &[u8]) -> Result<Admit, ClientError> {
        if self.tls_missing && verb != Some(Verb::Identify) {
            return Err(ClientError::tls_required(name));
        }
        let Some(verb) = verb else {
            return Ok(Admit::Proceed);
        };
        let admitted = match (verb, self.stage) {
            (Verb::Pub | Verb::Mpub | Verb::Dpub | Verb::Nop, _) => true,
            (Verb::Rdy, Stage::Closing(_)) => return Ok(Admit::Ignore),
            (Verb::Identify | Verb::Auth | Verb::Sub, stage) => matches!(stage, Stage::Magic | Stage::Init),
            (Verb::Rdy | Verb::Cls, stage) => matches!(stage, Stage::Subscribed(_)),
            (Verb::Fin | Verb::Req | Verb::Touch, stage) => {
                matches!(stage, Stage::Subscribed(_) | Stage::Closing(_))
            }
        };
        if !admitted {
            return Err(ClientError::wrong_state(verb));
        }
        if verb == Verb::Sub && !self.heartbeats {
            return Err(ClientError::heartbeats_disabled());
        }
        Ok(Admit::Proceed)
    }

    fn admit_mpub(&mut self, topic: TopicRef<'_>) -> Result<AdmitMpub, ClientError> {
        if self.nsqd.authorizer().is_some()
            && Login::publish(self.login.as_deref_mut(), Verb::Mpub, topic, self.now)? == Permission::Expired
        {
            return Ok(AdmitMpub::Postpone);
        }
        // As upstream, the topic exists from here on, whatever the body turns out to be.
        *self.topic = Some(self.nsqd.topic_for(topic, self.topic.as_ref()));
        Ok(AdmitMpub::Proceed)
    }
}
