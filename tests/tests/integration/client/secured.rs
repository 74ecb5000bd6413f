//! Encrypted, compressed and authorized connections.

use nsq_client::Config;
use nsq_tests::auth_server::AuthServer;
use nsq_tests::pki::Pki;

use super::{config, round_trip, with_each_nsqd};

/// A client that trusts the authority of `pki`, for a server that is called `localhost`.
fn trusting(pki: &Pki) -> Config {
    let authority = pki.authority_file();
    config(&[
        ("tls_v1", "true"),
        ("tls_root_ca_file", authority.to_str().unwrap()),
    ])
}

#[test]
fn every_layer_carries_messages() {
    let pki = Pki::new();
    let cert = format!("--tls-cert={}", pki.cert_file().display());
    let key = format!("--tls-key={}", pki.key_file().display());
    with_each_nsqd(|setup| {
        let nsqd = setup.flag(&cert).flag(&key).start();
        for layer in ["snappy", "deflate"] {
            round_trip(&nsqd, &config(&[(layer, "true")])).unwrap();
            let mut config = trusting(&pki);
            config.set(layer, "true").unwrap();
            round_trip(&nsqd, &config).unwrap();
        }
        round_trip(&nsqd, &trusting(&pki)).unwrap();
        round_trip(
            &nsqd,
            &config(&[("tls_v1", "true"), ("tls_insecure_skip_verify", "true")]),
        )
        .unwrap();
    });
}

#[test]
fn a_server_that_nobody_vouches_for_is_refused() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let error = round_trip(&nsqd, &trusting(&Pki::of("other authority"))).unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[test]
fn a_client_shows_its_certificate_where_one_is_required() {
    let pki = Pki::new();
    let setup = pki
        .setup()
        .flag("--tls-client-auth-policy=require-verify")
        .flag(format!("--tls-root-ca-file={}", pki.authority_file().display()));
    let nsqd = setup.start();
    let mut config = trusting(&pki);
    round_trip(&nsqd, &config).unwrap_err();
    // The server's own certificate is as good as any that the authority has signed.
    config.set("tls-cert", pki.cert_file().to_str().unwrap()).unwrap();
    config.set("tls-key", pki.key_file().to_str().unwrap()).unwrap();
    round_trip(&nsqd, &config).unwrap();
}

#[test]
fn asking_for_both_compressions_is_refused_in_nsqds_words() {
    with_each_nsqd(|setup| {
        let nsqd = setup.start();
        let both = config(&[("snappy", "true"), ("deflate", "true")]);
        assert_eq!(
            round_trip(&nsqd, &both).unwrap_err().to_string(),
            "failed to IDENTIFY - E_IDENTIFY_FAILED cannot enable both deflate and snappy compression"
        );
    });
}

#[test]
fn a_client_without_tls_is_refused_where_tls_is_required() {
    let nsqd = Pki::new().setup().flag("--tls-required").start();
    assert_eq!(
        round_trip(&nsqd, &Config::default()).unwrap_err().to_string(),
        "E_INVALID cannot SUB in current state (TLS required)"
    );
}

#[test]
fn a_secret_opens_what_it_permits() {
    let server = AuthServer::answering(
        r#"{"ttl":3600,"identity":"joe","authorizations":[
            {"topic":"^t$","channels":["^c$",""],"permissions":["subscribe","publish"]}]}"#,
    );
    with_each_nsqd(|setup| {
        let nsqd = setup.flag(server.flag()).start();
        round_trip(&nsqd, &config(&[("auth_secret", "s3cret")])).unwrap();
        assert_eq!(
            round_trip(&nsqd, &Config::default()).unwrap_err().to_string(),
            "Auth Required"
        );
    });
}

#[test]
fn a_secret_that_does_not_permit_the_subscription_is_told() {
    let server = AuthServer::answering(
        r#"{"ttl":3600,"authorizations":[{"topic":"other","channels":[".*"],"permissions":["subscribe"]}]}"#,
    );
    with_each_nsqd(|setup| {
        let nsqd = setup.flag(server.flag()).start();
        let outcome = round_trip(&nsqd, &config(&[("auth_secret", "s3cret")]));
        assert_eq!(
            outcome.unwrap_err().to_string(),
            r#"E_UNAUTHORIZED AUTH failed for SUB on "t" "c""#
        );
    });
}
