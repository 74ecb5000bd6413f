//! Processes that answer what they should not, late, or now and then, and clusters that are large.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nsq_tests::upstream::{Upstream, not_found, ok, work};
use nsq_tests::{Cluster, Nsqadmin, Nsqd, Stopwatch};
use serde_json::{Value, json};

use super::row;

const FLAGS: &[&str] = &["--stats-interval=1s", "--http-client-request-timeout=2s"];

/// What a page may take, with room for a busy machine.
const SOON: Range<Duration> = Duration::ZERO..Duration::from_secs(1);

/// Pages that show all of a cluster.
const PAGES: &[&str] = &[
    "meta",
    "overview",
    "topics",
    "channels",
    "clients",
    "connections",
    "producers",
    "nodes",
    "lookup",
];

fn admin_of(flag: &str, addresses: impl IntoIterator<Item = SocketAddr>) -> Nsqadmin {
    let own: Vec<_> = addresses
        .into_iter()
        .map(|address| format!("--{flag}={address}"))
        .collect();
    let flags: Vec<_> = own
        .iter()
        .map(String::as_str)
        .chain(FLAGS.iter().copied())
        .collect();
    Nsqadmin::with(&flags)
}

fn expect_pages_soon(admin: &Nsqadmin) {
    for page in PAGES {
        let stopwatch = Stopwatch::start();
        let answer = admin.ext(page);
        stopwatch.expect_within(SOON);
        assert!(answer["data"].is_object(), "{page}: {answer}");
    }
}

fn node<'a>(data: &'a Value, address: &str) -> &'a Value {
    let mut nodes = data["nodes"].as_array().unwrap().iter();
    nodes
        .find(|node| node["node"] == address)
        .unwrap_or_else(|| panic!("no {address} in {data}"))
}

