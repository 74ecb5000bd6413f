//! What survives a stop, a crash, damage, and a change of implementation: the data directory, to the byte.

mod clock;
mod damage;
mod files;
mod fixtures;
mod full;
mod levels;
mod lock;
mod metadata;
mod restart;
mod swap;

use nsq_tests::{Message, Nsqd, Peer, Setup};

/// A fixed timestamp for records written by tests.
const TIMESTAMP_NS: i64 = 1_700_000_000_000_000_000;

/// The bytes of a record in a data file: its length, and a message as on the wire.
fn record_with_attempts(index: u8, attempts: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(26 + body.len()).unwrap();
    [
        &length.to_be_bytes()[..],
        &TIMESTAMP_NS.to_be_bytes(),
        &attempts.to_be_bytes(),
        format!("{index:016x}").as_bytes(),
        body,
    ]
    .concat()
}

/// A record that was never sent.
fn record(index: u8, body: &str) -> Vec<u8> {
    record_with_attempts(index, 0, body.as_bytes())
}

/// The messages in a data file, which must end with the last of them.
#[track_caller]
fn parse_records(mut file: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    while !file.is_empty() {
        let (length, rest) = file.split_at(4);
        let length = u32::from_be_bytes(length.try_into().unwrap());
        let (message, rest) = rest.split_at(usize::try_from(length).unwrap());
        messages.push(Message::parse(message));
        file = rest;
    }
    messages
}

/// A setup whose metadata lists topic `t` with channel `c`.
fn with_topic_and_channel() -> Setup {
    let setup = Setup::new();
    setup.write(
        "nsqd.dat",
        r#"{"topics":[{"name":"t","paused":false,"channels":[{"name":"c","paused":false}]}],"version":"1.3.0"}"#,
    );
    setup
}

/// Reads and finishes the messages of channel `c` of topic `t` until `enough` is satisfied with them, then publishes
/// one more and returns what came before it.
#[track_caller]
fn drain_until(nsqd: &Nsqd, enough: impl Fn(&[Message]) -> bool) -> Vec<Message> {
    let mut consumer = nsqd.consumer("t", "c", 1);
    let mut messages = Vec::new();
    let next = |consumer: &mut Peer| {
        let message = consumer.expect_message();
        consumer.send(message.fin());
        message
    };
    while !enough(&messages) {
        messages.push(next(&mut consumer));
    }
    nsqd.publish("t", "the end");
    loop {
        let message = next(&mut consumer);
        if message.body == b"the end" {
            break;
        }
        messages.push(message);
    }
    consumer.expect_nothing_before_ok("probe");
    messages
}

/// Reads and finishes the messages of channel `c` of topic `t`, which must be `count`.
#[track_caller]
fn drain(nsqd: &Nsqd, count: usize) -> Vec<Message> {
    let messages = drain_until(nsqd, |messages| messages.len() == count);
    assert_eq!(messages.len(), count, "{messages:?}");
    messages
}
