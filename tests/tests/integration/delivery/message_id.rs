//! Message ids and timestamps, which tools take apart.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nsq_tests::{Message, Nsqd, command};

/// The first tick of the id clock, in units of 2^20 nanoseconds since the Unix epoch.
const EPOCH_TICKS: i64 = 1_288_834_974_288;

/// Tick, node and sequence number of an id.
fn parts(message: &Message) -> (i64, u64, u64) {
    assert!(
        message
            .id
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        "{message:?}"
    );
    let id = u64::from_str_radix(&message.id, 16).unwrap();
    (i64::try_from(id >> 22).unwrap(), (id >> 12) & 0x3ff, id & 0xfff)
}

fn messages(nsqd: &Nsqd, count: usize) -> Vec<Message> {
    let mut publisher = nsqd.connect();
    publisher.send(command::multi_publish("t", &vec!["x"; count]));
    publisher.expect_ok();
    let mut consumer = nsqd.consumer("t", "c", 2500);
    consumer.expect_messages(count)
}

#[test]
fn an_id_is_made_of_time_node_and_sequence() {
    let nsqd = Nsqd::with(&["--node-id=7"]);
    for message in messages(&nsqd, 3) {
        let (tick, node, _) = parts(&message);
        assert_eq!(node, 7, "{message:?}");
        let timestamp_tick = (message.timestamp_ns >> 20) - EPOCH_TICKS;
        assert!(
            (tick - timestamp_tick).abs() < 1000,
            "the tick of {message:?} is more than a second off"
        );
    }
}

#[test]
fn ids_of_a_topic_are_unique_and_increase() {
    let nsqd = Nsqd::start();
    let messages = messages(&nsqd, 2000);
    assert!(
        messages.windows(2).all(|pair| pair[0].id < pair[1].id),
        "{messages:?}"
    );
}

#[test]
fn ids_increase_across_a_restart() {
    let nsqd = Nsqd::start();
    nsqd.publish("t", "before");
    let nsqd = nsqd.stop().restart();
    nsqd.publish("t", "after");

    let mut consumer = nsqd.consumer("t", "c", 2);
    let mut messages = consumer.expect_messages(2);
    messages.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(super::bodies(&messages), ["before", "after"]);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "compares with the wall clock of another process"
)]
fn the_timestamp_is_the_time_of_publication_in_nanoseconds() {
    let nsqd = Nsqd::start();
    let before = SystemTime::now();
    nsqd.publish("t", "hi");
    let after = SystemTime::now();

    let message = nsqd.consumer("t", "c", 1).expect_message();
    let timestamp = UNIX_EPOCH + Duration::from_nanos(u64::try_from(message.timestamp_ns).unwrap());
    assert!(
        (before..=after).contains(&timestamp),
        "{message:?} between {before:?} and {after:?}"
    );
}
