use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::client_error::ClientError;

fn present() -> ClientSettings {
    ClientSettings::new(Duration::from_secs(60), Duration::from_millis(250))
}

/// An nsqd with default options and a certificate.
fn server() -> ServerInfo {
    ServerInfo {
        version: "1.3.0".into(),
        max_rdy_count: 2500,
        tls: true,
        snappy: true,
        deflate: true,
        max_deflate_level: 6,
        ..ServerInfo::default()
    }
}

fn request(json: &str) -> IdentifyRequest {
    IdentifyRequest::from_json(json.as_bytes()).unwrap()
}

fn apply(json: &str) -> Result<ClientSettings, ClientError> {
    request(json).apply(present(), &IdentifyLimits::default())
}

fn negotiate(json: &str, server: &ServerInfo) -> Result<Option<IdentifyResponse>, ClientError> {
    let limits = IdentifyLimits::default();
    let request = request(json);
    request.negotiate(&request.apply(present(), &limits).unwrap(), &limits, server)
}

fn response(json: &str, server: &ServerInfo) -> IdentifyResponse {
    negotiate(json, server).unwrap().unwrap()
}

#[test]
fn every_field_of_the_body_is_read() {
    let body = r#"{"client_id":"c","hostname":"h","user_agent":"u/1","feature_negotiation":true,
        "heartbeat_interval":1000,"output_buffer_size":64,"output_buffer_timeout":25,"tls_v1":true,"snappy":true,
        "deflate":true,"deflate_level":3,"sample_rate":99,"msg_timeout":2000,"topology_region":"r",
        "topology_zone":"z","short_id":"ignored","long_id":1}"#;
    let expected = IdentifyRequest {
        client_id: "c".into(),
        hostname: "h".into(),
        user_agent: "u/1".into(),
        feature_negotiation: true,
        heartbeat_interval_ms: 1000,
        output_buffer_size: 64,
        output_buffer_timeout_ms: 25,
        tls_v1: true,
        snappy: true,
        deflate: true,
        deflate_level: 3,
        sample_rate: 99,
        msg_timeout_ms: 2000,
        topology_region: "r".into(),
        topology_zone: "z".into(),
    };
    assert_eq!(request(body), expected);
    assert_eq!(IdentifyRequest::from_json(&expected.to_json()), Ok(expected));
    assert_eq!(request("null"), IdentifyRequest::default());
    assert_eq!(request("{}"), IdentifyRequest::default());
}

#[test]
fn a_body_that_is_not_the_right_json_is_refused() {
    let bodies = [
        "",
        "[]",
        "{} {}",
        r#"{"client_id":1}"#,
        r#"{"feature_negotiation":"true"}"#,
        r#"{"tls_v1":1}"#,
        r#"{"heartbeat_interval":"1000"}"#,
        r#"{"heartbeat_interval":5000.0}"#,
        r#"{"heartbeat_interval":5e3}"#,
        r#"{"msg_timeout":9223372036854775808}"#,
        r#"{"sample_rate":2147483648}"#,
    ];
    for body in bodies {
        let error = IdentifyRequest::from_json(body.as_bytes()).unwrap_err();
        assert_eq!(
            error.text(),
            b"E_BAD_BODY IDENTIFY failed to decode JSON body",
            "{body}"
        );
        assert!(error.cause().is_some());
    }
}

#[test]
fn a_request_prints_as_upstream_logs_it() {
    let request = request(
        r#"{"client_id":"c","hostname":"h","feature_negotiation":true,"user_agent":"u/1","topology_zone":"z\n"}"#,
    );
    assert_eq!(
        request.to_string(),
        "{ClientID:c Hostname:h HeartbeatInterval:0 OutputBufferSize:0 OutputBufferTimeout:0 \
         FeatureNegotiation:true TLSv1:false Deflate:false DeflateLevel:0 Snappy:false SampleRate:0 UserAgent:u/1 \
         MsgTimeout:0 TopologyRegion: TopologyZone:z\\n}"
    );
}

#[test]
fn what_is_not_asked_for_stays_as_it_is() {
    assert_eq!(apply("{}"), Ok(present()));
    assert_eq!(
        present(),
        ClientSettings {
            heartbeat_interval: Some(Duration::from_secs(30)),
            output_buffer_size: 16384,
            output_buffer_timeout: Some(Duration::from_millis(250)),
            sample_rate: 0,
            msg_timeout: Duration::from_secs(60),
        }
    );
}

#[test]
fn limits_are_inclusive_on_both_sides() {
    let least = r#"{"heartbeat_interval":1000,"output_buffer_size":64,"output_buffer_timeout":25,"msg_timeout":1000}"#;
    let most = r#"{"heartbeat_interval":60000,"output_buffer_size":65536,"output_buffer_timeout":30000,
        "sample_rate":99,"msg_timeout":900000}"#;
    assert_eq!(
        apply(least),
        Ok(ClientSettings {
            heartbeat_interval: Some(Duration::from_secs(1)),
            output_buffer_size: 64,
            output_buffer_timeout: Some(Duration::from_millis(25)),
            sample_rate: 0,
            msg_timeout: Duration::from_secs(1),
        })
    );
    assert_eq!(
        apply(most),
        Ok(ClientSettings {
            heartbeat_interval: Some(Duration::from_secs(60)),
            output_buffer_size: 65536,
            output_buffer_timeout: Some(Duration::from_secs(30)),
            sample_rate: 99,
            msg_timeout: Duration::from_secs(900),
        })
    );
}

