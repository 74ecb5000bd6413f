//! Which command is allowed in which state.

use nsq_tests::{Nsqd, Peer, command};

use super::UNKNOWN_ID;

/// A connection before `SUB`.
fn initial(nsqd: &Nsqd) -> Peer {
    nsqd.connect()
}

/// A connection behind `SUB`.
fn subscribed(nsqd: &Nsqd) -> Peer {
    nsqd.consumer("t", "c", 0)
}

/// A connection behind `CLS`.
fn closing(nsqd: &Nsqd) -> Peer {
    let mut peer = subscribed(nsqd);
    peer.send("CLS\n");
    peer.expect_response("CLOSE_WAIT");
    peer
}

/// Asserts that every command is refused for the state alone: parameters and bodies are not even looked at.
#[track_caller]
fn expect_refused(nsqd: &Nsqd, state: fn(&Nsqd) -> Peer, commands: &[&str]) {
    for command in commands {
        let mut peer = state(nsqd);
        peer.send(format!("{command}\n"));
        peer.expect_fatal(format!("E_INVALID cannot {command} in current state"));
    }
}

/// Asserts that publishing and `NOP` work.
#[track_caller]
fn expect_publishing(nsqd: &Nsqd, state: fn(&Nsqd) -> Peer) {
    let mut peer = state(nsqd);
    peer.send("NOP\n");
    peer.publish("p", "hi");
    peer.send(command::multi_publish("p", &["hi"]));
    peer.expect_ok();
    peer.send(command::deferred_publish("p", 0, "hi"));
    peer.expect_ok();
}

/// Asserts that the answers to messages reach the message lookup.
#[track_caller]
fn expect_answers(nsqd: &Nsqd, state: fn(&Nsqd) -> Peer) {
    let mut peer = state(nsqd);
    for (name, code, tail) in [
        ("FIN", "E_FIN_FAILED", ""),
        ("REQ", "E_REQ_FAILED", " 0"),
        ("TOUCH", "E_TOUCH_FAILED", ""),
    ] {
        peer.send(format!("{name} {UNKNOWN_ID}{tail}\n"));
        peer.expect_error(format!("{code} {name} {UNKNOWN_ID} failed ID not in flight"));
    }
}

#[test]
fn before_sub() {
    let nsqd = Nsqd::start();

    expect_refused(&nsqd, initial, &["RDY", "FIN", "REQ", "TOUCH", "CLS"]);
    expect_publishing(&nsqd, initial);
    let mut peer = initial(&nsqd);
    peer.send(command::identify("{}"));
    peer.expect_ok();
    peer.subscribe("t", "c");
}

#[test]
fn subscribed_to_a_channel() {
    let nsqd = Nsqd::start();

    expect_refused(&nsqd, subscribed, &["IDENTIFY", "AUTH", "SUB"]);
    expect_publishing(&nsqd, subscribed);
    expect_answers(&nsqd, subscribed);
    let mut peer = subscribed(&nsqd);
    peer.ready(1);
    peer.send("CLS\n");
    peer.expect_response("CLOSE_WAIT");
}

#[test]
fn after_cls() {
    let nsqd = Nsqd::start();

    expect_refused(&nsqd, closing, &["IDENTIFY", "AUTH", "SUB", "CLS"]);
    expect_publishing(&nsqd, closing);
    expect_answers(&nsqd, closing);
    let mut peer = closing(&nsqd);
    peer.send("RDY\n");
    peer.expect_nothing_before_ok("probe");
}
