//! `RDY`: a standing ceiling on what is in flight.

use nsq_tests::{Nsqd, Peer};
use serde_json::json;

/// A consumer with RDY 0 on channel `c` of topic `t`, which holds `depth` messages.
fn consumer_of_backlog(nsqd: &Nsqd, depth: usize) -> Peer {
    let consumer = nsqd.consumer("t", "c", 0);
    let mut publisher = nsqd.connect();
    for index in 0..depth {
        publisher.publish("t", format!("{index}"));
    }
    consumer
}

#[test]
fn without_a_parameter_it_means_one() {
    let nsqd = Nsqd::start();
    let mut consumer = consumer_of_backlog(&nsqd, 2);

    consumer.send("RDY\n");
    consumer.expect_message_of("0", 1);
    consumer.expect_nothing_before_ok("probe");
    nsqd.await_channel("t", "c", &json!({"depth": 1, "in_flight_count": 1}));
}

#[test]
fn it_has_no_answer_and_may_be_repeated() {
    let nsqd = Nsqd::start();
    let mut consumer = consumer_of_backlog(&nsqd, 3);

    consumer.send("RDY 1\nRDY 1\nRDY 1\n");
    consumer.expect_message_of("0", 1);
    consumer.expect_nothing_before_ok("probe");
}

#[test]
fn at_most_that_many_messages_are_in_flight_and_each_answer_makes_room_for_one() {
    let nsqd = Nsqd::start();
    let mut consumer = consumer_of_backlog(&nsqd, 5);

    consumer.ready(2);
    let first = consumer.expect_message_of("0", 1);
    consumer.expect_message_of("1", 1);
    consumer.expect_nothing_before_ok("probe");
    consumer.send(first.fin());
    let third = consumer.expect_message_of("2", 1);
    consumer.expect_nothing_before_ok("probe");
    consumer.send(third.req(3_600_000));
    consumer.expect_message_of("3", 1);
    consumer.expect_nothing_before_ok("probe");
}

#[test]
fn lowering_it_recalls_nothing_and_zero_pauses() {
    let nsqd = Nsqd::start();
    let mut consumer = consumer_of_backlog(&nsqd, 5);

    consumer.ready(3);
    let messages = consumer.expect_messages(3);
    consumer.ready(1);
    for message in &messages[..2] {
        consumer.send(message.fin());
    }
    consumer.expect_nothing_before_ok("probe");
    consumer.send(messages[2].fin());
    let next = consumer.expect_message_of("3", 1);
    consumer.ready(0);
    consumer.send(next.fin());
    consumer.expect_nothing_before_ok("probe");
    nsqd.await_channel("t", "c", &json!({"depth": 1, "in_flight_count": 0}));
    consumer.ready(1);
    consumer.expect_message_of("4", 1);
}

#[test]
fn zero_and_the_maximum_are_accepted_and_more_is_refused() {
    let nsqd = Nsqd::with(&["--max-rdy-count=5"]);
    let mut consumer = consumer_of_backlog(&nsqd, 7);

    consumer.ready(0);
    consumer.ready(5);
    consumer.expect_messages(5);
    consumer.expect_nothing_before_ok("probe");
    consumer.ready(6);
    consumer.expect_fatal("E_INVALID RDY count 6 out of range 0-5");
}

#[test]
fn a_count_that_is_no_number_is_refused() {
    let nsqd = Nsqd::start();
    for count in ["x", "-1", "1.5"] {
        let mut consumer = nsqd.consumer("t", "c", 0);
        consumer.send(format!("RDY {count}\n"));
        consumer.expect_fatal(format!("E_INVALID RDY could not parse count {count}"));
    }
    let mut consumer = nsqd.consumer("t", "c", 0);
    consumer.ready(2501);
    consumer.expect_fatal("E_INVALID RDY count 2501 out of range 0-2500");
}

#[test]
fn before_sub_the_state_is_checked_before_the_count() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send("RDY x\n");
    peer.expect_fatal("E_INVALID cannot RDY in current state");
}
