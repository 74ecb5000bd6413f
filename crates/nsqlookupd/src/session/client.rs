//! What a peer's commands do, and what they are answered.

use std::sync::Arc;
use std::time::Duration;

use nsq_net::Peer;
use nsq_protocol::client_error::ClientError;
use nsq_protocol::error_code::ErrorCode;
use nsq_protocol::lookup::{LookupCommand, put_reply};
use nsq_runtime::Shutdown;

use super::registrant::Registrant;
use crate::daemon::Lookupd;

const OK: &[u8] = b"OK";

/// The peer of one session. Commands are executed at once; their answers wait here until they are taken.
pub(super) struct Client {
    lookupd: Arc<Lookupd>,
    peer: Peer,
    /// There is one from IDENTIFY on.
    registrant: Option<Registrant>,
    answers: Vec<u8>,
    stop: Shutdown,
}

impl Client {
    pub(super) fn new(lookupd: Arc<Lookupd>, peer: Peer, stop: Shutdown) -> Self {
        Self {
            lookupd,
            peer,
            registrant: None,
            answers: Vec::new(),
            stop,
        }
    }

    pub(super) fn peer(&self) -> Peer {
        self.peer
    }

    pub(super) fn silence_max(&self) -> Duration {
        self.lookupd.silence_max
    }

    /// The answers to what has been executed, in order.
    pub(super) fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answers)
    }

    /// Gives up everything that was registered.
    pub(super) async fn withdraw(self) {
        if let Some(registrant) = self.registrant {
            registrant.withdraw().await;
        }
    }

    pub(super) fn execute(&mut self, command: LookupCommand<'_>) {
        let answered = match (command, &self.registrant) {
            (LookupCommand::Identify(info), _) => {
                let (lookupd, stop) = (Arc::clone(&self.lookupd), self.stop.clone());
                self.registrant = Some(Registrant::new(lookupd, self.peer, info, stop));
                return put_reply(&mut self.answers, &self.lookupd.identify_reply);
            }
            (LookupCommand::Ping, Some(registrant)) => {
                registrant.ping();
                Ok(())
            }
            (LookupCommand::Register { topic, channel }, Some(registrant)) => {
                registrant.register(topic, channel)
            }
            (LookupCommand::Unregister { topic, channel }, Some(registrant)) => {
                registrant.unregister(topic, channel);
                Ok(())
            }
            // A PING, which may come first and means nothing then; the decoder refuses the others.
            (_, None) => Ok(()),
        };
        match answered {
            Ok(()) => put_reply(&mut self.answers, OK),
            Err(full) => {
                // The connection stays: losing it would cost the producer what it has registered.
                tracing::warn!("client({}) REGISTER refused - {full}", self.peer);
                let error = ClientError::new(ErrorCode::Invalid, format!("REGISTER {full}"));
                put_reply(&mut self.answers, error.text());
            }
        }
    }
}
