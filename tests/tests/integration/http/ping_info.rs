//! `GET /ping` and `GET /info`.

use std::fs;

use nsq_tests::{Nsqd, Setup, program};
use serde_json::json;

#[test]
fn ping_says_ok() {
    let response = Nsqd::start().http().get("/ping");

    assert_eq!(response.status_line, "HTTP/1.1 200 OK");
    response.expect_text(200, "OK");
    assert_eq!(response.header("Content-Length"), Some("2"));
    assert_eq!(response.header("X-NSQ-Content-Type"), None);
    assert_eq!(response.header("Server"), None);
}

#[test]
fn ping_and_stats_report_a_disk_that_fails_until_a_write_succeeds() {
    let nsqd = Nsqd::with(&["--mem-queue-size=0"]);
    // Emptying a queue makes it go on with the next file, whose place is then taken.
    nsqd.publish("bad", "hi");
    nsqd.http().post("/topic/empty?topic=bad", "").expect_empty(200);
    let blocked = nsqd.setup().data_path().join("bad.diskqueue.000001.dat");
    fs::create_dir(&blocked).unwrap();

    let mut publisher = nsqd.connect();
    publisher.send(nsq_tests::command::publish("bad", "hi"));
    let error = publisher.read_error();
    assert!(error.starts_with("E_PUB_FAILED PUB failed "), "{error}");
    publisher.expect_closed();
    let reason = error.strip_prefix("E_PUB_FAILED PUB failed ").unwrap();
    // The words for the cause are the operating system's.
    let cause = reason.to_lowercase();
    assert!(
        cause.contains("bad.diskqueue.000001.dat") && cause.contains("is a directory"),
        "{reason}"
    );
    let response = nsqd.http().get("/ping");
    response.expect_text(500, &format!("NOK - {reason}"));
    assert_eq!(nsqd.stats()["health"], json!(format!("NOK - {reason}")));
    nsqd.http()
        .post("/pub?topic=bad", "hi")
        .expect_error(503, "EXITING");
    nsqd.http()
        .post("/mpub?topic=bad", "hi")
        .expect_error(503, "EXITING");

    fs::remove_dir(&blocked).unwrap();
    nsqd.publish("bad", "hi");
    nsqd.http().get("/ping").expect_text(200, "OK");
    assert_eq!(nsqd.stats()["health"], json!("OK"));
}

#[test]
fn info_names_every_field_in_order() {
    let nsqd = Setup::new()
        .flag("--broadcast-address=nsqd.example")
        .flag("--topology-region=r1")
        .flag("--topology-zone=z1")
        .flag("--max-heartbeat-interval=2m")
        .flag("--max-output-buffer-size=100000")
        .flag("--max-output-buffer-timeout=1500ms")
        .flag("--max-deflate-level=9")
        .start();
    let response = nsqd.http().get("/info");
    let info = response.expect_json(200);
    let hostname = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();

    response.expect_nsq_content_type();
    response.expect_exact_json(
        200,
        &format!(
            "{{\"version\":\"{}\",\"broadcast_address\":\"nsqd.example\",\"hostname\":\"{}\",\"http_port\":{},\
             \"tcp_port\":{},\"start_time\":{},\"max_heartbeat_interval\":120000000000,\
             \"max_output_buffer_size\":100000,\"max_output_buffer_timeout\":1500000000,\"max_deflate_level\":9,\
             \"topology_zone\":\"z1\",\"topology_region\":\"r1\"}}",
            program::version(),
            hostname.trim_end(),
            nsqd.http_address().port(),
            nsqd.tcp_address().port(),
            info["start_time"],
        ),
    );
    assert_eq!(info["start_time"], nsqd.stats()["start_time"]);
}

#[test]
fn the_ports_are_those_listened_on_not_those_announced() {
    let nsqd = Nsqd::with(&["--broadcast-tcp-port=1", "--broadcast-http-port=2"]);
    let info = nsqd.http().get("/info").expect_json(200);

    assert_eq!(info["tcp_port"], json!(nsqd.tcp_address().port()));
    assert_eq!(info["http_port"], json!(nsqd.http_address().port()));
}

#[test]
fn http_may_be_off() {
    let nsqd = Nsqd::with(&["--http-address="]);
    let mut peer = nsqd.connect();
    peer.publish("t", "hi");
    assert!(!nsqd.log().contains("HTTP: listening on"));
}
