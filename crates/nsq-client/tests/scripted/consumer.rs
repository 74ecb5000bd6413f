//! Messages, and what they are answered with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nsq_client::{Config, Consumer, Event, Message};
use nsq_testkit::peer::Peer;

use super::{Error, Events, Inbox, Rig, builder, config, text};

#[test]
fn a_consumer_subscribes_and_says_how_much_it_takes() {
    let rig = Rig::new();
    let (_consumer, mut peer, _inbox) = rig.consume(&config(&[("max_in_flight", "7")]));
    peer.expect_line("RDY 7");
}

#[test]
fn the_answer_to_sub_is_not_awaited() {
    let rig = Rig::new();
    let (_inbox, handler) = Inbox::new();
    let builder = builder(&Config::default()).nsqd(rig.address());
    let _starting = rig.spawn(async move { builder.start(handler).await });
    let mut peer = Peer::accept_v2(&rig.listener);
    peer.expect("SUB t c\nRDY 1\n");
}

#[test]
fn a_message_arrives_as_it_was_sent() {
    let rig = Rig::new();
    let (_consumer, mut peer, inbox) = rig.consume(&Config::default());
    peer.expect_line("RDY 1");
    let id = peer.send_message(0x2a, 3, b"\0\xff body");
    let message = inbox.next();
    assert_eq!(message.id().to_string(), id);
    assert_eq!(message.attempts(), 3);
    assert_eq!(message.timestamp_ns(), 1_735_689_600_000_000_000);
    assert_eq!(&message.body()[..], b"\0\xff body");
    assert_eq!(message.nsqd_address(), rig.address());
}

