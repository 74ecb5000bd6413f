//! Watching messages, and never losing one by it.

use nsq_tests::{Cluster, Nsqadmin, Peer, await_json};
use serde_json::{Value, json};

use super::{json, row};

const FLAGS: &[&str] = &["--stats-interval=1s"];

/// The events of a session.
struct Events(Peer);

impl Events {
    fn open(admin: &Nsqadmin, id: &str) -> Self {
        let mut connection = admin.events(&format!("/api/ext/tail/{id}"));
        assert!(connection.read_line().starts_with("HTTP/1.1 200"));
        while !connection.read_line().trim_end().is_empty() {}
        Self(connection)
    }

    fn read_line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            line.extend(self.0.expect_bytes(1));
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    /// The data of the next event of this name; others are passed over.
    fn await_event(&mut self, name: &str) -> Value {
        let wanted = format!("event: {name}");
        loop {
            if self.read_line() == wanted {
                let data = self.read_line();
                return serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            }
        }
    }
}

fn depth(cluster: &Cluster, nsqd: usize) -> Value {
    json(&cluster.nsqds[nsqd].http().get("/stats?format=json"))["topics"][0]["depth"].clone()
}

fn ready(cluster: &Cluster, nodes: i64, flags: &[&str]) -> Nsqadmin {
    let admin = cluster.nsqadmin(&[FLAGS, flags].concat());
    admin.await_ext("topics", |data| {
        data["total"] == 1 && row(data, "orders")["nodes"] == nodes
    });
    admin
}

#[test]
fn a_topic_without_channels_is_not_tailed_and_keeps_its_messages() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders");
    for _ in 0..5 {
        cluster.nsqds[0].publish("orders", "precious");
    }
    let admin = ready(&cluster, 1, &[]);
    let refused = admin.change("POST", "tail", &json!({"topic": "orders"}));
    assert_eq!(
        (refused.status(), &json(&refused)["message"]),
        (409, &json!("NO_DURABLE_CHANNEL"))
    );
    // An ephemeral channel is none that keeps them.
    let consumer = cluster.nsqds[0].consumer("orders", "x#ephemeral", 0);
    let refused = admin.change("POST", "tail", &json!({"topic": "orders"}));
    assert_eq!(refused.status(), 409);
    drop(consumer);
    assert_eq!(
        admin.change("POST", "tail", &json!({"topic": "nope"})).status(),
        404
    );
    let topics = json(&cluster.nsqds[0].http().get("/stats?format=json"))["topics"].clone();
    assert_eq!(topics.as_array().unwrap().len(), 1);
}

#[test]
fn messages_are_shown_and_the_channels_keep_theirs() {
    let cluster = Cluster::start(1, 2);
    cluster.create(0, "orders/billing");
    cluster.create(1, "orders");
    cluster.nsqds[1].publish("orders", "precious");
    let admin = ready(&cluster, 2, &[]);
    let started = json(&admin.change("POST", "tail", &json!({"topic": "orders"})))["data"].clone();
    assert_eq!(started["nodes"], json!([{"node": cluster.node(0), "ok": true}]));
    let skipped = &started["skipped"][0];
    assert_eq!(
        (&skipped["node"], &skipped["reason"]),
        (&json!(cluster.node(1)), &json!("NO_DURABLE_CHANNEL"))
    );
    let id = started["id"].as_str().unwrap();
    let mut events = Events::open(&admin, id);
    assert_eq!(events.await_event("open")["channel"], started["channel"]);
    cluster.nsqds[0].publish("orders", "a\n\nevent: end");
    let message = events.await_event("msg");
    assert_eq!(
        (&message["body"], &message["encoding"]),
        (&json!("a\n\nevent: end"), &json!("text"))
    );
    cluster.nsqds[0].publish("orders", b"\xff\x00");
    assert_eq!(events.await_event("msg")["body"], "/wA=");
    cluster.nsqds[0].publish("orders", "x".repeat(100_000));
    let large = events.await_event("msg");
    assert_eq!(
        (&large["truncated"], &large["size"]),
        (&json!(true), &json!(100_000))
    );
    assert_eq!(large["body"].as_str().unwrap().len(), 65_536);
    let target = format!("/api/ext/tail/{id}/{}", large["id"].as_str().unwrap());
    assert_eq!(
        json(&admin.http().get(&target))["body"].as_str().unwrap().len(),
        100_000
    );
    assert_eq!(
        admin.http().get(&format!("/api/ext/tail/{id}")).status(),
        409,
        "one viewer per session"
    );
    // The channel of the session counts nowhere.
    let channels = admin.ext("topics/orders")["data"]["channels"]["total"].clone();
    assert_eq!(channels, 1);
    assert_eq!(
        admin.change("DELETE", &format!("tail/{id}"), &json!({})).status(),
        200
    );
    assert_eq!(events.await_event("end")["reason"], "stopped");
    cluster.nsqds[0].await_channel("orders", "billing", &json!({"depth": 3}));
    assert_eq!(depth(&cluster, 1), 1, "nothing was taken where nothing stays");
}