#[test]
fn minus_one_turns_heartbeats_and_buffering_off() {
    assert_eq!(
        apply(r#"{"heartbeat_interval":-1}"#).unwrap().heartbeat_interval,
        None
    );
    let settings = apply(r#"{"output_buffer_timeout":-1}"#).unwrap();
    assert_eq!(
        (settings.output_buffer_size, settings.output_buffer_timeout),
        (16384, None)
    );
    let settings = apply(r#"{"output_buffer_size":-1,"output_buffer_timeout":100}"#).unwrap();
    assert_eq!(
        (settings.output_buffer_size, settings.output_buffer_timeout),
        (1, None)
    );
}

#[test]
fn values_out_of_range_are_refused_in_upstreams_words() {
    let cases = [
        (r#"{"heartbeat_interval":999}"#, "heartbeat interval (999)"),
        (r#"{"heartbeat_interval":60001}"#, "heartbeat interval (60001)"),
        (r#"{"heartbeat_interval":-2}"#, "heartbeat interval (-2)"),
        (r#"{"output_buffer_timeout":24}"#, "output buffer timeout (24)"),
        (
            r#"{"output_buffer_timeout":30001}"#,
            "output buffer timeout (30001)",
        ),
        (r#"{"output_buffer_timeout":-2}"#, "output buffer timeout (-2)"),
        (r#"{"output_buffer_size":63}"#, "output buffer size (63)"),
        (r#"{"output_buffer_size":65537}"#, "output buffer size (65537)"),
        (r#"{"output_buffer_size":-2}"#, "output buffer size (-2)"),
        (r#"{"sample_rate":100}"#, "sample rate (100)"),
        (r#"{"sample_rate":-1}"#, "sample rate (-1)"),
        (r#"{"msg_timeout":999}"#, "msg timeout (999)"),
        (r#"{"msg_timeout":900001}"#, "msg timeout (900001)"),
        (r#"{"msg_timeout":-1}"#, "msg timeout (-1)"),
    ];
    for (json, what) in cases {
        assert_eq!(
            apply(json).unwrap_err().to_string(),
            format!("E_BAD_BODY IDENTIFY {what} is invalid")
        );
    }
}

#[test]
fn the_first_of_several_bad_values_is_reported() {
    let bad = [
        (r#""msg_timeout":1"#, "msg timeout (1)"),
        (r#""sample_rate":100"#, "sample rate (100)"),
        (r#""output_buffer_size":1"#, "output buffer size (1)"),
        (r#""output_buffer_timeout":1"#, "output buffer timeout (1)"),
        (r#""heartbeat_interval":1"#, "heartbeat interval (1)"),
    ];
    let mut fields = Vec::new();
    for (field, what) in bad {
        fields.push(field);
        let error = apply(&format!("{{{}}}", fields.join(","))).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("E_BAD_BODY IDENTIFY {what} is invalid")
        );
    }
}

#[test]
fn a_later_identify_starts_from_the_settings_of_the_earlier_one() {
    let limits = IdentifyLimits::default();
    let first = request(r#"{"heartbeat_interval":-1,"msg_timeout":5000,"sample_rate":10}"#);
    let settings = first.apply(present(), &limits).unwrap();
    let second = request(r#"{"msg_timeout":6000}"#)
        .apply(settings, &limits)
        .unwrap();
    assert_eq!(second.heartbeat_interval, None);
    assert_eq!(second.msg_timeout, Duration::from_secs(6));
    assert_eq!(second.sample_rate, 0);
}

#[test]
fn the_answer_is_upstreams_to_the_byte() {
    let response = response(r#"{"feature_negotiation":true}"#, &server());
    let captured = r#"{"max_rdy_count":2500,"version":"1.3.0","max_msg_timeout":900000,"msg_timeout":60000,"tls_v1":false,"deflate":false,"deflate_level":6,"max_deflate_level":6,"snappy":false,"sample_rate":0,"auth_required":false,"output_buffer_size":16384,"output_buffer_timeout":250,"topology_region":"","topology_zone":""}"#;
    assert_eq!(response.to_json(), captured.as_bytes());
    assert_eq!(
        IdentifyResponse::from_data(captured.as_bytes()).unwrap(),
        Some(response)
    );
}

#[test]
fn the_answer_tells_the_servers_place_and_the_effective_settings() {
    let server = ServerInfo {
        auth_required: true,
        topology_region: "r<1>".into(),
        topology_zone: "z&1".into(),
        ..server()
    };
    let json = r#"{"feature_negotiation":true,"output_buffer_size":-1,"msg_timeout":1500,"sample_rate":42,
        "topology_region":"elsewhere","topology_zone":"elsewhere"}"#;
    let response = response(json, &server);
    assert_eq!(
        (response.output_buffer_size, response.output_buffer_timeout_ms),
        (1, 0)
    );
    assert_eq!(
        (
            response.msg_timeout_ms,
            response.sample_rate,
            response.auth_required
        ),
        (1500, 42, true)
    );
    let tail = br#""topology_region":"r\u003c1\u003e","topology_zone":"z\u00261"}"#;
    assert!(response.to_json().ends_with(tail));
}

#[test]
fn features_are_granted_when_asked_for_and_available() {
    let all = r#"{"feature_negotiation":true,"tls_v1":true,"snappy":true}"#;
    let granted = response(all, &server());
    assert_eq!(
        (granted.tls_v1, granted.snappy, granted.deflate),
        (true, true, false)
    );
    let nothing = ServerInfo {
        tls: false,
        snappy: false,
        deflate: false,
        ..server()
    };
    let granted = response(all, &nothing);
    assert_eq!(
        (granted.tls_v1, granted.snappy, granted.deflate),
        (false, false, false)
    );
}

#[test]
fn both_compressions_are_refused_only_if_both_would_be_granted() {
    let both = r#"{"feature_negotiation":true,"snappy":true,"deflate":true}"#;
    assert_eq!(negotiate(both, &server()), Err(ClientError::both_compressions()));
    let granted = response(
        both,
        &ServerInfo {
            snappy: false,
            ..server()
        },
    );
    assert_eq!((granted.snappy, granted.deflate), (false, true));
    let granted = response(
        both,
        &ServerInfo {
            deflate: false,
            ..server()
        },
    );
    assert_eq!((granted.snappy, granted.deflate), (true, false));
}

#[test]
fn a_client_that_does_not_negotiate_is_answered_ok() {
    assert_eq!(
        negotiate(r#"{"tls_v1":true,"snappy":true,"deflate":true}"#, &server()),
        Ok(None)
    );
}

#[test]
fn the_deflate_level_is_clamped_to_the_servers() {
    let level = |asked: i64, max_deflate_level: i64| {
        let json = format!(r#"{{"feature_negotiation":true,"deflate":true,"deflate_level":{asked}}}"#);
        response(
            &json,
            &ServerInfo {
                max_deflate_level,
                ..server()
            },
        )
        .deflate_level
    };
    assert_eq!(level(1, 6), 1);
    assert_eq!(level(9, 6), 6);
    assert_eq!(level(9, 9), 9);
    assert_eq!(level(0, 9), 6);
    assert_eq!(level(-5, 9), 6);
    assert_eq!(level(0, 3), 3);
}

#[test]
fn an_answer_that_is_no_object_negotiates_nothing() {
    assert_eq!(IdentifyResponse::from_data(b"OK").unwrap(), None);
    assert_eq!(IdentifyResponse::from_data(b"").unwrap(), None);
    assert!(IdentifyResponse::from_data(b"{").is_err());
    let sparse = IdentifyResponse::from_data(br#"{"max_rdy_count":10,"new_field":[]}"#)
        .unwrap()
        .unwrap();
    assert_eq!(
        sparse,
        IdentifyResponse {
            max_rdy_count: 10,
            ..IdentifyResponse::default()
        }
    );
}

proptest! {
    #[test]
    fn settings_stay_within_the_limits(
        heartbeat_interval_ms in prop_oneof![any::<i64>(), -2_i64..100_000],
        output_buffer_size in prop_oneof![any::<i64>(), -2_i64..100_000],
        output_buffer_timeout_ms in prop_oneof![any::<i64>(), -2_i64..100_000],
        sample_rate in prop_oneof![any::<i32>(), -2_i32..102],
        msg_timeout_ms in prop_oneof![any::<i64>(), -2_i64..1_000_000],
    ) {
        let request = IdentifyRequest {
            heartbeat_interval_ms,
            output_buffer_size,
            output_buffer_timeout_ms,
            sample_rate,
            msg_timeout_ms,
            ..IdentifyRequest::default()
        };
        let limits = IdentifyLimits::default();
        if let Ok(settings) = request.apply(present(), &limits) {
            let interval = settings.heartbeat_interval.unwrap_or(limits.max_heartbeat_interval);
            prop_assert!((Duration::from_secs(1)..=limits.max_heartbeat_interval).contains(&interval));
            prop_assert!((1..=65536).contains(&settings.output_buffer_size));
            let timeout = settings.output_buffer_timeout.unwrap_or(limits.max_output_buffer_timeout);
            prop_assert!((limits.min_output_buffer_timeout..=limits.max_output_buffer_timeout).contains(&timeout));
            prop_assert!((0..=99).contains(&settings.sample_rate));
            prop_assert!((Duration::from_secs(1)..=limits.max_msg_timeout).contains(&settings.msg_timeout));
        }
    }
}
