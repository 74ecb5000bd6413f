//! Peers that are broken, slow or malicious: they get their error or are cut off, cost bounded memory, and nobody
//! else notices.

mod descriptors;
mod names;
mod storm;

use std::time::Duration;

use nsq_tests::http::Response;
use nsq_tests::{Nsqd, Peer, Setup, Stopwatch, command, deviates};
use serde_json::json;

/// Memory that anything in here may cost beyond a fresh start.
const MEMORY_MAX: u64 = 96 * 1024 * 1024;

/// A generator of bytes that are the same in every run.
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count)
            .map(|_| {
                // xorshift64: any fixed sequence without structure will do.
                self.0 ^= self.0 << 13;
                self.0 ^= self.0 >> 7;
                self.0 ^= self.0 << 17;
                self.0.to_be_bytes()[3]
            })
            .collect()
    }
}

/// A client that does its work through everything the others do.
struct Bystander {
    peer: Peer,
    round: u32,
}

impl Bystander {
    fn new(nsqd: &Nsqd) -> Self {
        Self {
            peer: nsqd.consumer("bystander", "c", 1),
            round: 0,
        }
    }

    /// One message there and back.
    #[track_caller]
    fn expect_service(&mut self) {
        let body = format!("round {}", self.round);
        self.round += 1;
        self.peer.send(command::publish("bystander", &body));
        let frames = [self.peer.read_frame(), self.peer.read_frame()];
        let message = frames
            .iter()
            .find(|frame| frame.kind == 2)
            .unwrap_or_else(|| panic!("{frames:?}"));
        let message = nsq_tests::Message::parse(&message.data);
        assert_eq!(message.text(), body);
        self.peer.send(message.fin());
    }
}

#[test]
fn noise_is_refused_and_hurts_nobody() {
    let nsqd = Nsqd::start();
    let mut bystander = Bystander::new(&nsqd);
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for size in [1, 4, 5, 100, 20_000, 100_000] {
        for prefix in [
            &b""[..],
            b"  V2",
            b"  V2PUB t\n",
            b"  V2MPUB t\n",
            b"  V2IDENTIFY\n",
            b"  V2SUB t c\nRDY 1\n",
        ] {
            let mut peer = Peer::connect(nsqd.tcp_address());
            peer.send_if_open(prefix);
            peer.send_if_open(noise.bytes(size));
            peer.finish_sending();
            peer.read_to_close(nsq_tests::peer::PATIENCE);
        }
        let mut connection = nsqd.http().connect();
        connection.send_if_open(noise.bytes(size));
        connection.finish_sending();
        connection.read_to_close(nsq_tests::peer::PATIENCE);
        bystander.expect_service();
    }
}

