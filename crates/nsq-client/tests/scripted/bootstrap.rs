//! How a connection begins.

use nsq_client::{Config, Producer};
use nsq_testkit::peer::{IDENTIFIED, Peer, command};

use super::{Rig, config, text};

/// Connects with this configuration while `script` plays nsqd; returns the error it fails with.
#[track_caller]
fn refused(config: &Config, script: impl FnOnce(Peer)) -> String {
    let rig = Rig::new();
    let producer = Producer::new(rig.address(), config).unwrap();
    let connecting = rig.spawn(async move { producer.connect().await });
    script(Peer::accept(&rig.listener));
    text(rig.wait(connecting))
}

#[test]
fn a_client_describes_itself_in_json() {
    let rig = Rig::new();
    let config = config(&[
        ("client_id", "me"),
        ("hostname", "my.host"),
        ("user_agent", "test/1"),
        ("heartbeat_interval", "10s"),
        ("sample_rate", "7"),
        ("msg_timeout", "2m"),
        ("output_buffer_size", "-1"),
        ("output_buffer_timeout", "-1ns"),
        ("deflate_level", "3"),
        ("topology_region", "r"),
        ("topology_zone", "z"),
    ]);
    let producer = Producer::new(rig.address(), &config).unwrap();
    let connecting = rig.spawn(async move { producer.connect().await });
    let mut peer = Peer::accept(&rig.listener);
    assert_eq!(
        peer.expect_identify(),
        r#"{"client_id":"me","hostname":"my.host","user_agent":"test/1","feature_negotiation":true,"heartbeat_interval":10000,"output_buffer_size":-1,"output_buffer_timeout":-1,"tls_v1":false,"snappy":false,"deflate":false,"deflate_level":3,"sample_rate":7,"msg_timeout":120000,"topology_region":"r","topology_zone":"z"}"#
    );
    peer.send_response(IDENTIFIED);
    rig.wait(connecting).unwrap();
}

#[test]
fn an_nsqd_that_negotiates_nothing_is_taken_as_it_is() {
    let rig = Rig::new();
    let producer = Producer::new(rig.address(), &Config::default()).unwrap();
    let connecting = rig.spawn(async move { producer.connect().await });
    let mut peer = Peer::accept(&rig.listener);
    peer.expect_identify();
    peer.send_response("OK");
    rig.wait(connecting).unwrap();
}

#[test]
fn a_refused_identify_is_told_in_nsqds_words() {
    let error = refused(&Config::default(), |mut peer| {
        peer.expect_identify();
        peer.send_error("E_BAD_BODY IDENTIFY heartbeat interval (5) is invalid");
    });
    assert_eq!(
        error,
        "failed to IDENTIFY - E_BAD_BODY IDENTIFY heartbeat interval (5) is invalid"
    );
}

#[test]
fn an_answer_that_begins_like_json_and_is_none_is_refused() {
    let error = refused(&Config::default(), |mut peer| {
        peer.expect_identify();
        peer.send_response("{nonsense");
    });
    assert!(error.starts_with("failed to IDENTIFY - "), "{error}");
}

