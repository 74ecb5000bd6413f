//! What each command does.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nsq_auth::Secret;
use nsq_core::{
    AnswerError, ConsumerOptions, Guid, PublishError, Receipt, SubscribeError, Subscription, Topic,
};
use nsq_protocol::client_error::ClientError;
use nsq_protocol::command::{Command, DecodeError, Decoded, MpubBodies, Verb};
use nsq_protocol::frame;
use nsq_protocol::identify::IdentifyRequest;
use nsq_protocol::message::MessageId;
use nsq_protocol::name::{ChannelName, ChannelRef, TopicName, TopicRef};

use super::gate::Gate;
use super::scratch::Scratch;
use super::unsettled::Unsettled;
use super::upgrade::Upgrade;
use super::{End, Session, Stage, log_error};
use crate::auth::{AuthFailure, Grant};
use crate::client::ClientState;

/// An ephemeral topic or channel that is just being removed is waited for this long, once. Upstream:
/// `nsqd/protocol_v2.go`, `SUB`.
const REMOVAL_PATIENCE: Duration = Duration::from_millis(100);
const SUB_TRIES_MAX: u32 = 2;

/// Consecutive PUBs to one topic, which are published together.
struct Run {
    topic: Arc<Topic>,
}

/// How work ended that a command had begun.
pub(super) enum Completion {
    /// The authorization servers have been asked.
    Asked {
        secret: Secret,
        outcome: Result<Grant, AuthFailure>,
    },
    /// A removal should be over by now.
    TrySubAgain {
        topic: TopicName,
        channel: ChannelName,
        tries: u32,
    },
}

