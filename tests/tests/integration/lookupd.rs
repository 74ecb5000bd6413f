//! nsqlookupd: the TCP protocol, the HTTP interface, and how it starts and stops.

mod api;
mod lifecycle;
mod metrics;
mod protocol;
mod registrations;

use nsq_tests::Peer;

/// Asserts one answer: `[4-byte size][data]`.
#[track_caller]
fn expect_answer(peer: &mut Peer, data: &str) {
    let answer = peer.read_body();
    assert_eq!(
        answer.escape_ascii().to_string(),
        data.as_bytes().escape_ascii().to_string()
    );
}

/// Sends commands one at a time, each of which must be answered `OK`.
#[track_caller]
fn execute(peer: &mut Peer, commands: &[&str]) {
    for command in commands {
        peer.send(format!("{command}\n"));
        expect_answer(peer, "OK");
    }
}
