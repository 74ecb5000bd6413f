//! The HTTP API over TLS.

use nsq_tests::Peer;
use nsq_tests::http::{Response, request};
use nsq_tests::pki::Pki;

#[test]
fn the_api_is_served_over_tls() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut connection = Peer::connect(nsqd.https_address())
        .start_tls(&pki.client())
        .unwrap();
    for _ in 0..2 {
        connection.send(request("GET", "/ping", ""));
        Response::read(&mut connection).expect_text(200, "OK");
    }
    let body = vec![b'x'; 500_000];
    connection.send(request("POST", "/pub?topic=orders", &body));
    Response::read(&mut connection).expect_text(200, "OK");
    connection.send(request("GET", "/stats?format=json", ""));
    let stats = Response::read(&mut connection).expect_json(200);
    assert_eq!(stats["topics"][0]["message_bytes"], 500_000);
    nsqd.log().await_line("200 GET /ping");
}

#[test]
fn it_is_served_where_plain_http_is_refused() {
    let pki = Pki::new();
    let nsqd = pki.setup().flag("--tls-required").start();
    let mut connection = Peer::connect(nsqd.https_address())
        .start_tls(&pki.client())
        .unwrap();
    connection.send(request("GET", "/ping", ""));
    Response::read(&mut connection).expect_text(200, "OK");
}

#[test]
fn plain_http_is_told_that_it_is_not_https() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut connection = Peer::connect(nsqd.https_address());
    connection.send(request("GET", "/ping", ""));
    connection.expect("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
}

#[test]
fn the_client_policy_counts_here_too() {
    let pki = Pki::new();
    let nsqd = pki.setup().flag("--tls-client-auth-policy=require").start();
    let mut connection = Peer::connect(nsqd.https_address())
        .start_tls(&pki.client_with(&pki.issue("someone")))
        .unwrap();
    connection.send(request("GET", "/ping", ""));
    Response::read(&mut connection).expect_text(200, "OK");
    let refused = Peer::connect(nsqd.https_address()).start_tls(&pki.client_of_tls12());
    assert!(refused.is_err());
}

#[test]
fn there_is_no_listener_without_a_certificate_or_an_address() {
    let pki = Pki::new();
    for setup in [nsq_tests::Setup::new(), pki.setup().flag("--https-address=")] {
        let nsqd = setup.start();
        nsqd.http().get("/ping").expect_text(200, "OK");
        assert!(!nsqd.log().contains("HTTPS: listening"));
    }
}