#[test]
fn an_nsqlookupd_that_answers_garbage_is_named_and_harms_nobody() {
    let deep = "[".repeat(200_000);
    let garbage: Vec<Option<Vec<u8>>> = vec![
        ok(""),
        ok("<html><body>A proxy</body></html>"),
        ok("{"),
        ok("[]"),
        ok("null"),
        ok(r#"{"topics":5,"producers":5}"#),
        ok(r#"{"topics":["fine",7],"producers":[7]}"#),
        ok(r#"{"topics":[],"producers":[{"broadcast_address":5,"http_port":"x"}]}"#),
        ok(r#"{"topics":[],"producers":[{"broadcast_address":"h","http_port":70000}]}"#),
        ok(&deep),
        ok("\u{0}\u{1}\u{2}"),
        not_found(),
        Some(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n".to_vec()),
        Some(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n{".to_vec()),
        Some(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"t".to_vec()),
        Some(b"SSH-2.0-OpenSSH_9.7\r\n".to_vec()),
        Some(Vec::new()),
    ];
    let liars: Vec<_> = garbage
        .into_iter()
        .map(|answer| Upstream::new(move |_| answer.clone()))
        .collect();
    let cluster = Cluster::start(1, 1);
    cluster.create(0, "orders/billing");
    let honest = cluster.nsqlookupds[0].http_address();
    let admin = admin_of(
        "lookupd-http-address",
        [honest].into_iter().chain(liars.iter().map(Upstream::address)),
    );
    admin.await_ext("topics", |data| data["total"] == 1);
    let lookup = admin.await_ext("lookup", |data| {
        let nsqlookupds = data["nsqlookupds"].as_array().unwrap();
        nsqlookupds
            .iter()
            .all(|it| it["ok"] == (it["address"] == honest.to_string()))
    });
    for nsqlookupd in lookup["data"]["nsqlookupds"].as_array().unwrap().iter().skip(1) {
        let error = nsqlookupd["error"].as_str().unwrap();
        assert!(!error.is_empty() && error.len() < 300, "{error}");
    }
    assert_eq!(lookup["sources"].as_array().unwrap().len(), liars.len());
    assert_eq!(lookup["data"]["registrations"].as_array().unwrap().len(), 1);
    expect_pages_soon(&admin);
    let channels = admin.ext("channels")["data"].clone();
    assert_eq!(row(&channels, "orders/billing")["nodes"], 1);
}

#[test]
fn names_that_are_none_are_shown_and_lead_nowhere() {
    let evil = "<img src=x onerror=alert(1)>";
    let long = "x".repeat(5000);
    let answers = Arc::new(json!({
        "topics": [evil, long, "", "a b", "../../etc"],
        "producers": [
            {"broadcast_address": "127.0.0.1/x?y=", "hostname": evil, "tcp_port": 1, "http_port": 1, "version": evil,
             "topics": [evil, ""], "tombstones": [true], "remote_address": evil},
            {"broadcast_address": "", "hostname": "", "tcp_port": 0, "http_port": 0, "version": "", "topics": null},
        ],
        "channels": [evil],
    }));
    let nsqlookupd = Upstream::new(move |_| ok(&answers.to_string()));
    let admin = admin_of("lookupd-http-address", [nsqlookupd.address()]);
    let lookup = admin.await_ext("lookup", |data| data["inactive"].as_array().unwrap().len() >= 4);
    let topics = lookup["data"]["inactive"].as_array().unwrap();
    assert!(
        topics.iter().any(|it| it["topic"] == evil),
        "as it is, since pages show text: {topics:?}"
    );
    expect_pages_soon(&admin);
    let order = json!({"action": "delete", "targets": [{"topic": evil}]});
    let refused = admin.change("POST", "actions", &order);
    assert_eq!(refused.status(), 400);
    assert_eq!(super::json(&refused)["message"], "INVALID_TOPIC");
}

#[test]
fn what_is_no_nsqd_is_named_and_the_others_are_shown() {
    let strangers = [
        Upstream::new(|_| not_found()),
        Upstream::new(|_| ok("<html>A web server</html>")),
        Upstream::new(|_| ok(r#"{"topics":{"no":"list"}}"#)),
        Upstream::new(|_| Some(b"220 mail.example ESMTP\r\n".to_vec())),
        Upstream::new(|_| None),
    ];
    let nsqd = Nsqd::start();
    nsqd.create_channel("orders", "billing");
    nsqd.publish("orders", "hi");
    let admin = admin_of(
        "nsqd-http-address",
        strangers
            .iter()
            .map(Upstream::address)
            .chain([nsqd.http_address()]),
    );
    let nodes = admin.await_ext("nodes", |data| {
        let nodes = data["nodes"].as_array().unwrap();
        nodes.len() == 6 && nodes.iter().filter(|node| node["ok"] == false).count() == 5
    });
    assert_eq!(nodes["upstreams"]["nsqd"], json!({"ok": 1, "of": 6}));
    assert_eq!(node(&nodes["data"], &nsqd.http_address().to_string())["ok"], true);
    expect_pages_soon(&admin);
    let topics = admin.ext("topics");
    assert_eq!(row(&topics["data"], "orders")["backlog"], 1);
    assert_eq!(topics["partial"], true, "who is silent may have messages");
}

#[test]
fn an_old_nsqd_lacks_what_it_does_not_know() {
    let stats = r#"{"version":"0.3.8","health":"OK","start_time":1400000000,"topics":[{"topic_name":"legacy","depth":3,
        "backend_depth":0,"message_count":10,"paused":false,"channels":[{"channel_name":"c","depth":5,"backend_depth":0,
        "in_flight_count":1,"deferred_count":0,"message_count":9,"requeue_count":0,"timeout_count":0,"paused":false,
        "clients":[{"name":"worker","client_id":"worker","hostname":"h","version":"V2","remote_address":"10.0.0.1:5",
        "state":3,"ready_count":1,"in_flight_count":1,"message_count":9,"finish_count":8,"requeue_count":0,
        "connect_ts":1400000001,"sample_rate":0,"tls":false,"deflate":false,"snappy":false}]}]}]}"#;
    let info = r#"{"version":"0.3.8","broadcast_address":"old","hostname":"old","http_port":1,"tcp_port":2}"#;
    let old = Upstream::new(move |target| ok(if target.starts_with("/stats") { stats } else { info }));
    let new = Nsqd::start();
    let admin = admin_of("nsqd-http-address", [old.address(), new.http_address()]);
    let topics = admin.await_ext("topics", |data| data["total"] == 1);
    let legacy = row(&topics["data"], "legacy");
    assert_eq!(
        (&legacy["depth"], &legacy["backlog"], &legacy["message_bytes"]),
        (&json!(3), &json!(8), &json!(0))
    );
    admin.await_ext("clients", |data| data["total"] == 1);
    let address = old.address().to_string();
    let nodes = admin.await_ext("nodes", |data| node(data, &address)["out_of_date"] == true);
    let about = node(&nodes["data"], &address);
    assert_eq!((&about["version"], &about["ok"]), (&json!("0.3.8"), &json!(true)));
    assert_eq!(about["heap_bytes"], Value::Null);
    admin.await_ext("problems", |data| {
        let mut problems = data["problems"].as_array().unwrap().iter();
        problems.any(|it| it["rule"] == "H-05" && it["severity"] == "info")
    });
    expect_pages_soon(&admin);
}

#[test]
fn a_slow_nsqd_holds_up_no_page_and_is_not_called_silent() {
    let stats = r#"{"version":"1.3.0","health":"OK","start_time":5,"topics":[{"topic_name":"t","depth":7}]}"#;
    let slow = Upstream::new(move |_| {
        work(Duration::from_millis(900));
        ok(stats)
    });
    let admin = admin_of("nsqd-http-address", [slow.address()]);
    let topics = admin.await_ext("topics", |data| data["total"] == 1);
    assert_eq!(row(&topics["data"], "t")["depth"], 7);
    // While it is asked again, and takes its time.
    for _ in 0..5 {
        expect_pages_soon(&admin);
    }
    assert_eq!(admin.ext("nodes")["upstreams"]["nsqd"], json!({"ok": 1, "of": 1}));
}

#[test]
fn an_nsqd_that_comes_and_goes_is_shown_as_it_is() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let flapping = Upstream::new(move |target| {
        let is_up = !target.starts_with("/stats") || count.fetch_add(1, Ordering::Relaxed) % 4 < 2;
        let stats =
            r#"{"version":"1.3.0","health":"OK","start_time":5,"topics":[{"topic_name":"t","depth":7}]}"#;
        if is_up { ok(stats) } else { Some(Vec::new()) }
    });
    let admin = admin_of("nsqd-http-address", [flapping.address()]);
    for is_up in [true, false, true, false, true] {
        admin.await_ext("nodes", |data| data["nodes"][0]["ok"] == is_up);
        expect_pages_soon(&admin);
        let topics = admin.ext("topics");
        assert_eq!(
            row(&topics["data"], "t")["depth"],
            7,
            "what was known stays known"
        );
    }
    assert!(asked.load(Ordering::Relaxed) > 8);
}

#[test]
fn two_hundred_nodes_are_a_cluster_like_any_other() {
    const NODES: usize = 200;
    // All addresses of the loopback network lead to one server, which plays them all.
    let stats = r#"{"version":"1.3.0","health":"OK","start_time":5,"topics":[{"topic_name":"t","depth":1,
        "message_count":4,"channels":[{"channel_name":"c","depth":2,"client_count":1}]}]}"#;
    let nsqds = Upstream::on([0, 0, 0, 0].into(), move |_| ok(stats));
    let port = nsqds.address().port();
    let producers: Vec<_> = (1..=NODES)
        .map(|number| {
            json!({
                "broadcast_address": format!("127.0.0.{number}"), "hostname": format!("q{number:03}"), "tcp_port": 1,
                "http_port": port, "version": "1.3.0", "topics": ["t"], "tombstones": [false],
                "remote_address": format!("127.0.0.{number}:9"),
            })
        })
        .collect();
    let all = json!({"topics": ["t"], "producers": producers, "channels": ["c"]}).to_string();
    let nsqlookupd = Upstream::new(move |_| ok(&all));
    let admin = admin_of("lookupd-http-address", [nsqlookupd.address()]);
    let nodes = admin.await_ext("nodes", |data| {
        let nodes = data["nodes"].as_array().unwrap();
        nodes.len() == NODES && nodes.iter().all(|node| node["ok"] == true)
    });
    assert_eq!(nodes["upstreams"]["nsqd"], json!({"ok": NODES, "of": NODES}));
    let topics = admin.await_ext("topics", |data| row(data, "t")["nodes"] == NODES);
    let topic = row(&topics["data"], "t");
    assert_eq!(
        (&topic["depth"], &topic["backlog"]),
        (&json!(NODES), &json!(3 * NODES))
    );
    expect_pages_soon(&admin);
    let stopwatch = Stopwatch::start();
    let detail = admin.ext("topics/t/c");
    stopwatch.expect_within(SOON);
    assert_eq!(detail["data"]["nodes"].as_array().unwrap().len(), NODES);
}

#[test]
fn names_with_every_legal_character_work_everywhere() {
    let letters: String = ('a'..='z')
        .chain('A'..='Z')
        .chain('0'..='9')
        .chain(['.', '_', '-'])
        .collect();
    let (first, second) = letters.split_at(33);
    let names = [
        format!("{first}{}", &second[..31]),
        second.to_owned(),
        format!("{second}#ephemeral"),
        "tail".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        "-".to_owned(),
    ];
    let cluster = Cluster::start(1, 1);
    let escape = |name: &str| name.replace('#', "%23");
    for name in &names {
        for path in ["topic/create?topic=", "channel/create?channel=all&topic="] {
            let created = cluster.nsqds[0]
                .http()
                .post(&format!("/{path}{}", escape(name)), "");
            assert_eq!(created.status(), 200, "{name}");
        }
        let channel = format!("/channel/create?topic={}&channel={}", escape(name), escape(name));
        assert_eq!(cluster.nsqds[0].http().post(&channel, "").status(), 200, "{name}");
    }
    let admin = cluster.nsqadmin(FLAGS);
    admin.await_ext("channels", |data| data["total"] == 2 * names.len());
    for name in &names {
        // A dot alone would be taken out of a path, so it is escaped there.
        let part = escape(name).replace('.', "%2E");
        let detail = admin.ext(&format!("topics/{part}/{part}"));
        assert_eq!(
            (&detail["data"]["topic"], &detail["data"]["channel"]),
            (&json!(name), &json!(name))
        );
        let query = escape(name);
        let series = admin.ext(&format!(
            "series?entity=channel:{query}/{query}&entity=topic:{query}&metric=depth"
        ));
        assert_eq!(series["data"]["series"].as_array().unwrap().len(), 2, "{name}");
        assert_eq!(
            admin.http().get(&format!("/topics/{part}/{part}")).status(),
            200,
            "{name}"
        );
        for action in ["pause", "unpause", "empty", "delete"] {
            let order = json!({"action": action, "targets": [{"topic": name, "channel": name}]});
            let done = super::json(&admin.change("POST", "actions", &order))["data"].clone();
            assert_eq!(done["ok"], true, "{action} {name}: {done}");
        }
    }
    admin.await_ext("channels", |data| data["total"] == names.len());
}
