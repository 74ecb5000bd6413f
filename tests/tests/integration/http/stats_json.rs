//! `GET /stats?format=json`, to the byte.

use nsq_tests::{Nsqd, Peer, program};
use serde_json::{Value, json};

/// An nsqd with a consumer and a producer of topic `orders` and a topic `other` without channels, as in the
/// reference's documentation.
struct Scene {
    nsqd: Nsqd,
    consumer: Peer,
    producer: Peer,
}

fn scene() -> Scene {
    let nsqd = Nsqd::with(&["--e2e-processing-latency-percentile=1.0,0.99,0.95"]);
    let mut consumer = nsqd.connect();
    consumer.identify(r#"{"client_id":"worker","hostname":"worker.example","user_agent":"test/1.0"}"#);
    consumer.subscribe("orders", "billing");
    consumer.ready(3);
    let mut producer = nsqd.connect();
    producer.identify(r#"{"client_id":"prod","hostname":"prod.example","user_agent":"prod/2.0"}"#);
    for _ in 0..2 {
        producer.publish("orders", "hello");
    }
    let messages = consumer.expect_messages(2);
    consumer.send(messages[0].fin());
    consumer.send(messages[1].req(3_600_000));
    for _ in 0..4 {
        producer.publish("orders", "world");
    }
    consumer.expect_messages(3);
    nsqd.http().post("/pub?topic=other", "x").expect_text(200, "OK");
    nsqd.await_channel(
        "orders",
        "billing",
        &json!({"in_flight_count": 3, "depth": 1, "deferred_count": 1}),
    );
    Scene {
        nsqd,
        consumer,
        producer,
    }
}

/// What only the server knows, taken from its own answer.
fn at<'a>(stats: &'a Value, pointer: &str) -> &'a Value {
    stats
        .pointer(pointer)
        .unwrap_or_else(|| panic!("no {pointer} in {stats:#}"))
}

impl Scene {
    fn head(stats: &Value) -> String {
        format!(
            r#"{{"version":"{}","health":"OK","start_time":{}"#,
            program::version(),
            at(stats, "/start_time")
        )
    }

    fn orders(stats: &Value, clients: &str) -> String {
        let latency = at(stats, "/topics/0/e2e_processing_latency/percentiles/0/value");
        let latency = format!(
            r#"{{"count":1,"percentiles":[{{"quantile":1,"value":{latency}}},{{"quantile":0.99,"value":{latency}}},{{"quantile":0.95,"value":{latency}}}]}}"#
        );
        format!(
            r#"{{"topic_name":"orders","channels":[{{"channel_name":"billing","depth":1,"backend_depth":0,"in_flight_count":3,"deferred_count":1,"message_count":6,"global_msg_count":5,"requeue_count":1,"timeout_count":0,"client_count":1,"clients":{clients},"paused":false,"e2e_processing_latency":{latency}}}],"depth":0,"backend_depth":0,"message_count":6,"message_bytes":30,"paused":false,"e2e_processing_latency":{latency}}}"#
        )
    }

    fn consumer(&self, stats: &Value) -> String {
        format!(
            r#"[{{"client_id":"worker","hostname":"worker.example","version":"V2","remote_address":"{}","state":3,"ready_count":3,"in_flight_count":3,"message_count":5,"finish_count":1,"requeue_count":1,"connect_ts":{},"sample_rate":0,"deflate":false,"snappy":false,"user_agent":"test/1.0","topology_zone":"","topology_region":"","tls":false,"tls_cipher_suite":"","tls_version":"","tls_negotiated_protocol":"","tls_negotiated_protocol_is_mutual":false}}]"#,
            self.consumer.local_address().unwrap(),
            at(stats, "/topics/0/channels/0/clients/0/connect_ts"),
        )
    }

    fn producer(&self, stats: &Value, pub_counts: &str) -> String {
        format!(
            r#"[{{"client_id":"prod","hostname":"prod.example","version":"V2","remote_address":"{}","state":0,"ready_count":0,"in_flight_count":0,"message_count":0,"finish_count":0,"requeue_count":0,"connect_ts":{},"sample_rate":0,"deflate":false,"snappy":false,"user_agent":"prod/2.0","topology_zone":"","topology_region":"",{pub_counts}"tls":false,"tls_cipher_suite":"","tls_version":"","tls_negotiated_protocol":"","tls_negotiated_protocol_is_mutual":false}}]"#,
            self.producer.local_address().unwrap(),
            at(stats, "/producers/0/connect_ts"),
        )
    }
}

const OTHER: &str = r#"{"topic_name":"other","channels":[],"depth":1,"backend_depth":0,"message_count":1,"message_bytes":1,"paused":false,"e2e_processing_latency":{"count":0,"percentiles":null}}"#;
const ORDERS_COUNT: &str = r#""pub_counts":[{"topic":"orders","count":6}],"#;

/// The memory section with the values of the server itself.
fn memory(stats: &Value) -> String {
    let fields = [
        "heap_objects",
        "heap_idle_bytes",
        "heap_in_use_bytes",
        "heap_released_bytes",
        "gc_pause_usec_100",
        "gc_pause_usec_99",
        "gc_pause_usec_95",
        "next_gc_bytes",
        "gc_total_runs",
    ]
    .map(|field| {
        let value = at(stats, "/memory")[field]
            .as_u64()
            .unwrap_or_else(|| panic!("{field} is no unsigned integer"));
        format!("\"{field}\":{value}")
    });
    format!("{{{}}}", fields.join(","))
}

