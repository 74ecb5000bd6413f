//! Authorization servers behind TLS, and what they are told of clients with TLS.
//!
//! An nsqd plays the server: its `/info` is no valid answer, and the reason for which it is refused shows how far
//! the question has come.

use nsq_tests::Nsqd;
use nsq_tests::auth_server::AuthServer;
use nsq_tests::pki::Pki;

use super::{auth, everything_for};

const REACHED: &str = " - invalid TTL 0 (must be >0)";

/// Why a daemon that asks at `url` lets nobody in, trusting the authority of `pki`.
#[track_caller]
fn refusal(pki: &Pki, url: &str) -> String {
    let nsqd = Nsqd::with(&[
        &format!("--auth-http-address={url}"),
        &format!("--tls-root-ca-file={}", pki.authority_file().display()),
    ]);
    let mut peer = nsqd.connect();
    peer.send(auth("secret"));
    peer.expect_fatal("E_AUTH_FAILED AUTH failed");
    nsqd.log().await_line("WARNING: PROTOCOL(V2): [")
}

#[test]
fn a_server_is_asked_over_tls_if_its_authority_is_trusted() {
    let pki = Pki::new();
    let server = pki.setup().start();
    let url = format!("https://localhost:{}/info", server.https_address().port());
    let refused = refusal(&pki, &url);
    assert!(refused.ends_with(&format!("against {url}{REACHED}")), "{refused}");

    let refused = refusal(&Pki::of("stranger"), &url);
    assert!(
        refused.contains("x509: certificate signed by unknown authority"),
        "{refused}"
    );
}

#[test]
fn a_server_that_requires_tls_is_asked_at_the_port_it_tells() {
    let pki = Pki::new();
    let server = pki.setup().flag("--tls-required=true").start();
    let url = format!("http://localhost:{}/info", server.http_address().port());
    let refused = refusal(&pki, &url);
    assert!(refused.ends_with(REACHED), "{refused}");
}

#[test]
fn a_question_tells_who_a_client_is_by_its_certificate() {
    let pki = Pki::new();
    let server = AuthServer::answering(&everything_for(60));
    let nsqd = pki
        .setup()
        .flag(server.flag())
        .flag("--tls-client-auth-policy=require-verify")
        .flag(format!("--tls-root-ca-file={}", pki.authority_file().display()))
        .start();
    let mut peer = nsqd.connect();
    peer.identify(r#"{"tls_v1":true,"feature_negotiation":true}"#);
    let mut peer = peer.start_tls(&pki.client_with(&pki.issue("joe"))).unwrap();
    peer.expect_ok();
    peer.send(auth("secret"));
    peer.read_response();
    assert_eq!(
        server.questions()[0].line,
        "GET /auth?common_name=joe&remote_ip=127.0.0.1&secret=secret&tls=true HTTP/1.1"
    );
}
