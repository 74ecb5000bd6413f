//! Names and texts that mean something elsewhere: to the file system, to a log, to a page of text.

use std::fs;

use nsq_tests::http::Http;
use nsq_tests::nsqlookupd::identify;
use nsq_tests::process::Log;
use nsq_tests::{Cluster, Nsqd, Nsqlookupd, Setup, command, deviates};

#[test]
fn no_name_leads_out_of_the_data_directory() {
    let nsqd = Nsqd::start();
    for name in [
        "../escape",
        "/etc/escape",
        "a/../../escape",
        "a%2f..%2fescape",
        "%2e%2e%2fescape",
        "escape%00",
        "a:b",
    ] {
        let query = name.replace('/', "%2f");
        nsqd.http()
            .post(&format!("/topic/create?topic={query}"), "")
            .expect_error(400, "INVALID_TOPIC");
        nsqd.http()
            .post(&format!("/pub?topic={query}"), "x")
            .expect_error(400, "INVALID_TOPIC");
        let mut peer = nsqd.connect();
        peer.send(command::publish(name, "x"));
        assert!(peer.read_error().starts_with("E_BAD_TOPIC"), "{name}");
    }
    // A name may be all dots: the files of a topic have more than its name.
    for name in [".", "..", "..."] {
        nsqd.publish(name, "x");
    }
    let stopped = nsqd.stop();
    drop(stopped);
}

#[test]
fn metadata_cannot_make_it_write_elsewhere() {
    let setup = Setup::new().flag("--mem-queue-size=0");
    let outside = setup
        .data_path()
        .parent()
        .unwrap()
        .join("escape.diskqueue.meta.dat");
    setup.write(
        "nsqd.dat",
        r#"{"topics":[{"name":"../escape","paused":false,"channels":[{"name":"../../c","paused":false}]},{"name":"t","paused":false,"channels":[{"name":"../escape","paused":false}]}],"version":"1.3.0"}"#,
    );
    let nsqd = setup.start();
    nsqd.publish("t", "x");
    let stopped = nsqd.stop();
    drop(stopped);
    assert!(fs::metadata(outside).is_err());
}

#[test]
fn what_a_client_says_of_itself_forges_neither_a_log_line_nor_a_line_of_statistics() {
    deviates!(TextsForgeNothing);
    let nsqd = Nsqd::with(&["--log-level=debug"]);
    let mut client = nsqd.connect();
    client.identify(
        r#"{"client_id":"a\n[nsqd] FORGED","hostname":"b\r\nFORGED\u001b[2J","user_agent":"c\u0000\nFORGED\u0085"}"#,
    );
    client.subscribe("t", "c");
    // The server reads its line of the log before it answers the next command.
    client.expect_nothing_before_ok("probe");
    let text = nsqd.http().get("/stats").text().to_owned();
    for line in text.lines().chain(nsqd.log().lines().iter().map(String::as_str)) {
        let line = line.trim_start();
        assert!(
            !line.starts_with("FORGED") && !line.starts_with("[nsqd] FORGED"),
            "{line:?}"
        );
        assert!(!line.contains(['\u{1b}', '\0', '\u{85}', '\r']), "{line:?}");
    }
    assert!(text.contains("FORGED"), "{text}");
}

/// No line begins as a forger wants it to, and none moves a terminal.
#[track_caller]
fn expect_unforged(log: &Log) {
    for line in log.lines() {
        assert!(line.starts_with("[nsq"), "{line:?}");
        assert!(!line.contains("[nsqd] FORGED"), "{line:?}");
        assert!(!line.contains(['\u{1b}', '\0', '\u{85}', '\r']), "{line:?}");
    }
}

#[test]
fn what_a_producer_says_of_itself_forges_no_log_line_of_nsqlookupd() {
    let nsqlookupd = Nsqlookupd::with(&["--log-level=debug"]);
    let mut producer = nsqlookupd.connect();
    producer.send(identify(
        r#"{"broadcast_address":"a\nFORGED","hostname":"b\r\nFORGED","tcp_port":1,"http_port":2,"version":"1.3.0\nFORGED\u001b[2J\u0085\u0000"}"#,
    ));
    producer.read_body();
    for command in ["REGISTER a\rFORGED b\n", "FORGED\x1b[2J\r\n"] {
        let mut peer = nsqlookupd.connect();
        peer.send_if_open(command);
        peer.finish_sending();
        peer.read_to_close(nsq_tests::peer::PATIENCE);
    }
    nsqlookupd.log().await_line("IDENTIFY Address:a");
    expect_unforged(nsqlookupd.log());
}

/// Requests whose paths and parameters want to be lines of a head or of a log.
#[track_caller]
fn expect_no_injection(http: Http) {
    for target in [
        "/x%0d%0aX-Forged:%20y/",
        "/PING/%0d%0aX-Forged:%20y",
        "/Ping/?a=%0d%0aX-Forged:%20y",
        "//forged.example/ping/../ping",
        "/\\forged.example/ping",
        "/config/log_level%0d%0aX-Forged:%20y",
        "/topic/create?topic=%0d%0aX-Forged:%20y",
        "/lookup?topic=%0d%0aFORGED%1b[2J",
        "/api/topics/%0d%0aFORGED%1b[2J",
        "/topics/x%0d%0aX-Forged:%20y/",
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            let response = http.request(method, target, "");
            assert_eq!(response.header("X-Forged"), None, "{response:?}");
            if let Some(location) = response.header("Location") {
                let is_path = location.starts_with('/') && !location.starts_with("//");
                assert!(is_path, "{method} {target} leads to {location}");
            }
        }
    }
}

#[test]
fn no_path_or_parameter_becomes_a_header_a_redirect_elsewhere_or_a_log_line() {
    let cluster = Cluster::start(1, 1);
    let admin = cluster.nsqadmin(&["--log-level=debug"]);
    expect_no_injection(cluster.nsqds[0].http());
    expect_no_injection(cluster.nsqlookupds[0].http());
    expect_no_injection(admin.http());
    expect_unforged(cluster.nsqds[0].log());
    expect_unforged(cluster.nsqlookupds[0].log());
    expect_unforged(admin.log());
}