#[test]
fn everything_is_there_in_order() {
    let scene = scene();
    let response = scene.nsqd.http().get("/stats?format=json");
    let stats = response.expect_json(200);

    response.expect_nsq_content_type();
    response.expect_exact_json(
        200,
        &format!(
            r#"{},"topics":[{},{OTHER}],"memory":{},"producers":{}}}"#,
            Scene::head(&stats),
            Scene::orders(&stats, &scene.consumer(&stats)),
            memory(&stats),
            scene.producer(&stats, ORDERS_COUNT),
        ),
    );
}

#[test]
fn clients_and_memory_can_be_left_out() {
    let scene = scene();
    for (clients, mem) in [("false", "false"), ("0", "0")] {
        let target = format!("/stats?format=json&include_clients={clients}&include_mem={mem}");
        let response = scene.nsqd.http().get(&target);
        let stats = response.expect_json(200);
        let orders = Scene::orders(&stats, "null");
        let expected = format!(
            r#"{},"topics":[{orders},{OTHER}],"producers":null}}"#,
            Scene::head(&stats)
        );
        response.expect_exact_json(200, &expected);
    }
    let stats = scene
        .nsqd
        .http()
        .get("/stats?format=json&include_clients=no&include_mem=")
        .expect_json(200);
    assert!(
        stats["memory"].is_object() && stats["producers"].is_array(),
        "{stats:#}"
    );
}

#[test]
fn a_channel_filter_drops_other_channels_and_topics_without_it() {
    let scene = scene();
    scene.nsqd.create_channel("orders", "shipping");
    for target in [
        "/stats?format=json&include_clients=false&include_mem=false&channel=billing",
        "/stats?format=json&include_clients=false&include_mem=false&channel=billing&topic=orders",
    ] {
        let response = scene.nsqd.http().get(target);
        let stats = response.expect_json(200);
        let orders = Scene::orders(&stats, "null");
        response.expect_exact_json(
            200,
            &format!(
                r#"{},"topics":[{orders}],"producers":null}}"#,
                Scene::head(&stats)
            ),
        );
    }
}

#[test]
fn a_topic_filter_keeps_one_topic() {
    let scene = scene();
    let response = scene
        .nsqd
        .http()
        .get("/stats?format=json&include_mem=false&topic=orders");
    let stats = response.expect_json(200);
    response.expect_exact_json(
        200,
        &format!(
            r#"{},"topics":[{}],"producers":{}}}"#,
            Scene::head(&stats),
            Scene::orders(&stats, &scene.consumer(&stats)),
            scene.producer(&stats, ORDERS_COUNT),
        ),
    );

    let response = scene
        .nsqd
        .http()
        .get("/stats?format=json&include_mem=false&topic=other");
    let stats = response.expect_json(200);
    response.expect_exact_json(
        200,
        &format!(
            r#"{},"topics":[{OTHER}],"producers":{}}}"#,
            Scene::head(&stats),
            scene.producer(&stats, "")
        ),
    );
}

#[test]
fn what_is_not_found_is_null_or_empty() {
    let scene = scene();
    for (query, topics, producers) in [
        ("topic=missing", "null", None),
        ("topic=missing&channel=billing", "null", None),
        ("channel=missing", "[]", Some(ORDERS_COUNT)),
        ("topic=orders&channel=missing", "[]", Some(ORDERS_COUNT)),
    ] {
        let response = scene
            .nsqd
            .http()
            .get(&format!("/stats?format=json&include_mem=false&{query}"));
        let stats = response.expect_json(200);
        let producers = producers.map_or_else(|| "null".to_owned(), |counts| scene.producer(&stats, counts));
        let expected = format!(
            r#"{},"topics":{topics},"producers":{producers}}}"#,
            Scene::head(&stats)
        );
        assert_eq!(response.text(), expected, "{query}");
    }
}

#[test]
fn an_empty_server_has_empty_topics_and_no_producers() {
    let nsqd = Nsqd::start();
    let response = nsqd.http().get("/stats?format=json");
    let stats = response.expect_json(200);
    response.expect_exact_json(
        200,
        &format!(
            r#"{},"topics":[],"memory":{},"producers":null}}"#,
            Scene::head(&stats),
            memory(&stats)
        ),
    );
}

#[test]
fn topics_and_channels_are_sorted_by_name() {
    let nsqd = Nsqd::start();
    for name in ["b", "a", "B", "_", "a.b", "1"] {
        nsqd.create_topic(name);
        nsqd.create_channel("t", name);
    }
    let stats = nsqd.stats();
    let names = |list: &Value, key: &str| -> Vec<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|entry| entry[key].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&stats["topics"], "topic_name"),
        ["1", "B", "_", "a", "a.b", "b", "t"]
    );
    assert_eq!(
        names(&stats["topics"][6]["channels"], "channel_name"),
        ["1", "B", "_", "a", "a.b", "b"]
    );
}

#[test]
fn without_percentiles_latency_is_empty() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    let topic = nsqd.await_topic("t", &json!({"depth": 0}));
    let empty = json!({"count": 0, "percentiles": null});
    assert_eq!(topic["e2e_processing_latency"], empty);
    assert_eq!(topic["channels"][0]["e2e_processing_latency"], empty);
    assert_eq!(topic["channels"][0]["clients"], json!([]));
}

#[test]
fn names_are_escaped_as_in_json_for_web_pages() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();
    peer.identify(r#"{"client_id":"<a>&\"b\"\\","hostname":"größe\n\u2028"}"#);
    peer.subscribe("t", "c");
    let response = nsqd.http().get("/stats?format=json&include_mem=false");
    let expected = r#""client_id":"\u003ca\u003e\u0026\"b\"\\","hostname":"größe\n\u2028","#;
    assert!(response.text().contains(expected), "{}", response.text());
}
