//! Route by route beside the original.

use nsq_tests::{Cluster, Nsqadmin, program};
use serde_json::Value;

use super::json;

/// Puts what comes in no particular order into one, and takes out what deviates on purpose or moves with time.
fn normalised(mut answer: Value) -> Value {
    normalise(&mut answer);
    answer
}

fn normalise(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match name.as_str() {
                    // What is `null` there for an empty list is `[]` here.
                    "nodes" | "topics" | "clients" | "channels" | "percentiles" if value.is_null() => {
                        *value = Value::Array(Vec::new());
                    }
                    "remote_address" | "connected" => *value = Value::Null,
                    // A topic of the inactive ones.
                    "orphan" if value.is_null() => *value = Value::Array(Vec::new()),
                    _ => {}
                }
                normalise(value);
            }
        }
        Value::Array(items) => {
            items.iter_mut().for_each(normalise);
            items.sort_by_key(Value::to_string);
        }
        _ => {}
    }
}

/// The two answers to a request.
fn both(original: &Nsqadmin, ours: &Nsqadmin, method: &str, target: &str, body: &str) -> [(u16, Value); 2] {
    [original, ours].map(|admin| {
        let response = admin.http().request(method, target, body);
        (response.status(), normalised(json(&response)))
    })
}

#[test]
fn every_route_answers_as_the_original() {
    let Some(original) = program::reference_or_note("nsqadmin") else {
        return;
    };
    let cluster = Cluster::start(2, 2);
    // On one node each: what is merged of several deviates.
    cluster.create(0, "orders/billing");
    cluster.create(1, "clicks/archive");
    for _ in 0..3 {
        cluster.nsqds[0].publish("orders", "hi");
    }
    let _consumer = cluster.nsqds[0].consumer("orders", "billing", 1);
    assert_eq!(
        cluster.nsqlookupds[0]
            .http()
            .post("/topic/create?topic=orphan", "")
            .status(),
        200
    );
    let original = cluster.nsqadmin_of(&original, &[]);
    let ours = cluster.nsqadmin(&["--stats-interval=0"]);
    let node = format!("/api/nodes/{}", cluster.node(0));
    for (method, target, body) in [
        ("GET", "/api/topics", ""),
        ("GET", "/api/topics?inactive=true", ""),
        ("GET", "/api/topics/nope", ""),
        ("GET", "/api/topics/orphan", ""),
        ("GET", "/api/topics/orders/billing", ""),
        ("GET", "/api/nodes", ""),
        ("GET", &node, ""),
        ("GET", "/api/nodes/127.0.0.1:1", ""),
        ("GET", "/api/counter", ""),
        ("GET", "/api/graphite", ""),
        ("GET", "/api/graphite?metric=rate", ""),
        ("GET", "/api/nope", ""),
        ("PUT", "/api/topics", ""),
        ("POST", "/api/topics", ""),
        ("POST", "/api/topics", "{"),
        ("POST", "/api/topics", r#"{"topic":5}"#),
        ("POST", "/api/topics", r#"{"topic":"a b"}"#),
        ("POST", "/api/topics", r#"{"topic":"t","channel":"!"}"#),
        ("POST", "/api/topics/orders", r#"{"action":"burn"}"#),
        ("POST", "/api/topics/orders", r#"{"action":"pause"}"#),
        ("POST", "/api/topics/orders", r#"{"action":"unpause"}"#),
        ("POST", "/api/topics/orders", r#"{"action":"empty"}"#),
        ("POST", "/api/topics/orders/billing", r#"{"action":"pause"}"#),
        ("POST", "/api/topics/nope", r#"{"action":"pause"}"#),
        ("POST", "/api/topics/orders/nope", r#"{"action":"pause"}"#),
        ("DELETE", "/api/topics/nope", ""),
        ("DELETE", "/api/nodes/x", "{"),
        ("DELETE", "/api/nodes/x", r#"{"topic":""}"#),
        ("GET", "/config/nope", ""),
        ("PUT", "/config/log_level", "loud"),
        ("PUT", "/config/statsd_prefix", "x"),
    ] {
        let [theirs, own] = both(&original, &ours, method, target, body);
        assert_eq!(own, theirs, "{method} {target} {body}");
    }
    for key in [
        "log_level",
        "http_address",
        "base_path",
        "proxy_graphite",
        "statsd_interval",
        "statsd_prefix",
        "statsd_counter_format",
        "nsqlookupd_http_addresses",
        "nsqd_http_addresses",
        "admin_users",
        "acl_http_header",
        "allow_config_from_cidr",
        "http_client_connect_timeout",
        "http_client_request_timeout",
    ] {
        let target = format!("/config/{key}");
        let [theirs, own] = [&original, &ours].map(|admin| admin.http().get(&target).text().to_owned());
        assert_eq!(own, theirs, "{key}");
    }
    // Merged of one node: the object is that of the node there, and one of its own here.
    let [(_, theirs), (_, own)] = both(&original, &ours, "GET", "/api/topics/orders", "");
    for field in [
        "depth",
        "memory_depth",
        "backend_depth",
        "message_count",
        "paused",
        "nodes",
        "topic_name",
    ] {
        assert_eq!(own[field], theirs[field], "{field}");
    }
}
