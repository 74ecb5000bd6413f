//! `AUTH` itself, and what it leaves in logs and statistics.

use nsq_tests::auth_server::AuthServer;
use nsq_tests::{Nsqd, command, deviates};
use serde_json::json;

use super::{auth, everything_for, guarded_by, logged_in};

const ACCEPTED: &str = r#"{"identity":"joe","identity_url":"http://x/joe","permission_count":1}"#;

#[test]
fn a_client_is_told_that_it_has_to_authorize_itself() {
    let server = AuthServer::answering(&everything_for(60));
    let nsqd = guarded_by(&server);
    let response = nsqd.connect().identify(r#"{"feature_negotiation":true}"#);
    assert!(response.contains(r#""auth_required":true"#), "{response}");
    assert!(server.questions().is_empty());
}

#[test]
fn by_get_the_question_is_the_query_string() {
    let server = AuthServer::answering(&everything_for(60));
    let nsqd = guarded_by(&server);
    let mut peer = nsqd.connect();
    peer.send(auth("se cret&1"));
    peer.expect_response(ACCEPTED);

    let question = &server.questions()[0];
    assert_eq!(
        question.line,
        "GET /auth?common_name=&remote_ip=127.0.0.1&secret=se+cret%261&tls=false HTTP/1.1"
    );
    assert!(
        question
            .headers
            .contains(&"accept: application/vnd.nsq; version=1.0".to_owned())
    );
}

#[test]
fn by_post_the_question_is_json_of_arrays() {
    let server = AuthServer::answering(&everything_for(60));
    let nsqd = Nsqd::with(&[
        &format!("--auth-http-address=http://{}/custom?x=1", server.address()),
        "--auth-http-request-method=post",
    ]);
    let mut peer = nsqd.connect();
    peer.send(auth("se cret&1"));
    peer.expect_response(ACCEPTED);

    let question = &server.questions()[0];
    assert_eq!(question.line, "POST /custom?x=1 HTTP/1.1");
    assert!(
        question
            .headers
            .contains(&"content-type: application/json".to_owned())
    );
    assert_eq!(
        question.body,
        r#"{"common_name":[""],"remote_ip":["127.0.0.1"],"secret":["se cret\u00261"],"tls":["false"]}"#
    );
}

#[test]
fn a_url_keeps_its_own_query_string() {
    deviates!(AuthUrlsKeepTheirQuery);
    let server = AuthServer::answering(&everything_for(60));
    let nsqd = Nsqd::with(&[&format!(
        "--auth-http-address=http://{}/custom?x=1",
        server.address()
    )]);
    logged_in(&nsqd);
    assert_eq!(
        server.questions()[0].line,
        "GET /custom?x=1&common_name=&remote_ip=127.0.0.1&secret=secret&tls=false HTTP/1.1"
    );
}

#[test]
fn a_client_authorizes_itself_once() {
    let server = AuthServer::answering(&everything_for(60));
    let nsqd = guarded_by(&server);
    let mut peer = logged_in(&nsqd);
    peer.send(auth("another"));
    peer.expect_fatal("E_INVALID AUTH already set");
    assert_eq!(server.questions().len(), 1);
}

#[test]
fn nothing_is_published_or_consumed_before() {
    let server = AuthServer::answering(&everything_for(60));
    let nsqd = guarded_by(&server);
    for (script, verb) in [
        (command::subscribe("t", "c").into_bytes(), "SUB"),
        (command::publish("t", "x"), "PUB"),
        (command::deferred_publish("t", 1, "x"), "DPUB"),
        (command::multi_publish("t", &["x"]), "MPUB"),
    ] {
        let mut peer = nsqd.connect();
        peer.send(script);
        peer.expect_fatal(format!("E_AUTH_FIRST AUTH required before {verb}"));
    }
    assert!(nsqd.stats()["topics"].as_array().unwrap().is_empty());
    assert!(server.questions().is_empty());
}

#[test]
fn who_is_permitted_nothing_is_turned_away() {
    let server = AuthServer::answering(r#"{"ttl":60,"identity":"joe","authorizations":[]}"#);
    let nsqd = guarded_by(&server);
    let mut peer = nsqd.connect();
    peer.send(auth("secret"));
    peer.expect_fatal("E_UNAUTHORIZED AUTH no authorizations found");
}

#[test]
fn the_statistics_tell_who_a_client_is() {
    let server = AuthServer::answering(&everything_for(60));
    let nsqd = guarded_by(&server);
    let mut peer = logged_in(&nsqd);
    peer.subscribe("t", "c");
    let channel = nsqd.await_channel("t", "c", &json!({"client_count": 1}));
    let client = &channel["clients"][0];
    assert_eq!(client["authed"], true);
    assert_eq!(client["auth_identity"], "joe");
    assert_eq!(client["auth_identity_url"], "http://x/joe");
}

#[test]
fn heartbeats_go_on_while_a_server_thinks() {
    let server = AuthServer::answering(&everything_for(60));
    server.fall_silent();
    let nsqd = Nsqd::with(&[&server.flag(), "--http-client-request-timeout=30s"]);
    let mut peer = nsqd.connect();
    peer.identify(r#"{"heartbeat_interval":1000}"#);
    peer.send(auth("secret"));
    for _ in 0..3 {
        peer.expect_heartbeat();
    }
    server.answer(&everything_for(60));
    peer.expect_response(ACCEPTED);
    peer.publish("t", "x");
}

#[test]
fn a_daemon_stops_although_a_server_thinks() {
    deviates!(AuthServersDoNotHoldShutdown);
    let server = AuthServer::answering("");
    server.fall_silent();
    let nsqd = Nsqd::with(&[&server.flag(), "--http-client-request-timeout=300s"]);
    let mut peer = nsqd.connect();
    peer.send(auth("secret"));
    server.await_questions(1);
    nsqd.stop();
}

#[test]
fn no_secret_reaches_the_log() {
    deviates!(SecretsStayOutOfLogs);
    let server = AuthServer::answering("");
    server.respond("403 Forbidden", "hunter2?");
    let nsqd = Nsqd::with(&[
        &server.flag(),
        "--auth-http-address=127.0.0.1:1",
        "--log-level=debug",
    ]);
    let mut peer = nsqd.connect();
    peer.send(auth("hunter2"));
    peer.expect_fatal("E_AUTH_FAILED AUTH failed");
    let line = nsqd.log().await_line("AUTH failed failed to auth against ");
    assert!(line.contains(" WARNING: PROTOCOL(V2): [127.0.0.1:"), "{line}");
    assert!(
        line.contains(&format!(
            "failed to auth against {} - got response 403 Forbidden \"***?\"",
            server.address()
        )),
        "{line}"
    );
    assert!(
        line.contains(
            "failed to auth against 127.0.0.1:1 - Get \"http://127.0.0.1:1/auth\": \
             dial tcp 127.0.0.1:1: connect: connection refused"
        ),
        "{line}"
    );
    nsqd.log()
        .await_line(" - E_AUTH_FAILED AUTH failed - failed to auth against ");
    let exit = nsqd.stop().exit;
    assert!(!exit.stderr.contains("hunter2"), "{}", exit.stderr);
}