#[test]
fn a_session_leaves_when_the_last_other_channel_goes() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders/billing");
    let admin = ready(&cluster, 1, &[]);
    let started = json(&admin.change("POST", "tail", &json!({"topic": "orders"})))["data"].clone();
    let mut events = Events::open(&admin, started["id"].as_str().unwrap());
    cluster.nsqds[0].channel_action("delete", "orders", "billing");
    let left = events.await_event("node");
    assert_eq!(
        (&left["ok"], &left["reason"]),
        (&json!(false), &json!("NO_DURABLE_CHANNEL"))
    );
    assert_eq!(events.await_event("end")["reason"], "no_durable_channel");
    await_json(cluster.nsqds[0].http(), "/stats?format=json", |stats| {
        stats["topics"][0]["channels"] == json!([])
    });
    cluster.nsqds[0].publish("orders", "precious");
    assert_eq!(depth(&cluster, 0), 1);
}

#[test]
fn a_deleted_topic_is_not_created_again() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders/billing");
    let admin = ready(&cluster, 1, &[]);
    let started = json(&admin.change("POST", "tail", &json!({"topic": "orders"})))["data"].clone();
    let mut events = Events::open(&admin, started["id"].as_str().unwrap());
    cluster.nsqds[0].topic_action("delete", "orders");
    assert_eq!(events.await_event("end")["reason"], "upstream");
    assert_eq!(
        json(&cluster.nsqds[0].http().get("/stats?format=json"))["topics"],
        json!([])
    );
}

#[test]
fn a_flood_is_cut_to_the_rate_and_said_so() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders/billing");
    let admin = ready(&cluster, 1, &[]);
    let started =
        json(&admin.change("POST", "tail", &json!({"topic": "orders", "rate": 10})))["data"].clone();
    let mut events = Events::open(&admin, started["id"].as_str().unwrap());
    let bodies = vec!["x"; 2000];
    let mut producer = cluster.nsqds[0].connect();
    producer.send(nsq_tests::command::multi_publish("orders", &bodies));
    producer.expect_ok();
    let mut skipped = 0;
    while skipped < 1900 {
        skipped += events.await_event("skip")["rate_limited"].as_i64().unwrap();
    }
    assert!(skipped < 2000);
}

#[test]
fn sessions_are_few_and_may_be_forbidden() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders/billing");
    let admin = ready(&cluster, 1, &["--tail-max-sessions=1"]);
    let order = json!({"topic": "orders"});
    let first = json(&admin.change("POST", "tail", &order))["data"]["id"].clone();
    // The same viewer starts anew: a page that was loaded again.
    let second = json(&admin.change("POST", "tail", &order))["data"]["id"].clone();
    assert_ne!(first, second);
    let headers = "Content-Type: application/json\r\nX-NSQAdmin-UI: 1\r\nX-Forwarded-User: bob\r\n";
    let other = admin.request("POST", "/api/ext/tail", headers, &order.to_string());
    assert_eq!(
        (other.status(), &json(&other)["message"]),
        (429, &json!("TOO_MANY_SESSIONS"))
    );
    let off = cluster.nsqadmin(&["--tail-access=off", "--publish-access=off"]);
    for path in ["tail", "publish"] {
        let refused = off.change("POST", path, &json!({"topic": "orders", "body": "x"}));
        assert_eq!(
            (refused.status(), &json(&refused)["message"]),
            (403, &json!("FORBIDDEN"))
        );
    }
}
