//! A disk without room: what was accepted is there when it has some again.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use nsq_tests::{Disk, Nsqd, Setup, Stopwatch, await_json, deviates};
use serde_json::json;

/// Publishes numbered messages until one is refused, and returns the numbers that were accepted.
fn publish_until_refused(nsqd: &Nsqd) -> BTreeSet<Vec<u8>> {
    let mut accepted = BTreeSet::new();
    for number in 0.. {
        let mut body = format!("{number:06}").into_bytes();
        body.resize(10_000, b'.');
        let response = nsqd.http().post("/pub?topic=t", &body);
        if response.status() != 200 {
            break;
        }
        accepted.insert(body);
    }
    accepted
}

/// Returns how long it took to be healthy once there was room.
fn fill_and_free(disk: &Disk, durability: &str) -> Duration {
    let nsqd = Setup::on(disk)
        .flag("--mem-queue-size=10")
        .flag(format!("--durability={durability}"))
        .start();
    nsqd.create_channel("t", "c");
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![0; 1 << 20]).unwrap();

    let accepted = publish_until_refused(&nsqd);
    assert!(accepted.len() > 20, "{}", accepted.len());
    let ping = nsqd.http().get("/ping");
    assert_eq!(ping.status(), 500, "{ping:?}");
    assert!(ping.text().contains("no space left on device"), "{ping:?}");
    nsqd.http()
        .post("/pub?topic=t", vec![b'x'; 10_000])
        .expect_error(503, "EXITING");

    let stopwatch = Stopwatch::start();
    fs::remove_file(&ballast).unwrap();
    await_json(nsqd.http(), "/stats?format=json", |stats| stats["health"] == "OK");
    let took = stopwatch.elapsed();
    nsqd.publish("t", "room again");

    let mut consumer = nsqd.consumer("t", "c", 10);
    let mut missing = accepted;
    while !missing.is_empty() {
        let message = consumer.expect_message();
        consumer.send(message.fin());
        missing.remove(&message.body);
    }
    nsqd.await_topic("t", &json!({"depth": 0}));
    drop(nsqd.stop());
    took
}

#[test]
fn what_was_accepted_is_delivered_and_publishers_are_refused_until_there_is_room() {
    deviates!(FullDisksAreTold);
    for durability in ["go", "disk", "fsync"] {
        let Some(disk) = Disk::in_memory(4096) else {
            return;
        };
        let took = fill_and_free(&disk, durability);
        println!("{durability}: healthy after {took:?}");
        // Two seconds, and as much again for a busy machine.
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
}
