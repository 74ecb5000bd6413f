//! The files of the certificate: what may be wrong with them, and that they are read again.

use std::fs;

use nsq_tests::pki::Pki;
use nsq_tests::{Nsqd, Setup, deviates};
use rustix::process::Signal;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::encrypted;

#[track_caller]
fn expect_refused(setup: &Setup, text: &str) {
    let exit = setup.run();
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    let expected = format!(" FATAL: failed to instantiate nsqd - {text}\n");
    assert!(exit.stderr.ends_with(&expected), "{}", exit.stderr);
}

#[test]
fn files_that_cannot_be_used_are_refused_in_upstreams_words() {
    let pki = Pki::new();
    let (cert, key) = (pki.cert_file(), pki.key_file());
    let (cert, key) = (cert.display(), key.display());
    let authority = pki.authority_file();
    let authority = authority.display();
    for (flags, text) in [
        (
            vec!["--tls-cert=/nonexistent.pem".to_owned()],
            "failed to build TLS config - open /nonexistent.pem: no such file or directory",
        ),
        (
            vec![format!("--tls-cert={cert}")],
            "failed to build TLS config - open : no such file or directory",
        ),
        (
            vec![format!("--tls-key={key}")],
            "failed to build TLS config - open : no such file or directory",
        ),
        (
            vec![format!("--tls-cert={key}"), format!("--tls-key={cert}")],
            "failed to build TLS config - tls: failed to find certificate PEM data in certificate input, but did \
             find a private key; PEM inputs may have been switched",
        ),
        (
            vec![format!("--tls-cert={authority}"), format!("--tls-key={key}")],
            "failed to build TLS config - tls: private key does not match public key",
        ),
        (
            vec![
                format!("--tls-cert={cert}"),
                format!("--tls-key={key}"),
                format!("--tls-root-ca-file={key}"),
            ],
            "failed to build TLS config - failed to append certificate to pool",
        ),
        (
            vec!["--tls-root-ca-file=/nonexistent.pem".to_owned()],
            "failed to build client TLS config - open /nonexistent.pem: no such file or directory",
        ),
        (
            vec!["--tls-required".to_owned()],
            "cannot require TLS client connections without TLS key and cert",
        ),
    ] {
        let setup = flags.into_iter().fold(Setup::new(), Setup::flag);
        expect_refused(&setup, text);
    }
}

/// What the server shows to a new client.
#[track_caller]
fn shown(nsqd: &Nsqd, pki: &Pki) -> CertificateDer<'static> {
    let mut connection = nsq_tests::peer::tls_connection(&pki.client());
    let address = nsqd.https_address();
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    connection.complete_io(&mut socket).unwrap();
    connection.peer_certificates().unwrap()[0].clone().into_owned()
}

#[test]
fn a_hangup_reads_the_certificate_again_and_drops_nobody() {
    deviates!(HangupReloads);
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut client = encrypted(&nsqd, &pki);
    client.subscribe("orders", "billing");
    client.ready(1);
    let before = shown(&nsqd, &pki);

    pki.renew_server();
    nsqd.process().signal(Signal::HUP);
    nsqd.log()
        .await_line("INFO: SIGHUP: the certificate has been read again");
    let after = CertificateDer::from_pem_file(pki.cert_file()).unwrap();
    assert_ne!(before, after);
    assert_eq!(shown(&nsqd, &pki), after);
    encrypted(&nsqd, &pki).publish("orders", "hi");
    let message = client.expect_message_of("hi", 1);
    client.send(message.fin());

    fs::write(pki.cert_file(), "").unwrap();
    nsqd.process().signal(Signal::HUP);
    nsqd.log().await_line(
        "ERROR: SIGHUP: failed to build TLS config - tls: failed to find any PEM data in certificate input",
    );
    assert_eq!(shown(&nsqd, &pki), after);
    nsqd.stop();
}

#[test]
fn a_hangup_without_a_certificate_changes_nothing() {
    deviates!(HangupReloads);
    let nsqd = Nsqd::start();
    nsqd.process().signal(Signal::HUP);
    nsqd.log()
        .await_line("INFO: SIGHUP: there is no certificate to read again");
    nsqd.publish("orders", "hi");
    nsqd.stop();
}
