//! `tail`: watching the messages of a topic.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use nsq_client::Config;
use nsq_clusterinfo::Asker;
use nsq_http::header::{CONTENT_TYPE, HeaderValue};
use nsq_http::{Body, HandlerBody, Parts, Path, Response, State, StatusCode, read_body, reply};
use nsq_protocol::name::TopicName;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Refusal, enveloped, params, require_ui, respond};
use crate::caller::Caller;
use crate::collector::wall_ms;
use crate::daemon::Admin;
use crate::notify::Action;
use crate::options::{Access, Options};
use crate::snapshot::{Node, Paused, find_topic};
use crate::tail::{Gate, LIFETIME, Open, Reason, Session, Source, Tails, encoded};

const BODY_SIZE_MAX: usize = 4096;

/// Messages per second that are shown.
const RATE_DEFAULT: u32 = 50;
const RATE_MAX: u32 = 500;

/// How long a node may take to let a session in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Deserialize)]
struct Order {
    topic: String,
    #[serde(default)]
    rate: u32,
    #[serde(default)]
    sample_rate: u8,
    /// Only these nodes; all without any.
    #[serde(default)]
    nodes: Vec<String>,
}

/// Starts a session.
pub(super) async fn start(State(admin): State<Arc<Admin>>, parts: Parts, body: HandlerBody) -> Response {
    respond(start_session(&admin, &parts, body).await)
}

fn require_access(admin: &Admin, caller: Caller<'_>) -> Result<(), Refusal> {
    let access = admin.options.tail_access;
    if admin.may(caller, access) {
        return Ok(());
    }
    Err(Refusal::forbidden(match access {
        Access::Off => "Watching messages is switched off (see --tail-access).",
        _ => "Read only: ask an admin (see --tail-access).",
    }))
}

async fn start_session(admin: &Arc<Admin>, parts: &Parts, body: HandlerBody) -> Result<Response, Refusal> {
    require_ui(parts)?;
    let caller = Caller(parts);
    require_access(admin, caller)?;
    let order = Order::read(body).await?;
    let view = admin.collector.watch(false).await;
    let row = view
        .topic(&order.topic)
        .filter(|row| !row.inactive)
        .ok_or_else(|| {
            let detail = format!("No nsqd has the topic {}.", order.topic);
            Refusal::not_found("TOPIC_NOT_FOUND", detail, Vec::new())
        })?;
    let user = match admin.user(caller) {
        "" => caller.ip().map_or_else(String::new, |ip| ip.to_string()),
        user => user.to_owned(),
    };
    if !admin.tails.make_room(&order.topic, &user) {
        return Err(too_many());
    }
    let id = Tails::new_id();
    let channel = Tails::channel(&id);
    let gate = Gate {
        asker: Asker::new(admin.client.clone()).quiet(),
        topic: order.topic.clone(),
    };
    let config = config(&admin.options, order.sample_rate);
    let having = view.nodes.iter().filter(|node| order.wants(node));
    let connecting = having.map(|node| connect(&gate, node, &channel, &config));
    let (mut sources, mut skipped) = (Vec::new(), Vec::new());
    for (node, outcome) in join_all(connecting).await {
        match outcome {
            Ok(source) => sources.push(source),
            Err(reason) => skipped.push((node, reason)),
        }
    }
    if sources.is_empty() {
        return Err(refused(&skipped));
    }
    let skipped = skipped
        .iter()
        .map(|(node, reason)| json!({"node": node, "reason": reason.code(), "detail": reason.detail()}));
    let open = Open {
        nodes: sources
            .iter()
            .map(|source| json!({"node": source.node(), "ok": true}))
            .collect(),
        skipped: skipped.collect(),
        paused: row.paused != Paused::No,
        expires_at: wall_ms(&admin.clock) + i64::try_from(LIFETIME.as_millis()).unwrap_or(0),
        id,
        channel,
    };
    let rate = if order.rate == 0 { RATE_DEFAULT } else { order.rate };
    let session = Session::new(open, user.clone(), gate, rate, sources, admin.tails.stop_of_one());
    let session = admin.tails.start(session).ok_or_else(too_many)?;
    tracing::info!(
        "TAIL: {user} watches {} by {}",
        session.topic,
        session.open.channel
    );
    let action = Action {
        verb: "tail_topic",
        topic: &session.topic,
        channel: &session.open.channel,
        ..Action::default()
    };
    admin.tell(caller, &action);
    Ok(enveloped(&view, &session.open))
}

impl Order {
    async fn read(body: HandlerBody) -> Result<Self, Refusal> {
        let body = read_body(body, BODY_SIZE_MAX)
            .await
            .map_err(|error| Refusal::invalid(error.to_string()))?;
        let order: Self =
            serde_json::from_slice(&body).map_err(|error| Refusal::invalid(error.to_string()))?;
        if TopicName::new(&order.topic).is_err() {
            let detail = format!("{:?} is no name.", order.topic);
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_TOPIC", detail));
        }
        if order.sample_rate > 99 || order.rate > RATE_MAX {
            return Err(Refusal::invalid(format!(
                "sample_rate is up to 99, rate up to {RATE_MAX}"
            )));
        }
        Ok(order)
    }

