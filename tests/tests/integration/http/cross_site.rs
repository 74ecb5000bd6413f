//! Requests that a page of another site makes its visitor's browser send.

use nsq_tests::http::Response;
use nsq_tests::{Nsqd, Nsqlookupd, deviates};

const CHANGES: &[(&str, &str)] = &[
    ("POST", "/pub?topic=t"),
    ("POST", "/mpub?topic=t"),
    ("POST", "/topic/create?topic=t"),
    ("POST", "/topic/empty?topic=t"),
    ("POST", "/topic/delete?topic=t"),
    ("POST", "/channel/pause?topic=t&channel=c"),
    ("PUT", "/config/log_level"),
];

/// A request with these headers, as a form on a page sends it.
fn ask(http: nsq_tests::http::Http, method: &str, target: &str, headers: &str) -> Response {
    let host = http.address();
    http.raw(format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\n\
         Content-Length: 5\r\n{headers}\r\ndebug"
    ))
}

#[test]
fn what_a_browser_sends_for_another_site_changes_nothing() {
    deviates!(OtherSitesAreRefused);
    let nsqd = Nsqd::start();
    for headers in [
        "Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.example\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
    ] {
        for (method, target) in CHANGES {
            let response = ask(nsqd.http(), method, target, headers);
            response.expect_error(403, "CROSS_SITE");
        }
    }
    assert_eq!(
        nsqd.http().get("/stats?format=json").expect_json(200)["topics"],
        serde_json::json!([])
    );
}

#[test]
fn what_a_browser_sends_for_the_page_itself_or_for_a_person_is_served() {
    let nsqd = Nsqd::start();
    let own = format!("Origin: http://{}\r\n", nsqd.http().address());
    for headers in [
        "Sec-Fetch-Site: same-origin\r\n",
        "Sec-Fetch-Site: none\r\n",
        &own,
        "",
    ] {
        ask(nsqd.http(), "POST", "/pub?topic=t", headers).expect_text(200, "OK");
    }
}

#[test]
fn reading_is_not_refused_since_no_page_of_another_site_gets_to_see_the_answer() {
    let nsqd = Nsqd::start();
    let response = ask(nsqd.http(), "GET", "/ping", "Sec-Fetch-Site: cross-site\r\n");
    assert_eq!(response.header("Access-Control-Allow-Origin"), None);
    response.expect_text(200, "OK");
}

#[test]
fn nsqlookupd_refuses_them_as_well() {
    let lookupd = Nsqlookupd::start();
    for target in [
        "/topic/create?topic=t",
        "/topic/delete?topic=t",
        "/topic/tombstone?topic=t&node=n:1",
    ] {
        let response = ask(lookupd.http(), "POST", target, "Origin: http://evil.example\r\n");
        response.expect_error(403, "CROSS_SITE");
    }
    lookupd
        .http()
        .get("/topics")
        .expect_exact_json(200, r#"{"topics":[]}"#);
}
