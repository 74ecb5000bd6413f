//! `GET /metrics`.

use nsq_tests::metrics::Metrics;
use nsq_tests::{FakeLookupd, Nsqd, Setup, await_identified, deviates};
use serde_json::json;

/// What it answers now.
#[track_caller]
fn scrape(nsqd: &Nsqd) -> Metrics {
    Metrics::parse(&nsqd.http().get("/metrics"))
}

#[test]
fn topics_and_channels_have_the_names_of_the_exporter() {
    deviates!(MetricsAreServed);
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c#ephemeral");
    let mut producer = nsqd.connect();
    for body in ["1", "22", "333"] {
        producer.publish("t", body);
    }
    let mut consumer = nsqd.consumer("t", "c#ephemeral", 2);
    let requeued = consumer.expect_message();
    consumer.send(format!("REQ {} 60000\n", requeued.id));
    consumer.expect_message();
    consumer.expect_message();
    nsqd.topic_action("pause", "t");
    producer.publish("t", "4444");
    nsqd.await_channel(
        "t",
        "c#ephemeral",
        &json!({"in_flight_count": 2, "deferred_count": 1}),
    );

    let metrics = scrape(&nsqd);
    let topic = [("topic", "t"), ("paused", "true")];
    metrics.expect(
        "gauge",
        &topic,
        &[
            ("nsq_topic_channel_count", 1.0),
            ("nsq_topic_depth", 1.0),
            ("nsq_topic_backend_depth", 0.0),
        ],
    );
    metrics.expect(
        "counter",
        &topic,
        &[
            ("nsq_topic_message_count", 4.0),
            ("nsq_topic_message_bytes", 10.0),
        ],
    );
    let channel = [("topic", "t"), ("channel", "c#ephemeral"), ("paused", "false")];
    metrics.expect(
        "gauge",
        &channel,
        &[
            ("nsq_channel_client_count", 1.0),
            ("nsq_channel_depth", 0.0),
            ("nsq_channel_backend_depth", 0.0),
            ("nsq_channel_in_flight_count", 2.0),
            ("nsq_channel_deferred_count", 1.0),
        ],
    );
    metrics.expect(
        "counter",
        &channel,
        &[
            ("nsq_channel_message_count", 3.0),
            ("nsq_channel_requeue_count", 1.0),
            ("nsq_channel_timeout_count", 0.0),
            ("nsq_channel_zone_local_msg_count", 0.0),
            ("nsq_channel_region_local_msg_count", 0.0),
            ("nsq_channel_global_msg_count", 3.0),
        ],
    );
    // Nothing was asked to be measured.
    assert!(!metrics.samples.keys().any(|name| name.contains("latency")));
}

