//! nsqd and nsqlookupd: registration, the run-time list, channels that a new topic is given.

mod channels;
mod cluster;
mod hostile;
mod list;
mod registration;

use nsq_tests::{FakeLookupd, Nsqd, Peer, Setup, await_identified};

/// An nsqd that registers at `lookupd`.
fn start(lookupd: &FakeLookupd) -> Nsqd {
    Setup::new().flag(lookupd.flag()).start()
}

/// An nsqd without topics that has registered at `lookupd`, and its connection there.
#[track_caller]
fn start_registered(lookupd: &FakeLookupd) -> (Nsqd, Peer) {
    let nsqd = start(lookupd);
    let peer = lookupd.accept_identified();
    await_identified(&nsqd, 1);
    (nsqd, peer)
}

/// Answers a query for channels with these.
#[track_caller]
fn answer_channels(mut query: Peer, channels: &str) {
    let body = format!(r#"{{"channels":[{channels}]}}"#);
    query.send(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
}

/// Creates a topic of which `lookupd` knows no channels, and lets the caller answer its registration.
#[track_caller]
fn create_topic(nsqd: &Nsqd, lookupd: &FakeLookupd, peer: &mut Peer, topic: &str) {
    std::thread::scope(|scope| {
        scope.spawn(|| answer_channels(lookupd.accept_channels_query(topic), ""));
        nsqd.create_topic(topic);
    });
    peer.expect_line(&format!("REGISTER {topic}"));
}
