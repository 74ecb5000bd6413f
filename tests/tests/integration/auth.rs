//! Clients that have to be let in: `AUTH`, what it permits, and when it is asked for again.

mod answers;
mod expiry;
mod https;
mod login;
mod nsqauthd;
mod permissions;

use nsq_tests::auth_server::AuthServer;
use nsq_tests::{Nsqd, Peer, command};

/// An answer that permits everything for this many seconds.
fn everything_for(ttl: u32) -> String {
    format!(
        r#"{{"ttl":{ttl},"identity":"joe","identity_url":"http://x/joe","authorizations":[{{"topic":".*","channels":[".*"],"permissions":["subscribe","publish"]}}]}}"#
    )
}

/// An answer with these authorizations that holds for an hour.
fn only(authorizations: &str) -> String {
    format!(r#"{{"ttl":3600,"authorizations":[{authorizations}]}}"#)
}

/// A daemon whose clients are let in by `server`.
#[track_caller]
fn guarded_by(server: &AuthServer) -> Nsqd {
    Nsqd::with(&[&server.flag()])
}

fn auth(secret: impl AsRef<[u8]>) -> Vec<u8> {
    command::with_body("AUTH", secret)
}

/// A client that has been let in.
#[track_caller]
fn logged_in(nsqd: &Nsqd) -> Peer {
    let mut peer = nsqd.connect();
    peer.send(auth("secret"));
    let response = peer.read_response();
    assert!(response.starts_with(r#"{"identity":"#), "{response}");
    peer
}
