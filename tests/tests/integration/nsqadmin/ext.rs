//! The extension API of a cluster that is well.

use std::sync::mpsc::channel;

use nsq_tests::upstream::{Upstream, ok};
use nsq_tests::{Cluster, Nsqadmin};
use serde_json::{Value, json};

use super::{json, row};

const FLAGS: &[&str] = &["--stats-interval=1s"];

#[test]
fn rates_trends_and_charts_need_no_graphite() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders/billing");
    let admin = cluster.nsqadmin(FLAGS);
    admin.await_ext("topics", |data| data["total"] == 1);
    for _ in 0..20 {
        cluster.nsqds[0].publish("orders", "0123456789");
    }
    let is_rate = |value: &Value| value.as_f64().is_some_and(|rate| rate > 0.0);
    let topics = admin.await_ext("topics?spark=1", |data| {
        is_rate(&row(data, "orders")["publish_rate"])
    });
    let topic = row(&topics["data"], "orders");
    assert_eq!(
        (&topic["messages"], &topic["message_bytes"], &topic["backlog"]),
        (&json!(20), &json!(200), &json!(20))
    );
    assert_eq!(
        (&topic["worst_channel"], &topic["worst_depth"]),
        (&json!("billing"), &json!(20))
    );
    let series = admin.await_ext(
        "series?entity=channel:orders/billing&metric=depth,in&range_ms=60000",
        |data| {
            data["series"][0]["values"]
                .as_array()
                .unwrap()
                .contains(&json!(20.0))
                || data["series"][0]["values"]
                    .as_array()
                    .unwrap()
                    .contains(&json!(20))
        },
    );
    assert_eq!(series["data"]["step_ms"], 1000);
    assert_eq!(series["data"]["series"][1]["metric"], "in");
    for query in [
        "",
        "entity=topic:x",
        "entity=topic:x&metric=nope",
        "entity=topic:x&metric=publish&from=9&to=1",
    ] {
        let refused = admin.http().get(&format!("/api/ext/series?{query}"));
        assert_eq!(
            (refused.status(), &json(&refused)["message"]),
            (400, &json!("INVALID_REQUEST")),
            "{query}"
        );
    }
}

#[test]
fn only_what_has_changed_is_sent_again() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "quiet");
    cluster.create(0, "busy");
    let admin = cluster.nsqadmin(FLAGS);
    let first = admin.await_ext("topics", |data| {
        data["total"] == 2 && row(data, "quiet")["publish_rate"] == 0
    });
    assert_eq!(first["data"]["full"], true);
    let since = format!("topics?since={}", first["seq"]);
    cluster.nsqds[0].publish("busy", "hi");
    let delta = admin.await_ext(&since, |data| !data["rows"].as_array().unwrap().is_empty());
    assert_eq!(delta["data"]["full"], false);
    let keys: Vec<_> = delta["data"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[0].clone())
        .collect();
    assert_eq!(keys, ["busy"]);
    assert_eq!(
        admin.http().request("DELETE", "/api/topics/busy", "").status(),
        200
    );
    admin.await_ext(&since, |data| data["removed"] == json!(["busy"]));
}

#[test]
fn clients_are_grouped_over_nodes() {
    let cluster = Cluster::start(1, 2);
    let consumers: Vec<_> = (0..2)
        .map(|nsqd| {
            cluster.create(nsqd, "orders/billing");
            let mut consumer = cluster.nsqds[nsqd].connect();
            consumer.send(nsq_tests::command::identify(
                r#"{"client_id":"w","hostname":"h","user_agent":"ua/1"}"#,
            ));
            consumer.expect_ok();
            consumer.subscribe("orders", "billing");
            consumer.ready(5);
            consumer
        })
        .collect();
    let mut producer = cluster.nsqds[0].connect();
    producer.publish("orders", "hi");
    let admin = cluster.nsqadmin(FLAGS);
    let groups = admin.await_ext("clients", |data| {
        data["total"] == 1 && data["rows"][0][7] == 2 && data["rows"][0][11] == 10
    });
    let group = row(&groups["data"], "orders/billing@w@h@ua/1");
    assert_eq!(
        (&group["nodes"], &group["nodes_of"], &group["rdy"]),
        (&json!(2), &json!(2), &json!(10))
    );
    assert_eq!(admin.ext("connections")["data"]["total"], 2);
    let producers = admin.await_ext("producers", |data| data["total"] == 1);
    assert_eq!(producers["data"]["rows"][0][1], "orders");
    let channel = admin.ext("topics/orders/billing")["data"].clone();
    assert_eq!(channel["connections"]["total"], 2);
    assert_eq!(channel["is_last"], true);
    drop((consumers, producer));
}

