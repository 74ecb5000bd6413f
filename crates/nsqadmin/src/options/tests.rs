//! Every option, and what is refused.

use std::ffi::OsString;
use std::time::Duration;

use super::*;

fn load(args: &[&str]) -> RawOptions {
    RawOptions::load(args.iter().map(OsString::from)).unwrap()
}

fn validate(args: &[&str]) -> Result<Options, OptionsError> {
    Options::validate(load(args))
}

/// The refusal of these flags beside those that are needed.
fn refusal(args: &[&str]) -> String {
    let args = [&["--lookupd-http-address=127.0.0.1:4161"], args].concat();
    validate(&args).unwrap_err().to_string()
}

#[test]
fn every_flag_of_upstream_is_there_under_its_key() {
    let keys: Vec<_> = TABLE
        .flags()
        .iter()
        .map(|flag| (flag.name(), flag.file_key()))
        .take_while(|(name, _)| *name != "stats-interval")
        .collect();
    let named = |name: &'static str| (name, Some(name.replace('-', "_")));
    let mut expected = vec![("version", None), ("config", None), ("verbose", None)];
    expected.extend(
        [
            "log-level",
            "log-prefix",
            "http-address",
            "base-path",
            "dev-static-dir",
            "graphite-url",
            "proxy-graphite",
            "statsd-prefix",
            "statsd-counter-format",
            "statsd-gauge-format",
            "statsd-interval",
        ]
        .map(named),
    );
    expected.push((
        "lookupd-http-address",
        Some("nsqlookupd_http_addresses".to_owned()),
    ));
    expected.push(("nsqd-http-address", Some("nsqd_http_addresses".to_owned())));
    expected.extend(
        [
            "http-client-connect-timeout",
            "http-client-request-timeout",
            "http-client-tls-insecure-skip-verify",
            "http-client-tls-root-ca-file",
            "http-client-tls-cert",
            "http-client-tls-key",
            "allow-config-from-cidr",
            "notification-http-endpoint",
            "acl-http-header",
        ]
        .map(named),
    );
    expected.push(("admin-user", Some("admin_users".to_owned())));
    assert_eq!(keys, expected);
}

#[test]
fn the_defaults_are_upstreams() {
    let options = validate(&["--nsqd-http-address=127.0.0.1:4151"]).unwrap();
    assert_eq!(options.http_address.to_string(), "0.0.0.0:4171");
    assert_eq!(options.base_path, "");
    assert_eq!(options.log_prefix, "[nsqadmin] ");
    assert_eq!(options.connect_timeout, Duration::from_secs(2));
    assert_eq!(options.request_timeout, Duration::from_secs(5));
    assert_eq!(options.statsd_interval, Duration::from_secs(60));
    assert_eq!(options.acl_http_header, "X-Forwarded-User");
    assert_eq!(
        options.config_network,
        Some(Network::parse("127.0.0.1/8").unwrap())
    );
    assert!(options.graphite.is_none() && options.admin_users.is_empty());
    assert_eq!(options.stats_interval, Some(Duration::from_secs(10)));
    assert_eq!(options.tail_access, Access::Admin);
}

#[test]
fn somebody_has_to_be_asked_and_not_both() {
    assert_eq!(
        validate(&[]).unwrap_err().to_string(),
        "--nsqd-http-address or --lookupd-http-address required"
    );
    assert_eq!(
        refusal(&["--nsqd-http-address=127.0.0.1:4151"]),
        "use --nsqd-http-address or --lookupd-http-address not both"
    );
}

#[test]
fn refusals_are_in_upstreams_words() {
    for (args, line) in [
        (
            &["--http-client-tls-cert=x"][..],
            "--http-client-tls-key must be specified with --http-client-tls-cert",
        ),
        (
            &["--http-client-tls-key=x"],
            "--http-client-tls-cert must be specified with --http-client-tls-key",
        ),
        (
            &["--http-client-tls-cert=/no/c", "--http-client-tls-key=/no/k"],
            "failed to LoadX509KeyPair /no/c, /no/k - open /no/c: no such file or directory",
        ),
        (
            &["--http-client-tls-root-ca-file=/nope"],
            "failed to read TLS root CA file /nope - open /nope: no such file or directory",
        ),
        (
            &["--http-client-tls-root-ca-file=/dev/null"],
            "failed to AppendCertsFromPEM /dev/null",
        ),
        (
            &["--lookupd-http-address=nocolon"],
            "failed to resolve --lookupd-http-address (nocolon) - address nocolon: missing port in address",
        ),
        (
            &["--lookupd-http-address=http://127.0.0.1:1"],
            "failed to resolve --lookupd-http-address (http://127.0.0.1:1) - address http://127.0.0.1:1: too many colons in address",
        ),
        (
            &["--proxy-graphite", "--graphite-url=:bad"],
            r#"failed to parse --graphite-url (:bad) - parse ":bad": missing protocol scheme"#,
        ),
        (
            &["--allow-config-from-cidr=bad"],
            "failed to parse --allow-config-from-cidr (bad) - invalid CIDR address: bad",
        ),
        (&["--tail-access=some"], "--tail-access must be admin, all or off"),
        (
            &["--stats-interval=10ms"],
            "--stats-interval must be 0, or at least 1s",
        ),
        (
            &["--frame-ancestors=*; script-src *"],
            "--frame-ancestors must be a list of origins, 'self' or 'none'",
        ),
        (
            &["--external-link=Grafana=javascript:1"],
            "--external-link must be <name>=<http or https URL>",
        ),
    ] {
        assert_eq!(refusal(args), line);
    }
}

#[test]
fn a_base_path_is_cleaned() {
    for (given, cleaned) in [
        ("", ""),
        ("/", ""),
        ("foo/bar/", "/foo/bar"),
        ("//a/./b/../c", "/a/c"),
    ] {
        assert_eq!(clean_path(given), cleaned);
    }
}

#[test]
fn no_timeout_is_a_very_long_one_and_no_interval_is_none() {
    let options = validate(&[
        "--nsqd-http-address=127.0.0.1:1",
        "--http-client-request-timeout=0",
        "--stats-interval=0",
    ])
    .unwrap();
    assert_eq!(options.request_timeout, ENDLESS);
    assert_eq!(options.stats_interval, None);
}
