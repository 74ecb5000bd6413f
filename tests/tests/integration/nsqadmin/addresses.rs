//! Whom nsqadmin calls: those of its cluster, whatever somebody asks of it.

use std::io::ErrorKind;
use std::net::TcpListener;

use nsq_tests::{Cluster, Nsqadmin};
use serde_json::json;

use super::json;

/// Somebody who is not of the cluster.
struct Stranger(TcpListener);

impl Stranger {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    #[track_caller]
    fn expect_no_call(&self, by: &str) {
        match self.0.accept() {
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            Ok((_, from)) => panic!("{by} made {from} call"),
        }
    }
}

#[track_caller]
fn expect_unknown(admin: &Nsqadmin, stranger: &str) {
    let topic = json!({"topic": "orders"}).to_string();
    for (method, body) in [("GET", ""), ("DELETE", &topic)] {
        let response = admin
            .http()
            .request(method, &format!("/api/nodes/{stranger}"), body);
        assert_eq!(
            (response.status(), &json(&response)["message"]),
            (404, &json!("NODE_NOT_FOUND")),
            "{method} {stranger}"
        );
    }
    let extended = admin.http().get(&format!("/api/ext/nodes/{stranger}"));
    assert_eq!(extended.status(), 404, "{extended:?}");
    for (path, body) in [
        (
            "publish",
            json!({"topic": "orders", "body": "x", "node": stranger, "create": true}),
        ),
        ("tail", json!({"topic": "orders", "nodes": [stranger]})),
        (
            "actions",
            json!({"action": "tombstone", "targets": [{"topic": "orders", "node": stranger}]}),
        ),
        (
            "actions",
            json!({"action": "empty", "targets": [{"topic": "orders", "node": stranger}]}),
        ),
        (
            "actions",
            json!({"action": "delete", "targets": [{"topic": "orders", "node": stranger}], "dry_run": true}),
        ),
    ] {
        let response = admin.change("POST", path, &body);
        assert_eq!(response.status(), 404, "{path} {body}: {response:?}");
    }
}

#[test]
fn only_processes_of_the_cluster_are_called() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders");
    let admin = cluster.nsqadmin(&["--proxy-graphite"]);
    admin.await_ext("nodes", |data| data["nodes"][0]["version"] == "1.3.0");
    let stranger = Stranger::new();
    let address = stranger.address();
    expect_unknown(&admin, &address);
    // The same with more of a URL around a node that is known.
    let known = cluster.node(0);
    for forged in [
        format!("{known}@{address}"),
        format!("{address}#{known}"),
        format!("{address}?{known}"),
        format!("http:%2F%2F{address}"),
    ] {
        let path = forged.replace('#', "%23").replace('?', "%3F").replace('@', "%40");
        expect_unknown(&admin, &path);
    }
    for target in [
        format!("/render?target=x&url=http://{address}/"),
        format!("/api/graphite?metric=rate&target=http://{address}/"),
        format!("http://{address}/api/topics"),
    ] {
        admin.http().get(&target);
    }
    let headers = format!(
        "X-Forwarded-Host: {address}\r\nX-Forwarded-For: {address}\r\nReferer: http://{address}/\r\n"
    );
    admin.request("POST", "/api/topics/orders", &headers, r#"{"action":"pause"}"#);
    admin.http().get("/api/ext/overview");
    stranger.expect_no_call("a request");
}

#[test]
fn a_registration_is_no_more_than_a_host_and_a_port() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders");
    let stranger = Stranger::new();
    let port = stranger.0.local_addr().unwrap().port();
    // It would be asked for a path of its choice, at a port that it may not register.
    let mut producers = Vec::new();
    for host in [
        format!("127.0.0.1:{port}/stolen?"),
        format!("x@127.0.0.1:{port}/stolen?"),
        "localhost/stolen?".to_owned(),
    ] {
        let mut producer = cluster.nsqlookupds[0].producer(&host);
        producer.send("REGISTER orders\n");
        assert_eq!(producer.read_body(), b"OK");
        producers.push(producer);
    }
    let admin = cluster.nsqadmin(&["--stats-interval=1s"]);
    let nodes = json(&admin.http().get("/api/nodes"));
    assert_eq!(nodes["nodes"].as_array().unwrap().len(), 4, "{nodes}");
    let topic = json(&admin.http().get("/api/topics/orders"));
    assert_eq!(topic["topic_name"], "orders");
    admin.http().post("/api/topics/orders", r#"{"action":"pause"}"#);
    admin.await_ext("nodes", |data| {
        let nodes = data["nodes"].as_array().unwrap();
        nodes.len() == 4 && nodes.iter().filter(|node| node["error"].is_string()).count() == 3
    });
    stranger.expect_no_call("a registration");
}
