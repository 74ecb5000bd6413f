//! One data directory under two implementations in turn.

use std::collections::BTreeSet;
use std::path::Path;

use nsq_tests::program::{self, reference_or_note};
use nsq_tests::{Nsqd, Setup, command};
use serde_json::json;

use crate::delivery::sorted_bodies;

/// Stops the daemon and starts `next` on its data directory.
fn hand_over(nsqd: Nsqd, next: &Path) -> Nsqd {
    nsqd.stop().setup.program(next).start()
}

/// Lets `first` leave every kind of message behind and `second` find them.
fn expect_everything_found(first: &Path, second: &Path) {
    let setup = Setup::new()
        .flag("--mem-queue-size=5")
        .flag("--max-bytes-per-file=300")
        .program(first);
    let nsqd = setup.start();
    nsqd.create_channel("t", "other");
    let mut consumer = nsqd.consumer("t", "c", 4);
    for index in 0..20 {
        nsqd.publish("t", format!("{index:02}"));
    }
    let messages = consumer.expect_messages(4);
    consumer.ready(0);
    consumer.send(messages[0].fin());
    consumer.send(messages[1].req(3_600_000));
    let mut publisher = nsqd.connect();
    publisher.send(command::deferred_publish("t", 3_600_000, "late"));
    publisher.expect_ok();
    nsqd.publish("topic-only", "waits");
    nsqd.topic_action("pause", "topic-only");
    nsqd.channel_action("pause", "t", "other");
    nsqd.await_channel("t", "c", &json!({"message_count": 21, "in_flight_count": 2}));
    nsqd.await_channel("t", "other", &json!({"message_count": 21}));

    let nsqd = hand_over(nsqd, second);
    nsqd.await_channel("t", "c", &json!({"depth": 20, "paused": false}));
    nsqd.await_channel("t", "other", &json!({"depth": 21, "paused": true}));
    nsqd.await_topic("topic-only", &json!({"depth": 1, "paused": true}));
    let mut consumer = nsqd.consumer("t", "c", 100);
    let again = consumer.expect_messages(20);
    let finished = messages[0].text();
    let mut expected: Vec<String> = (0..20)
        .map(|index| format!("{index:02}"))
        .filter(|body| body != finished)
        .collect();
    expected.push("late".to_owned());
    assert_eq!(sorted_bodies(&again), expected);
    for message in &messages[1..] {
        let again = again.iter().find(|again| again.id == message.id).unwrap();
        assert_eq!(
            (again.attempts, again.timestamp_ns),
            (2, message.timestamp_ns),
            "{again:?}"
        );
    }
}

#[test]
fn what_the_original_leaves_is_found() {
    if let Some(reference) = reference_or_note("nsqd") {
        expect_everything_found(&reference, program::nsqd());
    }
}

#[test]
fn what_this_nsqd_leaves_is_found_by_the_original() {
    if let Some(reference) = reference_or_note("nsqd") {
        expect_everything_found(program::nsqd(), &reference);
    }
}

#[test]
fn a_directory_that_changes_hands_again_and_again_loses_and_repeats_nothing() {
    let Some(reference) = reference_or_note("nsqd") else {
        return;
    };
    let setup = Setup::new()
        .flag("--mem-queue-size=3")
        .flag("--max-bytes-per-file=400");
    let mut nsqd = setup.program(program::nsqd()).start();
    nsqd.create_channel("t", "c");
    let mut finished = BTreeSet::new();
    for round in 0..6 {
        let next = if round % 2 == 0 {
            reference.as_path()
        } else {
            program::nsqd()
        };
        let mut publisher = nsqd.connect();
        for index in 0..10 {
            publisher.publish("t", format!("{round} {index}"));
        }
        let mut consumer = nsqd.consumer("t", "c", 2);
        for _ in 0..7 {
            let message = consumer.expect_message();
            consumer.send(message.fin());
            assert!(
                finished.insert(message.text().to_owned()),
                "{message:?} came back"
            );
        }
        consumer.ready(0);
        consumer.send("NOP\n");
        nsqd.await_channel("t", "c", &json!({"message_count": 10}));
        nsqd = hand_over(nsqd, next);
    }
    // A consumer may have held up to two messages more when it was paused: they are among these.
    nsqd.await_channel("t", "c", &json!({"depth": 18}));
    let mut consumer = nsqd.consumer("t", "c", 100);
    for message in consumer.expect_messages(18) {
        assert!(
            finished.insert(message.text().to_owned()),
            "{message:?} came back"
        );
    }
    assert_eq!(finished.len(), 60);
}
