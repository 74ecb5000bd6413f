//! Publishing.

use std::time::Duration;

use nsq_client::{Config, ErrorCode, Producer};
use nsq_testkit::peer::{Peer, command};

use super::{Error, Rig, config, text};

/// A producer that is connected to the test.
fn connect(rig: &Rig) -> (Producer, Peer) {
    let producer = Producer::new(rig.address(), &Config::default()).unwrap();
    let held = producer.clone();
    let connecting = rig.spawn(async move { held.connect().await });
    let peer = Peer::accept_v2(&rig.listener);
    rig.wait(connecting).unwrap();
    (producer, peer)
}

#[test]
fn a_producer_connects_when_it_is_used() {
    let rig = Rig::new();
    let producer = Producer::new(rig.address(), &Config::default()).unwrap();
    assert!(!producer.is_connected());
    assert_eq!(producer.to_string(), rig.address());
    let publishing = rig.spawn(async move { producer.publish("t", "hello").await });
    let mut peer = Peer::accept_v2(&rig.listener);
    peer.expect_publish("t", "hello");
    peer.send_response("OK");
    rig.wait(publishing).unwrap();
}

#[test]
fn each_way_to_publish_has_its_command() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let publishing = rig.spawn(async move {
        producer.publish("t", [0, 255, 10]).await?;
        producer.multi_publish("t", &["a", "bc"]).await?;
        producer.multi_publish("t", &["alone"]).await?;
        producer
            .deferred_publish("t", Duration::from_millis(1500), "later")
            .await
    });
    for expected in [
        command::publish("t", [0, 255, 10]),
        command::multi_publish("t", &["a", "bc"]),
        command::multi_publish("t", &["alone"]),
        command::deferred_publish("t", 1500, "later"),
    ] {
        peer.expect(expected);
        peer.send_response("OK");
    }
    rig.wait(publishing).unwrap();
}

#[test]
fn what_is_published_while_the_connection_is_idle_does_not_wait() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    for body in ["one", "two"] {
        let receipt = rig.block_on(producer.enqueue("t", body)).unwrap();
        peer.expect_publish("t", body);
        peer.send_response("OK");
        rig.block_on(receipt).unwrap();
    }
}

/// Fills the pipeline with one command for each of several topics, none of which is answered.
fn fill(rig: &Rig, producer: &Producer, peer: &mut Peer) -> Vec<nsq_client::Receipt> {
    let mut receipts = Vec::new();
    for topic in ["fill-1", "fill-2", "fill-3", "fill-4"] {
        receipts.push(rig.block_on(producer.enqueue(topic, "x")).unwrap());
        peer.expect_publish(topic, "x");
    }
    receipts
}

#[test]
fn what_is_published_while_answers_are_due_travels_together_in_order() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let mut receipts = fill(&rig, &producer, &mut peer);
    for (topic, body) in [("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")] {
        receipts.push(rig.block_on(producer.enqueue(topic, body)).unwrap());
    }
    for _ in 0..4 {
        peer.send_response("OK");
    }
    peer.expect(command::multi_publish("a", &["1", "3", "4"]));
    peer.expect_publish("b", "2");
    peer.send_response("OK");
    peer.send_response("OK");
    for receipt in receipts {
        rig.block_on(receipt).unwrap();
    }
    assert_eq!(producer.pending(), 0);
    let stats = producer.stats();
    assert_eq!((stats.messages_published, stats.commands), (8, 6));
}

#[test]
fn messages_that_have_a_command_of_their_own_are_not_overtaken() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let mut receipts = fill(&rig, &producer, &mut peer);
    receipts.push(rig.block_on(producer.enqueue("a", "1")).unwrap());
    receipts.push(rig.block_on(producer.enqueue_multi("a", &["2", "3"])).unwrap());
    receipts.push(rig.block_on(producer.enqueue("a", "4")).unwrap());
    for _ in 0..4 {
        peer.send_response("OK");
    }
    peer.expect_publish("a", "1");
    peer.expect(command::multi_publish("a", &["2", "3"]));
    peer.expect_publish("a", "4");
}

#[test]
fn a_full_command_does_not_wait_for_answers() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let _receipts = fill(&rig, &producer, &mut peer);
    let body = vec![b'x'; 10_000];
    for _ in 0..7 {
        let _receipt = rig.block_on(producer.enqueue("a", &body)).unwrap();
    }
    peer.expect(command::multi_publish("a", &vec![body; 7]));
}

#[test]
fn a_large_message_travels_alone() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let _receipts = fill(&rig, &producer, &mut peer);
    let body = vec![b'x'; 100_000];
    for _ in 0..2 {
        let _receipt = rig.block_on(producer.enqueue("a", &body)).unwrap();
        peer.expect_publish("a", &body);
    }
}

