//! Data directories written by the original at a clean stop; `fixtures/go-data/README.md` says how.

use std::path::PathBuf;

use nsq_tests::{Nsqd, Setup};
use serde_json::json;

use super::parse_records;
use crate::delivery::{bodies, sorted_bodies};

fn fixture(name: &str) -> Setup {
    let root: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", "go-data", name]
        .iter()
        .collect();
    Setup::with_copy_of(&root)
}

/// Reads and finishes `count` messages of a channel.
fn read(nsqd: &Nsqd, topic: &str, channel: &str, count: usize) -> Vec<nsq_tests::Message> {
    let mut consumer = nsqd.consumer(topic, channel, 1);
    (0..count)
        .map(|_| {
            let message = consumer.expect_message();
            consumer.send(message.fin());
            message
        })
        .collect()
}

#[test]
fn messages_that_were_in_memory() {
    let nsqd = fixture("memory").start();
    for (channel, depth) in [("c", 3), ("d", 3)] {
        nsqd.await_channel("t", channel, &json!({"depth": depth}));
        assert_eq!(bodies(&read(&nsqd, "t", channel, 3)), ["1", "2", "3"]);
    }
    nsqd.await_topic("u", &json!({"depth": 2, "channels": []}));
    nsqd.await_channel("empty", "e", &json!({"depth": 0}));
    assert_eq!(bodies(&read(&nsqd, "u", "new", 2)), ["a", "b"]);
}

#[test]
fn files_that_were_rolled() {
    let nsqd = fixture("disk_rolled").start();
    nsqd.await_topic("t", &json!({"depth": 40, "backend_depth": 40}));

    let messages = read(&nsqd, "t", "new", 40);
    let heads: Vec<_> = messages.iter().map(|message| &message.text()[..3]).collect();
    assert_eq!(
        heads,
        (0..40).map(|index| format!("{index:03}")).collect::<Vec<_>>()
    );
    assert!(
        messages
            .iter()
            .all(|message| message.body.len() == 50 && message.attempts == 1)
    );
    nsqd.await_channel("t", "new", &json!({"depth": 0, "in_flight_count": 0}));
}

#[test]
fn messages_that_were_in_flight_and_deferred() {
    let setup = fixture("in_flight_and_deferred");
    let stored = parse_records(&setup.read("t:c.diskqueue.000000.dat"));
    let nsqd = setup.start();
    nsqd.await_channel("t", "c", &json!({"depth": 4}));

    let messages = read(&nsqd, "t", "c", 4);
    assert_eq!(sorted_bodies(&messages), ["2", "3", "4", "late"]);
    for message in &messages {
        let before = stored.iter().find(|stored| stored.id == message.id).unwrap();
        assert_eq!(message.attempts, before.attempts + 1, "{message:?}");
        assert_eq!(
            (message.timestamp_ns, &message.body),
            (before.timestamp_ns, &before.body)
        );
    }
}

#[test]
fn a_directory_that_was_only_opened_keeps_every_record() {
    for (name, queues) in [
        ("memory", &["t:c", "t:d", "u"][..]),
        ("disk_rolled", &["t"]),
        ("in_flight_and_deferred", &["t:c"]),
    ] {
        let setup = fixture(name);
        let records = |setup: &Setup, queue: &str| -> Vec<_> {
            let prefix = format!("{queue}.diskqueue.");
            let data = setup
                .files()
                .into_iter()
                .filter(|file| file.starts_with(&prefix) && !file.contains("meta"));
            data.flat_map(|file| parse_records(&setup.read(&file))).collect()
        };
        let before: Vec<_> = queues.iter().map(|queue| records(&setup, queue)).collect();
        // Opened, looked at and closed twice, by which time memory has been refilled from disk and written back.
        let setup = setup.start().stop().restart().stop().setup;
        for (queue, before) in queues.iter().zip(before) {
            let metadata = String::from_utf8(setup.read(&format!("{queue}.diskqueue.meta.dat"))).unwrap();
            assert_eq!(
                metadata.lines().next(),
                Some(before.len().to_string().as_str()),
                "{name} {queue}: {metadata}"
            );
            let after = records(&setup, queue);
            for message in &before {
                assert!(after.contains(message), "{name} {queue} lost {message:?}");
            }
        }
    }
}

#[test]
fn the_pause_state_and_metadata_of_the_original_are_understood() {
    let setup = fixture("memory");
    let before: serde_json::Value = serde_json::from_slice(&setup.read("nsqd.dat")).unwrap();
    let after: serde_json::Value =
        serde_json::from_slice(&setup.start().stop().setup.read("nsqd.dat")).unwrap();
    let names = |metadata: &serde_json::Value| -> Vec<String> {
        let mut names: Vec<String> = metadata["topics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|topic| topic["name"].to_string())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&before), names(&after));
}
