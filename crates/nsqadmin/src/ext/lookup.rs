//! `lookup`: what each nsqlookupd knows.

use std::sync::Arc;

use nsq_http::{Response, State};
use serde_json::{Value, json};

use super::answer::{enveloped, millis};
use crate::daemon::Admin;
use crate::snapshot::{Node, View};

pub(super) async fn lookup(State(admin): State<Arc<Admin>>) -> Response {
    let view = admin.collector.watch(false).await;
    let nsqlookupds: Vec<_> = view
        .nsqlookupds
        .iter()
        .map(|it| {
            let trouble = it.status.trouble(view.now);
            let since = it.status.trouble_since_ms(view.now, view.at_ms);
            json!({
                "address": it.address, "ok": trouble.is_none(), "since": trouble.as_ref().and(since),
                "error": trouble, "last_ok": it.status.last_ok_ms, "latency_ms": millis(it.status.latency),
                "version": it.version, "nodes": it.nodes.len(), "topics": it.topics.len(), "channels": null,
            })
        })
        .collect();
    let inactive: Vec<_> = view
        .inactive
        .iter()
        .map(|it| json!({"topic": it.topic, "channels": it.channels, "known_to": it.known_to}))
        .collect();
    let tombstones: Vec<_> = view
        .tombstones
        .iter()
        .map(|it| json!({"topic": it.topic, "node": it.node, "nsqlookupds": it.nsqlookupds, "left_s": null}))
        .collect();
    let data = json!({
        "configured": !view.nsqlookupds.is_empty(),
        "nsqlookupds": nsqlookupds,
        "registrations": view.nodes.iter().map(|node| registration(&view, node)).collect::<Vec<_>>(),
        "inactive": inactive,
        "tombstones": tombstones,
    });
    enveloped(&view, data)
}

/// Who knows a node.
fn registration(view: &View, node: &Node) -> Value {
    let address = node.address();
    let known_to: Vec<_> = view
        .nsqlookupds
        .iter()
        .map(|it| {
            let answers = it.status.trouble(view.now).is_none();
            answers.then(|| it.nodes.iter().any(|entry| entry.http_address() == address))
        })
        .collect();
    json!({"node": address, "hostname": node.info.hostname, "known_to": known_to})
}