#[test]
fn answers_belong_to_commands_in_their_order() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let mut receipts = fill(&rig, &producer, &mut peer).into_iter();
    peer.send_response("OK");
    peer.send_error("E_PUB_FAILED PUB failed exiting");
    rig.block_on(receipts.next().unwrap()).unwrap();
    let error = rig.block_on(receipts.next().unwrap()).unwrap_err();
    let Error::Protocol(error) = error else {
        panic!("{error}");
    };
    assert_eq!(error.code(), Some(ErrorCode::PubFailed));
    assert_eq!(error.text(), "E_PUB_FAILED PUB failed exiting");
}

#[test]
fn what_stands_behind_a_refused_command_is_published_over_the_next_connection() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let receipts = fill(&rig, &producer, &mut peer);
    peer.send_error("E_BAD_TOPIC PUB topic name \"fill-1\" is not valid");
    drop(peer);
    let mut peer = Peer::accept_v2(&rig.listener);
    for topic in ["fill-2", "fill-3", "fill-4"] {
        peer.expect_publish(topic, "x");
        peer.send_response("OK");
    }
    let mut receipts = receipts.into_iter();
    assert_eq!(
        text(rig.block_on(receipts.next().unwrap())),
        "E_BAD_TOPIC PUB topic name \"fill-1\" is not valid"
    );
    for receipt in receipts {
        rig.block_on(receipt).unwrap();
    }
}

#[test]
fn a_lost_connection_fails_what_was_not_answered() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let receipts = fill(&rig, &producer, &mut peer);
    drop(peer);
    for receipt in receipts {
        assert_eq!(text(rig.block_on(receipt)), "not connected");
    }
}

#[test]
fn a_producer_connects_again_after_its_connection_was_lost() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    for body in ["one", "two", "three"] {
        let held = producer.clone();
        let publishing = rig.spawn(async move { held.publish("t", body).await });
        peer.expect_publish("t", body);
        peer.send_response("OK");
        rig.wait(publishing).unwrap();
        drop(peer);
        let held = producer.clone();
        let connecting = rig.spawn(async move {
            // Until it is seen that the connection has gone.
            while held.is_connected() {
                tokio::task::yield_now().await;
            }
            held.connect().await
        });
        peer = Peer::accept_v2(&rig.listener);
        rig.wait(connecting).unwrap();
    }
}

#[test]
fn an_answer_that_nobody_waits_for_ends_the_connection() {
    let rig = Rig::new();
    let (_producer, mut peer) = connect(&rig);
    peer.send_response("OK");
    peer.expect_closed();
}

#[test]
fn an_error_that_nobody_waits_for_leaves_the_connection_to_nsqd() {
    let rig = Rig::new();
    let (_producer, mut peer) = connect(&rig);
    peer.send_error("E_INVALID something");
    peer.send_response("_heartbeat_");
    peer.expect("NOP\n");
}

#[test]
fn a_ping_is_a_nop() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    rig.block_on(producer.ping()).unwrap();
    peer.expect("NOP\n");
}

#[test]
fn stopping_fails_what_is_pending_and_refuses_what_comes() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let receipts = fill(&rig, &producer, &mut peer);
    rig.block_on(producer.stop());
    rig.block_on(producer.stop());
    peer.expect_closed();
    for receipt in receipts {
        assert_eq!(text(rig.block_on(receipt)), "not connected");
    }
    assert_eq!(text(rig.block_on(producer.publish("t", "x"))), "stopped");
    assert_eq!(text(rig.block_on(producer.connect())), "stopped");
}

#[test]
fn flushing_waits_for_the_last_answer() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let receipts = fill(&rig, &producer, &mut peer);
    let held = producer.clone();
    let flushing = rig.spawn(async move { held.flush().await });
    for _ in 0..4 {
        assert!(!flushing.is_finished());
        peer.send_response("OK");
    }
    rig.wait(flushing);
    for receipt in receipts {
        rig.block_on(receipt).unwrap();
    }
}

#[test]
fn who_publishes_faster_than_nsqd_answers_waits() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let held = producer.clone();
    let body = vec![b'x'; 1024 * 1024];
    let publishing = rig.spawn(async move {
        let mut receipts = Vec::new();
        for _ in 0..8 {
            receipts.push(held.enqueue("t", &body).await.unwrap());
        }
        receipts
    });
    let message = command::publish("t", vec![b'x'; 1024 * 1024]);
    for _ in 0..4 {
        peer.expect(&message);
    }
    assert!(!publishing.is_finished(), "more than four fit into 4 MiB");
    for _ in 0..4 {
        peer.send_response("OK");
        peer.expect(&message);
    }
    assert_eq!(rig.wait(publishing).len(), 8);
}

#[test]
fn what_cannot_be_published_is_refused_without_a_connection() {
    let rig = Rig::new();
    let producer = Producer::new(rig.address(), &Config::default()).unwrap();
    let nothing: [&str; 0] = [];
    for (outcome, expected) in [
        (
            rig.block_on(producer.publish("bad topic", "x")),
            "invalid topic name",
        ),
        (
            rig.block_on(producer.publish("t", "")),
            "nothing to publish: nsqd takes no empty messages",
        ),
        (
            rig.block_on(producer.multi_publish("t", &["x", ""])),
            "nothing to publish: nsqd takes no empty messages",
        ),
        (
            rig.block_on(producer.multi_publish("t", &nothing)),
            "nothing to publish: nsqd takes no empty messages",
        ),
    ] {
        assert_eq!(text(outcome), expected);
    }
    assert_eq!(producer.pending(), 0);
}