#[test]
fn a_secret_is_sent_when_it_is_wanted_and_the_refusal_told() {
    let wants_secret = IDENTIFIED.replace(r#""auth_required":false"#, r#""auth_required":true"#);
    let config = config(&[("auth_secret", "s3cret")]);
    let error = refused(&config, |mut peer| {
        peer.expect_identify();
        peer.send_response(&wants_secret);
        peer.expect(command::with_body("AUTH", "s3cret"));
        peer.send_error("E_UNAUTHORIZED AUTH no authorizations found");
    });
    assert_eq!(
        error,
        "Error authenticating E_UNAUTHORIZED AUTH no authorizations found"
    );
}

#[test]
fn a_secret_that_is_accepted_lets_the_client_in() {
    let rig = Rig::new();
    let wants_secret = IDENTIFIED.replace(r#""auth_required":false"#, r#""auth_required":true"#);
    let producer = Producer::new(rig.address(), &config(&[("auth_secret", "s")])).unwrap();
    let connecting = rig.spawn(async move { producer.publish("t", "x").await });
    let mut peer = Peer::accept(&rig.listener);
    peer.expect_identify();
    peer.send_response(wants_secret);
    peer.expect(command::with_body("AUTH", "s"));
    peer.send_response(r#"{"identity":"joe","identity_url":"","permission_count":1}"#);
    peer.expect_publish("t", "x");
    peer.send_response("OK");
    rig.wait(connecting).unwrap();
}

#[test]
fn a_secret_that_is_wanted_and_missing_is_missed() {
    let wants_secret = IDENTIFIED.replace(r#""auth_required":false"#, r#""auth_required":true"#);
    let error = refused(&Config::default(), |mut peer| {
        peer.expect_identify();
        peer.send_response(&wants_secret);
        peer.expect_closed();
    });
    assert_eq!(error, "Auth Required");
}

#[test]
fn a_secret_that_nobody_wants_is_not_sent() {
    let rig = Rig::new();
    let producer = Producer::new(rig.address(), &config(&[("auth_secret", "s3cret")])).unwrap();
    let publishing = rig.spawn(async move { producer.publish("t", "x").await });
    let mut peer = Peer::accept_v2(&rig.listener);
    peer.expect_publish("t", "x");
    peer.send_response("OK");
    rig.wait(publishing).unwrap();
}

#[test]
fn compression_is_what_nsqd_reports_whatever_was_asked() {
    let rig = Rig::new();
    let granted = IDENTIFIED.replace(r#""snappy":false"#, r#""snappy":true"#);
    let producer = Producer::new(rig.address(), &Config::default()).unwrap();
    let publishing = rig.spawn(async move { producer.publish("t", "x").await });
    let mut peer = Peer::accept(&rig.listener);
    peer.expect_identify();
    peer.send_response(granted);
    let mut peer = peer.start_snappy();
    peer.send_response("OK");
    peer.expect_publish("t", "x");
    peer.send_response("OK");
    rig.wait(publishing).unwrap();
}

#[test]
fn deflate_is_used_when_it_is_granted() {
    let rig = Rig::new();
    let granted = IDENTIFIED.replace(r#""deflate":false"#, r#""deflate":true"#);
    let producer = Producer::new(rig.address(), &config(&[("deflate", "true")])).unwrap();
    let publishing = rig.spawn(async move { producer.publish("t", "x").await });
    let mut peer = Peer::accept(&rig.listener);
    peer.expect_identify();
    peer.send_response(granted);
    let mut peer = peer.start_deflate(6);
    peer.send_response("OK");
    peer.expect_publish("t", "x");
    peer.send_response("OK");
    rig.wait(publishing).unwrap();
}

#[test]
fn an_upgrade_that_is_not_confirmed_is_a_failure() {
    let granted = IDENTIFIED.replace(r#""snappy":false"#, r#""snappy":true"#);
    let error = refused(&Config::default(), |mut peer| {
        peer.expect_identify();
        peer.send_response(&granted);
        let mut peer = peer.start_snappy();
        peer.send_response("NO");
        peer.expect_closed();
    });
    assert_eq!(error, "unexpected answer to an upgrade");
}

#[test]
fn an_http_server_is_told_apart() {
    let error = refused(&Config::default(), |mut peer| {
        peer.expect_identify();
        peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    assert_eq!(error, "unexpected HTTP response, a nsqd TCP endpoint is required");
}

#[test]
fn nonsense_is_no_frame() {
    for (bytes, expected) in [
        (&b"\xff\xff\xff\xff\0\0\0\0"[..], "invalid frame size -1"),
        (b"\0\0\0\x06\0\0\0\x09OK", "unknown frame type 9"),
        (
            b"\x7f\0\0\0\0\0\0\0",
            "frame size 2130706432 is above the limit of 268435456",
        ),
    ] {
        let error = refused(&Config::default(), |mut peer| {
            peer.expect_identify();
            peer.send(bytes);
            peer.expect_closed();
        });
        assert_eq!(error, expected);
    }
}

#[test]
fn an_nsqd_that_says_nothing_is_given_up_on() {
    let config = config(&[("read_timeout", "100ms"), ("heartbeat_interval", "100ms")]);
    let error = refused(&config, |mut peer| {
        peer.expect_identify();
        peer.expect_closed();
    });
    assert_eq!(error, "i/o timeout");
}

#[test]
fn an_nsqd_that_hangs_up_is_told_apart() {
    let error = refused(&Config::default(), drop);
    assert!(
        error == "EOF" || error.contains("reset") || error.contains("pipe"),
        "{error}"
    );
}

#[test]
fn an_address_without_a_listener_is_told_in_gos_words() {
    let rig = Rig::new();
    let address = rig.address();
    let Rig { runtime, listener } = rig;
    drop(listener);
    let producer = Producer::new(&address, &Config::default()).unwrap();
    let error = text(runtime.block_on(producer.publish("t", "x")));
    assert_eq!(error, format!("dial tcp {address}: connect: connection refused"));
}

#[test]
fn heartbeats_are_answered_even_while_nothing_is_published() {
    let rig = Rig::new();
    let producer = Producer::new(rig.address(), &Config::default()).unwrap();
    let held = producer.clone();
    let connecting = rig.spawn(async move { held.connect().await });
    let mut peer = Peer::accept_v2(&rig.listener);
    rig.wait(connecting).unwrap();
    for _ in 0..3 {
        peer.send_response("_heartbeat_");
        peer.expect("NOP\n");
    }
    drop(producer);
    peer.expect_closed();
}

#[test]
fn a_silent_connection_is_closed_and_heartbeats_keep_it() {
    let rig = Rig::new();
    let config = config(&[("read_timeout", "300ms"), ("heartbeat_interval", "100ms")]);
    let producer = Producer::new(rig.address(), &config).unwrap();
    let held = producer.clone();
    let connecting = rig.spawn(async move { held.connect().await });
    let mut peer = Peer::accept_v2(&rig.listener);
    rig.wait(connecting).unwrap();
    // Several times the timeout altogether.
    for _ in 0..8 {
        peer.expect_silence(std::time::Duration::from_millis(100));
        peer.send_response("_heartbeat_");
        peer.expect("NOP\n");
    }
    peer.expect_closed();
}
