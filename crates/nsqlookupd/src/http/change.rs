//! `/topic/*` and `/channel/*`: changes by operators.

use nsq_http::{ApiError, Params, Response, State, reply};
use nsq_protocol::name::{ChannelRef, TopicRef};

use super::{Daemon, topic_param};
use crate::registration_db::Full;

pub(super) async fn create_topic(
    State(lookupd): Daemon,
    params: Params<'static>,
) -> Result<Response, ApiError> {
    let name = topic_param(&params)?;
    let topic = valid_topic(&name)?;
    tracing::info!("DB: adding topic({topic})");
    lookupd.db.create(topic, None).map_err(refused)?;
    Ok(reply::empty())
}

/// Whatever the topic is called, and whether there is one.
pub(super) async fn delete_topic(
    State(lookupd): Daemon,
    params: Params<'static>,
) -> Result<Response, ApiError> {
    let topic = topic_param(&params)?;
    if let Some(channels) = lookupd.db.delete_topic(&topic) {
        for channel in channels {
            tracing::info!("DB: removing channel({channel}) from topic({topic})");
        }
        tracing::info!("DB: removing topic({topic})");
    }
    Ok(reply::empty())
}

/// Creates the topic too.
pub(super) async fn create_channel(
    State(lookupd): Daemon,
    params: Params<'static>,
) -> Result<Response, ApiError> {
    with_channel(&params, |topic, channel| {
        tracing::info!("DB: adding channel({channel}) in topic({topic})");
        tracing::info!("DB: adding topic({topic})");
        lookupd.db.create(topic, Some(channel)).map_err(refused)?;
        Ok(reply::empty())
    })
}

pub(super) async fn delete_channel(
    State(lookupd): Daemon,
    params: Params<'static>,
) -> Result<Response, ApiError> {
    with_channel(&params, |topic, channel| {
        if !lookupd.db.delete_channel(topic.as_str(), channel.as_str()) {
            return Err(ApiError::not_found("CHANNEL_NOT_FOUND"));
        }
        tracing::info!("DB: removing channel({channel}) from topic({topic})");
        Ok(reply::empty())
    })
}

/// Success, also if no producer of the topic is meant by `node`.
pub(super) async fn tombstone_topic(
    State(lookupd): Daemon,
    params: Params<'static>,
) -> Result<Response, ApiError> {
    let topic = topic_param(&params)?;
    let node = params.require("node", "MISSING_ARG_NODE")?;
    tracing::info!("DB: setting tombstone for producer@{node} of topic({topic})");
    lookupd.db.tombstone(&topic, &node);
    Ok(reply::empty())
}

fn valid_topic(name: &str) -> Result<TopicRef<'_>, ApiError> {
    TopicRef::parse(name.as_bytes()).map_err(|_| ApiError::bad_request("INVALID_ARG_TOPIC"))
}

/// Calls `act` with the parameters `topic` and `channel`, found and checked in upstream's order: a bad topic is
/// told before a missing channel.
///
/// Upstream: `internal/http_api/topic_channel_args.go`.
fn with_channel(
    params: &Params<'_>,
    act: impl FnOnce(TopicRef<'_>, ChannelRef<'_>) -> Result<Response, ApiError>,
) -> Result<Response, ApiError> {
    let topic = topic_param(params)?;
    let topic = valid_topic(&topic)?;
    let channel = params.require("channel", "MISSING_ARG_CHANNEL")?;
    let channel =
        ChannelRef::parse(channel.as_bytes()).map_err(|_| ApiError::bad_request("INVALID_ARG_CHANNEL"))?;
    act(topic, channel)
}

/// There is no room for another topic or channel.
fn refused(full: Full) -> ApiError {
    tracing::warn!("DB: refused - {full}");
    ApiError::unavailable("TOO_MANY_REGISTRATIONS")
}