#[test]
fn a_configuration_that_is_out_of_range_makes_no_producer() {
    let mut config = config(&[]);
    config.deflate_level = 0;
    assert_eq!(
        Producer::new("127.0.0.1:1", &config).unwrap_err().to_string(),
        "invalid DeflateLevel ! 0 < 1"
    );
}

#[test]
fn an_nsqd_that_takes_nothing_is_given_up_on() {
    let rig = Rig::new();
    let producer = Producer::new(rig.address(), &config(&[("write_timeout", "200ms")])).unwrap();
    let held = producer.clone();
    let body = vec![b'x'; 3 * 1024 * 1024];
    let publishing = rig.spawn(async move {
        let receipts = [held.enqueue("t", &body).await?, held.enqueue("t", &body).await?];
        for receipt in receipts {
            receipt.await?;
        }
        Ok(())
    });
    let _peer = Peer::accept_v2(&rig.listener);
    assert_eq!(text(rig.wait(publishing)), "not connected");
}

#[test]
fn without_heartbeats_an_answer_is_still_due_in_time() {
    let rig = Rig::new();
    let config = config(&[("heartbeat_interval", "-1ns"), ("read_timeout", "200ms")]);
    let producer = Producer::new(rig.address(), &config).unwrap();
    let held = producer.clone();
    let connecting = rig.spawn(async move { held.connect().await });
    let mut peer = Peer::accept_v2(&rig.listener);
    rig.wait(connecting).unwrap();
    // Longer than the timeout, with nothing due.
    peer.expect_silence(Duration::from_millis(400));
    let receipt = rig.block_on(producer.enqueue("t", "x")).unwrap();
    peer.expect_publish("t", "x");
    assert_eq!(text(rig.block_on(receipt)), "not connected");
}

#[test]
fn nonsense_in_the_middle_ends_the_connection() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let receipts = fill(&rig, &producer, &mut peer);
    peer.send(b"\0\0\0\x02\0\0");
    peer.expect_closed();
    for receipt in receipts {
        assert_eq!(text(rig.block_on(receipt)), "not connected");
    }
}

#[test]
fn a_dropped_receipt_leaves_its_message_to_be_published() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    drop(rig.block_on(producer.enqueue("t", "x")).unwrap());
    peer.expect_publish("t", "x");
    peer.send_response("OK");
    rig.block_on(producer.flush());
}

#[test]
fn dropping_the_last_producer_closes_the_connection() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let other = producer.clone();
    drop(producer);
    rig.block_on(other.ping()).unwrap();
    peer.expect("NOP\n");
    drop(other);
    peer.expect_closed();
}

#[test]
fn a_message_that_nsqd_refuses_fails_alone_whoever_it_travelled_with() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let filling = fill(&rig, &producer, &mut peer);
    let mut receipts = Vec::new();
    for body in ["one", "too long", "three"] {
        receipts.push(rig.block_on(producer.enqueue("t", body)).unwrap());
    }
    for _ in &filling {
        peer.send_response("OK");
    }
    peer.expect(command::multi_publish("t", &["one", "too long", "three"]));
    peer.send_error("E_BAD_MESSAGE MPUB message too big 8 > 5");
    drop(peer);

    let mut peer = Peer::accept_v2(&rig.listener);
    for body in ["one", "too long", "three"] {
        peer.expect_publish("t", body);
    }
    peer.send_response("OK");
    peer.send_error("E_BAD_MESSAGE PUB message too big 8 > 5");
    drop(peer);

    let mut peer = Peer::accept_v2(&rig.listener);
    peer.expect_publish("t", "three");
    peer.send_response("OK");
    let outcomes: Vec<_> = receipts
        .into_iter()
        .map(|receipt| rig.block_on(receipt))
        .collect();
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    assert_eq!(
        outcomes[1].as_ref().unwrap_err().to_string(),
        "E_BAD_MESSAGE PUB message too big 8 > 5"
    );
    rig.block_on(producer.flush());
    assert_eq!(producer.pending(), 0);
}

#[test]
fn messages_of_one_call_are_refused_together() {
    let rig = Rig::new();
    let (producer, mut peer) = connect(&rig);
    let publishing = rig.spawn(async move { producer.multi_publish("t", &["one", "too long"]).await });
    peer.expect(command::multi_publish("t", &["one", "too long"]));
    peer.send_error("E_BAD_MESSAGE MPUB message too big 8 > 5");
    drop(peer);
    assert_eq!(
        text(rig.wait(publishing)),
        "E_BAD_MESSAGE MPUB message too big 8 > 5"
    );
}
