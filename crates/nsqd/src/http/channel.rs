//! `/channel/*`.

use std::sync::Arc;

use nsq_core::{Channel, Topic};
use nsq_http::{ApiError, Params, Response, State, reply};
use nsq_protocol::name::{ChannelName, TopicRef};

use super::topic::{existing, made, persisted};
use super::{Daemon, storage_failed, topic_param};
use crate::daemon::Nsqd;

const NOT_FOUND: ApiError = ApiError::not_found("CHANNEL_NOT_FOUND");

pub(super) async fn create(State(nsqd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    let (topic, name) = names(&nsqd, &params)?;
    topic
        .channel_or_create(&name)
        // It is being deleted at this moment.
        .map_err(|_| ApiError::not_found("TOPIC_NOT_FOUND"))?;
    made(&nsqd).await
}

pub(super) async fn delete(State(nsqd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    let (topic, name) = names(&nsqd, &params)?;
    let deleting = async move {
        let outcome = topic.delete_channel(&name).await;
        outcome.inspect_err(|error| tracing::error!("CHANNEL({name}): failed to delete - {error}"))
    };
    match nsqd.complete(deleting).await {
        Some(Ok(false)) => Err(NOT_FOUND),
        // Files may have been left behind, but the channel is gone.
        Some(Ok(true) | Err(_)) => Ok(reply::empty()),
        None => Err(ApiError::internal()),
    }
}

pub(super) async fn empty(State(nsqd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    let channel = channel(&nsqd, &params)?;
    channel.empty().await.map_err(|error| {
        storage_failed(
            format_args!("CHANNEL({}): failed to empty", channel.name()),
            &error,
        )
    })?;
    Ok(reply::empty())
}

pub(super) async fn pause(State(nsqd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    channel(&nsqd, &params)?.pause();
    Ok(persisted(&nsqd).await)
}

pub(super) async fn unpause(State(nsqd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    channel(&nsqd, &params)?.unpause();
    Ok(persisted(&nsqd).await)
}

/// The existing topic and the valid channel name that a request is about, checked in upstream's order.
///
/// Upstream: `internal/http_api/topic_channel_args.go`.
fn names(nsqd: &Nsqd, params: &Params<'_>) -> Result<(Arc<Topic>, ChannelName), ApiError> {
    let topic = topic_param(params)?;
    TopicRef::parse(topic.as_bytes()).map_err(|_| ApiError::bad_request("INVALID_ARG_TOPIC"))?;
    let channel = params.require("channel", "MISSING_ARG_CHANNEL")?;
    let channel = ChannelName::new(channel).map_err(|_| ApiError::bad_request("INVALID_ARG_CHANNEL"))?;
    Ok((existing(nsqd, &topic)?, channel))
}

fn channel(nsqd: &Nsqd, params: &Params<'_>) -> Result<Arc<Channel>, ApiError> {
    let (topic, name) = names(nsqd, params)?;
    topic.channel(name.as_str()).ok_or(NOT_FOUND)
}