impl Session {
    /// Executes the commands at the front of `received`, as far as they are complete and need not wait.
    /// Returns how many bytes were consumed. `shared` is the same buffer, if its bodies can be shared.
    pub(super) fn execute(
        &mut self,
        received: &[u8],
        shared: Option<&Bytes>,
        scratch: &mut Scratch,
    ) -> Result<usize, End> {
        // What came may be younger than the poll that read it: a delay that a command asks for must not end
        // early.
        self.now = self.nsqd.clock().now();
        let mut consumed = 0;
        if matches!(self.stage, Stage::Magic) {
            consumed = self.check_magic(received)?;
            if consumed == 0 {
                return Ok(0);
            }
        }
        let mut run: Option<Run> = None;
        self.needed = 0;
        while self.accepts_commands() {
            let rest = received.get(consumed..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let mut gate = Gate {
                nsqd: &self.nsqd,
                stage: &self.stage,
                tls_missing: self.nsqd.requires_tls() && !self.has_tls,
                heartbeats: self.settings.heartbeat_interval.is_some(),
                login: self.login.as_deref_mut(),
                now: self.now,
                topic: &mut self.topic,
            };
            let decoded = self.decoder.decode(rest, &mut gate);
            if let Ok(Decoded::Command {
                command: command @ Command::Pub { topic, body },
                consumed: len,
            }) = decoded
            {
                if run
                    .as_ref()
                    .is_none_or(|run| run.topic.name().as_str() != topic.as_str())
                {
                    self.end_run(run.take(), scratch)?;
                    if self.later.is_some() {
                        break;
                    }
                    if !self.permits(&command)? {
                        break;
                    }
                    let topic = self.nsqd.topic_for(topic, self.topic.as_ref());
                    self.topic = Some(Arc::clone(&topic));
                    run = Some(Run { topic });
                }
                self.log_command(Verb::Pub, topic.as_str());
                scratch.intake.push(body, rest.len(), shared);
                consumed += len;
                self.command_at = self.now;
                continue;
            }
            // Answers keep the order of the commands: what was published before is answered before.
            self.end_run(run.take(), scratch)?;
            if self.later.is_some() {
                break;
            }
            match decoded {
                Ok(Decoded::NeedMore { total }) => {
                    self.needed = total;
                    break;
                }
                Ok(Decoded::Ignored { consumed: len }) => {
                    let peer = self.client.peer();
                    tracing::info!(
                        "PROTOCOL(V2): [{peer}] ignoring RDY after CLS in state ClientStateV2Closing"
                    );
                    consumed += len;
                }
                Ok(Decoded::Command { command, .. })
                    if !self.unsettled.is_empty() && !is_publish(&command) =>
                {
                    // It may have an answer, which must not overtake those of what was published before.
                    self.unsettled.holds_back = true;
                    break;
                }
                Ok(Decoded::Command {
                    command,
                    consumed: len,
                }) => {
                    if !self.permits(&command)? {
                        break;
                    }
                    self.command(command, shared, scratch)?;
                    consumed += len;
                }
                Ok(Decoded::Postponed) => {
                    self.renew_login()?;
                    break;
                }
                Err(DecodeError::Client(error)) => return Err(error.into()),
                Err(DecodeError::LineTooLong) => {
                    return Err(End::Failed(
                        "failed to read command - bufio: buffer full".to_owned(),
                    ));
                }
            }
            self.command_at = self.now;
        }
        self.end_run(run, scratch)?;
        Ok(consumed)
    }

    /// Takes up what a command had begun.
    pub(super) fn complete(&mut self, completion: Completion) -> Result<(), End> {
        match completion {
            Completion::Asked { secret, outcome } => self.on_answer(secret, outcome),
            Completion::TrySubAgain {
                topic,
                channel,
                tries,
            } => self.sub(topic, channel, tries),
        }
    }

    fn command(
        &mut self,
        command: Command<'_>,
        shared: Option<&Bytes>,
        scratch: &mut Scratch,
    ) -> Result<(), End> {
        match command {
            Command::Fin { id } => self.fin(id),
            Command::Rdy { count } => self.rdy(count),
            Command::Mpub { topic, bodies } => self.mpub(topic, bodies, shared, scratch)?,
            Command::Pub { topic, body } => {
                let topic = self.nsqd.topic_for(topic, self.topic.as_ref());
                scratch.intake.push(body, body.len(), shared);
                self.end_run(Some(Run { topic }), scratch)?;
            }
            Command::Dpub {
                topic,
                defer_ms,
                body,
            } => self.dpub(topic, defer_ms, body)?,
            Command::Req { id, timeout_ms } => self.req(id, timeout_ms),
            Command::Touch { id } => self.touch(id),
            Command::Nop => self.log_command(Verb::Nop, ""),
            Command::Cls => self.cls(),
            Command::Sub { topic, channel } => {
                self.log_command(Verb::Sub, topic.as_str());
                self.sub_by_ref(topic, channel)?;
            }
            Command::Identify { body } => self.identify(body)?,
            Command::Auth { secret } => {
                self.log_command(Verb::Auth, "");
                self.auth(secret)?;
            }
        }
        Ok(())
    }

    fn end_run(&mut self, run: Option<Run>, scratch: &mut Scratch) -> Result<(), End> {
        match run {
            Some(Run { topic }) => self.publish(Verb::Pub, &topic, scratch),
            None => Ok(()),
        }
    }

    fn mpub(
        &mut self,
        topic: TopicRef<'_>,
        bodies: MpubBodies<'_>,
        shared: Option<&Bytes>,
        scratch: &mut Scratch,
    ) -> Result<(), End> {
        self.log_command(Verb::Mpub, topic.as_str());
        let mut to_come = bodies.body_bytes();
        for body in bodies {
            scratch.intake.push(body, to_come, shared);
            to_come -= body.len();
        }
        let topic = self.nsqd.topic_for(topic, self.topic.as_ref());
        self.publish(Verb::Mpub, &topic, scratch)
    }

    /// Publishes what has been taken in.
    fn publish(&mut self, verb: Verb, topic: &Arc<Topic>, scratch: &mut Scratch) -> Result<(), End> {
        let count = scratch.intake.len();
        let bytes = scratch.intake.body_bytes();
        let receipt = topic.publish(scratch.intake.drain()).map_err(|error| {
            // The next publish asks for the topic anew: it may have been deleted and made again.
            self.topic = None;
            publish_failed(verb, &error)
        })?;
        self.receive(verb, topic, (count, bytes), receipt);
        Ok(())
    }

    fn dpub(&mut self, topic: TopicRef<'_>, defer_ms: u64, body: &[u8]) -> Result<(), End> {
        self.log_command(Verb::Dpub, topic.as_str());
        let topic = self.nsqd.topic_for(topic, self.topic.as_ref());
        let defer_ms = u32::try_from(defer_ms).unwrap_or(u32::MAX);
        let receipt = if defer_ms == 0 {
            topic.publish(std::iter::once(Bytes::copy_from_slice(body)))
        } else {
            topic.publish_deferred(Bytes::copy_from_slice(body), defer_ms)
        };
        let receipt = receipt.map_err(|error| {
            self.topic = None;
            publish_failed(Verb::Dpub, &error)
        })?;
        self.receive(Verb::Dpub, &topic, (1, body.len()), receipt);
        Ok(())
    }

    /// Answers a publish of so many messages and bytes: now, if they are safe and nothing before it waits.
    fn receive(&mut self, verb: Verb, topic: &Arc<Topic>, (count, bytes): (usize, usize), receipt: Receipt) {
        if receipt.is_settled() && self.unsettled.is_empty() {
            self.published(topic, count, answers(verb, count));
            return;
        }
        let nsqd = Arc::clone(&self.nsqd);
        self.unsettled.push(Unsettled {
            verb,
            topic: Arc::clone(topic),
            count,
            bytes,
            outcome: Box::pin(async move { nsqd.settle(receipt).await }),
        });
    }

    /// Answers a publish that has waited.
    pub(super) fn settled(
        &mut self,
        publish: &Unsettled,
        outcome: Result<(), PublishError>,
    ) -> Result<(), End> {
        outcome.map_err(|error| publish_failed(publish.verb, &error))?;
        self.published(
            &publish.topic,
            publish.count,
            answers(publish.verb, publish.count),
        );
        Ok(())
    }

    fn published(&mut self, topic: &Topic, count: usize, answers: usize) {
        self.client.count_published(topic.name(), count as u64);
        for _ in 0..answers {
            self.output.buffer().extend_from_slice(frame::OK_FRAME);
        }
    }

    fn sub_by_ref(&mut self, topic: TopicRef<'_>, channel: ChannelRef<'_>) -> Result<(), End> {
        self.sub(topic.to_owned(), channel.to_owned(), 1)
    }

    fn sub(&mut self, topic_name: TopicName, channel_name: ChannelName, tries: u32) -> Result<(), End> {
        let topic = self.nsqd.topic(topic_name.as_name_ref());
        let options = ConsumerOptions {
            msg_timeout: self.settings.msg_timeout,
            sample_rate: u8::try_from(self.settings.sample_rate).unwrap_or(0),
            locality: self.nsqd.locality_of(&self.client.details()),
        };
        let subscribed = match topic.channel_or_create(&channel_name) {
            Ok((channel, _)) => channel
                .subscribe(self.client.id(), options)
                .map(|subscription| (channel, subscription)),
            Err(_) => Err(SubscribeError::Exiting),
        };
        match subscribed {
            Ok((channel, subscription)) => {
                self.stage = Stage::Subscribed(subscription);
                self.client.update(|details| {
                    details.state = ClientState::Subscribed;
                    details.channel = Some(channel);
                });
                frame::put_response(self.output.buffer(), frame::OK);
                Ok(())
            }
            Err(SubscribeError::Exiting) if topic_name.is_ephemeral() || channel_name.is_ephemeral() => {
                if tries == SUB_TRIES_MAX {
                    return Err(ClientError::sub_failed("to deleted topic/channel").into());
                }
                let clock = self.nsqd.clock().clone();
                self.later = Some(Box::pin(async move {
                    clock.sleep(REMOVAL_PATIENCE).await;
                    Completion::TrySubAgain {
                        topic: topic_name,
                        channel: channel_name,
                        tries: tries + 1,
                    }
                }));
                Ok(())
            }
            Err(error) => Err(ClientError::sub_failed(error).into()),
        }
    }

    fn rdy(&mut self, count: u64) {
        if let Stage::Subscribed(subscription) = &mut self.stage {
            subscription.set_ready(count);
            self.deliver = true;
        }
        self.log_command(Verb::Rdy, "");
    }

    fn cls(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Init) {
            Stage::Subscribed(mut subscription) => {
                subscription.set_ready(0);
                self.stage = Stage::Closing(subscription);
                self.client.set_state(ClientState::Closing);
                self.output.buffer().extend_from_slice(frame::CLOSE_WAIT_FRAME);
            }
            // The gate admits CLS in no other stage.
            stage => self.stage = stage,
        }
    }

