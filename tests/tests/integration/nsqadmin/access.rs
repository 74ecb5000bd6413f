//! Who may do what, and who is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use nsq_tests::Cluster;
use nsq_tests::peer::PATIENCE;
use serde_json::{Value, json};

use super::json;

#[test]
fn only_admins_change_things_and_everyone_may_look() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders");
    let admin = cluster.nsqadmin(&[
        "--admin-user=alice",
        "--acl-http-header=X-User",
        "--admin-user=bob",
    ]);
    let pause = r#"{"action":"pause"}"#;
    for (headers, status) in [
        ("", 403),
        ("X-User: mallory\r\n", 403),
        ("X-Forwarded-User: alice\r\n", 403),
        ("x-user: bob\r\n", 200),
    ] {
        let response = admin.request("POST", "/api/topics/orders", headers, pause);
        assert_eq!(response.status(), status, "{headers}");
    }
    // Refused before the body is looked at.
    assert_eq!(
        json(&admin.http().post("/api/topics", "{"))["message"],
        "FORBIDDEN"
    );
    let order = json!({"action": "pause", "targets": [{"topic": "orders"}]});
    for (path, body) in [
        ("actions", order),
        ("publish", json!({"topic": "orders", "body": "x"})),
        ("tail", json!({"topic": "orders"})),
    ] {
        let refused = admin.change("POST", path, &body);
        assert_eq!(
            (refused.status(), &json(&refused)["message"]),
            (403, &json!("FORBIDDEN")),
            "{path}"
        );
    }
    let meta = json(&admin.request("GET", "/api/ext/meta", "X-User: alice\r\n", ""));
    assert_eq!(
        (&meta["data"]["user"], &meta["data"]["is_admin"]),
        (&json!("alice"), &json!(true))
    );
    assert_eq!(
        admin.ext("meta")["data"]["can"],
        json!({"act": false, "tail": false, "publish": false})
    );
}

#[test]
fn other_sites_cannot_make_a_browser_change_things() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders");
    let admin = cluster.nsqadmin(&[]);
    for (method, target, body) in [
        ("DELETE", "/api/topics/orders", ""),
        ("POST", "/api/topics/orders", r#"{"action":"empty"}"#),
        ("PUT", "/config/log_level", "debug"),
        (
            "POST",
            "/api/ext/actions",
            r#"{"action":"delete","targets":[{"topic":"orders"}]}"#,
        ),
    ] {
        let response = admin.request(method, target, "Sec-Fetch-Site: cross-site\r\n", body);
        assert_eq!(
            (response.status(), &json(&response)["message"]),
            (403, &json!("CROSS_SITE")),
            "{target}"
        );
    }
    // What a form can send has neither header.
    let form = admin.request("POST", "/api/ext/actions", "Content-Type: text/plain\r\n", "{}");
    assert_eq!(
        (form.status(), &json(&form)["message"]),
        (400, &json!("UI_HEADER_REQUIRED"))
    );
    let same_site = admin.request(
        "POST",
        "/api/topics/orders",
        "Sec-Fetch-Site: same-origin\r\n",
        r#"{"action":"pause"}"#,
    );
    assert_eq!(same_site.status(), 200);
}

#[test]
fn the_configuration_is_for_one_network() {
    let cluster = Cluster::start(2, 0);
    let admin = cluster.nsqadmin(&[]);
    assert_eq!(admin.http().get("/config/log_level").text(), "2");
    assert_eq!(admin.http().put("/config/log_level", "debug").text(), "1");
    let first = cluster.nsqlookupds[0].http_address();
    let list = format!("[\"{first}\"]");
    let changed = admin.http().put("/config/nsqlookupd_http_addresses", &list);
    assert_eq!(changed.text(), list);
    for (target, body, status, message) in [
        (
            "/config/nsqlookupd_http_addresses",
            r#"["zzz",5]"#,
            400,
            "INVALID_VALUE",
        ),
        ("/config/log_level", "loud", 400, "INVALID_VALUE"),
        ("/config/log_level", "", 413, "INVALID_VALUE"),
        ("/config/graphite_url", "x", 400, "INVALID_OPTION"),
    ] {
        let response = admin.http().put(target, body);
        assert_eq!(
            (response.status(), &json(&response)["message"]),
            (status, &json!(message)),
            "{target} {body}"
        );
    }
    assert_eq!(
        admin.http().get("/config/nsqlookupd_http_addresses").text(),
        list,
        "a refusal changes nothing"
    );
    admin.await_ext("lookup", |data| {
        data["nsqlookupds"].as_array().unwrap().len() == 1
    });

    let closed = cluster.nsqadmin(&["--allow-config-from-cidr=10.0.0.0/8"]);
    assert_eq!(closed.http().get("/config/log_level").status(), 403);
}

