//! `IDENTIFY`: limits, defaults, the order of checks, and the reply to the byte.

use nsq_tests::{Nsqd, command, deviates, program};
use serde_json::json;

use super::{expect_fatal, expect_fatal_at_end};

/// The reply to a client that asks for negotiation and nothing else, with some values replaced.
fn reply(changes: &[(&str, &str)]) -> String {
    let version = format!("{:?}", program::version());
    let fields = [
        ("max_rdy_count", "2500"),
        ("version", version.as_str()),
        ("max_msg_timeout", "900000"),
        ("msg_timeout", "60000"),
        ("tls_v1", "false"),
        ("deflate", "false"),
        ("deflate_level", "6"),
        ("max_deflate_level", "6"),
        ("snappy", "false"),
        ("sample_rate", "0"),
        ("auth_required", "false"),
        ("output_buffer_size", "16384"),
        ("output_buffer_timeout", "250"),
        ("topology_region", "\"\""),
        ("topology_zone", "\"\""),
    ];
    let known = |(name, _): &&(&str, &str)| fields.iter().any(|(field, _)| field == name);
    assert!(
        changes.iter().all(|change| known(&change)),
        "a field the reply does not have: {changes:?}"
    );
    let fields = fields.map(|(name, default)| {
        let value = changes
            .iter()
            .find(|(changed, _)| *changed == name)
            .map_or(default, |(_, value)| value);
        format!("\"{name}\":{value}")
    });
    format!("{{{}}}", fields.join(","))
}

/// Asserts the reply to a client that negotiates with the fields in `json`, given without braces.
#[track_caller]
fn expect_reply(nsqd: &Nsqd, json: &str, changes: &[(&str, &str)]) {
    let mut peer = nsqd.connect();
    let separator = if json.is_empty() { "" } else { "," };
    let body = format!(r#"{{"feature_negotiation":true{separator}{json}}}"#);
    assert_eq!(peer.identify(&body), reply(changes), "to {body}");
    peer.expect_nothing_before_ok("probe");
}

/// Asserts that a body is refused with this text behind `E_BAD_BODY IDENTIFY `.
#[track_caller]
fn expect_refused(nsqd: &Nsqd, json: &str, reason: &str) {
    let mut peer = nsqd.connect();
    peer.send(command::identify(json));
    let frame = peer.read_frame();
    let text = String::from_utf8_lossy(&frame.data);
    assert_eq!(
        (frame.kind, &*text),
        (1, &*format!("E_BAD_BODY IDENTIFY {reason}")),
        "to {json}"
    );
    peer.expect_closed();
}

#[test]
fn without_negotiation_the_reply_is_ok() {
    let nsqd = Nsqd::start();
    for body in [
        "{}",
        "null",
        r#"{"feature_negotiation":false}"#,
        r#"{"feature_negotiation":null,"client_id":"x"}"#,
    ] {
        let mut peer = nsqd.connect();
        peer.send(command::identify(body));
        peer.expect_ok();
    }
}

#[test]
fn without_negotiation_upgrades_are_ignored() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send(command::identify(
        r#"{"tls_v1":true,"snappy":true,"deflate":true}"#,
    ));
    peer.expect_ok();
    peer.publish("t", "still in the clear");
}

#[test]
fn the_negotiated_reply_has_every_field_in_order() {
    expect_reply(&Nsqd::start(), "", &[]);
}

