//! Pauses after failures.

use std::time::Duration;

use nsq_client::Event;
use nsq_testkit::peer::Peer;

use super::{Events, Inbox, Rig, address_of, builder, config, listen};

#[test]
fn a_failure_pauses_and_each_success_brings_the_consumer_back_by_one() {
    let rig = Rig::new();
    let (events, hook) = Events::new();
    let config = config(&[("max_in_flight", "4"), ("backoff_multiplier", "10ms")]);
    let builder = builder(&config).nsqd(rig.address()).on_event(hook);
    let (inbox, handler) = Inbox::new();
    let _starting = rig.spawn(async move { builder.start(handler).await });
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    peer.expect_line("RDY 4");
    let backoff = |event: &Event| match event {
        Event::Backoff { level, duration } => Some((*level, *duration)),
        _ => None,
    };

    // The pause comes before the answer.
    let id = peer.send_message(1, 1, "x");
    inbox.next().requeue(None);
    peer.expect_line("RDY 0");
    peer.expect_line(&format!("REQ {id} 90000"));
    assert_eq!(events.find(backoff), (1, Duration::from_millis(20)));

    // The test message fails as well.
    peer.expect_line("RDY 1");
    let id = peer.send_message(2, 1, "x");
    inbox.next().requeue(Some(Duration::ZERO));
    peer.expect_line("RDY 0");
    peer.expect_line(&format!("REQ {id} 0"));
    assert_eq!(events.find(backoff), (2, Duration::from_millis(40)));

    // One that is neither a failure nor a success leaves the level.
    peer.expect_line("RDY 1");
    let id = peer.send_message(3, 1, "x");
    inbox.next().requeue_without_backoff(Some(Duration::ZERO));
    peer.expect_line("RDY 0");
    peer.expect_line(&format!("REQ {id} 0"));
    assert_eq!(events.find(backoff), (2, Duration::from_millis(40)));

    peer.expect_line("RDY 1");
    let id = peer.send_message(4, 1, "x");
    inbox.next().finish();
    peer.expect_line("RDY 0");
    peer.expect_line(&format!("FIN {id}"));
    assert_eq!(events.find(backoff), (1, Duration::from_millis(20)));

    peer.expect_line("RDY 1");
    let id = peer.send_message(5, 1, "x");
    inbox.next().finish();
    peer.expect_line("RDY 4");
    peer.expect_line(&format!("FIN {id}"));
    events.find(|event| matches!(event, Event::Resumed).then_some(()));
}

#[test]
fn what_is_answered_during_a_pause_does_not_count() {
    let rig = Rig::new();
    let (consumer, mut peer, inbox) =
        rig.consume(&config(&[("max_in_flight", "3"), ("backoff_multiplier", "1m")]));
    peer.expect_line("RDY 3");
    let ids: Vec<_> = (1..=3).map(|number| peer.send_message(number, 1, "x")).collect();
    inbox.next().requeue(None);
    peer.expect_line("RDY 0");
    peer.expect_line(&format!("REQ {} 90000", ids[0]));
    inbox.next().requeue(None);
    peer.expect_line(&format!("REQ {} 90000", ids[1]));
    inbox.next().finish();
    peer.expect_line(&format!("FIN {}", ids[2]));
    assert_eq!(consumer.stats().backoff_level, 1);
}

#[test]
fn a_message_that_is_given_up_counts_as_a_success() {
    let rig = Rig::new();
    let options = [
        ("max_in_flight", "2"),
        ("backoff_multiplier", "10ms"),
        ("max_attempts", "1"),
    ];
    let (_consumer, mut peer, inbox) = rig.consume(&config(&options));
    peer.expect_line("RDY 2");
    let id = peer.send_message(1, 1, "x");
    inbox.next().requeue(None);
    peer.expect_line("RDY 0");
    peer.expect_line(&format!("REQ {id} 90000"));
    peer.expect_line("RDY 1");
    let id = peer.send_message(1, 2, "x");
    peer.expect_line("RDY 2");
    peer.expect_line(&format!("FIN {id}"));
}

#[test]
fn all_connections_pause_and_one_of_them_is_tried() {
    let rig = Rig::new();
    let other = listen();
    let config = config(&[("max_in_flight", "2"), ("backoff_multiplier", "10ms")]);
    let (consumer, mut first, inbox) = rig.consume(&config);
    first.expect_line("RDY 2");
    let (held, address) = (consumer.clone(), address_of(&other));
    let connecting = rig.spawn(async move { held.connect_to_nsqd(&address).await });
    let mut second = Peer::accept_consumer(&other, "t", "c");
    rig.wait(connecting).unwrap();
    first.expect_line("RDY 1");
    second.expect_line("RDY 1");
    first.send_message(1, 1, "x");
    inbox.next().requeue(None);
    first.expect_line("RDY 0");
    second.expect_line("RDY 0");

    // Which one is tried is left to chance: both are asked for a sign of life until one was told.
    let events = [&mut first, &mut second].map(|peer| {
        peer.send_response("_heartbeat_");
        std::iter::from_fn(|| Some(peer.read_line()))
            .take_while(|line| line != "NOP")
            .filter(|line| line == "RDY 1")
            .count()
    });
    assert!(events.iter().sum::<usize>() <= 1);
}

#[test]
fn without_a_longest_pause_there_are_none() {
    let rig = Rig::new();
    let (consumer, mut peer, inbox) = rig.consume(&config(&[("max_backoff_duration", "0")]));
    peer.expect_line("RDY 1");
    for number in 1..=3 {
        let id = peer.send_message(number, 1, "x");
        inbox.next().requeue(Some(Duration::ZERO));
        peer.expect_line(&format!("REQ {id} 0"));
    }
    assert_eq!(consumer.stats().backoff_level, 0);
}

#[test]
fn full_jitter_with_a_multiplier_of_zero_does_not_pause_for_long() {
    let rig = Rig::new();
    let options = [("backoff_strategy", "full_jitter"), ("backoff_multiplier", "0")];
    let (_consumer, mut peer, inbox) = rig.consume(&config(&options));
    peer.expect_line("RDY 1");
    let id = peer.send_message(1, 1, "x");
    inbox.next().requeue(Some(Duration::ZERO));
    peer.expect_line("RDY 0");
    peer.expect_line(&format!("REQ {id} 0"));
    peer.expect_line("RDY 1");
}

#[test]
fn a_new_connection_waits_while_the_consumer_pauses() {
    let rig = Rig::new();
    let other = listen();
    let (consumer, mut first, inbox) = rig.consume(&config(&[("backoff_multiplier", "1m")]));
    first.expect_line("RDY 1");
    first.send_message(1, 1, "x");
    inbox.next().requeue(None);
    first.expect_line("RDY 0");
    let (held, address) = (consumer.clone(), address_of(&other));
    let connecting = rig.spawn(async move { held.connect_to_nsqd(&address).await });
    let mut second = Peer::accept_consumer(&other, "t", "c");
    rig.wait(connecting).unwrap();
    second.send_response("_heartbeat_");
    second.expect_line("NOP");
}

#[test]
fn a_pause_that_ends_with_nothing_connected_goes_on_until_something_is() {
    let rig = Rig::new();
    let (consumer, mut peer, inbox) = rig.consume(&config(&[("backoff_multiplier", "1ms")]));
    peer.expect_line("RDY 1");
    peer.send_message(1, 1, "x");
    inbox.next().requeue(None);
    peer.expect_line("RDY 0");
    drop(peer);
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    assert_eq!(consumer.stats().backoff_level, 1);
    peer.expect_line("RDY 1");
}
