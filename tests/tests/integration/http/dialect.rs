//! What all endpoints share: routing, methods, redirects, parameters, malformed requests.

use nsq_tests::http::{Response, request};
use nsq_tests::{Nsqd, deviates};

/// Every path with the `Allow` header of its wrong methods.
const PATHS: &[(&str, &str)] = &[
    ("/ping", "GET, OPTIONS"),
    ("/info", "GET, OPTIONS"),
    ("/stats", "GET, OPTIONS"),
    ("/pub", "OPTIONS, POST"),
    ("/mpub", "OPTIONS, POST"),
    ("/topic/create", "OPTIONS, POST"),
    ("/topic/delete", "OPTIONS, POST"),
    ("/topic/empty", "OPTIONS, POST"),
    ("/topic/pause", "OPTIONS, POST"),
    ("/topic/unpause", "OPTIONS, POST"),
    ("/channel/create", "OPTIONS, POST"),
    ("/channel/delete", "OPTIONS, POST"),
    ("/channel/empty", "OPTIONS, POST"),
    ("/channel/pause", "OPTIONS, POST"),
    ("/channel/unpause", "OPTIONS, POST"),
    ("/config/log_level", "GET, OPTIONS, PUT"),
    ("/config/nope", "GET, OPTIONS, PUT"),
    ("/debug/setblockrate", "OPTIONS, PUT"),
    ("/debug/freememory", "OPTIONS, POST"),
];

#[test]
fn an_unknown_path_is_not_found() {
    let nsqd = Nsqd::start();
    for path in [
        "/",
        "/nope",
        "/put",
        "/mput",
        "/create_topic",
        "/topic",
        "/topic/",
        "/config",
        "/config/",
        "/pub/x",
    ] {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let response = nsqd.http().request(method, path, "");
            response.expect_error(404, "NOT_FOUND");
            response.expect_nsq_content_type();
        }
    }
}

#[test]
fn a_wrong_method_is_answered_with_the_allowed_ones() {
    let nsqd = Nsqd::start();
    for (path, allow) in PATHS {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            if allow.contains(method) {
                continue;
            }
            let response = nsqd.http().request(method, path, "");
            response.expect_error(405, "METHOD_NOT_ALLOWED");
            response.expect_nsq_content_type();
            assert_eq!(response.header("Allow"), Some(*allow), "{method} {path}");
        }
    }
}

#[test]
fn head_is_a_wrong_method_everywhere() {
    let nsqd = Nsqd::start();
    for (path, allow) in PATHS {
        let mut connection = nsqd.http().connect();
        // The answer to HEAD has no body whatever its Content-Length says.
        connection.send(format!(
            "HEAD {path} HTTP/1.1\r\nHost: nsqd\r\nConnection: close\r\n\r\n"
        ));
        let answer = String::from_utf8(connection.read_to_close(nsq_tests::peer::PATIENCE)).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"),
            "{path}: {answer}"
        );
        assert!(
            answer
                .to_lowercase()
                .contains(&format!("allow: {}\r\n", allow.to_lowercase())),
            "{path}: {answer}"
        );
        assert!(answer.ends_with("\r\n\r\n"), "{path}: {answer}");
    }
}

#[test]
fn options_on_a_known_path_lists_the_methods() {
    let nsqd = Nsqd::start();
    for (path, allow) in PATHS {
        let response = nsqd.http().request("OPTIONS", path, "");
        response.expect_empty(200);
        assert_eq!(response.header("Allow"), Some(*allow), "{path}");
    }
}

#[test]
fn a_path_that_is_nearly_right_is_redirected() {
    let nsqd = Nsqd::start();
    for (method, target, status, location) in [
        ("GET", "/ping/", 301, "/ping"),
        ("GET", "/PING", 301, "/ping"),
        ("GET", "//ping", 301, "/ping"),
        (
            "GET",
            "/stats/?format=json&topic=a%20b",
            301,
            "/stats?format=json&topic=a%20b",
        ),
        ("POST", "/pub/?topic=x", 307, "/pub?topic=x"),
        ("POST", "/Topic//Create?topic=x", 307, "/topic/create?topic=x"),
        ("PUT", "/debug/setblockrate/", 307, "/debug/setblockrate"),
    ] {
        let response = nsqd.http().request(method, target, "");
        assert_eq!(
            (response.status(), response.header("Location")),
            (status, Some(location)),
            "{method} {target}"
        );
        if method == "GET" {
            assert_eq!(response.header("Content-Type"), Some("text/html; charset=utf-8"));
            let location = location.replace('&', "&amp;");
            assert_eq!(
                response.text().trim_end(),
                format!("<a href=\"{location}\">Moved Permanently</a>.")
            );
        } else {
            assert_eq!(response.text(), "");
        }
    }
    assert_eq!(
        nsqd.stats()["topics"],
        serde_json::json!([]),
        "a redirect does nothing"
    );
}

#[test]
fn parameters_come_from_the_query_alone_and_the_first_value_counts() {
    let nsqd = Nsqd::start();
    let form = "POST /topic/create HTTP/1.1\r\nHost: nsqd\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                Content-Length: 7\r\n\r\ntopic=t";
    nsqd.http().raw(form).expect_error(400, "MISSING_ARG_TOPIC");
    nsqd.http()
        .post("/topic/create?topic=first&topic=second", "")
        .expect_empty(200);
    nsqd.http()
        .post("/topic/create?other=x&topic=%74hird", "")
        .expect_empty(200);
    let topics = nsqd.stats()["topics"].clone();
    let names: Vec<_> = topics
        .as_array()
        .unwrap()
        .iter()
        .map(|topic| topic["topic_name"].clone())
        .collect();
    assert_eq!(names, ["first", "third"]);
}

