//! snappy and deflate, alone and inside TLS.

use std::io::Write;
use std::time::Duration;

use nsq_tests::pki::Pki;
use nsq_tests::{Nsqd, Peer, command};
use serde_json::json;

use super::TLS;

const SNAPPY: &str = r#"{"feature_negotiation":true,"snappy":true}"#;
const DEFLATE: &str = r#"{"feature_negotiation":true,"deflate":true}"#;

/// The `OK` of nsqd.
const OK_FRAME: &[u8] = b"\x00\x00\x00\x06\x00\x00\x00\x00OK";

#[track_caller]
fn with_snappy(nsqd: &Nsqd) -> Peer {
    let mut client = nsqd.connect();
    let reply = client.identify(SNAPPY);
    assert!(
        reply.contains(r#""deflate":false,"#) && reply.contains(r#""snappy":true,"#),
        "{reply}"
    );
    let mut client = client.start_snappy();
    client.expect_ok();
    client
}

#[track_caller]
fn with_deflate(nsqd: &Nsqd) -> Peer {
    let mut client = nsqd.connect();
    let reply = client.identify(DEFLATE);
    assert!(
        reply.contains(r#""deflate":true,"deflate_level":6,"#) && reply.contains(r#""snappy":false,"#),
        "{reply}"
    );
    let mut client = client.start_deflate(6);
    client.expect_ok();
    client
}

/// Publishes and consumes, small and large, one at a time and many at once.
#[track_caller]
fn exchange(nsqd: &Nsqd, mut client: Peer, mut producer: Peer) {
    client.subscribe("orders", "billing");
    client.ready(100);
    for _ in 0..3 {
        // Nothing follows that could push a lone message out.
        producer.publish("orders", "a lone message");
        let message = client.expect_message_of("a lone message", 1);
        client.send(message.fin());
    }
    for body in [
        vec![b'x'; 1_000_000],
        (0..900_000_u32)
            .map(|index| (index.wrapping_mul(2_654_435_761) >> 24).to_be_bytes()[3])
            .collect(),
    ] {
        producer.publish("orders", &body);
        let message = client.expect_message_of(&body, 1);
        client.send(message.fin());
    }
    let bodies: Vec<String> = (0..500).map(|index| format!("message {index}")).collect();
    producer.send(command::multi_publish("orders", &bodies));
    producer.expect_ok();
    for body in &bodies {
        let message = client.expect_message_of(body, 1);
        client.send(message.fin());
    }
    nsqd.await_channel("orders", "billing", &json!({"in_flight_count": 0, "depth": 0}));
}

#[test]
fn snappy_carries_messages_of_every_size() {
    let nsqd = Nsqd::start();
    exchange(&nsqd, with_snappy(&nsqd), with_snappy(&nsqd));
    nsqd.log().await_line("upgrading connection to snappy");
}

#[test]
fn deflate_carries_messages_of_every_size() {
    let nsqd = Nsqd::start();
    exchange(&nsqd, with_deflate(&nsqd), with_deflate(&nsqd));
    nsqd.log().await_line("upgrading connection to deflate (level 6)");
}

#[test]
fn either_goes_inside_tls_and_each_step_is_confirmed() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let upgraded = |compression: &str| {
        let mut client = nsqd.connect();
        client.identify(&TLS.replace('}', &format!(r#","{compression}":true}}"#)));
        let mut client = client.start_tls(&pki.client()).unwrap();
        client.expect_ok();
        let mut client = match compression {
            "snappy" => client.start_snappy(),
            _ => client.start_deflate(6),
        };
        client.expect_ok();
        client
    };
    exchange(&nsqd, upgraded("snappy"), upgraded("deflate"));
    exchange(&nsqd, upgraded("deflate"), upgraded("snappy"));
}

#[test]
fn compression_may_be_asked_for_once_the_connection_is_encrypted() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut client = super::encrypted(&nsqd, &pki);
    client.identify(SNAPPY);
    let mut client = client.start_snappy();
    client.expect_ok();
    client.publish("orders", "hi");
}

#[test]
fn the_first_frame_of_snappy_is_a_stream_of_one_chunk() {
    let nsqd = Nsqd::start();
    let mut client = nsqd.connect();
    client.identify(SNAPPY);
    client.expect(b"\xff\x06\x00\x00sNaPpY");
    client.expect(b"\x01\x0e\x00\x00\x26\x98\x2b\xcf");
    client.expect(OK_FRAME);
}

#[test]
fn the_statistics_tell_how_a_client_is_compressed() {
    let nsqd = Nsqd::start();
    let mut snappy = with_snappy(&nsqd);
    snappy.subscribe("orders", "snappy");
    let mut deflate = with_deflate(&nsqd);
    deflate.subscribe("orders", "deflate");
    for channel in ["snappy", "deflate"] {
        let found = nsqd.await_channel("orders", channel, &json!({"client_count": 1}));
        let client = &found["clients"][0];
        assert_eq!(client["snappy"], channel == "snappy");
        assert_eq!(client["deflate"], channel == "deflate");
        assert_eq!(client["tls"], false);
    }
}

#[test]
fn the_level_is_bounded_by_the_server() {
    let nsqd = Nsqd::with(&["--max-deflate-level=4"]);
    for (asked, granted) in [("9", 4), ("3", 3), ("0", 4), ("-1", 4)] {
        let mut client = nsqd.connect();
        let reply = client.identify(&DEFLATE.replace('}', &format!(r#","deflate_level":{asked}}}"#)));
        assert!(
            reply.contains(&format!(r#""deflate_level":{granted},"max_deflate_level":4"#)),
            "{reply}"
        );
        let mut client = client.start_deflate(granted);
        client.expect_ok();
        client.publish("orders", "hi");
    }
}

#[test]
fn what_is_switched_off_is_not_granted() {
    let both = r#"{"feature_negotiation":true,"snappy":true,"deflate":true}"#;
    let nsqd = Nsqd::start();
    let mut client = nsqd.connect();
    client.send(command::identify(both));
    client.expect_fatal("E_IDENTIFY_FAILED cannot enable both deflate and snappy compression");

    let nsqd = Nsqd::with(&["--snappy=false"]);
    let mut client = nsqd.connect();
    let reply = client.identify(both);
    assert!(reply.contains(r#""snappy":false"#), "{reply}");
    let mut client = client.start_deflate(6);
    client.expect_ok();

    let nsqd = Nsqd::with(&["--snappy=false", "--deflate=false"]);
    let mut client = nsqd.connect();
    client.identify(both);
    client.publish("orders", "as it is");
}

#[test]
fn without_negotiation_nothing_is_compressed() {
    let nsqd = Nsqd::start();
    let mut client = nsqd.connect();
    client.send(command::identify(
        r#"{"snappy":true,"deflate":true,"tls_v1":true}"#,
    ));
    client.expect_ok();
    client.publish("orders", "as it is");
}

#[test]
fn a_client_that_does_not_compress_after_all_is_disconnected_and_no_other() {
    let nsqd = Nsqd::start();
    let mut bystander = with_snappy(&nsqd);
    for compression in [SNAPPY, DEFLATE] {
        let mut client = nsqd.connect();
        client.identify(compression);
        client.send([&command::publish("orders", "hi")[..], &[0xff; 64]].concat());
        client.read_to_close(Duration::from_secs(10));
    }
    bystander.publish("orders", "unaffected");
}

#[test]
fn a_few_bytes_that_inflate_to_megabytes_are_no_command_and_take_no_memory() {
    let nsqd = Nsqd::start();
    let before = nsqd.process().resident_bytes();
    for _ in 0..2 {
        let mut client = with_deflate(&nsqd);
        // One command line of 32 MiB, in 32 KiB.
        client.send_if_open(vec![b'x'; 1 << 25]);
        client.read_to_close(Duration::from_secs(10));
    }
    let grown = nsqd.process().resident_bytes().saturating_sub(before);
    assert!(grown < 16 << 20, "nsqd has grown by {grown} bytes");
    with_deflate(&nsqd).publish("orders", "unaffected");
}

#[test]
fn a_body_that_stalls_in_the_middle_of_a_chunk_waits_for_the_rest() {
    let nsqd = Nsqd::start();
    let mut frames = Vec::new();
    {
        let mut encoder = snap::write::FrameEncoder::new(&mut frames);
        encoder.write_all(&command::publish("orders", "hi")).unwrap();
        encoder.flush().unwrap();
    }
    let mut client = nsqd.connect();
    client.identify(SNAPPY);
    client.expect(b"\xff\x06\x00\x00sNaPpY");
    client.expect_bytes(8 + OK_FRAME.len());
    client.send_byte_by_byte(&frames);
    client.expect_bytes(8);
    client.expect(OK_FRAME);
}
