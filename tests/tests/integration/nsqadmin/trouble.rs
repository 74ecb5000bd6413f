//! Processes that hang, die and come back. D-04 to D-08 of the design.

use std::time::Duration;

use nsq_tests::{Cluster, Stopwatch};
use rustix::process::Signal;
use serde_json::json;

use super::{json, row};

/// Looks often, and waits for nobody for long.
const FLAGS: &[&str] = &["--stats-interval=1s", "--http-client-request-timeout=2s"];

/// What a page may take, with room for a busy machine.
const SOON: std::ops::Range<Duration> = Duration::ZERO..Duration::from_secs(1);

#[test]
fn a_hung_nsqd_blanks_no_page_and_hides_in_no_total() {
    let cluster = Cluster::start(2, 3);
    for nsqd in 0..3 {
        cluster.create(nsqd, "orders/billing");
        for _ in 0..=nsqd {
            cluster.nsqds[nsqd].publish("orders", "hi");
        }
    }
    let admin = cluster.nsqadmin(FLAGS);
    admin.await_ext("channels", |data| row(data, "orders/billing")["depth"] == 6);

    cluster.nsqds[2].process().signal(Signal::STOP);
    let hung = cluster.node(2);
    let answer = admin.await_ext("nodes", |data| {
        data["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|node| node["node"] == hung.as_str() && node["ok"] == false)
    });
    assert_eq!(answer["partial"], true);
    assert_eq!(answer["upstreams"]["nsqd"], json!({"ok": 2, "of": 3}));
    let sources = answer["sources"].as_array().unwrap();
    assert_eq!(
        (sources.len(), &sources[0]["id"], &sources[0]["kind"]),
        (1, &json!(hung), &json!("nsqd"))
    );
    assert!(sources[0]["last_ok"].as_i64().unwrap() <= sources[0]["since"].as_i64().unwrap());
    for page in [
        "overview",
        "topics",
        "topics/orders",
        "topics/orders/billing",
        "clients",
        "nodes",
        "lookup",
    ] {
        let stopwatch = Stopwatch::start();
        let answer = admin.ext(page);
        stopwatch.expect_within(SOON);
        assert_eq!(answer["partial"], true, "{page}");
    }
    let channels = admin.ext("channels")["data"].clone();
    let channel = row(&channels, "orders/billing");
    assert_eq!(
        (&channel["depth"], &channel["partial"]),
        (&json!(6), &json!(true)),
        "with its last known part"
    );
    let topic = admin.ext("topics/orders")["data"].clone();
    let on_node = topic["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|node| node["node"] == hung.as_str())
        .unwrap();
    assert_eq!((&on_node["ok"], &on_node["backlog"]), (&json!(false), &json!(3)));
    let wanted = format!("nsqd {hung}: no answer for ");
    admin.await_ext("problems", |data| {
        let mut problems = data["problems"].as_array().unwrap().iter();
        problems.any(|it| it["rule"] == "H-02" && it["text"].as_str().unwrap().starts_with(&wanted))
    });

    // The original's API waits for its deadline, and says who is missing.
    let partial = json(&admin.http().get("/api/topics/orders"));
    assert_eq!(partial["message_count"], 3);
    let message = partial["message"].as_str().unwrap();
    assert!(
        message.starts_with("WARNING: Get \"http://") && message.contains(&hung),
        "{message}"
    );

    cluster.nsqds[2].process().signal(Signal::CONT);
    let healed = admin.await_ext("overview", |data| {
        data["totals"]["depth"] == 6 && data["counts"]["crit"] != 0
    });
    assert_eq!(healed["data"]["totals"]["depth"], 6);
    admin.await_ext("nodes", |data| {
        data["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|node| node["ok"] == true)
    });
}

#[test]
fn a_hung_nsqlookupd_holds_up_nothing() {
    let cluster = Cluster::start(2, 1);
    cluster.create(0, "orders");
    for topic in 0..11 {
        let created = cluster.nsqlookupds[0]
            .http()
            .post(&format!("/topic/create?topic=orphan{topic}"), "");
        assert_eq!(created.status(), 200);
    }
    let admin = cluster.nsqadmin(FLAGS);
    admin.await_ext("lookup", |data| data["inactive"].as_array().unwrap().len() == 11);
    cluster.nsqlookupds[1].process().signal(Signal::STOP);
    admin.await_ext("lookup", |data| data["nsqlookupds"][1]["ok"] == false);
    let stopwatch = Stopwatch::start();
    let lookup = admin.ext("lookup");
    stopwatch.expect_within(SOON);
    assert_eq!(lookup["data"]["inactive"].as_array().unwrap().len(), 11);
    assert_eq!(lookup["data"]["inactive"][0]["known_to"], json!([true, null]));
    assert_eq!(
        lookup["data"]["registrations"][0]["known_to"],
        json!([true, null])
    );
    // One deadline, not one for each topic.
    let stopwatch = Stopwatch::start();
    let inactive = json(&admin.http().get("/api/topics?inactive=true"));
    stopwatch.expect_within(Duration::ZERO..Duration::from_secs(8));
    assert_eq!(inactive["topics"].as_object().unwrap().len(), 11);
    assert!(inactive["message"].as_str().unwrap().starts_with("WARNING: "));
}

#[test]
fn with_everyone_down_every_page_says_so() {
    let mut cluster = Cluster::start(1, 1);
    cluster.create(0, "orders");
    let admin = cluster.nsqadmin(FLAGS);
    admin.await_ext("topics", |data| data["total"] == 1);
    let addresses = [cluster.node(0), cluster.nsqlookupds[0].http_address().to_string()];
    cluster.nsqds.clear();
    cluster.nsqlookupds.clear();
    let answer = admin.await_ext("overview", |data| data["counts"]["crit"] == 2);
    let sources = answer["sources"].as_array().unwrap();
    for address in addresses {
        let source = sources.iter().find(|source| source["id"] == address).unwrap();
        assert_eq!(
            source["error"].as_str().unwrap().rsplit(": ").next(),
            Some("connection refused")
        );
    }
    assert_eq!(admin.ext("topics")["data"]["total"], 1, "what was known is known");
    let refused = admin.http().get("/api/topics");
    assert_eq!(refused.status(), 502);
    let message = json(&refused)["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("UPSTREAM_ERROR: failed to query any nsqlookupd: Get \"http://"),
        "{message}"
    );
}

#[test]
fn an_action_says_which_node_did_not_do_it_and_can_be_tried_again_there() {
    let cluster = Cluster::start(1, 2);
    for nsqd in 0..2 {
        cluster.create(nsqd, "orders/billing");
        cluster.nsqds[nsqd].publish("orders", "hi");
    }
    let admin = cluster.nsqadmin(FLAGS);
    admin.await_ext("topics", |data| {
        data["total"] == 1 && row(data, "orders")["nodes"] == 2
    });
    cluster.nsqds[1].process().signal(Signal::STOP);
    let order = json!({"action": "empty", "targets": [{"topic": "orders", "channel": "billing"}]});
    let partial = json(&admin.change("POST", "actions", &order))["data"].clone();
    assert_eq!((&partial["ok"], &partial["messages"]), (&json!(false), &json!(1)));
    let failed: Vec<_> = partial["targets"][0]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| node["ok"] == false)
        .collect();
    assert_eq!((failed.len(), &failed[0]["node"]), (1, &json!(cluster.node(1))));
    cluster.nsqds[1].process().signal(Signal::CONT);
    let order = json!({"action": "empty", "targets": [{"topic": "orders", "channel": "billing", "node": cluster.node(1)}]});
    let retried = json(&admin.change("POST", "actions", &order))["data"].clone();
    assert_eq!((&retried["ok"], &retried["messages"]), (&json!(true), &json!(1)));
    admin.await_ext("channels", |data| row(data, "orders/billing")["depth"] == 0);
}
