//! Changes: who may, what is meant, the change itself, and telling of it.

use std::sync::Arc;

use nsq_clusterinfo::merge::Node;
use nsq_http::{ApiError, HandlerBody, Parts, Path, Response, State};
use nsq_protocol::name::{ChannelName, TopicName};

use super::body::Fields;
use super::{done, upstream_error};
use crate::caller::Caller;
use crate::daemon::Admin;
use crate::notify::Action;

type Daemon = State<Arc<Admin>>;

fn valid_topic(name: &str) -> Result<(), ApiError> {
    TopicName::new(name)
        .map(drop)
        .map_err(|_| ApiError::bad_request("INVALID_TOPIC"))
}

fn valid_channel(name: &str) -> Result<(), ApiError> {
    ChannelName::new(name)
        .map(drop)
        .map_err(|_| ApiError::bad_request("INVALID_CHANNEL"))
}

/// Creates a topic, and a channel if there is one in the body.
pub(super) async fn create(
    State(admin): Daemon,
    parts: Parts,
    body: HandlerBody,
) -> Result<Response, ApiError> {
    let caller = Caller(&parts);
    admin.require_admin(caller)?;
    let fields = Fields::read(body).await?;
    let (topic, channel) = (fields.text("topic")?, fields.text("channel")?);
    valid_topic(topic)?;
    if !channel.is_empty() {
        valid_channel(channel)?;
    }
    let cluster = admin.cluster();
    let mut warnings = cluster.create_topic(topic).await;
    let created_channel = if channel.is_empty() {
        Ok(Vec::new())
    } else {
        cluster.create_channel(topic, channel).await
    };
    warnings.extend(created_channel.map_err(|failed| upstream_error("create topic/channel", &failed))?);
    let action = Action {
        verb: "create_topic",
        topic,
        ..Action::default()
    };
    admin.tell(caller, &action);
    if !channel.is_empty() {
        let action = Action {
            verb: "create_channel",
            channel,
            ..action
        };
        admin.tell(caller, &action);
    }
    Ok(done(&warnings))
}

pub(super) async fn delete_topic(
    State(admin): Daemon,
    Path(topic): Path<String>,
    parts: Parts,
) -> Result<Response, ApiError> {
    let caller = Caller(&parts);
    admin.require_admin(caller)?;
    valid_topic(&topic)?;
    let deleted = admin.cluster().delete_topic(&topic).await;
    let warnings = deleted.map_err(|failed| upstream_error("delete topic", &failed))?;
    let action = Action {
        verb: "delete_topic",
        topic: &topic,
        ..Action::default()
    };
    admin.tell(caller, &action);
    Ok(done(&warnings))
}

pub(super) async fn delete_channel(
    State(admin): Daemon,
    Path((topic, channel)): Path<(String, String)>,
    parts: Parts,
) -> Result<Response, ApiError> {
    let caller = Caller(&parts);
    admin.require_admin(caller)?;
    valid_topic(&topic)?;
    valid_channel(&channel)?;
    let deleted = admin.cluster().delete_channel(&topic, &channel).await;
    let warnings = deleted.map_err(|failed| upstream_error("delete channel", &failed))?;
    let action = Action {
        verb: "delete_channel",
        topic: &topic,
        channel: &channel,
        ..Action::default()
    };
    admin.tell(caller, &action);
    Ok(done(&warnings))
}

pub(super) async fn act_on_topic(
    State(admin): Daemon,
    Path(topic): Path<String>,
    parts: Parts,
    body: HandlerBody,
) -> Result<Response, ApiError> {
    act(&admin, Caller(&parts), &topic, "", body).await
}

pub(super) async fn act_on_channel(
    State(admin): Daemon,
    Path((topic, channel)): Path<(String, String)>,
    parts: Parts,
    body: HandlerBody,
) -> Result<Response, ApiError> {
    valid_channel(&channel)?;
    act(&admin, Caller(&parts), &topic, &channel, body).await
}

/// Pauses, unpauses or empties. As upstream, it is told of even when nobody could do it.
async fn act(
    admin: &Admin,
    caller: Caller<'_>,
    topic: &str,
    channel: &str,
    body: HandlerBody,
) -> Result<Response, ApiError> {
    admin.require_admin(caller)?;
    let fields = Fields::read(body).await?;
    let verb = fields.text("action")?;
    if !matches!(verb, "pause" | "unpause" | "empty") {
        return Err(ApiError::bad_request("INVALID_ACTION"));
    }
    valid_topic(topic)?;
    let cluster = admin.cluster();
    let (kind, outcome) = if channel.is_empty() {
        ("topic", cluster.act_on_topic(verb, topic).await)
    } else {
        ("channel", cluster.act_on_channel(verb, topic, channel).await)
    };
    let action = Action {
        verb: &format!("{verb}_{kind}"),
        topic,
        channel,
        node: "",
    };
    admin.tell(caller, &action);
    let warnings = outcome.map_err(|failed| upstream_error(format_args!("{verb} topic/channel"), &failed))?;
    Ok(done(&warnings))
}

/// Hides a node from lookups of a topic, and deletes the topic there.
///
/// # Differs from upstream
/// The node has to be one of the cluster. There, any host that is named gets requests.
pub(super) async fn tombstone(
    State(admin): Daemon,
    Path(node): Path<String>,
    parts: Parts,
    body: HandlerBody,
) -> Result<Response, ApiError> {
    let caller = Caller(&parts);
    admin.require_admin(caller)?;
    let invalid_body = |_| ApiError::bad_request("INVALID_BODY");
    let fields = Fields::read(body).await.map_err(invalid_body)?;
    let topic = fields.text("topic").map_err(invalid_body)?;
    valid_topic(topic)?;
    if !known_node(&admin, &node).await? {
        return Err(ApiError::not_found("NODE_NOT_FOUND"));
    }
    let warnings = admin.cluster().tombstone(topic, &node).await;
    let action = Action {
        verb: "tombstone_topic_producer",
        topic,
        node: &node,
        ..Action::default()
    };
    admin.tell(caller, &action);
    Ok(done(&warnings))
}

/// Whether an nsqd of the cluster has this HTTP address.
async fn known_node(admin: &Admin, node: &str) -> Result<bool, ApiError> {
    if admin.nsqds().iter().any(|address| address == node) {
        return Ok(true);
    }
    let nodes = admin.cluster().nodes().await;
    let nodes = nodes.map_err(|failed| upstream_error("get nodes", &failed))?;
    Ok(nodes
        .value
        .iter()
        .map(Node::http_address)
        .any(|address| address == node))
}