    fn fin(&mut self, id: MessageId) {
        self.answer(id, Subscription::finish, ClientError::fin_failed);
    }

    fn touch(&mut self, id: MessageId) {
        let now = self.now;
        self.answer(
            id,
            |subscription, id| subscription.touch(id, now),
            ClientError::touch_failed,
        );
    }

    fn req(&mut self, id: MessageId, timeout_ms: u64) {
        let now = self.now;
        let asked = Duration::from_millis(timeout_ms);
        let max = self.nsqd.options().max_req_timeout;
        if asked > max {
            let (peer, asked, max) = (self.client.peer(), asked.as_nanos(), max.as_nanos());
            tracing::info!(
                "PROTOCOL(V2): [{peer}] REQ timeout {asked} out of range 0-{max}. Setting to {max}"
            );
        }
        let delay = asked.min(max);
        self.answer(
            id,
            |subscription, id| subscription.requeue(id, delay, now),
            ClientError::req_failed,
        );
    }

    /// Applies the client's answer to a message; a failure is told, and does not end the connection.
    fn answer(
        &mut self,
        id: MessageId,
        apply: impl FnOnce(&mut Subscription, Guid) -> Result<(), AnswerError>,
        failed: impl FnOnce(MessageId, String) -> ClientError,
    ) {
        let Some(subscription) = self.stage.subscription() else {
            return;
        };
        let applied = match Guid::from_message_id(&id) {
            Some(guid) => apply(subscription, guid),
            None => Err(AnswerError::NotInFlight),
        };
        match applied {
            // There may be room within RDY now.
            Ok(()) => self.deliver = true,
            Err(cause) => {
                let error = failed(id, cause.to_string()).with_cause(cause);
                log_error(self.client.peer(), &error);
                frame::put_error(self.output.buffer(), &error);
            }
        }
    }

