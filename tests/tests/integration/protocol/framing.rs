//! Commands that arrive together, in pieces, and interleaved with deliveries.

use nsq_tests::{Nsqd, command};

/// Every command once, in an order in which all succeed, up to the subscription.
fn script() -> Vec<u8> {
    [
        command::identify("{}"),
        b"NOP\n".to_vec(),
        command::publish("t", "one"),
        command::multi_publish("t", &["two", "three"]),
        command::deferred_publish("t", 0, "four"),
        command::subscribe("t", "c").into_bytes(),
        b"NOP\n".to_vec(),
        command::publish("u", "five"),
        b"RDY 2500\n".to_vec(),
    ]
    .concat()
}

/// `OK` for IDENTIFY, PUB, MPUB, DPUB, SUB, PUB.
const ANSWERS: usize = 6;

#[test]
fn pipelined_commands_are_answered_in_their_order() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send(script());
    for _ in 0..ANSWERS {
        peer.expect_ok();
    }
    let mut bodies: Vec<_> = peer
        .expect_messages(4)
        .into_iter()
        .map(|message| message.body)
        .collect();
    bodies.sort();
    assert_eq!(bodies, [&b"four"[..], b"one", b"three", b"two"]);
}

#[test]
fn commands_that_arrive_byte_by_byte_are_the_same_commands() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send_byte_by_byte(script());
    for _ in 0..ANSWERS {
        peer.expect_ok();
    }
    let messages = peer.expect_messages(4);
    for message in &messages {
        peer.send_byte_by_byte(message.touch());
        peer.send_byte_by_byte(message.fin());
    }
    peer.send_byte_by_byte("CLS\n");
    peer.expect_response("CLOSE_WAIT");
    nsqd.await_channel("t", "c", &serde_json::json!({"in_flight_count": 0, "depth": 0}));
}

#[test]
fn commands_split_at_every_place_are_the_same_commands() {
    let nsqd = Nsqd::start();
    let script = [
        command::publish("t", "one"),
        command::multi_publish("t", &["two", "three"]),
    ]
    .concat();
    for split in 1..script.len() {
        let (head, tail) = script.split_at(split);
        let mut peer = nsqd.connect();
        peer.send(head);
        peer.send(tail);
        peer.expect_ok();
        peer.expect_ok();
    }
}

#[test]
fn an_error_behind_pipelined_commands_comes_after_their_answers() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send(
        [
            command::publish("t", "one"),
            command::publish("t", "two"),
            b"NOPE\n".to_vec(),
        ]
        .concat(),
    );
    peer.expect_ok();
    peer.expect_ok();
    peer.expect_fatal("E_INVALID invalid command NOPE");
    nsqd.await_topic("t", &serde_json::json!({"depth": 2}));
}

#[test]
fn nothing_behind_a_fatal_error_is_executed() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send([b"NOPE\n".to_vec(), command::publish("t", "one")].concat());
    // Input behind the error may turn the close into a reset that overtakes the error frame.
    peer.read_to_close(nsq_tests::peer::PATIENCE);
    nsqd.create_topic("t");
    nsqd.await_topic("t", &serde_json::json!({"message_count": 0}));
}

#[test]
fn bodies_keep_every_byte() {
    let nsqd = Nsqd::start();
    let body: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut consumer = nsqd.consumer("t", "c", 1);

    nsqd.publish("t", &body);
    consumer.expect_message_of(&body, 1);
}

#[test]
fn one_connection_may_publish_and_consume() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.consumer("t", "c", 1);

    for round in 0..100 {
        let body = format!("round {round}");
        peer.send(command::publish("t", &body));
        // The answer and the delivery race; both arrive, whole.
        let frames = [peer.read_frame(), peer.read_frame()];
        assert_eq!(
            frames
                .iter()
                .filter(|frame| frame.kind == 0 && frame.data == b"OK")
                .count(),
            1,
            "{frames:?}"
        );
        let message = frames
            .iter()
            .find(|frame| frame.kind == 2)
            .unwrap_or_else(|| panic!("{frames:?}"));
        let message = nsq_tests::Message::parse(&message.data);
        assert_eq!(message.text(), body);
        peer.send(message.fin());
    }
}
