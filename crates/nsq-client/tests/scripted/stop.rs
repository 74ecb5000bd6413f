//! How a consumer ends.

use nsq_client::{Config, Event};
use nsq_testkit::peer::Peer;

use super::{Events, Inbox, Rig, builder, config, text};

#[test]
fn stopping_lets_what_has_come_be_answered() {
    let rig = Rig::new();
    let (consumer, mut peer, inbox) = rig.consume(&config(&[("max_in_flight", "2")]));
    peer.expect_line("RDY 2");
    let ids: Vec<_> = (1..=2).map(|number| peer.send_message(number, 1, "x")).collect();
    let messages: Vec<_> = (0..2).map(|_| inbox.next()).collect();
    let held = consumer.clone();
    let stopping = rig.spawn(async move { held.stop().await });
    peer.expect_line("CLS");
    peer.send_response("CLOSE_WAIT");
    for (message, id) in messages.into_iter().zip(ids) {
        assert!(!stopping.is_finished());
        message.finish();
        peer.expect_line(&format!("FIN {id}"));
    }
    peer.expect_closed();
    rig.wait(stopping);
}

#[test]
fn a_message_that_arrives_while_stopping_is_still_handled() {
    let rig = Rig::new();
    let (consumer, mut peer, inbox) = rig.consume(&Config::default());
    peer.expect_line("RDY 1");
    consumer.begin_stop();
    peer.expect_line("CLS");
    let id = peer.send_message(1, 1, "late");
    peer.send_response("CLOSE_WAIT");
    inbox.next().finish();
    peer.expect_line(&format!("FIN {id}"));
    peer.expect_closed();
    rig.block_on(consumer.stopped());
}

#[test]
fn stopping_twice_is_stopping_once_and_nothing_connects_afterwards() {
    let rig = Rig::new();
    let (consumer, mut peer, _inbox) = rig.consume(&Config::default());
    peer.expect_line("RDY 1");
    consumer.begin_stop();
    consumer.begin_stop();
    peer.expect_line("CLS");
    peer.send_response("CLOSE_WAIT");
    peer.expect_closed();
    rig.block_on(consumer.stop());
    assert_eq!(
        text(rig.block_on(consumer.connect_to_nsqd("127.0.0.1:1"))),
        "stopped"
    );
    assert_eq!(text(consumer.connect_to_nsqlookupd("127.0.0.1:1")), "stopped");
}

#[test]
fn a_consumer_without_connections_stops_at_once() {
    let rig = Rig::new();
    let (events, hook) = Events::new();
    let (_inbox, handler) = Inbox::new();
    let starting = builder(&Config::default()).on_event(hook);
    let consumer = rig.block_on(starting.start(handler)).unwrap();
    rig.block_on(consumer.stop());
    events.find(|event| matches!(event, Event::Stopped).then_some(()));
}

#[test]
fn a_connection_that_is_lost_while_stopping_is_not_made_again() {
    let rig = Rig::new();
    let (consumer, mut peer, inbox) = rig.consume(&Config::default());
    peer.expect_line("RDY 1");
    peer.send_message(1, 1, "x");
    let _message = inbox.next();
    consumer.begin_stop();
    peer.expect_line("CLS");
    drop(peer);
    rig.block_on(consumer.stopped());
}

#[test]
fn the_stream_ends_behind_the_last_message() {
    let rig = Rig::new();
    let starting = builder(&config(&[("max_in_flight", "2")])).nsqd(rig.address());
    let starting = rig.spawn(async move { starting.stream().await });
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    let mut messages = rig.wait(starting).unwrap();
    peer.expect_line("RDY 2");
    messages.consumer().begin_stop();
    peer.expect_line("CLS");
    peer.send_message(1, 1, "last");
    peer.send_response("CLOSE_WAIT");
    rig.block_on(messages.next()).unwrap().finish();
    assert!(rig.block_on(messages.next()).is_none());
}

#[test]
fn a_consumer_that_failed_to_start_leaves_nothing_behind() {
    let rig = Rig::new();
    let starting = builder(&Config::default())
        .nsqd(rig.address())
        .nsqd("127.0.0.1:1");
    let (_inbox, handler) = Inbox::new();
    let starting = rig.spawn(async move { starting.start(handler).await });
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    peer.expect_line("RDY 1");
    assert!(
        rig.wait(starting)
            .unwrap_err()
            .to_string()
            .contains("connection refused")
    );
    peer.expect_line("CLS");
}
