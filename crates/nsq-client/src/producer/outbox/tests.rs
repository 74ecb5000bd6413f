use std::collections::{BTreeMap, VecDeque};

use nsq_protocol::command::{encode_mpub, encode_pub};
use proptest::prelude::*;

use super::*;

const TOPICS: [&str; 3] = ["a", "b", "c"];

/// Takes everything, and returns the commands as they go out.
fn drain(outbox: &mut Outbox) -> Vec<Bytes> {
    let mut sent = Vec::new();
    while let Some(command) = outbox.take() {
        sent.push(command.bytes.clone());
        outbox.answered(command);
    }
    sent
}

fn command(topic: &str, bodies: &[&[u8]]) -> Vec<u8> {
    let topic = TopicName::new(topic).unwrap();
    let mut bytes = Vec::new();
    match bodies {
        [body] => encode_pub(&mut bytes, topic.as_name_ref(), body).unwrap(),
        bodies => encode_mpub(&mut bytes, topic.as_name_ref(), bodies).unwrap(),
    }
    bytes
}

#[test]
fn messages_gather_by_topic_in_the_order_of_the_first_of_each() {
    let mut outbox = Outbox::default();
    for (topic, body) in [("a", "1"), ("b", "2"), ("a", "3")] {
        drop(outbox.publish(topic, body.as_bytes()).unwrap());
    }
    assert_eq!(
        outbox.pending(),
        Pending {
            commands: 2,
            bytes: 3
        }
    );
    assert_eq!(
        drain(&mut outbox),
        [command("a", &[b"1", b"3"]), command("b", &[b"2"])]
    );
    assert_eq!(outbox.pending(), Pending::default());
}

#[test]
fn a_full_command_gathers_no_more() {
    let mut outbox = Outbox::default();
    let mut fulls = 0;
    for _ in 0..=2 * GATHERED_COUNT_MAX {
        let (_, is_full) = outbox.publish("a", b"x").unwrap();
        fulls += usize::from(is_full);
    }
    assert_eq!(fulls, 2);
    assert_eq!(outbox.pending().commands, 3);
    assert!(outbox.is_front_ready());
}

#[test]
fn what_is_put_back_goes_out_first_and_in_its_order() {
    let mut outbox = Outbox::default();
    for topic in ["a", "b"] {
        drop(outbox.publish(topic, b"old").unwrap());
    }
    let taken: Vec<_> = std::iter::from_fn(|| outbox.take()).collect();
    drop(outbox.publish("a", b"1").unwrap());
    outbox.put_back(taken.into_iter());
    // What gathers is found again although its place has moved.
    drop(outbox.publish("c", b"2").unwrap());
    drop(outbox.publish("a", b"3").unwrap());
    assert_eq!(
        drain(&mut outbox),
        [
            command("a", &[b"old"]),
            command("b", &[b"old"]),
            command("a", &[b"1", b"3"]),
            command("c", &[b"2"]),
        ]
    );
}

#[test]
fn what_is_refused_leaves_nothing_behind() {
    let mut outbox = Outbox::default();
    assert!(outbox.publish("a", b"").is_err());
    assert!(outbox.publish("not a topic", b"x").is_err());
    assert!(outbox.multi_publish("a", &[&b"x"[..], b""]).is_err());
    assert!(outbox.multi_publish::<&[u8]>("a", &[]).is_err());
    assert!(outbox.deferred_publish("a", 1, b"").is_err());
    assert!(outbox.is_empty());
    assert_eq!(outbox.pending(), Pending::default());
}

/// What may be done to an outbox.
#[derive(Clone, Debug)]
enum Action {
    Publish(usize, usize),
    MultiPublish(usize, usize),
    /// Takes this many commands, and answers them.
    Send(usize),
    /// Takes this many commands, and puts them back.
    Fail(usize),
}

fn action() -> impl Strategy<Value = Action> {
    let len = prop_oneof![20 => 1_usize..100, 1 => 15_000_usize..20_000];
    prop_oneof![
        8 => (0..TOPICS.len(), len).prop_map(|(topic, len)| Action::Publish(topic, len)),
        1 => (0..TOPICS.len(), 1_usize..4).prop_map(|(topic, count)| Action::MultiPublish(topic, count)),
        2 => (0_usize..4).prop_map(Action::Send),
        1 => (0_usize..4).prop_map(Action::Fail),
    ]
}

/// Topic and bodies of a command.
fn decode(bytes: &[u8]) -> (String, Vec<Vec<u8>>) {
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap();
    let line = std::str::from_utf8(&bytes[..end]).unwrap();
    let (verb, topic) = line.split_once(' ').unwrap();
    let mut rest = &bytes[end + 1..];
    let number = |rest: &mut &[u8]| {
        let (number, left) = rest.split_first_chunk().unwrap();
        *rest = left;
        u32::from_be_bytes(*number) as usize
    };
    let count = if verb == "MPUB" {
        assert_eq!(number(&mut rest), rest.len());
        number(&mut rest)
    } else {
        1
    };
    let bodies = (0..count).map(|_| {
        let len = number(&mut rest);
        let (body, left) = rest.split_at(len);
        rest = left;
        body.to_vec()
    });
    let bodies = bodies.collect();
    assert!(rest.is_empty());
    (topic.to_owned(), bodies)
}

proptest! {
    #[test]
    fn every_message_goes_out_once_and_in_the_order_of_its_topic(
        actions in prop::collection::vec(action(), 0..60)
    ) {
        let mut outbox = Outbox::default();
        let mut expected: BTreeMap<&str, VecDeque<Vec<u8>>> = BTreeMap::new();
        let mut number = 0_u32;
        let mut body = |len: usize| {
            number += 1;
            let mut body = number.to_be_bytes().to_vec();
            body.resize(body.len() + len, b'x');
            body
        };
        let mut sent: Vec<Bytes> = Vec::new();
        for action in actions {
            match action {
                Action::Publish(topic, len) => {
                    let body = body(len);
                    drop(outbox.publish(TOPICS[topic], &body).unwrap());
                    expected.entry(TOPICS[topic]).or_default().push_back(body);
                }
                Action::MultiPublish(topic, count) => {
                    let bodies: Vec<_> = (0..count).map(|_| body(1)).collect();
                    drop(outbox.multi_publish(TOPICS[topic], &bodies).unwrap());
                    expected.entry(TOPICS[topic]).or_default().extend(bodies);
                }
                Action::Send(count) => {
                    let taken: Vec<_> = (0..count).filter_map(|_| outbox.take()).collect();
                    for command in taken {
                        sent.push(command.bytes.clone());
                        outbox.answered(command);
                    }
                }
                Action::Fail(count) => {
                    let taken: Vec<_> = (0..count).filter_map(|_| outbox.take()).collect();
                    outbox.put_back(taken.into_iter());
                }
            }
        }
        sent.extend(drain(&mut outbox));
        for bytes in sent {
            let (topic, bodies) = decode(&bytes);
            let waiting = expected.get_mut(topic.as_str()).unwrap();
            for body in bodies {
                prop_assert_eq!(waiting.pop_front(), Some(body));
            }
        }
        prop_assert!(expected.values().all(VecDeque::is_empty));
        prop_assert_eq!(outbox.pending(), Pending::default());
    }
}