/// Receives notifications, and answers them with an error, which must not matter.
fn receiver() -> (SocketAddr, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, bodies) = channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = BufReader::new(connection.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                connection.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            connection.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            connection.get_mut().write_all(answer).unwrap();
            if sender.send(serde_json::from_slice(&body).unwrap()).is_err() {
                break;
            }
        }
    });
    (address, bodies)
}

#[test]
fn every_change_is_told() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders/billing");
    let (address, notifications) = receiver();
    let admin = cluster.nsqadmin(&[
        &format!("--notification-http-endpoint=http://{address}/x"),
        "--base-path=/a",
    ]);
    // carol:secret
    let headers = "Authorization: Basic Y2Fyb2w6c2VjcmV0\r\nUser-Agent: UA/1\r\nX-Scheme: https\r\n";
    let told = |method: &str, target: &str, body: &str| {
        assert_eq!(
            admin.request(method, target, headers, body).status(),
            200,
            "{target}"
        );
        notifications.recv_timeout(PATIENCE).unwrap()
    };
    let first = told(
        "POST",
        "/a/api/topics/orders/billing?x=y",
        r#"{"action":"pause"}"#,
    );
    assert_eq!(first["action"], "pause_channel");
    assert_eq!(
        (&first["topic"], &first["channel"]),
        (&json!("orders"), &json!("billing"))
    );
    assert_eq!(
        (&first["user"], &first["user_agent"]),
        (&json!("carol"), &json!("UA/1"))
    );
    assert_eq!(
        first["url"],
        "https://admin.example/a/api/topics/orders/billing?x=y"
    );
    assert!(first["timestamp"].as_i64().unwrap() > 1_700_000_000);
    assert!(first["remote_ip"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(!first["via"].as_str().unwrap().is_empty());
    assert_eq!(first.get("node"), None);
    let node = format!("/a/api/nodes/{}", cluster.node(0));
    for (method, target, body, action) in [
        (
            "POST",
            "/a/api/topics/orders",
            r#"{"action":"unpause"}"#,
            "unpause_topic",
        ),
        (
            "POST",
            "/a/api/topics/orders",
            r#"{"action":"empty"}"#,
            "empty_topic",
        ),
        ("POST", "/a/api/topics", r#"{"topic":"new"}"#, "create_topic"),
        ("DELETE", "/a/api/topics/orders/billing", "", "delete_channel"),
        (
            "DELETE",
            &node,
            r#"{"topic":"orders"}"#,
            "tombstone_topic_producer",
        ),
    ] {
        assert_eq!(told(method, target, body)["action"], action);
    }
    let ui = "Content-Type: application/json\r\nX-NSQAdmin-UI: 1\r\n";
    let dry = r#"{"action":"delete","targets":[{"topic":"new"}],"dry_run":true}"#;
    assert_eq!(admin.request("POST", "/a/api/ext/actions", ui, dry).status(), 200);
    let wet = r#"{"action":"delete","targets":[{"topic":"new"}]}"#;
    assert_eq!(admin.request("POST", "/a/api/ext/actions", ui, wet).status(), 200);
    let last = notifications.recv_timeout(PATIENCE).unwrap();
    assert_eq!(last["action"], "delete_topic", "a dry run is not told");
    notifications.recv_timeout(Duration::ZERO).unwrap_err();
}

#[test]
fn a_receiver_that_cannot_be_reached_harms_nothing() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders");
    let admin = cluster.nsqadmin(&["--notification-http-endpoint=http://127.0.0.1:1/"]);
    for _ in 0..2 {
        assert_eq!(
            admin
                .http()
                .post("/api/topics/orders", r#"{"action":"pause"}"#)
                .status(),
            200
        );
    }
    admin.log().await_lines(
        "ERROR: failed to POST notification - Post \"http://127.0.0.1:1/\": dial tcp",
        2,
    );
    admin.http().get("/ping").expect_text(200, "OK");
}
