//! What Go's nsqadmin answers, too.

use nsq_tests::{Cluster, Nsqadmin, Nsqd};
use serde_json::json;

use super::json;

#[test]
fn topics_channels_and_nodes_are_merged() {
    let cluster = Cluster::start(2, 2);
    for nsqd in 0..2 {
        cluster.create(nsqd, "orders/billing");
        cluster.nsqds[nsqd].publish("orders", "hi");
    }
    let admin = cluster.nsqadmin(&[]);
    admin
        .http()
        .get("/api/topics")
        .expect_exact_json(200, r#"{"topics":["orders"],"message":""}"#);
    let topic = json(&admin.http().get("/api/topics/orders"));
    assert_eq!(topic["message_count"], 2);
    assert_eq!(topic["channels"][0]["depth"], 2);
    assert_eq!(topic["channels"][0]["node"], "*");
    assert_eq!(topic["channels"][0]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(
        topic["nodes"][0]["channels"][0]["depth"], 1,
        "not the total of the cluster"
    );
    let channel = json(&admin.http().get("/api/topics/orders/billing"));
    assert_eq!(
        (&channel["depth"], &channel["clients"]),
        (&json!(2), &json!(null))
    );
    let nodes = json(&admin.http().get("/api/nodes"));
    assert_eq!(nodes["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(nodes["nodes"][0]["remote_addresses"].as_array().unwrap().len(), 2);
    let node = json(&admin.http().get(&format!("/api/nodes/{}", cluster.node(0))));
    assert_eq!(
        (&node["total_messages"], &node["total_clients"]),
        (&json!(1), &json!(0))
    );
    let counter = json(&admin.http().get("/api/counter"));
    let key = format!("orders:billing:{}", cluster.node(1));
    assert_eq!(counter["stats"][key]["message_count"], 1);
}

#[test]
fn what_is_not_there_is_told() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders");
    let admin = cluster.nsqadmin(&[]);
    for (method, target, status, message) in [
        ("GET", "/api/topics/orders/nope", 404, "CHANNEL_NOT_FOUND"),
        ("GET", "/api/nodes/127.0.0.1:1", 404, "NODE_NOT_FOUND"),
        ("GET", "/api/nope", 404, "NOT_FOUND"),
        ("GET", "/render", 404, "NOT_FOUND"),
        ("PUT", "/api/topics", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/config/nope", 400, "INVALID_OPTION"),
        ("GET", "/api/graphite", 400, "INVALID_ARG_METRIC"),
        ("GET", "/api/graphite?metric=rate", 400, "INVALID_ARG_TARGET"),
        ("GET", "/api/topics?x=%zz", 400, "invalid URL escape \"%zz\""),
    ] {
        let response = admin.http().raw(format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ));
        assert_eq!(response.status(), status, "{target}");
        assert_eq!(json(&response)["message"], message, "{target}");
    }
    let unknown = admin.http().get("/api/topics/nope");
    assert_eq!(unknown.status(), 502);
    let message = json(&unknown)["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("UPSTREAM_ERROR: failed to query any nsqlookupd: got response 404 Not Found"),
        "{message}"
    );
}

#[test]
fn topics_and_channels_are_changed_everywhere() {
    let cluster = Cluster::start(2, 2);
    for nsqd in 0..2 {
        cluster.create(nsqd, "orders/billing");
        cluster.nsqds[nsqd].publish("orders", "hi");
    }
    let admin = cluster.nsqadmin(&[]);
    let done = r#"{"message":""}"#;
    let stats = |nsqd: usize| json(&cluster.nsqds[nsqd].http().get("/stats?format=json"))["topics"].clone();
    admin
        .http()
        .post("/api/topics/orders", r#"{"action":"pause"}"#)
        .expect_exact_json(200, done);
    admin
        .http()
        .post("/api/topics/orders/billing", r#"{"ACTION":"pause"}x"#)
        .expect_exact_json(200, done);
    for nsqd in 0..2 {
        assert_eq!(stats(nsqd)[0]["paused"], true);
        assert_eq!(stats(nsqd)[0]["channels"][0]["paused"], true);
    }
    admin
        .http()
        .post("/api/topics/orders/billing", r#"{"action":"empty"}"#)
        .expect_exact_json(200, done);
    assert_eq!(stats(1)[0]["channels"][0]["depth"], 0);
    admin
        .http()
        .post("/api/topics/orders/billing", r#"{"action":"unpause"}"#)
        .expect_exact_json(200, done);
    assert_eq!(stats(0)[0]["channels"][0]["paused"], false);
    admin
        .http()
        .request("DELETE", "/api/topics/orders/billing", "")
        .expect_exact_json(200, done);
    assert_eq!(stats(0)[0]["channels"], json!([]));
    admin
        .http()
        .request("DELETE", "/api/topics/orders", "")
        .expect_exact_json(200, done);
    assert_eq!(stats(1), json!([]));
    assert_eq!(
        json(&cluster.nsqlookupds[1].http().get("/topics"))["topics"],
        json!([])
    );
}

#[test]
fn a_topic_is_created_at_the_nsqlookupds_and_a_channel_where_the_topic_is() {
    let cluster = Cluster::start(2, 1);
    cluster.create(0, "orders");
    let admin = cluster.nsqadmin(&[]);
    let done = r#"{"message":""}"#;
    admin
        .http()
        .post("/api/topics", r#"{"topic":"planned"}"#)
        .expect_exact_json(200, done);
    admin
        .http()
        .post("/api/topics", r#"{"topic":"orders","channel":"new"}"#)
        .expect_exact_json(200, done);
    admin
        .http()
        .get("/api/topics?inactive=true")
        .expect_exact_json(200, r#"{"topics":{"planned":[]},"message":""}"#);
    let stats = json(&cluster.nsqds[0].http().get("/stats?format=json"));
    assert_eq!(stats["topics"][0]["channels"][0]["channel_name"], "new");
}

#[test]
fn bad_changes_are_refused_and_change_nothing() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders");
    let admin = cluster.nsqadmin(&[]);
    for (method, target, body, status, message) in [
        ("POST", "/api/topics", "", 400, "EOF"),
        ("POST", "/api/topics", "{", 400, "unexpected EOF"),
        ("POST", "/api/topics", "{}", 400, "INVALID_TOPIC"),
        ("POST", "/api/topics", r#"{"topic":"a b"}"#, 400, "INVALID_TOPIC"),
        (
            "POST",
            "/api/topics",
            r#"{"topic":"a","channel":"!"}"#,
            400,
            "INVALID_CHANNEL",
        ),
        (
            "POST",
            "/api/topics/orders",
            r#"{"action":"burn"}"#,
            400,
            "INVALID_ACTION",
        ),
        ("DELETE", "/api/topics/%2A", "", 400, "INVALID_TOPIC"),
        ("DELETE", "/api/topics/orders/%2A", "", 400, "INVALID_CHANNEL"),
        ("DELETE", "/api/nodes/127.0.0.1:1", "", 400, "INVALID_BODY"),
        (
            "DELETE",
            "/api/nodes/127.0.0.1:1",
            r#"{"topic":"*"}"#,
            400,
            "INVALID_TOPIC",
        ),
        (
            "DELETE",
            "/api/nodes/127.0.0.1:1",
            r#"{"topic":"orders"}"#,
            404,
            "NODE_NOT_FOUND",
        ),
    ] {
        let response = admin.http().request(method, target, body);
        assert_eq!(
            (response.status(), &json(&response)["message"]),
            (status, &json!(message)),
            "{target} {body}"
        );
    }
    assert_eq!(
        json(&cluster.nsqlookupds[0].http().get("/topics"))["topics"],
        json!(["orders"])
    );
}

#[test]
fn a_tombstone_hides_the_node_and_deletes_the_topic_there() {
    let cluster = Cluster::start(2, 2);
    for nsqd in 0..2 {
        cluster.create(nsqd, "orders");
    }
    let admin = cluster.nsqadmin(&[]);
    let response = admin.http().request(
        "DELETE",
        &format!("/api/nodes/{}", cluster.node(0)),
        r#"{"topic":"orders"}"#,
    );
    response.expect_exact_json(200, r#"{"message":""}"#);
    assert_eq!(
        json(&cluster.nsqds[0].http().get("/stats?format=json"))["topics"],
        json!([])
    );
    let producers = json(&cluster.nsqlookupds[1].http().get("/lookup?topic=orders"))["producers"].clone();
    assert_eq!(producers.as_array().unwrap().len(), 1);
    assert_eq!(producers[0]["http_port"], cluster.nsqds[1].http_address().port());
}

#[test]
fn nsqds_alone_are_enough() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("orders", "billing");
    let admin = Nsqadmin::with(&[&format!("--nsqd-http-address={}", nsqd.http_address())]);
    admin
        .http()
        .get("/api/topics")
        .expect_exact_json(200, r#"{"topics":["orders"],"message":""}"#);
    assert_eq!(
        json(&admin.http().get("/api/topics/orders"))["channels"][0]["channel_name"],
        "billing"
    );
    assert_eq!(
        json(&admin.http().get("/api/nodes"))["nodes"][0]["remote_addresses"],
        json!(null)
    );
    let created = admin.http().post("/api/topics", r#"{"topic":"t","channel":"c"}"#);
    assert_eq!(created.status(), 502);
    let node = admin.await_ext("nodes", |data| data["nodes"][0]["version"] == "1.3.0");
    assert_eq!(node["data"]["nodes"][0]["node"], nsqd.http_address().to_string());
    assert_eq!(admin.ext("lookup")["data"]["configured"], false);
}
