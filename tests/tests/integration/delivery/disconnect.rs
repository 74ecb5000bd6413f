//! Consumers that vanish.

use std::time::Duration;

use nsq_tests::{Nsqd, Stopwatch};
use serde_json::json;

use super::{due_after, sorted_bodies};

#[test]
fn messages_of_a_vanished_consumer_stay_in_flight_until_their_timeout() {
    let nsqd = Nsqd::with(&["--msg-timeout=1500ms"]);
    let mut first = nsqd.consumer("t", "c", 2);
    for body in ["0", "1"] {
        nsqd.publish("t", body);
    }
    first.expect_messages(2);
    let stopwatch = Stopwatch::start();
    drop(first);

    nsqd.await_channel(
        "t",
        "c",
        &json!({"client_count": 0, "in_flight_count": 2, "depth": 0}),
    );
    let mut second = nsqd.consumer("t", "c", 2);
    let messages = second.expect_messages(2);
    stopwatch.expect_within(due_after(Duration::from_millis(1400)));
    assert_eq!(sorted_bodies(&messages), ["0", "1"]);
    assert!(
        messages.iter().all(|message| message.attempts == 2),
        "{messages:?}"
    );
    nsqd.await_channel("t", "c", &json!({"timeout_count": 2, "requeue_count": 0}));
}

#[test]
fn messages_of_a_vanished_consumer_return_at_once_if_so_configured() {
    let nsqd = Nsqd::with(&["--requeue-on-disconnect"]);
    let mut first = nsqd.consumer("t", "c", 2);
    for body in ["0", "1"] {
        nsqd.publish("t", body);
    }
    first.expect_messages(2);
    drop(first);

    let messages = nsqd.consumer("t", "c", 2).expect_messages(2);
    assert_eq!(sorted_bodies(&messages), ["0", "1"]);
    assert!(
        messages.iter().all(|message| message.attempts == 2),
        "{messages:?}"
    );
    nsqd.await_channel("t", "c", &json!({"timeout_count": 0, "requeue_count": 0}));
}

#[test]
fn nobody_else_may_answer_for_a_vanished_consumer() {
    let nsqd = Nsqd::start();
    let mut first = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");
    let message = first.expect_message_of("hi", 1);
    drop(first);
    nsqd.await_channel("t", "c", &json!({"client_count": 0, "in_flight_count": 1}));

    let mut second = nsqd.consumer("t", "c", 1);
    second.send(message.fin());
    second.expect_error(format!(
        "E_FIN_FAILED FIN {} failed client does not own message",
        message.id
    ));
    nsqd.await_channel("t", "c", &json!({"in_flight_count": 1}));
}

#[test]
fn answers_sent_just_before_the_end_still_count() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 3);
    for body in ["0", "1", "2"] {
        nsqd.publish("t", body);
    }
    let messages = consumer.expect_messages(3);

    consumer.send(messages.iter().map(nsq_tests::Message::fin).collect::<String>());
    consumer.finish_sending();
    consumer.expect_closed();
    nsqd.await_channel(
        "t",
        "c",
        &json!({"client_count": 0, "in_flight_count": 0, "depth": 0}),
    );
}

#[test]
fn messages_that_were_never_sent_go_to_the_next_consumer_at_once() {
    let nsqd = Nsqd::start();
    let mut publisher = nsqd.connect();
    let mut first = nsqd.consumer("t", "c", 10);
    for index in 0..100 {
        publisher.publish("t", format!("{index}"));
    }
    first.expect_messages(10);
    drop(first);

    let mut second = nsqd.consumer("t", "c", 90);
    let messages = second.expect_messages(90);
    assert!(
        messages.iter().all(|message| message.attempts == 1),
        "{messages:?}"
    );
}