async fn obey(message: Message) -> Result<(), &'static str> {
    match &message.body()[..] {
        b"fail" => Err("as told"),
        b"panic" => panic!("as told"),
        b"finish" => {
            message.finish();
            Err("too late")
        }
        b"requeue" => {
            message.requeue_without_backoff(Some(Duration::from_millis(1234)));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Starts a consumer with a handler that takes the body for what to do.
fn start_obedient(rig: &Rig, config: &Config) -> (Consumer, Peer) {
    let builder = builder(config).nsqd(rig.address());
    let starting = rig.spawn(async move { builder.start(obey).await });
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    peer.expect_line("RDY 1");
    (rig.wait(starting).unwrap(), peer)
}

#[test]
fn what_a_handler_returns_is_the_answer() {
    let rig = Rig::new();
    let config = config(&[("max_backoff_duration", "0")]);
    let (consumer, mut peer) = start_obedient(&rig, &config);
    let id = peer.send_message(1, 1, "succeed");
    peer.expect_line(&format!("FIN {id}"));
    let id = peer.send_message(2, 1, "fail");
    peer.expect_line(&format!("REQ {id} 90000"));
    let id = peer.send_message(3, 2, "panic");
    peer.expect_line(&format!("REQ {id} 180000"));
    let stats = consumer.stats();
    assert_eq!(
        (
            stats.messages_received,
            stats.messages_finished,
            stats.messages_requeued
        ),
        (3, 1, 2)
    );
}

#[test]
fn a_message_is_answered_once() {
    let rig = Rig::new();
    let (_consumer, mut peer) = start_obedient(&rig, &Config::default());
    let id = peer.send_message(1, 1, "finish");
    peer.expect_line(&format!("FIN {id}"));
    let id = peer.send_message(2, 1, "requeue");
    peer.expect_line(&format!("REQ {id} 1234"));
    let id = peer.send_message(3, 1, "succeed");
    peer.expect_line(&format!("FIN {id}"));
}

#[test]
fn the_default_delay_grows_with_the_attempts_up_to_a_bound() {
    let rig = Rig::new();
    let options = [
        ("max_backoff_duration", "0"),
        ("default_requeue_delay", "2s"),
        ("max_requeue_delay", "5s"),
    ];
    let (_consumer, mut peer) = start_obedient(&rig, &config(&options));
    for (attempts, delay_ms) in [(1, 2000), (2, 4000), (3, 5000), (4, 5000)] {
        let id = peer.send_message(attempts, u16::try_from(attempts).unwrap(), "fail");
        peer.expect_line(&format!("REQ {id} {delay_ms}"));
    }
}

#[test]
fn a_message_that_was_tried_too_often_is_given_up_and_finished() {
    let rig = Rig::new();
    let (events, hook) = Events::new();
    let (given_up, on_give_up) = std::sync::mpsc::channel();
    let builder = builder(&config(&[("max_attempts", "2")]))
        .nsqd(rig.address())
        .on_event(hook)
        .on_give_up(move |message| given_up.send(message.body().clone()).unwrap());
    let (inbox, handler) = Inbox::new();
    let _starting = rig.spawn(async move { builder.start(handler).await });
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    peer.expect_line("RDY 1");
    let id = peer.send_message(1, 3, "hopeless");
    peer.expect_line(&format!("FIN {id}"));
    assert_eq!(on_give_up.recv().unwrap(), "hopeless");
    let attempts = events.find(|event| match event {
        Event::GaveUp { attempts, .. } => Some(*attempts),
        _ => None,
    });
    assert_eq!(attempts, 3);
    peer.send_message(2, 2, "last try");
    assert_eq!(&inbox.next().body()[..], b"last try");
}

#[test]
fn without_a_limit_nothing_is_given_up() {
    let rig = Rig::new();
    let (_consumer, mut peer, inbox) = rig.consume(&config(&[("max_attempts", "0")]));
    peer.expect_line("RDY 1");
    peer.send_message(1, 65535, "again");
    assert_eq!(inbox.next().attempts(), 65535);
}

#[test]
fn a_message_may_be_answered_elsewhere_and_later() {
    let rig = Rig::new();
    let (_consumer, mut peer, inbox) = rig.consume(&config(&[("max_in_flight", "3")]));
    peer.expect_line("RDY 3");
    let ids: Vec<_> = (1..=3).map(|number| peer.send_message(number, 1, "x")).collect();
    let messages: Vec<_> = (0..3).map(|_| inbox.next()).collect();
    messages[1].touch();
    peer.expect_line(&format!("TOUCH {}", ids[1]));
    for (message, id) in messages.into_iter().zip(ids).rev() {
        message.finish();
        peer.expect_line(&format!("FIN {id}"));
    }
}

#[test]
fn a_message_that_is_dropped_without_an_answer_is_requeued() {
    let rig = Rig::new();
    let (_consumer, mut peer, inbox) = rig.consume(&config(&[("max_backoff_duration", "0")]));
    peer.expect_line("RDY 1");
    let id = peer.send_message(1, 1, "x");
    drop(inbox.next());
    peer.expect_line(&format!("REQ {id} 90000"));
}

#[test]
fn as_many_handlers_run_as_were_asked_for_and_heartbeats_are_answered_meanwhile() {
    let rig = Rig::new();
    let running = Arc::new(AtomicUsize::new(0));
    let release = Arc::new(tokio::sync::Semaphore::new(0));
    let handler = {
        let (running, release) = (Arc::clone(&running), Arc::clone(&release));
        move |_message: Message| {
            let (running, release) = (Arc::clone(&running), Arc::clone(&release));
            async move {
                running.fetch_add(1, Ordering::SeqCst);
                release.acquire().await.unwrap().forget();
                Ok::<_, Error>(())
            }
        }
    };
    let builder = builder(&config(&[("max_in_flight", "5")]))
        .nsqd(rig.address())
        .concurrency(3);
    let _starting = rig.spawn(async move { builder.start(handler).await });
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    peer.expect_line("RDY 5");
    for number in 1..=5 {
        peer.send_message(number, 1, "x");
    }
    peer.send_response("_heartbeat_");
    peer.expect_line("NOP");
    rig.block_on(async {
        while running.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(running.load(Ordering::SeqCst), 3);
    release.add_permits(5);
    let mut finished: Vec<_> = (0..5).map(|_| peer.read_line()).collect();
    finished.sort();
    let expected: Vec<_> = (1..=5).map(|number| format!("FIN {number:016x}")).collect();
    assert_eq!(finished, expected);
}

#[test]
fn a_stream_gives_messages_to_be_answered() {
    let rig = Rig::new();
    let builder = builder(&config(&[("max_in_flight", "2")])).nsqd(rig.address());
    let starting = rig.spawn(async move { builder.stream().await });
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    let mut messages = rig.wait(starting).unwrap();
    peer.expect_line("RDY 2");
    for number in 1..=2 {
        let id = peer.send_message(number, 1, number.to_string());
        let message = rig.block_on(messages.next()).unwrap();
        assert_eq!(&message.body()[..], number.to_string().as_bytes());
        message.finish();
        peer.expect_line(&format!("FIN {id}"));
    }
    // What nobody has looked at goes back at once.
    let id = peer.send_message(3, 4, "unseen");
    rig.block_on(async {
        while messages.consumer().stats().messages_received < 3 {
            tokio::task::yield_now().await;
        }
    });
    drop(messages);
    peer.expect_line("CLS");
    peer.expect_line(&format!("REQ {id} 0"));
}

#[test]
fn held_messages_are_touched_for_who_wants_that() {
    let rig = Rig::new();
    let (inbox, handler) = Inbox::new();
    let builder = builder(&Config::default()).nsqd(rig.address()).auto_touch();
    let _starting = rig.spawn(async move { builder.start(handler).await });
    let mut peer = Peer::accept(&rig.listener);
    peer.expect_identify();
    peer.send_response(r#"{"max_rdy_count":2500,"msg_timeout":400}"#);
    peer.expect("SUB t c\nRDY 1\n");
    peer.send_response("OK");
    let id = peer.send_message(1, 1, "long");
    let message = inbox.next();
    peer.expect_line(&format!("TOUCH {id}"));
    peer.expect_line(&format!("TOUCH {id}"));
    message.finish();
    peer.expect_line(&format!("FIN {id}"));
}

#[test]
fn an_answer_that_came_too_late_is_told_and_the_connection_stays() {
    let rig = Rig::new();
    let (events, hook) = Events::new();
    let builder = builder(&Config::default()).nsqd(rig.address()).on_event(hook);
    let (_inbox, handler) = Inbox::new();
    let _starting = rig.spawn(async move { builder.start(handler).await });
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    peer.expect_line("RDY 1");
    peer.send_error("E_FIN_FAILED FIN 0000000000000001 failed ID not in flight");
    let told = events.find(|event| match event {
        Event::ProtocolError { text, .. } => Some(text.clone()),
        _ => None,
    });
    assert_eq!(told, "E_FIN_FAILED FIN 0000000000000001 failed ID not in flight");
    peer.send_response("_heartbeat_");
    peer.expect_line("NOP");
}

#[test]
fn a_refused_subscription_is_told_to_who_has_asked_for_it() {
    let rig = Rig::new();
    let builder = builder(&Config::default()).nsqd(rig.address());
    let (_inbox, handler) = Inbox::new();
    let starting = rig.spawn(async move { builder.start(handler).await });
    let mut peer = Peer::accept_v2(&rig.listener);
    peer.expect_line("SUB t c");
    peer.send_error("E_UNAUTHORIZED AUTH failed for SUB on \"t\" \"c\"");
    drop(peer);
    let error = rig.wait(starting).unwrap_err();
    assert_eq!(
        error.to_string(),
        "E_UNAUTHORIZED AUTH failed for SUB on \"t\" \"c\""
    );
}

#[test]
fn names_that_are_none_make_no_consumer() {
    let rig = Rig::new();
    for (topic, channel, expected) in [
        ("bad topic", "c", "invalid topic name"),
        ("t", "", "invalid channel name"),
    ] {
        let (_inbox, handler) = Inbox::new();
        let outcome = rig.block_on(Consumer::builder(topic, channel).start(handler));
        assert_eq!(outcome.unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_second_connection_to_the_same_nsqd_is_refused() {
    let rig = Rig::new();
    let (consumer, _peer, _inbox) = rig.consume(&Config::default());
    assert_eq!(
        text(rig.block_on(consumer.connect_to_nsqd(&rig.address()))),
        "already connected"
    );
    assert_eq!(
        text(consumer.disconnect_from_nsqd("127.0.0.1:1")),
        "not connected"
    );
}

#[test]
fn a_lost_connection_is_made_again_and_its_messages_are_forgotten() {
    let rig = Rig::new();
    let (consumer, mut peer, inbox) = rig.consume(&config(&[("max_in_flight", "2")]));
    peer.expect_line("RDY 2");
    peer.send_message(1, 1, "lost");
    let lost = inbox.next();
    drop(peer);
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    peer.expect_line("RDY 2");
    lost.finish();
    let id = peer.send_message(2, 1, "found");
    inbox.next().finish();
    peer.expect_line(&format!("FIN {id}"));
    assert_eq!(consumer.stats().in_flight, 0);
}

#[test]
fn disconnecting_lets_messages_be_answered_and_ends_reconnecting() {
    let rig = Rig::new();
    let (consumer, mut peer, inbox) = rig.consume(&Config::default());
    peer.expect_line("RDY 1");
    let id = peer.send_message(1, 1, "x");
    let message = inbox.next();
    consumer.disconnect_from_nsqd(&rig.address()).unwrap();
    peer.expect_line("CLS");
    peer.send_response("CLOSE_WAIT");
    message.finish();
    peer.expect_line(&format!("FIN {id}"));
    peer.expect_closed();
}

#[test]
fn a_message_that_is_touched_over_and_over_is_touched_once_in_each_write() {
    let rig = Rig::new();
    let (_consumer, mut peer, inbox) = rig.consume(&Config::default());
    peer.expect_line("RDY 1");
    let id = peer.send_message(1, 1, "x");
    let message = inbox.next();
    for _ in 0..100_000 {
        message.touch();
    }
    message.finish();
    let touches = std::iter::from_fn(|| Some(peer.read_line()))
        .take_while(|line| *line != format!("FIN {id}"))
        .count();
    assert!((1..100_000).contains(&touches), "{touches}");
}

#[test]
fn a_peer_that_breaks_the_protocol_is_left_and_the_consumer_comes_back() {
    let rig = Rig::new();
    let (_consumer, mut peer, _inbox) = rig.consume(&Config::default());
    peer.expect_line("RDY 1");
    // A message that is shorter than its header.
    peer.send_frame(2, "short");
    peer.expect_closed();
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    peer.expect_line("RDY 1");
}

#[test]
fn a_fatal_error_is_told_and_the_consumer_comes_back() {
    let rig = Rig::new();
    let (events, hook) = Events::new();
    let builder = builder(&Config::default()).nsqd(rig.address()).on_event(hook);
    let (_inbox, handler) = Inbox::new();
    let _starting = rig.spawn(async move { builder.start(handler).await });
    let mut peer = Peer::accept_consumer(&rig.listener, "t", "c");
    peer.expect_line("RDY 1");
    events.find(|event| matches!(event, Event::Connected { .. }).then_some(()));
    peer.send_error("E_INVALID cannot RDY in current state");
    drop(peer);
    let error = events.find(|event| match event {
        Event::Disconnected { error, .. } => error.clone(),
        _ => None,
    });
    assert_eq!(error.to_string(), "E_INVALID cannot RDY in current state");
    let _peer = Peer::accept_consumer(&rig.listener, "t", "c");
}

#[test]
fn an_nsqd_that_sends_far_more_than_it_may_has_to_wait() {
    let rig = Rig::new();
    let (inbox, handler) = Inbox::new();
    let builder = builder(&Config::default()).nsqd(rig.address());
    let starting = rig.spawn(async move { builder.start(handler).await });
    let mut peer = Peer::accept(&rig.listener);
    peer.expect_identify();
    peer.send_response(r#"{"max_rdy_count":1}"#);
    peer.expect("SUB t c\nRDY 1\n");
    peer.send_response("OK");
    let consumer = rig.wait(starting).unwrap();
    let frame = [
        &b"\0\0\x40\x1e\0\0\0\x02"[..],
        &[0; 10],
        b"0123456789abcdef",
        &[b'x'; 16384],
    ]
    .concat();
    let sent = peer.send_until_stalled(&frame.repeat(10_000), Duration::from_millis(500));
    assert!(sent < 100 * 1024 * 1024, "the whole flood was taken");
    let held = consumer.stats().in_flight;
    assert!((1024..2048).contains(&held), "{held}");
    drop(inbox);
}