    fn identify(&mut self, body: &[u8]) -> Result<(), End> {
        let request = IdentifyRequest::from_json(body)?;
        tracing::info!("[{}] IDENTIFY: {request}", self.client.peer());
        let limits = self.nsqd.identify_limits();
        // As upstream, a client that does not tell its names has none.
        self.client.update(|details| {
            details.client_id.clone_from(&request.client_id);
            details.hostname.clone_from(&request.hostname);
            details.user_agent.clone_from(&request.user_agent);
            details.topology_region.clone_from(&request.topology_region);
            details.topology_zone.clone_from(&request.topology_zone);
        });
        self.settings = request.apply(self.settings, &limits)?;
        let sample_rate = self.settings.sample_rate;
        self.client.update(|details| details.sample_rate = sample_rate);
        if let Some(interval) = self.settings.heartbeat_interval {
            self.heartbeat_at = self.now + interval;
        }
        match request.negotiate(&self.settings, &limits, self.nsqd.server_info())? {
            Some(response) => {
                if let Some(upgrade) = Upgrade::granted(&response) {
                    self.plan(upgrade)?;
                }
                frame::put_response(self.output.buffer(), &response.to_json());
            }
            None => frame::put_response(self.output.buffer(), frame::OK),
        }
        Ok(())
    }

    fn log_command(&self, verb: Verb, topic: &str) {
        tracing::debug!("PROTOCOL(V2): [{}] [{verb} {topic}]", self.client.peer());
    }
}

fn is_publish(command: &Command<'_>) -> bool {
    matches!(
        command,
        Command::Pub { .. } | Command::Mpub { .. } | Command::Dpub { .. }
    )
}

/// An OK for each PUB, one for all of an MPUB.
fn answers(verb: Verb, count: usize) -> usize {
    if verb == Verb::Pub { count } else { 1 }
}

fn publish_failed(verb: Verb, error: &PublishError) -> End {
    let client_error = match verb {
        Verb::Mpub => ClientError::mpub_failed(error),
        Verb::Dpub => ClientError::dpub_failed(error),
        _ => ClientError::pub_failed(error),
    };
    client_error.with_cause(error).into()
}
