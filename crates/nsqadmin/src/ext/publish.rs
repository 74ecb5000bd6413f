//! `publish`: a message, or some, by hand.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nsq_clusterinfo::{Asker, QueryError, escape};
use nsq_http::{HandlerBody, Parts, Response, State, StatusCode, read_body};
use nsq_protocol::name::TopicName;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Refusal, enveloped, require_ui, respond};
use crate::caller::Caller;
use crate::daemon::Admin;
use crate::notify::Action;
use crate::options::Access;
use crate::snapshot::{Node, View, find_topic};

/// What nsqd accepts by default of a message. With more, another tool is the right one.
const MESSAGES_SIZE_MAX: usize = 1 << 20;

/// That, as base64 in JSON.
const BODY_SIZE_MAX: usize = 2 << 20;

#[derive(Debug, Deserialize)]
struct Order {
    topic: String,
    #[serde(default)]
    node: String,
    body: String,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    defer_ms: u64,
    /// Each line is a message.
    #[serde(default)]
    split: bool,
    /// The topic need not exist.
    #[serde(default)]
    create: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    #[default]
    Text,
    Base64,
}

pub(super) async fn publish(State(admin): State<Arc<Admin>>, parts: Parts, body: HandlerBody) -> Response {
    respond(send(&admin, &parts, body).await)
}

async fn send(admin: &Admin, parts: &Parts, body: HandlerBody) -> Result<Response, Refusal> {
    require_ui(parts)?;
    let caller = Caller(parts);
    let access = admin.options.publish_access;
    if !admin.may(caller, access) {
        return Err(Refusal::forbidden(match access {
            Access::Off => "Publishing is switched off (see --publish-access).",
            _ => "Read only: ask an admin (see --publish-access).",
        }));
    }
    let too_big = || {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "BODY_TOO_BIG",
            "At most 1 MiB can be published here.",
        )
    };
    let body = read_body(body, BODY_SIZE_MAX).await.map_err(|_| too_big())?;
    let order: Order = serde_json::from_slice(&body).map_err(|error| Refusal::invalid(error.to_string()))?;
    let invalid_body = |detail: &str| Refusal::new(StatusCode::BAD_REQUEST, "INVALID_BODY", detail);
    if TopicName::new(&order.topic).is_err() {
        let detail = format!("{:?} is no name.", order.topic);
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_TOPIC", detail));
    }
    let messages: Bytes = match order.encoding {
        Encoding::Text => order.body.clone().into(),
        Encoding::Base64 => STANDARD
            .decode(order.body.trim())
            .map_err(|_| invalid_body("This is no base64."))?
            .into(),
    };
    if messages.len() > MESSAGES_SIZE_MAX {
        return Err(too_big());
    }
    let count = if order.split {
        messages
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .count()
    } else {
        usize::from(!messages.is_empty())
    };
    if count == 0 {
        return Err(invalid_body("There is no message."));
    }
    if order.split && order.defer_ms > 0 {
        return Err(Refusal::invalid("nsqd defers single messages only."));
    }
    // A topic may have been created a moment ago.
    let view = admin.collector.watch(false).await;
    let node = choose(&view, &order)?;
    let topic = escape(&order.topic);
    let url = match (order.split, order.defer_ms) {
        (true, _) => format!("http://{node}/mpub?topic={topic}"),
        (false, 0) => format!("http://{node}/pub?topic={topic}"),
        (false, defer_ms) => format!("http://{node}/pub?topic={topic}&defer={defer_ms}"),
    };
    let size = messages.len();
    let published = Asker::new(admin.client.clone()).post_body(&url, messages).await;
    published.map_err(|error| refused(&error))?;
    let action = Action {
        verb: "publish_message",
        topic: &order.topic,
        node: &node,
        ..Action::default()
    };
    admin.tell(caller, &action);
    admin.collector.hurry();
    let channels = view.channels_of(&order.topic);
    let data = json!({
        "node": node, "messages": count, "bytes": size, "channels": channels.len(),
        "consumers": channels.iter().map(|channel| channel.consumers).sum::<i64>(),
    });
    Ok(enveloped(&view, data))
}

/// The node to publish to.
fn choose(view: &View, order: &Order) -> Result<String, Refusal> {
    let has_topic = |node: &&Node| {
        node.current
            .as_ref()
            .is_some_and(|it| find_topic(&it.stats, &order.topic).is_some())
    };
    if !order.node.is_empty() {
        let node = view.node(&order.node).ok_or_else(|| {
            Refusal::not_found(
                "NODE_NOT_FOUND",
                format!("There is no nsqd {}.", order.node),
                Vec::new(),
            )
        })?;
        if order.create || has_topic(&node) {
            return Ok(order.node.clone());
        }
        let detail = format!("{} has no topic {}.", order.node, order.topic);
        return Err(Refusal::not_found("TOPIC_NOT_FOUND", detail, Vec::new()));
    }
    let answering = || {
        view.nodes
            .iter()
            .filter(|node| node.status.trouble(view.now).is_none())
    };
    let depth = |node: &&Node| {
        let topic = node
            .current
            .as_ref()
            .and_then(|it| find_topic(&it.stats, &order.topic));
        topic.map_or(0, |topic| {
            topic.depth + topic.channels.iter().map(|channel| channel.depth).sum::<i64>()
        })
    };
    let with_topic = answering().filter(has_topic).min_by_key(depth);
    let any = || order.create.then(|| answering().next()).flatten();
    with_topic.or_else(any).map(Node::address).ok_or_else(|| {
        let detail = format!("No nsqd that answers has the topic {}.", order.topic);
        Refusal::not_found("TOPIC_NOT_FOUND", detail, Vec::new())
    })
}

fn refused(error: &QueryError) -> Refusal {
    match error {
        QueryError::Status { status, .. } if *status == StatusCode::PAYLOAD_TOO_LARGE => Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "BODY_TOO_BIG",
            "The nsqd takes no message as large as this.",
        ),
        QueryError::Status { status, body } if *status == StatusCode::BAD_REQUEST => Refusal::new(
            StatusCode::BAD_REQUEST,
            "INVALID_BODY",
            format!("The nsqd refuses it: {body}"),
        ),
        error => Refusal::new(StatusCode::BAD_GATEWAY, "UPSTREAM_ERROR", error.to_string()),
    }
}
