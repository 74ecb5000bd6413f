//! Names and texts that mean something elsewhere: to the file system, to a log, to a page of text.

use std::fs;

use nsq_tests::{Nsqd, Setup, command, deviates};

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
