//! Who has to encrypt, and what clients have to show.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nsq_tests::pki::Pki;
use nsq_tests::{Nsqd, Setup, command};
use rustls::ClientConfig;

use super::{encrypted, promised_tls};

const REQUIRED: [&str; 4] = [
    "--tls-required",
    "--tls-required=true",
    "--tls-required=1",
    "--tls-required=tcp-https",
];

#[test]
fn where_tls_is_required_only_identify_works_without() {
    let pki = Pki::new();
    for flag in REQUIRED {
        let nsqd = pki.setup().flag(flag).start();
        for (script, name) in [
            (command::publish("orders", "hi"), "PUB"),
            (command::subscribe("orders", "billing").into_bytes(), "SUB"),
            (b"NOP\n".to_vec(), "NOP"),
            (b"AUTH\n\x00\x00\x00\x01x".to_vec(), "AUTH"),
            (b"FOO bar\n".to_vec(), "FOO"),
        ] {
            let mut client = nsqd.connect();
            client.identify(r#"{"feature_negotiation":true}"#);
            client.send(script);
            client.expect_fatal(format!("E_INVALID cannot {name} in current state (TLS required)"));
        }
        encrypted(&nsqd, &pki).publish("orders", "hi");
    }
}

#[test]
fn compression_alone_is_not_encryption() {
    let pki = Pki::new();
    let nsqd = pki.setup().flag("--tls-required").start();
    let mut client = nsqd.connect();
    client.identify(r#"{"feature_negotiation":true,"snappy":true}"#);
    let mut client = client.start_snappy();
    client.expect_ok();
    client.send("NOP\n");
    client.expect_fatal("E_INVALID cannot NOP in current state (TLS required)");
}

#[test]
fn plain_http_is_refused_with_the_port_to_use_instead() {
    let pki = Pki::new();
    let nsqd = pki.setup().flag("--tls-required").start();
    let body = format!(
        r#"{{"message": "TLS_REQUIRED", "https_port": {}}}"#,
        nsqd.https_address().port()
    );
    for response in [
        nsqd.http().get("/ping"),
        nsqd.http().post("/pub?topic=orders", "hi"),
        nsqd.http().get("/nonexistent"),
    ] {
        response.expect_exact_json(403, &body);
        response.expect_nsq_content_type();
    }
    assert!(!nsqd.log().contains("/ping"));

    let nsqd = pki.setup().flag("--tls-required=tcp-https").start();
    nsqd.http().get("/ping").expect_text(200, "OK");

    let nsqd = pki
        .setup()
        .flag("--tls-required")
        .flag("--https-address=")
        .start();
    nsqd.http()
        .get("/ping")
        .expect_exact_json(403, r#"{"message": "TLS_REQUIRED", "https_port": 0}"#);
}

fn require(pki: &Pki) -> Setup {
    pki.setup().flag("--tls-client-auth-policy=require")
}

fn require_verify(pki: &Pki, authority: &Path) -> Setup {
    pki.setup()
        .flag("--tls-client-auth-policy=require-verify")
        .flag(format!("--tls-root-ca-file={}", authority.display()))
}

#[track_caller]
fn expect_accepted(nsqd: &Nsqd, client: &Arc<ClientConfig>) {
    let mut peer = promised_tls(nsqd).start_tls(client).unwrap();
    peer.expect_ok();
    peer.publish("orders", "hi");
}

/// Asserts that a client is refused. What it receives depends on the version of TLS, and on how much its own end
/// has read of it; the log does not.
#[track_caller]
fn expect_refused(nsqd: &Nsqd, client: &Arc<ClientConfig>, reason: &str) {
    let mut peer = promised_tls(nsqd);
    // TLS 1.3 tells the client only after its part of the handshake.
    let _ = peer.try_tls(client);
    peer.read_to_close(Duration::from_secs(10));
    let end = peer.local_address().unwrap();
    let line = nsqd
        .log()
        .await_line(&format!("client({end}) - E_IDENTIFY_FAILED IDENTIFY failed "));
    assert!(line.contains(reason), "{line}");
}

#[test]
fn require_takes_any_certificate_but_not_none() {
    let (pki, stranger) = (Pki::new(), Pki::of("stranger"));
    let nsqd = require(&pki).start();
    expect_accepted(&nsqd, &pki.client_with(&pki.issue("consumer")));
    expect_accepted(&nsqd, &pki.client_with(&stranger.issue("consumer")));
    let reason = "tls: client didn't provide a certificate";
    expect_refused(&nsqd, &pki.client(), reason);
    expect_refused(&nsqd, &pki.client_of_tls12(), reason);
}

#[test]
fn require_verify_takes_what_its_authority_has_signed() {
    let (pki, stranger) = (Pki::new(), Pki::of("stranger"));
    let nsqd = require_verify(&pki, &stranger.authority_file()).start();
    expect_accepted(&nsqd, &pki.client_with(&stranger.issue("consumer")));
    expect_refused(&nsqd, &pki.client(), "tls: client didn't provide a certificate");
    expect_refused(
        &nsqd,
        &pki.client_with(&pki.issue("consumer")),
        "x509: certificate signed by unknown authority",
    );
}

#[test]
fn a_client_policy_implies_that_tls_is_required() {
    let pki = Pki::new();
    let nsqd = require(&pki).start();
    let mut client = nsqd.connect();
    client.send("NOP\n");
    client.expect_fatal("E_INVALID cannot NOP in current state (TLS required)");
    assert_eq!(nsqd.http().get("/ping").status(), 403);

    let nsqd = require(&pki).flag("--tls-required=tcp-https").start();
    nsqd.http().get("/ping").expect_text(200, "OK");
}

#[test]
fn the_minimum_version_is_kept_to() {
    let pki = Pki::new();
    let nsqd = pki.setup().flag("--tls-min-version=tls1.3").start();
    encrypted(&nsqd, &pki);
    expect_refused(
        &nsqd,
        &pki.client_of_tls12(),
        "tls: client offered only unsupported versions",
    );
}
