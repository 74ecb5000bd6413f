//! Secrets that a daemon was given: no listener gives them away, and no log.

use nsq_tests::{Nsqadmin, Nsqd, command, deviates};

const URL: &str = "http://joe:hunter1@127.0.0.1:1/auth?key=hunter2";
const SHOWN: &str = "http://***@127.0.0.1:1/auth?***";

#[test]
fn nsqd_shows_neither_the_secrets_of_its_options_nor_those_of_clients() {
    deviates!(SecretsStayOutOfOptions);
    let flag = format!("--auth-http-address={URL}");
    let nsqd = Nsqd::with(&[&flag, "--log-level=debug"]);
    nsqd.http()
        .get("/config/auth_http_addresses")
        .expect_exact_json(200, &format!("[\"{SHOWN}\"]"));
    let arguments = nsqd.http().get("/debug/pprof/cmdline").text().to_owned();
    let shown = format!("--auth-http-address={SHOWN}");
    assert!(
        arguments.split('\0').any(|argument| argument == shown),
        "{arguments}"
    );

    let mut client = nsqd.connect();
    client.send(command::with_body("AUTH", "hunter3"));
    client.expect_fatal("E_AUTH_FAILED AUTH failed");
    nsqd.log()
        .await_line("failed to auth against http://127.0.0.1:1/auth - Get \"http://127.0.0.1:1/auth\": ");
    for target in ["/info", "/stats", "/stats?format=json", "/metrics"] {
        let answer = nsqd.http().get(target).text().to_owned();
        assert!(!answer.contains("hunter"), "{target}: {answer}");
    }
    let log = nsqd.stop().exit.stderr;
    assert!(!log.contains("hunter"), "{log}");
}

#[test]
fn nsqadmin_shows_no_secrets_of_its_options() {
    let nsqd = Nsqd::start();
    nsqd.create_topic("t");
    let admin = Nsqadmin::with(&[
        &format!("--nsqd-http-address={}", nsqd.http_address()),
        &format!("--graphite-url={URL}"),
        &format!("--notification-http-endpoint={URL}"),
    ]);
    for option in ["graphite_url", "notification_http_endpoint"] {
        admin
            .http()
            .get(&format!("/config/{option}"))
            .expect_text(200, SHOWN);
    }
    let paused = admin.http().post("/api/topics/t", r#"{"action":"pause"}"#);
    assert_eq!(paused.status(), 200);
    admin
        .log()
        .await_line(&format!("POSTing notification to {SHOWN}"));
    admin
        .log()
        .await_line("failed to POST notification - Post \"http://127.0.0.1:1/auth\": ");
    admin.http().get("/api/graphite?metric=rate&target=x");
    admin.log().await_line("graphite request failed");
    for target in ["/", "/api/ext/meta", "/metrics"] {
        let answer = admin.http().get(target).text().to_owned();
        assert!(!answer.contains("hunter"), "{target}: {answer}");
    }
    assert!(!admin.log().contains("hunter"), "{:?}", admin.log());
}
