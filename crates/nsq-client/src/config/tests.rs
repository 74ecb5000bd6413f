use super::*;

fn refused(pair: &str) -> String {
    let mut config = Config::default();
    let before = config.clone();
    let error = config.set_pair(pair).unwrap_err().to_string();
    assert_eq!(config, before, "a refused option changes nothing");
    error
}

#[test]
fn the_defaults_are_valid() {
    Config::default().validate().unwrap();
}

#[test]
fn a_dash_stands_for_an_underscore_and_later_settings_win() {
    let mut config = Config::default();
    config.set_pair("max-attempts,10").unwrap();
    config.set_pair("max_attempts,11").unwrap();
    assert_eq!(config.max_attempts, 11);
}

#[test]
fn a_value_may_hold_commas() {
    let mut config = Config::default();
    config.set_pair("auth_secret,a,b,c").unwrap();
    assert_eq!(config.auth_secret, "a,b,c");
}

#[test]
fn a_key_alone_sets_a_boolean() {
    let mut config = Config::default();
    config.set_pair("tls_v1").unwrap();
    config.set_pair("snappy").unwrap();
    assert!(config.tls_v1 && config.snappy);
    assert_eq!(
        refused("dial_timeout"),
        "failed to coerce option dial_timeout (true) - invalid value type"
    );
}

#[test]
fn a_boolean_is_spelled_as_go_spells_it() {
    for (text, meaning) in [
        ("1", true),
        ("t", true),
        ("True", true),
        ("0", false),
        ("F", false),
    ] {
        let mut config = Config {
            deflate: !meaning,
            ..Config::default()
        };
        config.set("deflate", text).unwrap();
        assert_eq!(config.deflate, meaning, "{text}");
    }
    assert_eq!(
        refused("deflate,yes"),
        "failed to coerce option deflate (yes) - strconv.ParseBool: parsing \"yes\": invalid syntax"
    );
}

#[test]
fn a_duration_needs_a_unit_unless_it_is_zero() {
    let mut config = Config::default();
    config.set("max_backoff_duration", "0").unwrap();
    assert_eq!(config.max_backoff_duration, Duration::ZERO);
    assert_eq!(
        refused("dial_timeout,5"),
        "failed to coerce option dial_timeout (5) - time: missing unit in duration \"5\""
    );
}

#[test]
fn what_is_out_of_range_is_named_with_its_bound() {
    assert_eq!(
        refused("lookupd_poll_jitter,5"),
        "invalid lookupd_poll_jitter ! 5 > 1"
    );
    assert_eq!(refused("max_in_flight,-1"), "invalid max_in_flight ! -1 < 0");
    assert_eq!(refused("read_timeout,10m"), "invalid read_timeout ! 10m0s > 5m0s");
    assert_eq!(refused("deflate-level,0"), "invalid deflate_level ! 0 < 1");
    assert_eq!(refused("sample_rate,100"), "invalid sample_rate ! 100 > 99");
    assert_eq!(
        refused("max_attempts,65536"),
        "invalid max_attempts ! 65536 > 65535"
    );
    assert_eq!(
        refused("lookupd_poll_jitter,NaN"),
        "invalid lookupd_poll_jitter ! NaN > 1"
    );
}

#[test]
fn what_is_no_option_is_named_as_it_was_given() {
    assert_eq!(refused("max-inflight,1"), "invalid option max-inflight");
    assert_eq!(refused(""), "invalid option ");
}

#[test]
fn minus_one_nanosecond_turns_heartbeats_and_the_output_buffer_timeout_off() {
    let mut config = Config::default();
    config.set("heartbeat_interval", "-1ns").unwrap();
    config.set("output_buffer_timeout", "-1ns").unwrap();
    let request = config.identify();
    assert_eq!(
        (request.heartbeat_interval_ms, request.output_buffer_timeout_ms),
        (-1, -1)
    );
    config.validate().unwrap();
}

#[test]
fn tls_versions_are_those_of_upstream() {
    let mut config = Config::default();
    for version in ["ssl3.0", "tls1.0", "tls1.1", "tls1.2"] {
        config.set("tls_min_version", version).unwrap();
        assert_eq!(config.tls_min_version, tls::MinVersion::Tls12);
    }
    assert_eq!(
        refused("tls_min_version,tls9"),
        "failed to coerce option tls_min_version (tls9) - ERROR: tls9 is not a tls version"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told_where_it_was_named() {
    assert_eq!(
        refused("tls-root-ca-file,/nonexistent/ca.pem"),
        "open /nonexistent/ca.pem: no such file or directory"
    );
}

#[test]
fn a_configuration_is_checked_under_upstreams_names() {
    let config = Config {
        deflate_level: 10,
        ..Config::default()
    };
    assert_eq!(
        config.validate().unwrap_err().to_string(),
        "invalid DeflateLevel ! 10 > 9"
    );
    let config = Config {
        heartbeat_interval: Some(Duration::from_secs(90)),
        ..Config::default()
    };
    assert_eq!(
        config.validate().unwrap_err().to_string(),
        "HeartbeatInterval 1m30s must be less than ReadTimeout 1m0s"
    );
}

#[test]
fn heartbeats_as_rare_as_the_read_timeout_are_allowed() {
    let config = Config {
        heartbeat_interval: Some(Duration::from_secs(60)),
        ..Config::default()
    };
    config.validate().unwrap();
}

#[test]
fn sending_the_secret_to_nsqlookupd_has_two_names_with_one_meaning() {
    for name in ["skip_lookupd_authorization", "lookupd_authorization"] {
        let mut config = Config::default();
        assert!(config.lookupd_authorization);
        config.set(name, "false").unwrap();
        assert!(!config.lookupd_authorization);
    }
}