    /// Whether messages are to be watched on a node.
    fn wants(&self, node: &Node) -> bool {
        let has_topic = node
            .current
            .as_ref()
            .is_some_and(|it| find_topic(&it.stats, &self.topic).is_some());
        has_topic && (self.nodes.is_empty() || self.nodes.contains(&node.address()))
    }
}

fn too_many() -> Refusal {
    let detail = "Too many are watching messages already (see --tail-max-sessions).";
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_SESSIONS", detail)
}

/// How nsqds are spoken to.
fn config(options: &Options, sample_rate: u8) -> Config {
    let raw = options.raw();
    let path = |text: &str| (!text.is_empty()).then(|| text.into());
    let mut config = Config::default();
    config.user_agent = format!("nsqadmin/{}", nsq_app::VERSION);
    "nsqadmin-tail".clone_into(&mut config.client_id);
    config.sample_rate = sample_rate;
    config.tls_v1 = raw.nsqd_tls;
    config.tls_insecure_skip_verify = raw.nsqd_tls_insecure_skip_verify;
    config.tls_root_ca_file = path(&raw.nsqd_tls_root_ca_file);
    config.tls_cert = path(&raw.nsqd_tls_cert);
    config.tls_key = path(&raw.nsqd_tls_key);
    if let Some(secret) = &options.nsqd_auth_secret {
        config.auth_secret.clone_from(secret);
    }
    config
}

async fn connect(
    gate: &Gate,
    node: &Node,
    channel: &str,
    config: &Config,
) -> (String, Result<Source, Reason>) {
    let address = node.address();
    let host = &node.info.broadcast_address;
    let tcp_address = nsq_net::HostPort::new(host.as_str(), node.info.tcp_port).to_string();
    let connecting = async {
        gate.check(&address).await?;
        let mut config = config.clone();
        config.dial_timeout = CONNECT_TIMEOUT;
        Source::connect(gate, &address, &tcp_address, channel, &config).await
    };
    let outcome = connecting.await;
    (address, outcome)
}

/// Nobody lets the session in.
fn refused(skipped: &[(String, Reason)]) -> Refusal {
    let Some((_, first)) = skipped.first() else {
        return Refusal::not_found(
            "TOPIC_NOT_FOUND",
            "No nsqd that answers has the topic.",
            Vec::new(),
        );
    };
    let is_unsafe = skipped
        .iter()
        .any(|(_, reason)| *reason == Reason::NoDurableChannel);
    let reason = if is_unsafe {
        &Reason::NoDurableChannel
    } else {
        first
    };
    let status = match reason {
        Reason::NoDurableChannel => StatusCode::CONFLICT,
        Reason::NoTopic => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_GATEWAY,
    };
    Refusal::new(status, reason.code(), reason.detail())
}

fn not_found() -> Refusal {
    Refusal::not_found(
        "SESSION_NOT_FOUND",
        "There is no such session any more.",
        Vec::new(),
    )
}

/// The events of a session.
pub(super) async fn events(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
    parts: Parts,
) -> Response {
    let events = || {
        require_access(&admin, Caller(&parts))?;
        let session = admin.tails.get(&id).ok_or_else(not_found)?;
        session.events().ok_or_else(|| {
            Refusal::new(
                StatusCode::CONFLICT,
                "SESSION_TAKEN",
                "Somebody is looking at this session already.",
            )
        })
    };
    match events() {
        Ok(events) => {
            let mut response = Response::new(Body::received(events));
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            response
        }
        Err(refusal) => refusal.into(),
    }
}

/// A whole message body.
pub(super) async fn message(
    State(admin): State<Arc<Admin>>,
    Path((id, message)): Path<(String, String)>,
    parts: Parts,
) -> Response {
    let answer = || {
        require_access(&admin, Caller(&parts))?;
        let params = params(&parts)?;
        let node = params.get("node").unwrap_or_default();
        let session = admin.tails.get(&id).ok_or_else(not_found)?;
        let body = session.body(&node, &message).ok_or_else(|| {
            Refusal::not_found(
                "MESSAGE_NOT_FOUND",
                "The message is not kept any more.",
                Vec::new(),
            )
        })?;
        let (text, encoding) = encoded(&body);
        Ok(reply::json(
            &json!({"id": message, "size": body.len(), "body": text, "encoding": encoding}),
        ))
    };
    respond(answer())
}

/// Ends a session.
pub(super) async fn stop(State(admin): State<Arc<Admin>>, Path(id): Path<String>, parts: Parts) -> Response {
    let stopped = || {
        require_ui(&parts)?;
        require_access(&admin, Caller(&parts))?;
        admin.tails.get(&id).ok_or_else(not_found)?.stop();
        Ok(reply::json(&json!({"stopped": true})))
    };
    respond(stopped())
}
