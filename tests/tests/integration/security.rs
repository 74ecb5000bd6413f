//! Connections that are encrypted, compressed, or both.

mod certificate;
mod compression;
mod https;
mod policy;
mod secrets;
mod upgrade;

use nsq_tests::pki::Pki;
use nsq_tests::{Nsqd, Peer};

/// What a client asks for that wants TLS.
const TLS: &str = r#"{"feature_negotiation":true,"tls_v1":true}"#;

/// A client that has been told of TLS, and has not begun it.
#[track_caller]
fn promised_tls(nsqd: &Nsqd) -> Peer {
    let mut peer = nsqd.connect();
    let reply = peer.identify(TLS);
    assert!(reply.contains(r#""tls_v1":true"#), "{reply}");
    peer
}

/// A client whose connection is encrypted.
#[track_caller]
fn encrypted(nsqd: &Nsqd, pki: &Pki) -> Peer {
    let mut peer = promised_tls(nsqd).start_tls(&pki.client()).unwrap();
    peer.expect_ok();
    peer
}

/// The bytes of an error frame.
fn error_frame(text: &str) -> Vec<u8> {
    let size = u32::try_from(text.len() + 4).unwrap();
    [&size.to_be_bytes()[..], &1_u32.to_be_bytes(), text.as_bytes()].concat()
}