#[test]
fn consumers_are_told_apart_and_cannot_forge_lines() {
    deviates!(MetricsAreServed);
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.connect();
    consumer.identify(r#"{"client_id":"a\"} 1\nnsq_healthy 7\n","hostname":"back\\slash","sample_rate":50}"#);
    consumer.subscribe("t", "c");
    consumer.ready(3);
    nsqd.await_stats(|stats| {
        (stats["topics"][0]["channels"][0]["clients"][0]["ready_count"] == 3).then_some(())
    });
    let address = consumer.local_address().unwrap().to_string();
    let labels = [
        ("topic", "t"),
        ("channel", "c"),
        ("deflate", "false"),
        ("snappy", "false"),
        ("tls", "false"),
        ("client_id", "a\"} 1\nnsq_healthy 7\n"),
        ("hostname", "back\\slash"),
        ("version", "V2"),
        ("remote_address", &address),
    ];
    let metrics = scrape(&nsqd);
    metrics.expect(
        "gauge",
        &labels,
        &[
            ("nsq_client_state", 3.0),
            ("nsq_client_ready_count", 3.0),
            ("nsq_client_in_flight_count", 0.0),
            ("nsq_client_sample_rate", 50.0),
        ],
    );
    metrics.expect(
        "counter",
        &labels,
        &[
            ("nsq_client_finish_count", 0.0),
            ("nsq_client_message_count", 0.0),
            ("nsq_client_requeue_count", 0.0),
        ],
    );
    assert!(metrics.value("nsq_client_connect_ts", &labels) > 1.7e9);

    let without = Metrics::parse(&nsqd.http().get("/metrics?include_clients=false"));
    assert!(!without.samples.keys().any(|name| name.starts_with("nsq_client_")));
    assert!(without.samples.contains_key("nsq_channel_depth"));
}

#[test]
fn consumers_behind_unix_sockets_are_told_apart() {
    deviates!(MetricsAreServed);
    let setup = Setup::new();
    let path = setup.data_path().join("nsqd.sock");
    let nsqd = setup.flag(format!("--tcp-address={}", path.display())).start();
    let consumers = [(); 2].map(|()| {
        let mut consumer = nsq_tests::Peer::connect_unix(&path);
        consumer.send(nsq_tests::command::MAGIC_V2);
        consumer.subscribe("t", "c");
        consumer
    });
    assert_eq!(scrape(&nsqd).samples["nsq_client_state"].len(), consumers.len());
}

#[test]
fn latencies_have_the_exporters_names_and_one_with_the_quantile() {
    deviates!(MetricsAreServed);
    let nsqd = Nsqd::with(&["--e2e-processing-latency-percentile=0.99,0.95,0.5"]);
    nsqd.publish("t", "hi");
    let mut consumer = nsqd.consumer("t", "c", 1);
    let message = consumer.expect_message();
    consumer.send(message.fin());
    nsqd.await_channel("t", "c", &json!({"in_flight_count": 0}));

    let metrics = scrape(&nsqd);
    let topic = [("topic", "t"), ("paused", "false")];
    let channel = [("topic", "t"), ("channel", "c"), ("paused", "false")];
    for (labels, names, seconds) in [
        (
            &topic[..],
            [
                "nsq_topic_e2e_latency_99_percentile",
                "nsq_topic_e2e_latency_95_percentile",
            ],
            "nsq_topic_e2e_processing_latency_seconds",
        ),
        (
            &channel[..],
            ["nsq_channel_e2e_latency_99p", "nsq_channel_e2e_latency_95p"],
            "nsq_channel_e2e_processing_latency_seconds",
        ),
    ] {
        for (name, quantile) in names.into_iter().zip(["0.99", "0.95"]) {
            let nanos = metrics.value(name, labels);
            let with_quantile = [labels, &[("quantile", quantile)]].concat();
            let seconds = metrics.value(seconds, &with_quantile);
            assert!(
                nanos > 0.0 && (nanos - seconds * 1e9).abs() < 1.0,
                "{nanos} ns, {seconds} s"
            );
        }
        metrics.value(seconds, &[labels, &[("quantile", "0.5")]].concat());
    }
}

#[test]
fn the_process_tells_of_itself() {
    deviates!(MetricsAreServed);
    let nsqd = Nsqd::start();
    let _client = nsqd.consumer("t", "c", 1);
    let metrics = scrape(&nsqd);
    assert!((metrics.value("nsq_info", &[("version", nsq_tests::program::version())]) - 1.0).abs() < 1e-9);
    metrics.expect("gauge", &[], &[("nsq_healthy", 1.0), ("nsq_connections", 1.0)]);
    for name in [
        "process_start_time_seconds",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "tokio_workers",
    ] {
        assert!(metrics.value(name, &[]) > 0.0, "{name}");
    }
    assert_eq!(metrics.kinds["process_cpu_seconds_total"], "counter");
    assert!(!metrics.samples.contains_key("nsq_lookupd_connected"));
}

#[test]
fn each_nsqlookupd_is_connected_or_not() {
    deviates!(MetricsAreServed);
    let (up, down) = (FakeLookupd::start(), FakeLookupd::start());
    let nsqd = Setup::new().flag(up.flag()).flag(down.flag()).start();
    let _up = up.accept_identified();
    let _down = down.accept();
    await_identified(&nsqd, 1);
    let connected = |lookupd: &FakeLookupd| {
        let address = lookupd.tcp_address().to_string();
        scrape(&nsqd).value("nsq_lookupd_connected", &[("address", &address)])
    };
    // It is once there is nothing left to be told, which is at once without a topic.
    nsqd.await_stats(|_| (connected(&up) > 0.5).then_some(()));
    assert!(connected(&down) < 0.5);
}

#[test]
fn many_channels_come_in_pieces_that_fit_together() {
    deviates!(MetricsAreServed);
    let setup = Setup::new();
    let channels: Vec<_> = (0..100)
        .map(|number| format!(r#"{{"name":"c{number}","paused":false}}"#))
        .collect();
    let topics: Vec<_> = (0..20)
        .map(|number| {
            format!(
                r#"{{"name":"t{number}","paused":false,"channels":[{}]}}"#,
                channels.join(",")
            )
        })
        .collect();
    setup.write(
        "nsqd.dat",
        format!(r#"{{"topics":[{}],"version":"1.3.0"}}"#, topics.join(",")),
    );
    let nsqd = setup.start();
    let response = nsqd.http().get("/metrics");
    assert_eq!(response.header("Transfer-Encoding"), Some("chunked"));
    let metrics = Metrics::parse(&response);
    assert_eq!(metrics.samples["nsq_topic_depth"].len(), 20);
    assert_eq!(metrics.samples["nsq_channel_depth"].len(), 2_000);
    assert_eq!(metrics.samples["nsq_channel_global_msg_count"].len(), 2_000);
}

#[test]
fn only_get_is_answered() {
    deviates!(MetricsAreServed);
    let nsqd = Nsqd::start();
    nsqd.http()
        .post("/metrics", "")
        .expect_error(405, "METHOD_NOT_ALLOWED");
}

#[test]
fn the_age_of_what_waits_is_told() {
    deviates!(MetricsAreServed);
    // What waits is on disk.
    let nsqd = Nsqd::with(&["--mem-queue-size=0"]);
    nsqd.create_channel("waits", "c");
    nsqd.create_channel("empty", "c");
    nsqd.publish("waits", "1");
    nsqd.publish("waits", "2");
    nsqd.await_stats(|_| {
        let metrics = scrape(&nsqd);
        let age = |topic| {
            let labels = [("topic", topic), ("channel", "c"), ("paused", "false")];
            metrics.value("nsq_channel_oldest_message_age_seconds", &labels)
        };
        assert!(age("empty") < 1e-9);
        (age("waits") > 0.0).then_some(())
    });
    let nsqd = nsqd.stop().restart();
    let metrics = scrape(&nsqd);
    // Now nobody has looked at it.
    assert_eq!(metrics.samples["nsq_channel_oldest_message_age_seconds"].len(), 1);
    assert_eq!(metrics.samples["nsq_topic_oldest_message_age_seconds"].len(), 2);
}

#[test]
fn fins_that_come_too_late_are_counted() {
    deviates!(MetricsAreServed);
    let nsqd = Nsqd::with(&["--msg-timeout=100ms"]);
    nsqd.publish("t", "hi");
    let mut consumer = nsqd.consumer("t", "c", 1);
    let message = consumer.expect_message();
    consumer.expect_message_of("hi", 2);
    consumer.send(message.fin());
    // The second attempt is held now, so that this FIN is in time, and the next is not.
    consumer.send(message.fin());
    consumer.expect_error(format!("E_FIN_FAILED FIN {} failed ID not in flight", message.id));
    let labels = [("topic", "t"), ("channel", "c"), ("paused", "false")];
    scrape(&nsqd).expect("counter", &labels, &[("nsq_channel_late_fin_count", 1.0)]);
}

#[test]
fn flushes_and_syncs_are_measured() {
    deviates!(MetricsAreServed);
    let nsqd = Nsqd::with(&["--mem-queue-size=0", "--sync-every=1"]);
    nsqd.create_channel("t", "c");
    nsqd.publish("t", "hi");
    nsqd.await_stats(|_| (scrape(&nsqd).expect_histogram("nsq_fsync_duration_seconds") >= 1.0).then_some(()));
    let metrics = scrape(&nsqd);
    assert!(metrics.value("nsq_fsync_duration_seconds_sum", &[]) > 0.0);
    assert!(metrics.expect_histogram("nsq_flush_size_bytes") >= 1.0);
    assert!(metrics.value("nsq_flush_size_bytes_sum", &[]) >= 10.0);
}