#[test]
fn a_dry_run_tells_what_would_be_lost_and_loses_nothing() {
    let cluster = Cluster::start(1, 2);
    for nsqd in 0..2 {
        cluster.create(nsqd, "orders/billing");
        for _ in 0..3 {
            cluster.nsqds[nsqd].publish("orders", "hi");
        }
    }
    let consumer = cluster.nsqds[0].consumer("orders", "billing", 2);
    let admin = cluster.nsqadmin(FLAGS);
    admin.await_ext("topics", |data| {
        data["total"] == 1 && row(data, "orders")["nodes"] == 2
    });
    let mut order = json!({"action": "delete", "targets": [{"topic": "orders"}], "dry_run": true});
    let dry = json(&admin.change("POST", "actions", &order))["data"].clone();
    assert_eq!(
        (&dry["ok"], &dry["messages"], &dry["clients"]),
        (&json!(true), &json!(6), &json!(1))
    );
    let target = &dry["targets"][0];
    let sum = ["depth", "in_flight", "deferred"]
        .map(|field| target[field].as_i64().unwrap())
        .iter()
        .sum::<i64>();
    assert_eq!(sum, 6);
    let stats = json(&cluster.nsqds[0].http().get("/stats?format=json"));
    assert_eq!(stats["topics"][0]["channels"][0]["message_count"], 3);
    // Emptying the topic would leave its channel alone.
    order["action"] = json!("empty");
    assert_eq!(
        json(&admin.change("POST", "actions", &order))["data"]["messages"],
        0
    );
    drop(consumer);
    order = json!({"action": "delete", "targets": [{"topic": "orders", "channel": "billing"}, {"topic": "orders"}]});
    assert_eq!(json(&admin.change("POST", "actions", &order))["data"]["ok"], true);
    admin.await_ext("topics", |data| data["total"] == 0);
    for bad in [
        json!({"action": "delete", "targets": []}),
        json!({"action": "burn", "targets": [{"topic": "t"}]}),
        json!({"action": "delete", "targets": [{"topic": "*"}]}),
        json!({"action": "tombstone", "targets": [{"topic": "t"}]}),
        json!({"action": "delete", "targets": vec![json!({"topic": "t"}); 501]}),
    ] {
        assert_eq!(admin.change("POST", "actions", &bad).status(), 400, "{bad}");
    }
    let unknown = json!({"action": "tombstone", "targets": [{"topic": "t", "node": "127.0.0.1:1"}]});
    assert_eq!(
        admin.change("POST", "actions", &unknown).status(),
        404,
        "no request leaves for a host that is named"
    );
}

#[test]
fn messages_are_published_where_the_topic_is() {
    let cluster = Cluster::start(1, 2);
    cluster.create(0, "orders/billing");
    let admin = cluster.nsqadmin(FLAGS);
    admin.await_ext("topics", |data| {
        data["total"] == 1 && row(data, "orders")["nodes"] == 1
    });
    for (order, messages) in [
        (json!({"topic": "orders", "body": "hello"}), 1),
        (json!({"topic": "orders", "body": "a\nb\n", "split": true}), 2),
        (
            json!({"topic": "orders", "body": "/wA=", "encoding": "base64"}),
            1,
        ),
        (json!({"topic": "orders", "body": "later", "defer_ms": 60000}), 1),
    ] {
        let answer = json(&admin.change("POST", "publish", &order))["data"].clone();
        assert_eq!(
            (&answer["messages"], &answer["node"]),
            (&json!(messages), &json!(cluster.node(0))),
            "{order}"
        );
    }
    let stats = json(&cluster.nsqds[0].http().get("/stats?format=json"));
    let channel = &stats["topics"][0]["channels"][0];
    assert_eq!(
        (&channel["message_count"], &channel["deferred_count"]),
        (&json!(5), &json!(1))
    );
    for (order, status, code) in [
        (json!({"topic": "nope", "body": "x"}), 404, "TOPIC_NOT_FOUND"),
        (
            json!({"topic": "orders", "body": "x", "node": cluster.node(1)}),
            404,
            "TOPIC_NOT_FOUND",
        ),
        (
            json!({"topic": "orders", "body": "x", "node": "127.0.0.1:1"}),
            404,
            "NODE_NOT_FOUND",
        ),
        (json!({"topic": "orders", "body": ""}), 400, "INVALID_BODY"),
        (
            json!({"topic": "orders", "body": "?", "encoding": "base64"}),
            400,
            "INVALID_BODY",
        ),
        (json!({"topic": "a b", "body": "x"}), 400, "INVALID_TOPIC"),
        (
            json!({"topic": "orders", "body": "x".repeat(1_100_000)}),
            413,
            "BODY_TOO_BIG",
        ),
    ] {
        let refused = admin.change("POST", "publish", &order);
        assert_eq!(
            (refused.status(), &json(&refused)["message"]),
            (status, &json!(code))
        );
    }
    let created = admin.change(
        "POST",
        "publish",
        &json!({"topic": "new", "body": "x", "create": true}),
    );
    assert_eq!(created.status(), 200);
}

