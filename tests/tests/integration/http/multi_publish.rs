//! `POST /mpub`, in lines and in binary.

use nsq_tests::http::{Response, chunked_request};
use nsq_tests::{Nsqd, command};
use serde_json::json;

use crate::delivery::bodies;

/// Publishes `body` and asserts which messages came out of it, in order.
#[track_caller]
fn expect_messages(query: &str, body: impl AsRef<[u8]>, expected: &[&str]) {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 100);
    let response = nsqd.http().post(&format!("/mpub?topic=t{query}"), body);
    response.expect_text(200, "OK");
    response.expect_nsq_content_type();
    assert_eq!(bodies(&consumer.expect_messages(expected.len())), expected);
    nsqd.await_topic("t", &json!({"message_count": expected.len()}));
}

#[test]
fn every_line_is_a_message() {
    expect_messages("", "a\nb\n\nc", &["a", "b", "c"]);
    expect_messages("", "a\nb\n", &["a", "b"]);
    expect_messages("", "\n\n\na\r\n \n\n", &["a\r", " "]);
    expect_messages("&binary=false", "a", &["a"]);
    expect_messages("&binary=0", "a", &["a"]);
}

#[test]
fn no_line_is_no_message_and_still_ok() {
    expect_messages("", "", &[]);
    expect_messages("", "\n\n\n", &[]);
}

#[test]
fn a_binary_batch_has_a_count_and_sizes() {
    let batch = command::batch(&["one", "t\nw\0o", "three"]);
    for query in [
        "&binary=true",
        "&binary=1",
        "&binary=yes",
        "&binary=",
        "&binary=TRUE",
        "&binary",
    ] {
        expect_messages(query, &batch, &["one", "t\nw\0o", "three"]);
    }
    expect_messages(
        "&binary=true",
        [&batch[..], b"ignored"].concat(),
        &["one", "t\nw\0o", "three"],
    );
}

#[test]
fn an_unknown_value_for_binary_is_logged_as_deprecated() {
    let nsqd = Nsqd::start();
    nsqd.http()
        .post("/mpub?topic=t&binary=yes", command::batch(&["hi"]))
        .expect_text(200, "OK");
    let line = nsqd
        .log()
        .await_line("deprecated value 'yes' used for /mpub binary param");
    assert!(line.contains(" WARNING: "), "{line}");
}

#[test]
fn defer_is_not_a_parameter_here() {
    expect_messages("&defer=3600000", "a", &["a"]);
    expect_messages("&defer=x", "a", &["a"]);
}

#[test]
fn topic_errors_come_before_the_body() {
    let nsqd = Nsqd::start();
    for (target, code) in [
        ("/mpub?topic=a%zz", "INVALID_REQUEST"),
        ("/mpub?topic=a;b", "INVALID_REQUEST"),
        ("/mpub", "MISSING_ARG_TOPIC"),
        ("/mpub?topic=", "INVALID_TOPIC"),
        ("/mpub?topic=bad%20name&binary=true", "INVALID_TOPIC"),
    ] {
        let response = nsqd.http().post(target, "hi");
        response.expect_error(400, code);
        response.expect_nsq_content_type();
    }
    assert_eq!(nsqd.stats()["topics"], json!([]));
}

#[test]
fn a_line_above_the_limit_is_too_big() {
    let nsqd = Nsqd::with(&["--max-msg-size=10"]);
    let http = nsqd.http();

    http.post("/mpub?topic=t", "0123456789\n0123456789")
        .expect_text(200, "OK");
    http.post("/mpub?topic=t", "ok\n01234567890\nok")
        .expect_error(413, "MSG_TOO_BIG");
    http.post("/mpub?topic=t", "ok\n01234567890")
        .expect_error(413, "MSG_TOO_BIG");
    nsqd.await_topic("t", &json!({"message_count": 2}));
}

#[test]
fn a_body_above_the_limit_is_too_big() {
    let nsqd = Nsqd::with(&["--max-body-size=10"]);
    let http = nsqd.http();

    http.post("/mpub?topic=t", "01234\n6789").expect_text(200, "OK");
    http.raw(chunked_request("POST", "/mpub?topic=t", &[b"01234\n6", b"789"]))
        .expect_text(200, "OK");
    http.raw(chunked_request("POST", "/mpub?topic=t", &[b"01234\n6", b"789a"]))
        .expect_error(413, "BODY_TOO_BIG");
    http.post("/mpub?topic=t", "01234\n6789a")
        .expect_error(413, "BODY_TOO_BIG");
    // A body announced as much too long is not awaited. (The original awaits up to 256 KiB.)
    let mut connection = http.connect();
    connection.send("POST /mpub?topic=t HTTP/1.1\r\nHost: nsqd\r\nContent-Length: 1000000\r\n\r\n");
    Response::read(&mut connection).expect_error(413, "BODY_TOO_BIG");
    connection.expect_closed();
    // The announced size is looked at before the topic.
    http.raw("POST /mpub HTTP/1.1\r\nHost: nsqd\r\nContent-Length: 1000000\r\n\r\n")
        .expect_error(413, "BODY_TOO_BIG");
    nsqd.await_topic("t", &json!({"message_count": 4}));
}

#[test]
fn a_binary_count_out_of_range_is_a_bad_body() {
    // (100 - 4) / 5 = 19 messages at most.
    let nsqd = Nsqd::with(&["--max-body-size=100"]);
    for body in [
        &b""[..],
        b"\0\0\0",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\x14",
        b"\x7f\xff\xff\xff",
    ] {
        let response = nsqd.http().post("/mpub?topic=t&binary=true", body);
        assert_eq!(
            response.text(),
            r#"{"message":"BAD_BODY"}"#,
            "{}",
            body.escape_ascii()
        );
        response.expect_error(413, "BAD_BODY");
    }
    nsqd.http()
        .post("/mpub?topic=t&binary=true", command::batch(&[b"x"; 19]))
        .expect_text(200, "OK");
    nsqd.await_topic("t", &json!({"message_count": 19}));
}

#[test]
fn a_binary_message_out_of_range_is_a_bad_message() {
    let nsqd = Nsqd::with(&["--max-msg-size=10"]);
    for tail in [
        &b""[..],
        b"\0\0\0",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\x0b01234567890",
        b"\0\0\0\x05abcd",
        b"\x7f\xff\xff\xff",
    ] {
        let body = [b"\0\0\0\x02\0\0\0\x02ok", tail].concat();
        let response = nsqd.http().post("/mpub?topic=t&binary=true", &body);
        assert_eq!(
            response.text(),
            r#"{"message":"BAD_MESSAGE"}"#,
            "{}",
            body.escape_ascii()
        );
        response.expect_error(413, "BAD_MESSAGE");
    }
    nsqd.await_topic("t", &json!({"message_count": 0}));
}

#[test]
fn the_default_limit_of_a_body_is_five_mebibytes() {
    let nsqd = Nsqd::start();
    let line = [vec![b'x'; 1_048_575], b"\n".to_vec()].concat();

    nsqd.http()
        .post("/mpub?topic=t", line.repeat(5))
        .expect_text(200, "OK");
    nsqd.await_topic("t", &json!({"message_count": 5, "message_bytes": 5 * 1_048_575}));
    let request = "POST /mpub?topic=t HTTP/1.1\r\nHost: nsqd\r\nContent-Length: 5242881\r\n\r\n";
    nsqd.http().raw(request).expect_error(413, "BODY_TOO_BIG");
}