#[test]
fn the_reply_states_the_options_of_the_server() {
    let nsqd = Nsqd::with(&[
        "--max-rdy-count=7",
        "--max-msg-timeout=2m",
        "--msg-timeout=1500ms",
        "--max-deflate-level=3",
        "--output-buffer-timeout=100ms",
        "--topology-region=r\"1",
        "--topology-zone=z<1>",
    ]);
    let changes = [
        ("max_rdy_count", "7"),
        ("max_msg_timeout", "120000"),
        ("msg_timeout", "1500"),
        ("deflate_level", "3"),
        ("max_deflate_level", "3"),
        ("output_buffer_timeout", "100"),
        ("topology_region", r#""r\"1""#),
        ("topology_zone", r#""z\u003c1\u003e""#),
    ];
    expect_reply(
        &nsqd,
        r#""topology_region":"client","topology_zone":"client""#,
        &changes,
    );
}

#[test]
fn fields_of_the_client_are_echoed_within_their_limits() {
    let nsqd = Nsqd::start();
    let accepted: &[(&str, &[(&str, &str)])] = &[
        (r#""heartbeat_interval":1000"#, &[]),
        (r#""heartbeat_interval":60000"#, &[]),
        (r#""heartbeat_interval":0"#, &[]),
        (r#""heartbeat_interval":-1"#, &[]),
        (r#""output_buffer_size":64"#, &[("output_buffer_size", "64")]),
        (
            r#""output_buffer_size":65536"#,
            &[("output_buffer_size", "65536")],
        ),
        (r#""output_buffer_size":0"#, &[]),
        (
            r#""output_buffer_size":-1"#,
            &[("output_buffer_size", "1"), ("output_buffer_timeout", "0")],
        ),
        (
            r#""output_buffer_timeout":25"#,
            &[("output_buffer_timeout", "25")],
        ),
        (
            r#""output_buffer_timeout":30000"#,
            &[("output_buffer_timeout", "30000")],
        ),
        (r#""output_buffer_timeout":0"#, &[]),
        (r#""output_buffer_timeout":-1"#, &[("output_buffer_timeout", "0")]),
        (
            r#""output_buffer_size":-1,"output_buffer_timeout":1000"#,
            &[("output_buffer_size", "1"), ("output_buffer_timeout", "0")],
        ),
        (r#""sample_rate":0"#, &[]),
        (r#""sample_rate":1"#, &[("sample_rate", "1")]),
        (r#""sample_rate":99"#, &[("sample_rate", "99")]),
        (r#""msg_timeout":0"#, &[]),
        (r#""msg_timeout":1000"#, &[("msg_timeout", "1000")]),
        (r#""msg_timeout":900000"#, &[("msg_timeout", "900000")]),
        (r#""deflate_level":0"#, &[]),
        (r#""deflate_level":-5"#, &[]),
        // The level asked for counts only where deflate itself is granted.
        (r#""deflate_level":1"#, &[]),
        (r#""deflate_level":100"#, &[]),
    ];
    for (json, changes) in accepted {
        expect_reply(&nsqd, json, changes);
    }
}

#[test]
fn the_limits_move_with_the_options_of_the_server() {
    let nsqd = Nsqd::with(&[
        "--max-heartbeat-interval=5s",
        "--max-output-buffer-size=1000",
        "--min-output-buffer-timeout=1ms",
        "--max-output-buffer-timeout=1s",
        "--max-msg-timeout=3s",
        "--msg-timeout=2s",
        "--max-deflate-level=9",
    ]);
    let changes = [
        ("max_msg_timeout", "3000"),
        ("msg_timeout", "3000"),
        ("max_deflate_level", "9"),
        ("output_buffer_size", "1000"),
        ("output_buffer_timeout", "1"),
    ];
    expect_reply(
        &nsqd,
        r#""heartbeat_interval":5000,"output_buffer_size":1000,"output_buffer_timeout":1,"msg_timeout":3000,"deflate_level":9"#,
        &changes,
    );
    expect_refused(
        &nsqd,
        r#"{"heartbeat_interval":5001}"#,
        "heartbeat interval (5001) is invalid",
    );
    expect_refused(
        &nsqd,
        r#"{"output_buffer_size":1001}"#,
        "output buffer size (1001) is invalid",
    );
    expect_refused(
        &nsqd,
        r#"{"output_buffer_timeout":1001}"#,
        "output buffer timeout (1001) is invalid",
    );
    expect_refused(&nsqd, r#"{"msg_timeout":3001}"#, "msg timeout (3001) is invalid");
}

#[test]
fn values_outside_their_limits_are_refused() {
    let nsqd = Nsqd::start();
    for (field, text, values) in [
        (
            "heartbeat_interval",
            "heartbeat interval",
            &[-2, 1, 999, 60001, i64::MIN, i64::MAX][..],
        ),
        (
            "output_buffer_timeout",
            "output buffer timeout",
            &[-2, 1, 24, 30001, i64::MIN, i64::MAX],
        ),
        (
            "output_buffer_size",
            "output buffer size",
            &[-2, 1, 63, 65537, i64::MIN, i64::MAX],
        ),
        (
            "sample_rate",
            "sample rate",
            &[-1, 100, i32::MIN as i64, i32::MAX as i64],
        ),
        (
            "msg_timeout",
            "msg timeout",
            &[-1, 1, 999, 900_001, i64::MIN, i64::MAX],
        ),
    ] {
        for value in values {
            let json = format!(r#"{{"{field}":{value}}}"#);
            expect_refused(&nsqd, &json, &format!("{text} ({value}) is invalid"));
        }
    }
}

#[test]
fn the_first_invalid_value_in_the_order_of_checks_is_named() {
    let nsqd = Nsqd::start();
    let mut json = r#""msg_timeout":1,"sample_rate":-1,"output_buffer_size":1,"output_buffer_timeout":1,"heartbeat_interval":1"#;
    for reason in [
        "heartbeat interval (1) is invalid",
        "output buffer timeout (1) is invalid",
        "output buffer size (1) is invalid",
        "sample rate (-1) is invalid",
        "msg timeout (1) is invalid",
    ] {
        expect_refused(&nsqd, &format!("{{{json}}}"), reason);
        json = json.rsplit_once(',').map_or("", |(head, _)| head);
    }
}

#[test]
fn the_checks_precede_negotiation() {
    let nsqd = Nsqd::start();
    for negotiation in ["true", "false"] {
        let json = format!(r#"{{"feature_negotiation":{negotiation},"sample_rate":100}}"#);
        expect_refused(&nsqd, &json, "sample rate (100) is invalid");
    }
}

#[test]
fn a_body_that_is_no_json_object_of_the_right_types_is_refused() {
    let nsqd = Nsqd::start();
    for body in [
        "x",
        "[]",
        "1",
        "true",
        "\"x\"",
        "{",
        "{}}",
        "{} {}",
        "{}x",
        "{'client_id':1}",
        r#"{"client_id":1}"#,
        r#"{"hostname":true}"#,
        r#"{"user_agent":{}}"#,
        r#"{"feature_negotiation":1}"#,
        r#"{"feature_negotiation":"true"}"#,
        r#"{"tls_v1":0}"#,
        r#"{"snappy":"x"}"#,
        r#"{"deflate":[]}"#,
        r#"{"heartbeat_interval":"1000"}"#,
        r#"{"heartbeat_interval":5000.0}"#,
        r#"{"heartbeat_interval":5e3}"#,
        r#"{"heartbeat_interval":true}"#,
        r#"{"heartbeat_interval":9223372036854775808}"#,
        r#"{"output_buffer_size":1.5}"#,
        r#"{"output_buffer_timeout":[]}"#,
        r#"{"msg_timeout":{}}"#,
        r#"{"deflate_level":"6"}"#,
        r#"{"sample_rate":2147483648}"#,
        r#"{"sample_rate":-2147483649}"#,
        r#"{"topology_region":1}"#,
        r#"{"topology_zone":null,"topology_region":false}"#,
    ] {
        expect_refused(&nsqd, body, "failed to decode JSON body");
    }
}

#[test]
fn unknown_fields_case_white_space_and_duplicates_are_tolerated() {
    let nsqd = Nsqd::start();
    for (json, sample_rate) in [
        (r#""unknown":[{"deep":[1,2,{"x":null}]}],"sample_rate":1"#, "1"),
        (r#""SAMPLE_RATE":2"#, "2"),
        (r#""Sample_Rate":3"#, "3"),
        (r#""sample_rate":4,"sample_rate":5"#, "5"),
        (r#""sample_rate":4,"SAMPLE_RATE":6"#, "6"),
        (r#""sample_rate":7,"sample_rate":null"#, "7"),
        (" \r\n\t\"sample_rate\" : 8 \n", "8"),
    ] {
        expect_reply(&nsqd, json, &[("sample_rate", sample_rate)]);
    }
}

#[test]
fn the_size_is_checked_before_the_body_is_read() {
    let nsqd = Nsqd::with(&["--max-body-size=100"]);

    expect_fatal_at_end(
        &nsqd,
        "IDENTIFY\n",
        "E_BAD_BODY IDENTIFY failed to read body size",
    );
    expect_fatal_at_end(
        &nsqd,
        "IDENTIFY\n\0\0\0",
        "E_BAD_BODY IDENTIFY failed to read body size",
    );
    for (size, error) in [
        (101, "E_BAD_BODY IDENTIFY body too big 101 > 100"),
        (i32::MAX, "E_BAD_BODY IDENTIFY body too big 2147483647 > 100"),
        (0, "E_BAD_BODY IDENTIFY invalid body size 0"),
        (-1, "E_BAD_BODY IDENTIFY invalid body size -1"),
        (i32::MIN, "E_BAD_BODY IDENTIFY invalid body size -2147483648"),
    ] {
        expect_fatal(&nsqd, command::with_declared_size("IDENTIFY", size), error);
    }
    expect_fatal_at_end(
        &nsqd,
        "IDENTIFY\n\0\0\0\x03{}",
        "E_BAD_BODY IDENTIFY failed to read body",
    );
}

#[test]
fn a_body_of_exactly_the_limit_is_accepted() {
    let nsqd = Nsqd::with(&["--max-body-size=100"]);
    let mut peer = nsqd.connect();

    peer.send(command::identify(&format!("{{{}}}", " ".repeat(98))));
    peer.expect_ok();
}

#[test]
fn compression_that_the_server_does_not_offer_is_not_granted() {
    let nsqd = Nsqd::with(&["--snappy=false", "--deflate=false"]);
    for json in [
        r#""snappy":true"#,
        r#""deflate":true"#,
        r#""snappy":true,"deflate":true,"deflate_level":2"#,
    ] {
        expect_reply(&nsqd, json, &[]);
    }
}

#[test]
fn tls_is_not_granted_without_a_certificate() {
    expect_reply(&Nsqd::start(), r#""tls_v1":true"#, &[]);
}

#[test]
fn the_client_record_shows_what_was_sent() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.identify(
        r#"{"client_id":"worker","hostname":"worker.example","user_agent":"test/1.0","sample_rate":42,"topology_region":"r","topology_zone":"z"}"#,
    );
    peer.subscribe("t", "c");
    let client = &nsqd.await_channel("t", "c", &json!({"client_count": 1}))["clients"][0];
    for (field, value) in [
        ("client_id", json!("worker")),
        ("hostname", json!("worker.example")),
        ("user_agent", json!("test/1.0")),
        ("version", json!("V2")),
        ("sample_rate", json!(42)),
        ("topology_region", json!("r")),
        ("topology_zone", json!("z")),
        ("deflate", json!(false)),
        ("snappy", json!(false)),
        ("tls", json!(false)),
        ("remote_address", json!(peer.local_address().unwrap().to_string())),
    ] {
        assert_eq!(client[field], value, "{field} of {client}");
    }
}

#[test]
fn before_identify_the_client_is_named_after_its_address_and_after_it_as_it_says() {
    let nsqd = Nsqd::start();
    let mut anonymous = nsqd.connect();
    let mut nameless = nsqd.connect();

    anonymous.subscribe("t", "anonymous");
    nameless.identify("{}");
    nameless.subscribe("t", "nameless");

    let client = &nsqd.await_channel("t", "anonymous", &json!({"client_count": 1}))["clients"][0];
    assert_eq!(
        (&client["client_id"], &client["hostname"]),
        (&json!("127.0.0.1"), &json!("127.0.0.1"))
    );
    let client = &nsqd.await_channel("t", "nameless", &json!({"client_count": 1}))["clients"][0];
    assert_eq!(
        (&client["client_id"], &client["hostname"]),
        (&json!(""), &json!(""))
    );
}

#[test]
fn invalid_utf8_in_a_string_is_replaced() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send(command::with_body("IDENTIFY", b"{\"client_id\":\"a\xffb\"}"));
    peer.expect_ok();
    peer.subscribe("t", "c");
    let channel = nsqd.await_channel("t", "c", &json!({"client_count": 1}));
    assert_eq!(channel["clients"][0]["client_id"], json!("a\u{fffd}b"));
}

#[test]
fn identify_may_be_repeated_before_sub() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.send(command::identify("{}"));
    peer.expect_ok();
    assert_eq!(peer.identify(r#"{"feature_negotiation":true}"#), reply(&[]));
    peer.identify(r#"{"client_id":"second"}"#);
    peer.subscribe("t", "c");
    let channel = nsqd.await_channel("t", "c", &json!({"client_count": 1}));
    assert_eq!(channel["clients"][0]["client_id"], json!("second"));
    peer.send("IDENTIFY\n");
    peer.expect_fatal("E_INVALID cannot IDENTIFY in current state");
}

#[test]
fn a_later_identify_changes_the_heartbeat_interval() {
    deviates!(LaterIdentifyApplies);
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.identify("{}");
    peer.identify(r#"{"heartbeat_interval":1000}"#);
    peer.expect_heartbeat();
}

#[test]
fn every_field_is_logged() {
    let nsqd = Nsqd::start();
    let mut peer = nsqd.connect();

    peer.identify(r#"{"feature_negotiation":true,"client_id":"c1","hostname":"h1","user_agent":"u/1","msg_timeout":2000}"#);
    let address = peer.local_address().unwrap();
    nsqd.log().await_line(&format!(
        "INFO: [{address}] IDENTIFY: {{ClientID:c1 Hostname:h1 HeartbeatInterval:0 OutputBufferSize:0 \
         OutputBufferTimeout:0 FeatureNegotiation:true TLSv1:false Deflate:false DeflateLevel:0 Snappy:false \
         SampleRate:0 UserAgent:u/1 MsgTimeout:2000 TopologyRegion: TopologyZone:}}"
    ));
}