#[test]
fn problems_are_raised_with_their_cause_and_cleared() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders/billing");
    cluster.create(0, "dead.letters");
    cluster.nsqds[0].publish("orders", "hi");
    cluster.nsqds[0].publish("dead.letters", "hi");
    let admin = cluster.nsqadmin(FLAGS);
    let answer = admin.await_ext("overview", |data| data["counts"]["crit"] == 2);
    let rules: Vec<_> = answer["data"]["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["rule"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["H-06", "H-07"]);
    assert_eq!(
        answer["data"]["problems"][1]["text"],
        "orders/billing: 1 waiting, nobody connected"
    );
    admin.await_ext("channels", |data| {
        row(data, "orders/billing")["problem"] == "crit"
    });
    cluster.nsqds[0].channel_action("empty", "orders", "billing");
    cluster.nsqds[0].topic_action("empty", "dead.letters");
    admin.await_ext("problems", |data| data["counts"]["crit"] == 0);
    let text = admin.http().get("/metrics").text().to_owned();
    assert!(
        text.contains("nsqadmin_topic_message_count{topic=\"orders\"} 1\n"),
        "{text}"
    );
    assert!(
        text.contains("nsqadmin_problems{severity=\"crit\"} 0\n"),
        "{text}"
    );
}

#[test]
fn looking_changes_nothing() {
    let cluster = Cluster::start(1, 1);
    let admin = cluster.nsqadmin(FLAGS);
    for page in ["topics/nope", "topics/nope/c", "nodes/127.0.0.1:1"] {
        let missing = admin.http().get(&format!("/api/ext/{page}"));
        assert_eq!(missing.status(), 404, "{page}");
    }
    assert_eq!(
        json(&admin.http().get("/api/ext/topics/nope"))["message"],
        "TOPIC_NOT_FOUND"
    );
    assert_eq!(
        json(&cluster.nsqds[0].http().get("/stats?format=json"))["topics"],
        json!([])
    );
    assert_eq!(
        json(&cluster.nsqlookupds[0].http().get("/topics"))["topics"],
        json!([])
    );
}

#[test]
fn what_users_change_is_remembered_with_who_did_it() {
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders/billing");
    let admin = cluster.nsqadmin(FLAGS);
    admin.await_ext("channels", |data| data["total"] == 1);
    assert_eq!(
        admin.ext("activity")["data"],
        json!({"entries": [], "entries_max": 500})
    );
    let headers = "Content-Type: application/json\r\nX-NSQAdmin-UI: 1\r\nX-Forwarded-User: alice\r\nUser-Agent: ua/1\r\n";
    let mut order =
        json!({"action": "pause", "targets": [{"topic": "orders", "channel": "billing"}], "dry_run": true});
    admin.request("POST", "/api/ext/actions", headers, &order.to_string());
    order["dry_run"] = false.into();
    admin.request("POST", "/api/ext/actions", headers, &order.to_string());
    let emptied = admin.http().post("/api/topics/orders", r#"{"action":"empty"}"#);
    assert_eq!(emptied.status(), 200);
    let activity = admin.ext("activity")["data"]["entries"].clone();
    let told: Vec<_> = activity
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            [
                &it["action"],
                &it["topic"],
                &it["channel"],
                &it["user"],
                &it["user_agent"],
            ]
        })
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["empty_topic", "orders", "", "", ""],
            ["pause_channel", "orders", "billing", "alice", "ua/1"]
        ]),
        "the last one first, and no dry run"
    );
    assert!(
        activity[0]["remote_address"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:")
    );
    assert!(activity[1]["at"].as_i64() <= activity[0]["at"].as_i64());
}

#[test]
fn without_nsqlookupds_topics_and_channels_are_created_on_chosen_nsqds() {
    let cluster = Cluster::start(0, 3);
    let flags: Vec<_> = (0..3)
        .map(|nsqd| format!("--nsqd-http-address={}", cluster.node(nsqd)))
        .collect();
    let flags: Vec<_> = flags
        .iter()
        .map(String::as_str)
        .chain(["--stats-interval=1s"])
        .collect();
    let admin = Nsqadmin::with(&flags);
    admin.await_ext("nodes", |data| {
        let nodes = data["nodes"].as_array().unwrap();
        nodes.len() == 3 && nodes.iter().all(|node| node["ok"] == true)
    });
    let targets = json!([
        {"topic": "orders", "channel": "billing", "node": cluster.node(0)},
        {"topic": "orders", "node": cluster.node(2)},
    ]);
    let dry = json!({"action": "create", "targets": targets, "dry_run": true});
    assert_eq!(json(&admin.change("POST", "actions", &dry))["data"]["ok"], true);
    let order = json!({"action": "create", "targets": targets});
    let created = json(&admin.change("POST", "actions", &order))["data"].clone();
    assert_eq!(created["ok"], true, "{created}");
    admin.await_ext("topics", |data| {
        data["total"] == 1 && row(data, "orders")["nodes"] == 2
    });
    let topics = admin.ext("topics/orders");
    let having: Vec<_> = topics["data"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| {
            (
                node["node"].as_str().unwrap().to_owned(),
                node["channels"].clone(),
            )
        })
        .collect();
    for (nsqd, channels) in [(0, 1), (2, 0)] {
        assert!(
            having.contains(&(cluster.node(nsqd), json!(channels))),
            "{having:?}"
        );
    }
}

