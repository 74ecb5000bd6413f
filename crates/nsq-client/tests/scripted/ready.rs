//! RDY over several connections.

use nsq_client::Consumer;
use nsq_testkit::peer::Peer;

use super::{Config, Inbox, Rig, address_of, builder, config, listen};

/// A consumer with three nsqds, connected one after the other; `expected` is what each is told by each
/// connect.
fn connect_three(rig: &Rig, config: &Config, expected: [&[(usize, u32)]; 3]) -> (Consumer, Vec<Peer>, Inbox) {
    let (inbox, handler) = Inbox::new();
    let starting = builder(config);
    let starting = rig.spawn(async move { starting.start(handler).await });
    let consumer = rig.wait(starting).unwrap();
    let mut peers = Vec::new();
    for changes in expected {
        let listener = listen();
        let (held, address) = (consumer.clone(), address_of(&listener));
        let connecting = rig.spawn(async move { held.connect_to_nsqd(&address).await });
        peers.push(Peer::accept_consumer(&listener, "t", "c"));
        rig.wait(connecting).unwrap();
        for (peer, count) in changes {
            peers[*peer].expect_line(&format!("RDY {count}"));
        }
    }
    (consumer, peers, inbox)
}

#[test]
fn every_connection_has_its_share() {
    let rig = Rig::new();
    connect_three(
        &rig,
        &config(&[("max_in_flight", "10")]),
        [&[(0, 10)], &[(0, 5), (1, 5)], &[(0, 3), (1, 3), (2, 3)]],
    );
}

#[test]
fn the_share_of_a_lost_connection_goes_to_the_others() {
    let rig = Rig::new();
    let (consumer, mut peers, _inbox) = connect_three(
        &rig,
        &config(&[("max_in_flight", "10")]),
        [&[(0, 10)], &[(0, 5), (1, 5)], &[(0, 3), (1, 3), (2, 3)]],
    );
    drop(peers.remove(1));
    for peer in &mut peers {
        peer.expect_line("RDY 5");
    }
    assert_eq!(consumer.stats().connections, 2);
}

#[test]
fn with_less_to_give_than_connections_they_take_turns() {
    let rig = Rig::new();
    let (_consumer, mut peers, _inbox) = connect_three(
        &rig,
        &config(&[
            ("max_in_flight", "1"),
            ("low_rdy_idle_timeout", "1s"),
            ("rdy_redistribute_interval", "100ms"),
        ]),
        [&[(0, 1)], &[], &[]],
    );
    // Nothing comes: the turn moves on, to any of the three.
    peers[0].expect_line("RDY 0");
}

#[test]
fn changing_how_much_may_be_in_flight_reaches_every_connection() {
    let rig = Rig::new();
    let (consumer, mut peers, _inbox) = connect_three(
        &rig,
        &config(&[("max_in_flight", "3")]),
        [&[(0, 3)], &[(0, 1), (1, 1)], &[(2, 1)]],
    );
    for (max_in_flight, share) in [(0, 0), (9, 3), (30, 10)] {
        consumer.change_max_in_flight(max_in_flight);
        for peer in &mut peers {
            peer.expect_line(&format!("RDY {share}"));
        }
    }
}

#[test]
fn no_connection_gets_more_than_its_nsqd_allows() {
    let rig = Rig::new();
    let builder = builder(&config(&[("max_in_flight", "200")])).nsqd(rig.address());
    let (_inbox, handler) = Inbox::new();
    let _starting = rig.spawn(async move { builder.start(handler).await });
    let mut peer = Peer::accept(&rig.listener);
    peer.expect_identify();
    peer.send_response(r#"{"max_rdy_count":100}"#);
    peer.expect("SUB t c\nRDY 100\n");
}

#[test]
fn a_connection_is_starved_when_it_holds_nearly_all_it_may() {
    let rig = Rig::new();
    let (consumer, mut peer, inbox) = rig.consume(&config(&[("max_in_flight", "10")]));
    peer.expect_line("RDY 10");
    let mut held = Vec::new();
    for number in 1..=8 {
        assert!(!consumer.is_starved());
        peer.send_message(number, 1, "x");
        held.push(inbox.next());
    }
    assert!(consumer.is_starved(), "8 is 85 % of 10, rounded down");
    held.pop().unwrap().finish();
    assert!(!consumer.is_starved());
}
