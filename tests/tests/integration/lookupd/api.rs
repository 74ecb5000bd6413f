//! Endpoints, parameters and errors.

use nsq_tests::Nsqlookupd;

use super::execute;

#[test]
fn ping_and_info_answer() {
    let http = Nsqlookupd::start();
    let ping = http.http().get("/ping");
    ping.expect_text(200, "OK");
    assert_eq!(ping.header("X-NSQ-Content-Type"), None);
    let info = http.http().get("/info");
    info.expect_nsq_content_type();
    info.expect_exact_json(200, r#"{"version":"1.3.0"}"#);
}

#[test]
fn an_empty_directory_has_empty_lists() {
    let lookupd = Nsqlookupd::start();
    for (target, body) in [
        ("/topics", r#"{"topics":[]}"#),
        ("/channels?topic=nope", r#"{"channels":[]}"#),
        ("/nodes", r#"{"producers":[]}"#),
        ("/debug", "{}"),
    ] {
        let response = lookupd.http().get(target);
        response.expect_nsq_content_type();
        response.expect_exact_json(200, body);
    }
}

#[test]
fn missing_and_invalid_parameters_are_named_in_order() {
    let lookupd = Nsqlookupd::start();
    for (method, target, status, code) in [
        ("GET", "/lookup", 400, "MISSING_ARG_TOPIC"),
        ("GET", "/lookup?topic=", 404, "TOPIC_NOT_FOUND"),
        ("GET", "/lookup?topic=nope", 404, "TOPIC_NOT_FOUND"),
        ("GET", "/lookup?topic=*", 404, "TOPIC_NOT_FOUND"),
        ("GET", "/lookup?topic=%zz", 400, "INVALID_REQUEST"),
        ("GET", "/lookup?topic=a;b", 400, "INVALID_REQUEST"),
        ("GET", "/channels", 400, "MISSING_ARG_TOPIC"),
        ("POST", "/topic/create", 400, "MISSING_ARG_TOPIC"),
        ("POST", "/topic/create?topic=", 400, "INVALID_ARG_TOPIC"),
        ("POST", "/topic/create?topic=*", 400, "INVALID_ARG_TOPIC"),
        ("POST", "/topic/create?topic=%zz", 400, "INVALID_REQUEST"),
        ("POST", "/topic/delete", 400, "MISSING_ARG_TOPIC"),
        ("POST", "/channel/create?channel=c", 400, "MISSING_ARG_TOPIC"),
        ("POST", "/channel/create?topic=!", 400, "INVALID_ARG_TOPIC"),
        ("POST", "/channel/create?topic=t", 400, "MISSING_ARG_CHANNEL"),
        (
            "POST",
            "/channel/create?topic=t&channel=",
            400,
            "INVALID_ARG_CHANNEL",
        ),
        ("POST", "/channel/delete?topic=t", 400, "MISSING_ARG_CHANNEL"),
        (
            "POST",
            "/channel/delete?topic=t&channel=c",
            404,
            "CHANNEL_NOT_FOUND",
        ),
        ("POST", "/topic/tombstone?node=n:1", 400, "MISSING_ARG_TOPIC"),
        ("POST", "/topic/tombstone?topic=t", 400, "MISSING_ARG_NODE"),
        ("POST", "/lookup?topic=t", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/topic/create?topic=t", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/nope", 404, "NOT_FOUND"),
    ] {
        let response = lookupd.http().request(method, target, "");
        assert_eq!(response.status(), status, "{method} {target}");
        response.expect_error(status, code);
        response.expect_nsq_content_type();
    }
    lookupd
        .http()
        .get("/topics")
        .expect_exact_json(200, r#"{"topics":[]}"#);
}

#[test]
fn topics_and_channels_are_created_and_deleted() {
    let lookupd = Nsqlookupd::start();
    let http = lookupd.http();
    let change = |target: &str| {
        let response = http.post(target, "");
        response.expect_empty(200);
        response.expect_nsq_content_type();
    };
    change("/channel/create?topic=t&channel=c");
    change("/topic/create?topic=u");
    http.get("/topics")
        .expect_exact_json(200, r#"{"topics":["t","u"]}"#);
    http.get("/lookup?topic=t")
        .expect_exact_json(200, r#"{"channels":["c"],"producers":[]}"#);
    change("/channel/delete?topic=t&channel=c");
    http.get("/channels?topic=t")
        .expect_exact_json(200, r#"{"channels":[]}"#);
    change("/topic/delete?topic=t");
    change("/topic/delete?topic=t");
    change("/topic/delete?topic=!");
    http.get("/topics").expect_exact_json(200, r#"{"topics":["u"]}"#);
}

/// The original takes a star for every topic.
#[test]
fn a_star_deletes_and_tombstones_nothing() {
    let lookupd = Nsqlookupd::start();
    let mut peer = lookupd.producer("n1.local");
    execute(&mut peer, &["REGISTER t c"]);
    let http = lookupd.http();
    let found = http.get("/lookup?topic=t").text().to_owned();
    http.post("/topic/delete?topic=*", "").expect_empty(200);
    http.post("/topic/tombstone?topic=*&node=n1.local:4151", "")
        .expect_empty(200);
    assert_eq!(http.get("/lookup?topic=t").text(), found);
}

#[test]
fn an_ipv6_node_is_tombstoned_with_and_without_brackets() {
    let lookupd = Nsqlookupd::start();
    let mut peer = lookupd.producer("::1");
    execute(&mut peer, &["REGISTER t", "REGISTER u"]);
    let http = lookupd.http();
    for (topic, node) in [("t", "::1:4151"), ("u", "%5B::1%5D:4151")] {
        http.post(&format!("/topic/tombstone?topic={topic}&node={node}"), "")
            .expect_empty(200);
        http.get(&format!("/lookup?topic={topic}"))
            .expect_exact_json(200, r#"{"channels":[],"producers":[]}"#);
    }
}

#[test]
fn parameters_come_from_the_query_and_a_body_is_not_read() {
    let lookupd = Nsqlookupd::start();
    let http = lookupd.http();
    http.post("/topic/create", "topic=t")
        .expect_error(400, "MISSING_ARG_TOPIC");
    http.post("/topic/create?topic=t&topic=u", vec![b'x'; 300_000])
        .expect_empty(200);
    http.get("/topics").expect_exact_json(200, r#"{"topics":["t"]}"#);
}
