//! Stopping and starting on the same data directory.

use nsq_tests::{Message, Nsqd, Setup, command, deviates, program};
use serde_json::json;

use crate::delivery::{bodies, sorted_bodies};

/// In channel `c` of topic `t`: 0 is finished, 1 and `late` are deferred for an hour, 2 is in flight, and 3 to 5 wait.
/// What was delivered of them is returned. In topic `u`, which has no channel, a message waits for one.
fn fill(nsqd: &Nsqd) -> Vec<Message> {
    let mut consumer = nsqd.consumer("t", "c", 3);
    for index in 0..6 {
        nsqd.publish("t", format!("{index}"));
    }
    let messages = consumer.expect_messages(3);
    consumer.ready(0);
    consumer.send(messages[0].fin());
    consumer.send(messages[1].req(3_600_000));
    let mut publisher = nsqd.connect();
    publisher.send(command::deferred_publish("t", 3_600_000, "late"));
    publisher.expect_ok();
    nsqd.publish("u", "waits for a channel");
    nsqd.await_channel(
        "t",
        "c",
        &json!({"depth": 3, "in_flight_count": 1, "deferred_count": 2}),
    );
    messages
}

fn assert_attempts(messages: &[Message]) {
    for message in messages {
        let sent_before = ["1", "2"].contains(&message.text());
        assert_eq!(message.attempts, if sent_before { 2 } else { 1 }, "{message:?}");
    }
}

#[test]
fn a_clean_stop_keeps_messages_ready_in_flight_and_deferred() {
    let nsqd = if program::is_reference() {
        Nsqd::start()
    } else {
        Nsqd::with(&["--keep-deferred=false"])
    };
    let messages = fill(&nsqd);

    let nsqd = nsqd.stop().restart();
    // The delays are lost: the files of the original have no place for them.
    nsqd.await_channel(
        "t",
        "c",
        &json!({"depth": 6, "in_flight_count": 0, "deferred_count": 0}),
    );
    nsqd.await_topic("u", &json!({"depth": 1}));
    let mut consumer = nsqd.consumer("t", "c", 10);
    let again = consumer.expect_messages(6);
    assert_eq!(sorted_bodies(&again), ["1", "2", "3", "4", "5", "late"]);
    assert_attempts(&again);
    let second = again.iter().find(|message| message.body == b"1").unwrap();
    assert_eq!(
        (&second.id, second.timestamp_ns),
        (&messages[1].id, messages[1].timestamp_ns)
    );
    nsqd.consumer("u", "c", 1)
        .expect_message_of("waits for a channel", 1);
}

#[test]
fn what_is_deferred_stays_so_through_a_clean_stop() {
    deviates!(DelaysOutlastStops);
    let nsqd = Nsqd::start();
    fill(&nsqd);
    let nsqd = nsqd.stop().restart();
    let mut consumer = nsqd.consumer("t", "c", 10);
    let again = consumer.expect_messages(4);
    assert_eq!(sorted_bodies(&again), ["2", "3", "4", "5"]);
    assert_attempts(&again);
    nsqd.await_channel(
        "t",
        "c",
        &json!({"depth": 0, "in_flight_count": 4, "deferred_count": 2}),
    );
}

#[test]
fn counters_start_again_at_zero() {
    let nsqd = Nsqd::start();
    let mut consumer = nsqd.consumer("t", "c", 1);
    nsqd.publish("t", "hi");
    let message = consumer.expect_message();
    consumer.send(message.req(0));
    consumer.expect_message();

    let nsqd = nsqd.stop().restart();
    let topic = nsqd.await_topic("t", &json!({"message_count": 0, "message_bytes": 0, "depth": 0}));
    let channel = &topic["channels"][0];
    for (field, value) in [
        ("depth", 1),
        ("message_count", 0),
        ("requeue_count", 0),
        ("timeout_count", 0),
    ] {
        assert_eq!(channel[field], json!(value), "{field} of {channel}");
    }
}

#[test]
fn pause_survives() {
    let nsqd = Nsqd::start();
    nsqd.create_channel("t", "c");
    nsqd.create_channel("u", "c");
    nsqd.topic_action("pause", "t");
    nsqd.channel_action("pause", "u", "c");
    nsqd.publish("t", "hi");
    nsqd.publish("u", "hi");

    let nsqd = nsqd.stop().restart();
    nsqd.await_topic("t", &json!({"paused": true, "depth": 1}));
    nsqd.await_channel("t", "c", &json!({"paused": false, "depth": 0}));
    nsqd.await_topic("u", &json!({"paused": false, "depth": 0}));
    nsqd.await_channel("u", "c", &json!({"paused": true, "depth": 1}));
    let mut consumer = nsqd.consumer("t", "c", 1);
    consumer.expect_nothing_before_ok("probe");
    nsqd.topic_action("unpause", "t");
    consumer.expect_message_of("hi", 1);
}

