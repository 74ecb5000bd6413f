//! nsqd and a real nsqlookupd, each of which comes and goes.

use nsq_tests::{Nsqd, Nsqlookupd, Setup, deviates};
use serde_json::{Value, json};

/// An nsqlookupd that nsqd can ask for channels.
fn lookupd(flags: &[&str]) -> Nsqlookupd {
    Nsqlookupd::with(&[&["--broadcast-address=127.0.0.1"], flags].concat())
}

fn setup(lookupd: &Nsqlookupd) -> Setup {
    Setup::new().flag(format!("--lookupd-tcp-address={}", lookupd.tcp_address()))
}

/// Waits until a consumer that asks for `topic` is told of these channels and of these nsqds and no others.
#[track_caller]
fn await_lookup(asker: &Nsqd, lookupd: &Nsqlookupd, topic: &str, channels: &[&str], nsqds: &[&Nsqd]) {
    let mut ports: Vec<u64> = nsqds
        .iter()
        .map(|nsqd| u64::from(nsqd.tcp_address().port()))
        .collect();
    ports.sort_unstable();
    // What nsqd itself says is of no interest here: it only sets the pace.
    asker.await_stats(|_| {
        let response = lookupd.http().get(&format!("/lookup?topic={topic}"));
        let found: Value = serde_json::from_slice(&response.body).ok()?;
        let mut found_channels: Vec<&str> = found["channels"]
            .as_array()?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        found_channels.sort_unstable();
        let producers = found["producers"].as_array()?.iter();
        let mut found_ports: Vec<u64> = producers
            .filter_map(|producer| producer["tcp_port"].as_u64())
            .collect();
        found_ports.sort_unstable();
        (found_channels == channels && found_ports == ports).then_some(())
    });
}

#[test]
fn consumers_find_the_topics_of_every_nsqd() {
    let lookupd = lookupd(&[]);
    let (one, other) = (setup(&lookupd).start(), setup(&lookupd).start());
    nsq_tests::await_identified(&one, 1);
    nsq_tests::await_identified(&other, 1);
    one.create_channel("t", "c");
    await_lookup(&one, &lookupd, "t", &["c"], &[&one]);

    // The other one learns of the channel before its first message goes anywhere.
    other.publish("t", "hi");
    other.await_channel("t", "c", &json!({"depth": 1}));
    await_lookup(&one, &lookupd, "t", &["c"], &[&one, &other]);

    one.topic_action("delete", "t");
    await_lookup(&one, &lookupd, "t", &["c"], &[&other]);
    let stopped = other.stop();
    await_lookup(&one, &lookupd, "t", &["c"], &[]);
    let other = stopped.restart();
    await_lookup(&one, &lookupd, "t", &["c"], &[&other]);
}

#[test]
fn an_nsqlookupd_that_was_killed_knows_everything_again_soon() {
    deviates!(LookupdIsTriedAgain);
    let first = lookupd(&[]);
    let nsqd = setup(&first).start();
    nsq_tests::await_identified(&nsqd, 1);
    nsqd.create_channel("t", "c");
    await_lookup(&nsqd, &first, "t", &["c"], &[&nsqd]);

    let address = format!("--tcp-address={}", first.tcp_address());
    drop(first);
    nsqd.log().await_line("connect: connection refused");
    let second = lookupd(&[&address]);
    await_lookup(&nsqd, &second, "t", &["c"], &[&nsqd]);
}
