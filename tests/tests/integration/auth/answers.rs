//! Servers that fail or lie.

use nsq_tests::auth_server::AuthServer;
use nsq_tests::{Nsqd, deviates};

use super::{auth, everything_for, guarded_by, logged_in, only};

#[track_caller]
fn expect_refused(nsqd: &Nsqd) {
    let mut peer = nsqd.connect();
    peer.send(auth("secret"));
    peer.expect_fatal("E_AUTH_FAILED AUTH failed");
}

#[test]
fn only_a_valid_answer_with_status_200_lets_anyone_in() {
    let server = AuthServer::answering("");
    let nsqd = guarded_by(&server);
    for status in ["201 Created", "204 No Content", "403 Forbidden", "500 Oops"] {
        server.respond(status, &everything_for(60));
        expect_refused(&nsqd);
    }
    for answer in [
        "",
        "not json",
        "null",
        "[]",
        "{}",
        "{\"ttl\":60} x",
        r#"{"ttl":0}"#,
        r#"{"ttl":-1}"#,
        r#"{"ttl":5.5}"#,
        r#"{"ttl":"5"}"#,
        r#"{"ttl":60,"identity":5}"#,
        &only(r#"{"topic":"t","channels":[],"permissions":["admin"]}"#),
        &only(r#"{"topic":"(","channels":[],"permissions":["publish"]}"#),
        &only(r#"{"topic":"t","channels":["["],"permissions":["publish"]}"#),
        &only(r#"{"topic":"t","channels":"c","permissions":["publish"]}"#),
    ] {
        server.answer(answer);
        expect_refused(&nsqd);
    }
    server.answer(&everything_for(60));
    logged_in(&nsqd);
}

#[test]
fn what_is_no_http_lets_nobody_in() {
    let server = AuthServer::answering("");
    let nsqd = guarded_by(&server);
    for bytes in [
        "",
        "OK",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"ttl\":60}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    ] {
        server.send(bytes);
        expect_refused(&nsqd);
    }
}

#[test]
fn missing_patterns_let_nobody_in() {
    deviates!(MissingPatternsMatchNothing);
    let server = AuthServer::answering("");
    let nsqd = guarded_by(&server);
    for authorization in [
        "null",
        r#"{"channels":[""],"permissions":["publish"]}"#,
        r#"{"topic":null,"channels":[""],"permissions":["publish"]}"#,
        r#"{"topic":"t","channels":[null],"permissions":["publish"]}"#,
    ] {
        server.answer(&only(authorization));
        expect_refused(&nsqd);
    }
}

#[test]
fn patterns_that_grow_without_end_are_refused() {
    deviates!(PatternsAreBounded);
    let server = AuthServer::answering("");
    let nsqd = guarded_by(&server);
    for bomb in ["((a{1000}){1000}){1000}", r"(?i)((\\pL{1000}){1000}|x){1000}"] {
        server.answer(&only(&format!(
            r#"{{"topic":"{bomb}","channels":[""],"permissions":["publish"]}}"#
        )));
        expect_refused(&nsqd);
    }
    nsqd.log().await_line("patterns take more than");
}

#[test]
fn an_answer_is_given_up_at_a_size() {
    deviates!(AnswersAreBounded);
    let server = AuthServer::answering("");
    let nsqd = guarded_by(&server);
    server.answer(&format!(r#"{{"ttl":60,"x":"{}"}}"#, "x".repeat(4 << 20)));
    expect_refused(&nsqd);
    nsqd.log().await_line("reply of more than 1048576 bytes");
}

#[test]
fn a_server_that_never_answers_has_the_request_timeout() {
    let server = AuthServer::answering("");
    server.fall_silent();
    let nsqd = Nsqd::with(&[&server.flag(), "--http-client-request-timeout=200ms"]);
    expect_refused(&nsqd);
}

#[test]
fn one_good_server_makes_up_for_bad_ones() {
    let bad = AuthServer::answering("not json");
    let good = AuthServer::answering(&everything_for(60));
    let silent = AuthServer::answering("");
    silent.fall_silent();
    let nsqd = Nsqd::with(&[
        &bad.flag(),
        &silent.flag(),
        &good.flag(),
        "--auth-http-address=127.0.0.1:1",
        "--http-client-request-timeout=200ms",
    ]);
    for _ in 0..4 {
        logged_in(&nsqd);
    }
    assert_eq!(good.questions().len(), 4);
}

#[test]
fn fields_that_nobody_knows_and_identities_that_nobody_has_are_accepted() {
    let server = AuthServer::answering(
        r#"{"ttl":60,"identity":null,"more":[1],"authorizations":[{"topic":"t","channels":[""],"permissions":["publish"],"x":1}]}"#,
    );
    let nsqd = guarded_by(&server);
    let mut peer = nsqd.connect();
    peer.send(auth("secret"));
    peer.expect_response(r#"{"identity":"","identity_url":"","permission_count":1}"#);
}