#[test]
fn restarts_without_consumers_lose_and_repeat_nothing() {
    let mut nsqd = Nsqd::with(&["--mem-queue-size=3", "--max-bytes-per-file=200"]);
    nsqd.create_channel("t", "c");
    for round in 0..4 {
        for index in 0..10 {
            nsqd.publish("t", format!("{}", round * 10 + index));
        }
        nsqd.await_channel("t", "c", &json!({"depth": (round + 1) * 10}));
        nsqd = nsqd.stop().restart();
    }
    let mut consumer = nsqd.consumer("t", "c", 100);
    let mut numbers: Vec<u32> = consumer
        .expect_messages(40)
        .iter()
        .map(|message| message.text().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..40).collect::<Vec<_>>());
    nsqd.await_channel("t", "c", &json!({"depth": 0, "in_flight_count": 40}));
}

#[test]
fn order_survives_a_restart_in_the_middle_of_a_backlog() {
    deviates!(SpillKeepsOrder);
    let nsqd = Nsqd::with(&["--mem-queue-size=10"]);
    nsqd.create_channel("t", "c");
    let all: Vec<String> = (0..100).map(|index| format!("{index:03}")).collect();
    let mut publisher = nsqd.connect();
    publisher.send(command::multi_publish("t", &all));
    publisher.expect_ok();
    nsqd.await_channel("t", "c", &json!({"depth": 100}));

    let nsqd = nsqd.stop().restart();
    let mut received = Vec::new();
    let mut consumer = nsqd.consumer("t", "c", 1);
    for _ in 0..100 {
        let message = consumer.expect_message();
        consumer.send(message.fin());
        received.push(message);
    }
    let numbers = bodies(&received);
    // What was in memory, the head of the queue, is written behind what was on disk, as in the original.
    let (tail, head): (Vec<&str>, Vec<&str>) = numbers.iter().copied().partition(|body| *body >= "010");
    assert!(head.is_sorted() && tail.is_sorted(), "{numbers:?}");
}

#[test]
fn a_crash_keeps_what_was_written_to_synced_queues() {
    let nsqd = Nsqd::with(&["--mem-queue-size=0", "--sync-every=1"]);
    nsqd.create_channel("t", "c");
    let mut publisher = nsqd.connect();
    for index in 0..20 {
        publisher.publish("t", format!("{index:02}"));
    }
    nsqd.await_channel("t", "c", &json!({"depth": 20}));

    let nsqd = nsqd.kill().restart();
    let mut consumer = nsqd.consumer("t", "c", 20);
    let messages = consumer.expect_messages(20);
    assert_eq!(
        bodies(&messages),
        (0..20).map(|index| format!("{index:02}")).collect::<Vec<_>>()
    );
}

#[test]
fn a_crash_before_the_first_sync_keeps_what_was_written() {
    deviates!(DataWithoutMetadataIsRead);
    let nsqd = Nsqd::with(&["--mem-queue-size=0", "--sync-every=1000000", "--sync-timeout=1h"]);
    nsqd.create_channel("t", "c");
    for index in 0..5 {
        nsqd.publish("t", format!("{index}"));
    }
    nsqd.await_channel("t", "c", &json!({"depth": 5}));

    let nsqd = nsqd.kill().restart();
    let mut consumer = nsqd.consumer("t", "c", 20);
    assert_eq!(bodies(&consumer.expect_messages(5)), ["0", "1", "2", "3", "4"]);
}

#[test]
fn a_finished_message_does_not_come_back_after_a_clean_restart() {
    let mut nsqd = Setup::new().flag("--mem-queue-size=2").start();
    nsqd.create_channel("t", "c");
    for index in 0..20 {
        nsqd.publish("t", format!("{index:02}"));
    }
    let mut finished = Vec::new();
    for _ in 0..4 {
        let mut consumer = nsqd.consumer("t", "c", 1);
        for index in 0..5 {
            let message = consumer.expect_message();
            if index == 4 {
                // Before the answer that would make room for another one.
                consumer.ready(0);
            }
            consumer.send(message.fin());
            finished.push(message.text().to_owned());
        }
        consumer.expect_nothing_before_ok("probe");
        nsqd = nsqd.stop().restart();
    }
    finished.sort();
    finished.dedup();
    assert_eq!(finished.len(), 20, "{finished:?}");
    nsqd.await_channel("t", "c", &json!({"depth": 0}));
}
