//! From a plain connection to an encrypted one, and what may go wrong on the way.

use std::time::Duration;

use nsq_tests::peer::tls_connection;
use nsq_tests::pki::Pki;
use nsq_tests::{Nsqd, Stopwatch, command, deviates};
use serde_json::json;

use super::{TLS, encrypted, error_frame, promised_tls};

#[test]
fn an_upgrade_is_promised_in_the_clear_and_confirmed_inside_tls() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut client = encrypted(&nsqd, &pki);
    client.subscribe("orders", "billing");
    client.ready(10);
    encrypted(&nsqd, &pki).publish("orders", "hi");
    let message = client.expect_message_of("hi", 1);
    client.send(message.fin());
    nsqd.await_channel("orders", "billing", &json!({"in_flight_count": 0}));
    nsqd.log().await_line("upgrading connection to TLS");
}

#[test]
fn the_statistics_tell_what_was_agreed() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut newest = encrypted(&nsqd, &pki);
    newest.subscribe("orders", "newest");
    let mut older = promised_tls(&nsqd).start_tls(&pki.client_of_tls12()).unwrap();
    older.expect_ok();
    older.subscribe("orders", "older");
    for (channel, version) in [("newest", "TLS1.3"), ("older", "TLS1.2")] {
        let channel = nsqd.await_channel("orders", channel, &json!({"client_count": 1}));
        let client = &channel["clients"][0];
        assert_eq!(client["tls"], true);
        assert_eq!(client["tls_version"], version);
        assert_ne!(client["tls_cipher_suite"], "");
        assert_eq!(client["tls_negotiated_protocol"], "");
        assert_eq!(client["tls_negotiated_protocol_is_mutual"], true);
    }
}

#[test]
fn large_messages_pass_in_both_directions() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut client = encrypted(&nsqd, &pki);
    client.subscribe("orders", "billing");
    client.ready(1);
    let body: Vec<u8> = (0..1_000_000_u32).map(|index| index.to_be_bytes()[3]).collect();
    for _ in 0..3 {
        nsqd.publish("orders", &body);
        let message = client.expect_message_of(&body, 1);
        client.send(message.fin());
    }
    let mut producer = encrypted(&nsqd, &pki);
    producer.publish("other", &body);
}

#[test]
fn without_a_certificate_nothing_is_promised_and_the_connection_stays_plain() {
    let nsqd = Nsqd::start();
    let mut client = nsqd.connect();
    let reply = client.identify(TLS);
    assert!(reply.contains(r#""tls_v1":false"#), "{reply}");
    client.publish("orders", "in the clear");
}

#[test]
fn what_is_not_a_handshake_is_refused_in_plain_text() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let expected =
        error_frame("E_IDENTIFY_FAILED IDENTIFY failed tls: first record does not look like a TLS handshake");
    for sent in [&b"PUB orders\n\x00\x00\x00\x02hi"[..], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut client = promised_tls(&nsqd);
        client.send(sent);
        client.expect(&expected);
        client.expect_closed();
    }
    nsqd.log().await_lines(
        "E_IDENTIFY_FAILED IDENTIFY failed tls: first record does not look like a TLS handshake - tls: first",
        2,
    );
}

#[test]
fn a_client_that_goes_away_during_the_handshake_is_told_if_it_listens() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut client = promised_tls(&nsqd);
    client.send(b"\x16\x03\x01");
    client.finish_sending();
    let received = client.read_to_close(Duration::from_secs(10));
    let text = String::from_utf8_lossy(&received);
    assert!(text.contains("E_IDENTIFY_FAILED IDENTIFY failed "), "{text}");
    assert!(text.ends_with("EOF"), "{text}");
}

#[test]
fn garbage_within_a_handshake_ends_the_connection_and_no_other() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut bystander = encrypted(&nsqd, &pki);
    for sent in [
        &b"\x16\x03\x01\x00\x05hello"[..],
        b"\x16\x03\x01\xff\xffhello",
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
        b"\x15\x03\x01\x00\x02\x02\x2a",
    ] {
        let mut client = promised_tls(&nsqd);
        client.send(sent);
        let received = client.read_to_close(Duration::from_secs(10));
        let text = String::from_utf8_lossy(&received);
        assert!(text.contains("E_IDENTIFY_FAILED IDENTIFY failed "), "{text}");
    }
    bystander.publish("orders", "unaffected");
}

#[test]
fn garbage_after_a_handshake_ends_the_connection_and_no_other() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut bystander = encrypted(&nsqd, &pki);
    let mut client = promised_tls(&nsqd);
    client.try_tls(&pki.client()).unwrap();
    // More than a record can hold, so that nobody waits for the rest of one.
    client.send_if_open(b"NOP\n".repeat(8_000));
    // What comes is encrypted, and this end has forgotten how to read it.
    client.read_to_close(Duration::from_secs(10));
    bystander.publish("orders", "unaffected");
}

#[test]
fn a_stalled_handshake_is_given_up_after_five_seconds() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let stopwatch = Stopwatch::start();
    let mut client = promised_tls(&nsqd);
    let error = client.read_error();
    let took = stopwatch.elapsed();
    let (nsqd_end, client_end) = (nsqd.tcp_address(), client.local_address().unwrap());
    assert_eq!(
        error,
        format!("E_IDENTIFY_FAILED IDENTIFY failed read tcp {nsqd_end}->{client_end}: i/o timeout")
    );
    assert!(took >= Duration::from_secs(5), "{took:?}");
    client.expect_closed();
}

#[test]
fn a_handshake_in_progress_does_not_hold_up_the_stop() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut client = promised_tls(&nsqd);
    nsqd.log().await_line("upgrading connection to TLS");
    let stopped = nsqd.stop();
    assert!(
        stopped.exit.took < Duration::from_secs(3),
        "{:?}",
        stopped.exit.took
    );
    client.expect_closed();
}

#[test]
fn what_is_sent_ahead_of_the_promise_is_not_lost() {
    deviates!(EarlyBytesAreKept);
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut hello = Vec::new();
    let mut connection = tls_connection(&pki.client());
    connection.write_tls(&mut hello).unwrap();
    let mut client = nsqd.connect();
    client.send([command::identify(TLS), hello].concat());
    client.read_response();
    // The server's part of the handshake begins with its hello.
    client.expect(b"\x16\x03\x03");
}

#[test]
fn a_layer_that_is_in_place_is_not_begun_again() {
    deviates!(LayersAreNotRepeated);
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut client = encrypted(&nsqd, &pki);
    client.send(command::identify(TLS));
    client.expect_fatal("E_IDENTIFY_FAILED IDENTIFY failed connection is already encrypted");

    let mut client = nsqd.connect();
    let snappy = r#"{"feature_negotiation":true,"snappy":true}"#;
    client.identify(snappy);
    let mut client = client.start_snappy();
    client.expect_ok();
    client.send(command::identify(snappy));
    client.expect_fatal("E_IDENTIFY_FAILED IDENTIFY failed connection is already compressed");
}

#[test]
fn an_identify_that_asks_for_nothing_more_leaves_the_layers_alone() {
    let pki = Pki::new();
    let nsqd = pki.setup().start();
    let mut client = encrypted(&nsqd, &pki);
    client.identify(r#"{"feature_negotiation":true,"client_id":"again"}"#);
    client.publish("orders", "still encrypted");
}