#[test]
fn a_malformed_query_is_an_invalid_request() {
    let nsqd = Nsqd::start();
    for query in ["topic=a%zz", "topic=a%2", "topic=a;b", "topic=t&%"] {
        for path in [
            "/topic/create",
            "/topic/delete",
            "/topic/pause",
            "/channel/create",
            "/channel/empty",
        ] {
            nsqd.http()
                .post(&format!("{path}?{query}"), "")
                .expect_error(400, "INVALID_REQUEST");
        }
        nsqd.http()
            .get(&format!("/stats?{query}"))
            .expect_error(400, "INVALID_REQUEST");
    }
    let line = nsqd.log().await_line("failed to parse request params - ");
    assert!(
        line.ends_with(r#"ERROR: failed to parse request params - invalid URL escape "%zz""#),
        "{line}"
    );
}

#[test]
fn a_connection_serves_many_requests() {
    let nsqd = Nsqd::start();
    let mut connection = nsqd.http().connect();
    for _ in 0..100 {
        connection.send(request("POST", "/pub?topic=t", "hi"));
        Response::read(&mut connection).expect_text(200, "OK");
    }
    // Pipelined requests are answered in order.
    connection.send(
        [
            request("GET", "/ping", ""),
            request("GET", "/nope", ""),
            request("GET", "/ping", ""),
        ]
        .concat(),
    );
    Response::read(&mut connection).expect_text(200, "OK");
    Response::read(&mut connection).expect_error(404, "NOT_FOUND");
    Response::read(&mut connection).expect_text(200, "OK");
    // A body that no handler wants does not get in the way of the next request.
    connection.send([request("POST", "/nope", "x=y"), request("GET", "/ping", "")].concat());
    Response::read(&mut connection).expect_error(404, "NOT_FOUND");
    Response::read(&mut connection).expect_text(200, "OK");
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let nsqd = Nsqd::start();
    let mut connection = nsqd.http().connect();

    connection.send("GET /ping HTTP/1.0\r\n\r\n");
    let response = Response::read(&mut connection);
    response.expect_text(200, "OK");
    connection.expect_closed();
}

#[test]
fn connection_close_is_obeyed() {
    let nsqd = Nsqd::start();
    let mut connection = nsqd.http().connect();

    connection.send("GET /ping HTTP/1.1\r\nHost: nsqd\r\nConnection: close\r\n\r\n");
    Response::read(&mut connection).expect_text(200, "OK");
    connection.expect_closed();
}

#[test]
fn a_malformed_request_is_refused_and_closed() {
    let nsqd = Nsqd::start();
    for request in [
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET /ping\r\n\r\n",
        "GET /ping HTTP/1.1\r\nHost: nsqd\r\nno colon\r\n\r\n",
        "GET /ping HTTP/1.1\r\nHost: nsqd\r\nContent-Length: x\r\n\r\n",
        "GET /ping HTTP/1.1\r\nHost: nsqd\r\nContent-Length: -1\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
    ] {
        let mut connection = nsqd.http().connect();
        connection.send(request);
        let answer = connection.read_to_close(nsq_tests::peer::PATIENCE);
        let answer = answer.escape_ascii().to_string();
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request") || answer.is_empty(),
            "{request:?}: {answer}"
        );
    }
    nsqd.http().get("/ping").expect_text(200, "OK");
}

#[test]
fn http_1_1_needs_a_host() {
    let nsqd = Nsqd::start();
    let mut connection = nsqd.http().connect();

    connection.send("GET /ping HTTP/1.1\r\n\r\n");
    let answer = connection.read_to_close(nsq_tests::peer::PATIENCE);
    let answer = answer.escape_ascii().to_string();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request"), "{answer}");
}

#[test]
fn requests_are_logged_except_for_publishing() {
    let nsqd = Nsqd::start();
    let mut connection = nsqd.http().connect();
    let address = connection.local_address().unwrap();
    for (method, target) in [
        ("POST", "/pub?topic=t"),
        ("POST", "/mpub?topic=t"),
        ("POST", "/pub"),
        ("OPTIONS", "/ping"),
        ("GET", "/ping/"),
        ("POST", "/topic/create?topic=u"),
        ("GET", "/nope?x=y"),
        ("GET", "/pub"),
        ("GET", "/ping"),
    ] {
        connection.send(request(method, target, ""));
        Response::read(&mut connection);
    }
    nsqd.log()
        .await_line(&format!("INFO: 200 GET /ping ({address}) "));
    let logged: Vec<_> = nsqd
        .log()
        .lines()
        .iter()
        .filter_map(|line| line.split_once("INFO: ")?.1.split_once(&format!(" ({address}) ")))
        .map(|(request, _)| request.to_owned())
        .collect();
    assert_eq!(
        logged,
        [
            "200 POST /topic/create?topic=u",
            "404 GET /nope?x=y",
            "405 GET /pub",
            "200 GET /ping"
        ]
    );
}

#[test]
fn a_request_that_never_ends_is_cut_off() {
    deviates!(SilentConnectionsAreClosed);
    let nsqd = Nsqd::start();
    let mut endless = nsqd.http().connect();
    let header = format!("X-Padding: {}\r\n", "x".repeat(8000));

    endless.send("GET /ping HTTP/1.1\r\nHost: nsqd\r\n");
    for _ in 0..1000 {
        endless.send_if_open(&header);
    }
    let answer = endless.read_to_close(nsq_tests::peer::PATIENCE);
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", answer.escape_ascii());
    nsqd.http().get("/ping").expect_text(200, "OK");
}
