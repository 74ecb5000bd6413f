//! An nsqd that takes some messages and goes away, over and over.

use std::collections::HashSet;
use std::net::TcpListener;
use std::thread;

use nsq_client::{Config, Producer};
use nsq_testkit::peer::Peer;

use super::Rig;

const TASKS: u64 = 8;
const MESSAGES: u64 = 300;

/// How an nsqd takes its leave.
#[derive(Clone, Copy)]
enum Leave {
    /// After the answer to a command.
    Answered,
    /// With a command that it has taken and not answered.
    Unanswered,
    /// With a fatal error for a command that it has not taken.
    Refused,
}

/// What is published last.
const END: &[u8] = b"end";

/// Takes connections, each for a while, until the last message has come; returns what it has taken.
fn serve(listener: &TcpListener) -> HashSet<Vec<u8>> {
    let mut taken = HashSet::new();
    let leaves = [Leave::Answered, Leave::Unanswered, Leave::Refused];
    for (commands, leave) in (1..).zip(leaves.into_iter().cycle()) {
        let mut peer = Peer::accept(listener);
        peer.expect_identify();
        peer.send_response("OK");
        for _ in 0..commands % 7 {
            taken.extend(read_command(&mut peer));
            peer.send_response("OK");
            if taken.contains(END) {
                return taken;
            }
        }
        match leave {
            Leave::Answered => {}
            Leave::Unanswered => taken.extend(read_command(&mut peer)),
            Leave::Refused => {
                read_command(&mut peer);
                peer.send_error("E_PUB_FAILED PUB failed exiting");
                // A close with unread input is a reset, which may overtake the error.
                peer.finish_sending();
                peer.read_to_close(super::PATIENCE);
            }
        }
    }
    taken
}

/// The bodies of a `PUB` or an `MPUB`.
fn read_command(peer: &mut Peer) -> Vec<Vec<u8>> {
    let line = peer.read_line();
    let body = peer.read_body();
    if line == "PUB t" {
        return vec![body];
    }
    assert_eq!(line, "MPUB t");
    let mut rest = &body[4..];
    let mut bodies = Vec::new();
    while let Some((len, left)) = rest.split_first_chunk() {
        let (body, left) = left.split_at(u32::from_be_bytes(*len) as usize);
        bodies.push(body.to_vec());
        rest = left;
    }
    bodies
}

/// Publishes a message as often as it takes.
async fn publish(producer: &Producer, body: impl AsRef<[u8]>) {
    while let Err(error) = producer.publish("t", &body).await {
        assert!(error.is_transient(), "{error}");
    }
}

#[test]
fn whoever_publishes_again_what_has_failed_gets_everything_published() {
    let rig = Rig::new();
    let listener = rig.listener.try_clone().unwrap();
    let server = thread::spawn(move || serve(&listener));
    let producer = Producer::new(rig.address(), &Config::default()).unwrap();
    let publishing = (0..TASKS).map(|task| {
        let producer = producer.clone();
        rig.spawn(async move {
            for number in 0..MESSAGES {
                publish(&producer, format!("{task}/{number}")).await;
            }
        })
    });
    for task in publishing.collect::<Vec<_>>() {
        rig.wait(task);
    }
    // Whoever took the last message unanswered may not be there to take it again.
    let ending = rig.spawn(async move { publish(&producer, END).await });
    let taken = server.join().unwrap();
    ending.abort();
    for task in 0..TASKS {
        for number in 0..MESSAGES {
            assert!(
                taken.contains(format!("{task}/{number}").as_bytes()),
                "{task}/{number}"
            );
        }
    }
}