#[test]
fn graphite_is_asked_for_series_by_valid_expressions() {
    let (sender, asked) = channel();
    let graphite = Upstream::new(move |target| {
        sender.send(target.to_owned()).unwrap();
        ok(r#"[{"target":"1","datapoints":[[2.5,60],[null,120],[3.5,180]]}]"#)
    });
    let cluster = Cluster::start(1, 0);
    let flag = format!("--graphite-url=http://joe:secret@{}", graphite.address());
    let admin = cluster.nsqadmin(&["--stats-interval=1s", &flag]);
    let query = "series?entity=topic:orders&metric=depth,publish,out&range_ms=60000&source=graphite";
    let answer = admin.ext(query)["data"].clone();
    assert_eq!(
        (&answer["source"], &answer["from"], &answer["step_ms"]),
        (&json!("graphite"), &json!(60_000), &json!(60_000))
    );
    let rate = "scale(sumSeries(stats.counters.nsq.*.topic.orders.message_count.count),0.016666666666666666)";
    assert_eq!(
        answer["series"],
        json!([
            {"entity": "topic:orders", "metric": "depth", "values": [],
             "target": "sumSeries(stats.gauges.nsq.*.topic.orders.depth)"},
            {"entity": "topic:orders", "metric": "publish", "values": [2.5, null, 3.5], "target": rate},
        ]),
        "in the order of the question, and without what nsqd does not send"
    );
    let target = asked.recv().unwrap();
    assert!(target.starts_with("/render?format=json&from="), "{target}");
    assert!(
        target.contains("&maxDataPoints=300&target=alias%28sumSeries%28stats.gauges"),
        "{target}"
    );
    assert!(!answer["url"].as_str().unwrap().contains("secret"));
    for (query, status) in [
        ("series?entity=cluster&metric=publish&source=graphite", 400),
        ("series?entity=topic:orders&metric=depth&source=nonsense", 400),
    ] {
        assert_eq!(
            admin.http().get(&format!("/api/ext/{query}")).status(),
            status,
            "{query}"
        );
    }
    let without = cluster.nsqadmin(&[]);
    assert_eq!(without.http().get(&format!("/api/ext/{query}")).status(), 400);
}

#[test]
fn a_graphite_that_answers_garbage_is_named() {
    let graphite = Upstream::new(|_| ok("<html>no</html>"));
    let cluster = Cluster::start(1, 0);
    let admin = cluster.nsqadmin(&[&format!("--graphite-url=http://{}", graphite.address())]);
    let refused = admin
        .http()
        .get("/api/ext/series?entity=topic:orders&metric=depth&source=graphite");
    let answer = json(&refused);
    assert_eq!(
        (refused.status(), &answer["message"]),
        (502, &json!("UPSTREAM_ERROR"))
    );
    let detail = answer["detail"].as_str().unwrap();
    assert_eq!(
        detail,
        format!(
            "Graphite at http://{}: its answer is not understood",
            graphite.address()
        )
    );
}

#[test]
fn a_channel_that_is_not_on_every_node_is_pointed_out() {
    let cluster = Cluster::start(1, 2);
    cluster.create(0, "orders/billing");
    cluster.create(1, "orders");
    // Of a topic that is there already, a channel is created on this node alone.
    cluster.create(1, "orders/here");
    let admin = cluster.nsqadmin(FLAGS);
    admin.await_ext("channels", |data| {
        data["total"] == 2 && row(data, "orders/here")["nodes_of"] == 2
    });
    let detail = admin.ext("topics/orders")["data"].clone();
    let missing: Vec<_> = detail["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["node"].as_str().unwrap(), &node["missing_channels"]))
        .collect();
    let (first, second) = (cluster.node(0), cluster.node(1));
    assert!(
        missing.contains(&(first.as_str(), &json!(["here"]))),
        "{missing:?}"
    );
    let problems = admin.await_ext("problems", |data| {
        data["problems"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["rule"] == "H-15")
    });
    let text = problems["data"]["problems"].to_string();
    assert!(
        text.contains(&format!("orders/here is missing on {first}")),
        "{text} {second}"
    );
}
