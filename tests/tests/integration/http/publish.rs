//! `POST /pub`.

use nsq_tests::http::{Response, chunked_request};
use nsq_tests::{Nsqd, deviates};
use serde_json::json;

/// A request that announces `length` bytes and sends `body`.
fn announcing(target: &str, length: &str, body: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: nsqd\r\nContent-Length: {length}\r\n\r\n{body}")
}

#[test]
fn the_body_is_the_message_byte_for_byte() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    let body: Vec<u8> = (0..=255).collect();

    let response = nsqd.http().post("/pub?topic=t", &body);
    response.expect_text(200, "OK");
    response.expect_nsq_content_type();
    assert_eq!(response.header("Content-Length"), Some("2"));
    let message = consumer.expect_message_of(&body, 1);
    consumer.send(message.fin());
    nsqd.http()
        .raw(chunked_request("POST", "/pub?topic=t", &[b"in ", b"chunks"]))
        .expect_text(200, "OK");
    consumer.expect_message_of("in chunks", 1);
}

#[test]
fn the_content_type_of_the_request_does_not_matter() {
    let nsqd = Nsqd::start();
    for content_type in [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json",
        "x",
    ] {
        let request = format!(
            "POST /pub?topic=t HTTP/1.1\r\nHost: nsqd\r\nContent-Type: {content_type}\r\nContent-Length: 7\r\n\r\ntopic=u"
        );
        nsqd.http().raw(request).expect_text(200, "OK");
    }
    nsqd.await_topic("t", &json!({"message_count": 4, "message_bytes": 28}));
}

#[test]
fn a_body_of_the_limit_is_accepted_and_one_more_byte_refused() {
    let nsqd = Nsqd::with(&["--max-msg-size=100"]);
    let http = nsqd.http();

    http.post("/pub?topic=t", [b'x'; 100]).expect_text(200, "OK");
    http.raw(chunked_request(
        "POST",
        "/pub?topic=t",
        &[&[b'x'; 60], &[b'x'; 40]],
    ))
    .expect_text(200, "OK");
    http.raw(chunked_request(
        "POST",
        "/pub?topic=t",
        &[&[b'x'; 60], &[b'x'; 41]],
    ))
    .expect_error(413, "MSG_TOO_BIG");
    http.post("/pub?topic=t", [b'x'; 101])
        .expect_error(413, "MSG_TOO_BIG");
    // A body announced as much too long is not awaited. (The original awaits up to 256 KiB.)
    let mut connection = http.connect();
    connection.send(announcing("/pub?topic=t", "1000000", ""));
    let response = Response::read(&mut connection);
    response.expect_error(413, "MSG_TOO_BIG");
    response.expect_nsq_content_type();
    assert_eq!(response.header("Connection"), Some("close"));
    connection.expect_closed();
    http.raw(announcing("/pub?topic=t", "9223372036854775807", ""))
        .expect_error(413, "MSG_TOO_BIG");
    // Its size is looked at before anything else.
    http.raw(announcing("/pub?topic=a%zz", "1000000", ""))
        .expect_error(413, "MSG_TOO_BIG");
    nsqd.await_topic("t", &json!({"message_count": 2}));
}

#[test]
fn checks_come_in_order() {
    let nsqd = Nsqd::start();
    let http = nsqd.http();
    for (target, body, code) in [
        ("/pub?topic=bad%20name", "", "MSG_EMPTY"),
        ("/pub", "", "MSG_EMPTY"),
        ("/pub?topic=t", "", "MSG_EMPTY"),
        ("/pub?topic=a%zz", "hi", "INVALID_REQUEST"),
        ("/pub?topic=a;b", "hi", "INVALID_REQUEST"),
        ("/pub", "hi", "MISSING_ARG_TOPIC"),
        ("/pub?defer=x", "hi", "MISSING_ARG_TOPIC"),
        ("/pub?topic=", "hi", "INVALID_TOPIC"),
        ("/pub?topic", "hi", "INVALID_TOPIC"),
        ("/pub?topic=bad%20name&defer=x", "hi", "INVALID_TOPIC"),
        ("/pub?topic=%23ephemeral", "hi", "INVALID_TOPIC"),
    ] {
        let response = http.post(target, body);
        assert_eq!(
            response.text(),
            format!(r#"{{"message":"{code}"}}"#),
            "POST {target}"
        );
        response.expect_error(400, code);
        response.expect_nsq_content_type();
    }
    assert_eq!(nsqd.stats()["topics"], json!([]));
}

#[test]
fn a_topic_that_is_ephemeral_needs_its_number_sign_escaped() {
    let nsqd = Nsqd::start();

    nsqd.http()
        .post("/pub?topic=t%23ephemeral", "hi")
        .expect_text(200, "OK");
    nsqd.await_topic("t#ephemeral", &json!({"depth": 1}));
}

#[test]
fn defer_is_a_number_of_milliseconds_within_the_limit() {
    let nsqd = Nsqd::with(&["--max-req-timeout=10s"]);
    for defer in ["0", "1", "10000", "%2B5", "-0", "007"] {
        nsqd.http()
            .post(&format!("/pub?topic=t&defer={defer}"), "hi")
            .expect_text(200, "OK");
    }
    for defer in [
        "",
        "x",
        "-1",
        "10001",
        "1.0",
        "1s",
        "0x1",
        "%205",
        "9223372036854775808",
        "-9223372036854775809",
    ] {
        let response = nsqd.http().post(&format!("/pub?topic=t&defer={defer}"), "hi");
        assert_eq!(response.text(), r#"{"message":"INVALID_DEFER"}"#, "defer={defer}");
        response.expect_error(400, "INVALID_DEFER");
    }
    nsqd.await_topic("t", &json!({"message_count": 6}));
}

#[test]
fn an_invalid_defer_creates_no_topic() {
    deviates!(RefusedRequestsCreateNothing);
    let nsqd = Nsqd::start();

    nsqd.http()
        .post("/pub?topic=t&defer=x", "hi")
        .expect_error(400, "INVALID_DEFER");
    assert_eq!(nsqd.stats()["topics"], json!([]));
}

#[test]
fn a_body_cut_short_publishes_nothing() {
    let nsqd = Nsqd::start();
    nsqd.create_topic("t");
    let mut connection = nsqd.http().connect();

    connection.send(announcing("/pub?topic=t", "10", "short"));
    connection.finish_sending();
    // Whatever is said to a client that is gone, it is not 200.
    let answer = connection.read_to_close(nsq_tests::peer::PATIENCE);
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", answer.escape_ascii());
    nsqd.await_topic("t", &json!({"message_count": 0}));
}

#[test]
fn expect_100_continue_is_honoured() {
    let nsqd = Nsqd::start();
    let mut connection = nsqd.http().connect();

    connection.send(
        "POST /pub?topic=t HTTP/1.1\r\nHost: nsqd\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    connection.expect("HTTP/1.1 100 Continue\r\n\r\n");
    connection.send("hi");
    Response::read(&mut connection).expect_text(200, "OK");
}