#[test]
fn commands_cut_off_anywhere_are_forgotten() {
    let nsqd = Nsqd::start();
    let script = [
        command::identify(r#"{"client_id":"x"}"#),
        command::publish("t", "hi"),
        command::multi_publish("m", &["one", "two"]),
        command::deferred_publish("t", 5, "hi"),
        command::subscribe("t", "c").into_bytes(),
        b"RDY 1\nTOUCH 0123456789abcdef\nREQ 0123456789abcdef 0\nCLS\nNOP\n".to_vec(),
    ]
    .concat();
    for end in 0..script.len() {
        let mut peer = nsqd.connect();
        peer.send(&script[..end]);
        peer.finish_sending();
        peer.read_to_close(nsq_tests::peer::PATIENCE);
    }
    nsqd.await_stats(|stats| {
        (stats["topics"].pointer("/1/channels/0/client_count") == Some(&json!(0))).then_some(())
    });
    // The batch was published whole or not at all.
    let topic = nsqd.await_topic("m", &json!({}));
    assert_eq!(topic["message_count"].as_u64().unwrap() % 2, 0, "{topic}");
    Bystander::new(&nsqd).expect_service();
}

#[test]
fn announced_sizes_cost_no_memory_before_the_bytes_arrive() {
    const PEERS: usize = 100;
    let nsqd = Nsqd::start();
    let mut bystander = Bystander::new(&nsqd);
    bystander.expect_service();
    let before = nsqd.process().resident_bytes();
    let mut peers = Vec::new();
    for script in [
        command::with_declared_size("PUB t", 1_048_576),
        command::with_declared_size("IDENTIFY", 5_242_880),
        [
            command::with_declared_size("MPUB t", 5_242_880),
            1_048_575_u32.to_be_bytes().to_vec(),
        ]
        .concat(),
    ] {
        for _ in 0..PEERS {
            let mut peer = nsqd.connect();
            peer.send(&script);
            peers.push(peer);
        }
    }
    for _ in 0..PEERS {
        let mut peer = nsqd.http().connect();
        peer.send("POST /pub?topic=t HTTP/1.1\r\nHost: nsqd\r\nContent-Length: 1048576\r\n\r\n");
        peers.push(peer);
    }
    bystander.expect_service();

    let after = nsqd.process().resident_bytes();
    assert!(
        after < before + MEMORY_MAX,
        "{} MiB for {} peers",
        (after - before) >> 20,
        peers.len()
    );
}

#[test]
fn lines_and_headers_without_end_cost_no_memory() {
    let nsqd = Nsqd::start();
    let mut bystander = Bystander::new(&nsqd);
    bystander.expect_service();
    let before = nsqd.process().resident_bytes();
    let block = vec![b'x'; 1 << 20];
    for _ in 0..8 {
        let mut peer = nsqd.connect();
        let mut connection = nsqd.http().connect();
        connection.send("GET /");
        for _ in 0..4 {
            peer.send_if_open(&block);
            connection.send_if_open(&block);
        }
    }
    bystander.expect_service();
    let after = nsqd.process().resident_bytes();
    assert!(
        after < before + MEMORY_MAX,
        "{} MiB",
        after.saturating_sub(before) >> 20
    );
}

#[test]
fn a_consumer_that_does_not_read_holds_up_nobody_else() {
    let nsqd = Nsqd::start();
    let mut bystander = Bystander::new(&nsqd);
    let mut stalled = nsqd.consumer("flood", "c", 2500);
    stalled.expect_nothing_before_ok("probe");
    let mut publisher = nsqd.connect();
    for _ in 0..16 {
        publisher.publish("flood", vec![b'x'; 1_000_000]);
    }
    bystander.expect_service();
    // Another consumer of the same channel gets what the stalled one has no room for.
    let mut sibling = nsqd.consumer("flood", "c", 1);
    publisher.publish("flood", "more");
    // A channel each: what is published while a consumer leaves may still go to that one, and wait for its timeout.
    for channel in ["second", "third", "fourth"] {
        let mut other = nsqd.consumer("flood", channel, 1);
        publisher.publish("flood", "for the other channels");
        let message = other.expect_message();
        other.send(message.fin());
        bystander.expect_service();
    }
    drop(stalled);
    let message = sibling.expect_message();
    sibling.send(message.fin());
}

#[test]
fn a_peer_that_does_not_read_its_answers_is_not_served_without_bound() {
    let nsqd = Nsqd::start();
    let mut bystander = Bystander::new(&nsqd);
    bystander.expect_service();
    let before = nsqd.process().resident_bytes();
    // Each unknown id is answered with an error frame much longer than the command.
    let mut deaf = nsqd.consumer("t", "c", 0);
    let commands = b"FIN 0123456789abcdef\n".repeat(1_000_000);
    let taken = deaf.send_until_stalled(&commands, Duration::from_millis(500));

    assert!(
        taken < commands.len(),
        "all of it was taken, and the answers went somewhere"
    );
    bystander.expect_service();
    let after = nsqd.process().resident_bytes();
    assert!(
        after < before + MEMORY_MAX,
        "{} MiB",
        after.saturating_sub(before) >> 20
    );
}

#[test]
fn a_slow_peer_is_served_at_its_pace() {
    let nsqd = Nsqd::start();
    let mut bystander = Bystander::new(&nsqd);
    let mut slow = nsqd.connect();
    for byte in command::publish("t", "hi") {
        slow.send([byte]);
        bystander.expect_service();
    }
    slow.expect_ok();
}

#[test]
fn connections_that_never_speak_are_closed() {
    deviates!(SilentConnectionsAreClosed);
    let nsqd = Setup::new().time_limit(Duration::from_secs(120)).start();
    let stopwatch = Stopwatch::start();
    let scripts = ["", " ", "  V"];
    let mut peers: Vec<Peer> = scripts
        .iter()
        .map(|script| {
            let mut peer = Peer::connect(nsqd.tcp_address());
            peer.send(script);
            peer
        })
        .collect();
    for part in ["", "GET /pi", "GET /ping HTTP/1.1\r\nHost: nsqd\r\n"] {
        let mut connection = nsqd.http().connect();
        connection.send(part);
        peers.push(connection);
    }
    for peer in &mut peers {
        // The two seconds are for a busy machine; what HTTP says about it is left open.
        let said = peer.read_to_close(Duration::from_secs(62).saturating_sub(stopwatch.elapsed()));
        assert!(
            said.is_empty() || said.starts_with(b"HTTP/1.1 408"),
            "{}",
            said.escape_ascii()
        );
    }
    assert!(!nsqd.log().contains("panic"));
}

#[test]
fn a_request_body_that_stalls_does_not_hold_up_other_requests() {
    let nsqd = Nsqd::start();
    let mut stalled: Vec<Peer> = (0..50)
        .map(|_| {
            let mut connection = nsqd.http().connect();
            connection.send("POST /pub?topic=t HTTP/1.1\r\nHost: nsqd\r\nContent-Length: 2\r\n\r\nh");
            connection
        })
        .collect();
    nsqd.http().post("/pub?topic=u", "hi").expect_text(200, "OK");
    nsqd.http().get("/ping").expect_text(200, "OK");
    for connection in &mut stalled {
        connection.send("i");
        Response::read(connection).expect_text(200, "OK");
    }
    nsqd.await_topic("t", &json!({"message_count": 50}));
}
