//! What Prometheus' own parser makes of `GET /metrics`.

use std::net::SocketAddr;

use nsq_tests::process::Process;
use nsq_tests::{Nsqd, Nsqlookupd, Setup};

use crate::{installed, program, scene};

/// The samples that the parser finds, a line each; `None` if it is not installed.
fn samples(address: SocketAddr) -> Option<Vec<String>> {
    let python = program("prometheus_client", "venv/bin/python")?;
    let arguments = [scene("prometheus_metrics.py"), address.to_string()];
    let exit = Process::run(&python, &installed(), &arguments);
    assert!(exit.status.success(), "{exit:?}");
    Some(exit.stdout.lines().map(str::to_owned).collect())
}

#[track_caller]
fn expect(samples: &[String], expected: &[&str]) {
    for line in expected {
        assert!(
            samples.iter().any(|found| found == line),
            "{line} is not in {samples:#?}"
        );
    }
}

#[test]
fn the_metrics_of_nsqd_are_read() {
    let nsqd = Nsqd::with(&["--e2e-processing-latency-percentile=0.99"]);
    nsqd.publish("t", "hi");
    let mut consumer = nsqd.connect();
    consumer.identify(r#"{"client_id":"a\"} 1\n","hostname":"back\\slash"}"#);
    consumer.subscribe("t", "c");
    consumer.ready(1);
    let message = consumer.expect_message();
    consumer.send(message.fin());
    nsqd.await_channel("t", "c", &serde_json::json!({"in_flight_count": 0}));
    let Some(samples) = samples(nsqd.http_address()) else {
        return;
    };
    expect(
        &samples,
        &[
            "gauge nsq_topic_depth paused=false,topic=t 0",
            // The parser gives all counters the name that they have in OpenMetrics.
            "counter nsq_channel_message_count_total channel=c,paused=false,topic=t 1",
            "gauge nsq_channel_oldest_message_age_seconds channel=c,paused=false,topic=t 0",
            "histogram nsq_fsync_duration_seconds_count  0",
            "gauge nsq_healthy  1",
        ],
    );
    assert!(
        samples.iter().any(|line| line.contains("hostname=back\\slash")),
        "{samples:#?}"
    );
}

#[test]
fn the_metrics_of_nsqlookupd_are_read() {
    let lookupd = Nsqlookupd::start();
    let nsqd = Setup::new()
        .flag(format!("--lookupd-tcp-address={}", lookupd.tcp_address()))
        .start();
    nsq_tests::await_identified(&nsqd, 1);
    nsqd.create_channel("t", "c");
    lookupd.await_answer("/channels?topic=t", r#"{"channels":["c"]}"#);
    let Some(samples) = samples(lookupd.http_address()) else {
        return;
    };
    expect(
        &samples,
        &[
            "gauge nsq_lookupd_producer_count  1",
            "gauge nsq_lookupd_topic_producer_count topic=t 1",
        ],
    );
}
