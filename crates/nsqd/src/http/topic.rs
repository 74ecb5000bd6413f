//! `/topic/*`.

use std::sync::Arc;

use nsq_core::Topic;
use nsq_http::{ApiError, Params, Response, State, reply};

use super::{Daemon, storage_failed, topic_param, valid_topic};
use crate::daemon::Nsqd;

const NOT_FOUND: ApiError = ApiError::not_found("TOPIC_NOT_FOUND");

pub(super) async fn create(State(nsqd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    let name = topic_param(&params)?;
    nsqd.topic(valid_topic(&name)?);
    made(&nsqd).await
}

pub(super) async fn delete(State(nsqd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    let name = topic_param(&params)?.into_owned();
    let daemon = Arc::clone(&nsqd);
    let deleting = async move {
        let outcome = daemon.delete_topic(&name).await;
        outcome.inspect_err(|error| tracing::error!("TOPIC({name}): failed to delete - {error}"))
    };
    match nsqd.complete(deleting).await {
        Some(Ok(false)) => Err(NOT_FOUND),
        // Files may have been left behind, but the topic is gone.
        Some(Ok(true) | Err(_)) => Ok(reply::empty()),
        None => Err(ApiError::internal()),
    }
}

pub(super) async fn empty(State(nsqd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    let name = topic_param(&params)?;
    valid_topic(&name)?;
    let topic = existing(&nsqd, &name)?;
    topic
        .empty()
        .await
        .map_err(|error| storage_failed(format_args!("TOPIC({name}): failed to empty"), &error))?;
    Ok(reply::empty())
}

pub(super) async fn pause(State(nsqd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    existing(&nsqd, &topic_param(&params)?)?.pause();
    Ok(persisted(&nsqd).await)
}

pub(super) async fn unpause(State(nsqd): Daemon, params: Params<'static>) -> Result<Response, ApiError> {
    existing(&nsqd, &topic_param(&params)?)?.unpause();
    Ok(persisted(&nsqd).await)
}

/// Success, unless the metadata file is known not to take what was made.
///
/// # Differs from upstream
/// There it is success in any case, and a restart forgets the topic.
pub(super) async fn made(nsqd: &Nsqd) -> Result<Response, ApiError> {
    match nsqd.made().await {
        Ok(()) => Ok(reply::empty()),
        Err(error) => Err(storage_failed(format_args!("failed to persist metadata"), &error)),
    }
}

/// Success, once the metadata file knows what is paused: a crash must not undo it. That the file could not be
/// written is in the log; the change itself holds.
pub(super) async fn persisted(nsqd: &Nsqd) -> Response {
    let _ = nsqd.persist().await;
    reply::empty()
}

/// The topic of this name, valid or not.
pub(super) fn existing(nsqd: &Nsqd, name: &str) -> Result<Arc<Topic>, ApiError> {
    nsqd.existing_topic(name).ok_or(NOT_FOUND)
}
