use std::fs;

use nsq_app::Exit;
use nsq_flags::text::quote;

use super::*;

/// The raw options of a command line.
fn raw(args: &[&str]) -> RawOptions {
    RawOptions::load(args.iter().map(Into::into)).unwrap()
}

/// The raw options of a configuration file.
fn raw_file(text: &str) -> Result<RawOptions, Exit> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nsqd.cfg");
    fs::write(&path, text).unwrap();
    RawOptions::load(["--config".into(), path.into()])
}

fn validate(raw: RawOptions) -> Result<Options, OptionsError> {
    Options::validate(raw, |_| Ok(())).map(|(options, ())| options)
}

fn options(args: &[&str]) -> Options {
    validate(raw(args)).unwrap()
}

fn refusal(args: &[&str]) -> String {
    validate(raw(args)).unwrap_err().to_string()
}

/// What the process ends with, as its error line.
fn exit_line(args: &[&str]) -> String {
    match RawOptions::load(args.iter().map(Into::into)).unwrap_err() {
        Exit::Usage { line, .. } | Exit::Dated(line) => line,
        other => panic!("{other:?}"),
    }
}

/// The answer to `GET /config/<key>`: text quoted, all else JSON.
fn answer(options: &Options, key: &str) -> Option<String> {
    options.config_value(key).map(|value| match value {
        ConfigValue::Text(text) => quote(&text),
        value => serde_json::to_string(&value).unwrap(),
    })
}

/// Every option: its flag, the key it has in the configuration file and for `GET /config`, the answer
/// while it has its default, a word for it on the command line, and the answer then.
const OPTIONS: &[(&str, &str, &str, &str, &str)] = &[
    ("log-level", "log_level", "2", "DEBUG", "1"),
    ("log-prefix", "log_prefix", r#""[nsqd] ""#, "", r#""""#),
    (
        "tcp-address",
        "tcp_address",
        r#""0.0.0.0:4150""#,
        "/run/nsqd.sock",
        r#""/run/nsqd.sock""#,
    ),
    ("http-address", "http_address", r#""0.0.0.0:4151""#, "", r#""""#),
    (
        "https-address",
        "https_address",
        r#""0.0.0.0:4152""#,
        ":1",
        r#"":1""#,
    ),
    ("broadcast-tcp-port", "broadcast_tcp_port", "0", "4160", "4160"),
    (
        "broadcast-http-port",
        "broadcast_http_port",
        "0",
        "65535",
        "65535",
    ),
    (
        "lookupd-tcp-address",
        "nsqlookupd_tcp_addresses",
        "[]",
        "a,b:1",
        r#"["a,b:1"]"#,
    ),
    (
        "auth-http-address",
        "auth_http_addresses",
        "[]",
        "http://a/b",
        r#"["http://a/b"]"#,
    ),
    (
        "auth-http-request-method",
        "auth_http_request_method",
        r#""get""#,
        "post",
        r#""post""#,
    ),
    (
        "http-client-connect-timeout",
        "http_client_connect_timeout",
        "2000000000",
        "1s",
        "1000000000",
    ),
    (
        "http-client-request-timeout",
        "http_client_request_timeout",
        "5000000000",
        "0",
        "0",
    ),
    ("topology-region", "topology_region", r#""""#, "r1", r#""r1""#),
    ("topology-zone", "topology_zone", r#""""#, "z1", r#""z1""#),
    (
        "data-path",
        "data_path",
        r#""""#,
        "/var/lib/nsq",
        r#""/var/lib/nsq""#,
    ),
    ("mem-queue-size", "mem_queue_size", "10000", "0", "0"),
    (
        "max-bytes-per-file",
        "max_bytes_per_file",
        "104857600",
        "0x10",
        "16",
    ),
    ("sync-every", "sync_every", "2500", "0", "0"),
    ("sync-timeout", "sync_timeout", "2000000000", "1ns", "1"),
    (
        "queue-scan-worker-pool-max",
        "queue_scan_worker_pool_max",
        "4",
        "1",
        "1",
    ),
    (
        "queue-scan-selection-count",
        "queue_scan_selection_count",
        "20",
        "1",
        "1",
    ),
    ("msg-timeout", "msg_timeout", "60000000000", "0", "0"),
    (
        "max-msg-timeout",
        "max_msg_timeout",
        "900000000000",
        "1h",
        "3600000000000",
    ),
    (
        "max-msg-size",
        "max_msg_size",
        "1048576",
        "2147483621",
        "2147483621",
    ),
    (
        "max-body-size",
        "max_body_size",
        "5242880",
        "9223372036854775807",
        "9223372036854775807",
    ),
    (
        "max-req-timeout",
        "max_req_timeout",
        "3600000000000",
        "2h",
        "7200000000000",
    ),
    (
        "max-heartbeat-interval",
        "max_heartbeat_interval",
        "60000000000",
        "5m",
        "300000000000",
    ),
    ("max-rdy-count", "max_rdy_count", "2500", "0", "0"),
    (
        "max-output-buffer-size",
        "max_output_buffer_size",
        "65536",
        "1_024",
        "1024",
    ),
    (
        "max-output-buffer-timeout",
        "max_output_buffer_timeout",
        "30000000000",
        "1s",
        "1000000000",
    ),
    (
        "min-output-buffer-timeout",
        "min_output_buffer_timeout",
        "25000000",
        "0",
        "0",
    ),
    (
        "output-buffer-timeout",
        "output_buffer_timeout",
        "250000000",
        "1ms",
        "1000000",
    ),
    ("max-channel-consumers", "max_channel_consumers", "0", "3", "3"),
    (
        "statsd-address",
        "statsd_address",
        r#""""#,
        "127.0.0.1:8125",
        r#""127.0.0.1:8125""#,
    ),
    ("statsd-prefix", "statsd_prefix", r#""nsq.%s""#, "", r#""""#),
    (
        "statsd-interval",
        "statsd_interval",
        "60000000000",
        "1.5s",
        "1500000000",
    ),
    ("statsd-mem-stats", "statsd_mem_stats", "true", "false", "false"),
    (
        "statsd-udp-packet-size",
        "statsd_udp_packet_size",
        "508",
        "1432",
        "1432",
    ),
    (
        "statsd-exclude-ephemeral",
        "statsd_exclude_ephemeral",
        "false",
        "1",
        "true",
    ),
    (
        "e2e-processing-latency-window-time",
        "e2e_processing_latency_window_time",
        "600000000000",
        "1m",
        "60000000000",
    ),
    (
        "e2e-processing-latency-percentile",
        "e2e_processing_latency_percentiles",
        "[]",
        "0.5,0.99",
        "[0.99,0.5]",
    ),
    ("tls-cert", "tls_cert", r#""""#, "c.pem", r#""c.pem""#),
    ("tls-key", "tls_key", r#""""#, "k.pem", r#""k.pem""#),
    (
        "tls-client-auth-policy",
        "tls_client_auth_policy",
        r#""""#,
        "",
        r#""""#,
    ),
    (
        "tls-root-ca-file",
        "tls_root_ca_file",
        r#""""#,
        "ca.pem",
        r#""ca.pem""#,
    ),
    ("tls-required", "tls_required", "0", "F", "0"),
    ("tls-min-version", "tls_min_version", "769", "TLS1.3", "772"),
    ("deflate", "deflate", "true", "0", "false"),
    ("max-deflate-level", "max_deflate_level", "6", "9", "9"),
    ("snappy", "snappy", "true", "false", "false"),
    ("enable-experiment", "enable_experiment", "[]", "x", r#"["x"]"#),
    (
        "requeue-on-disconnect",
        "requeue_on_disconnect",
        "false",
        "true",
        "true",
    ),
    ("durability", "durability", r#""go""#, "fsync", r#""fsync""#),
    ("keep-deferred", "keep_deferred", "true", "false", "false"),
    ("min-free-disk-space", "min_free_disk_space", "0", "1000", "1000"),
];

#[test]
fn every_option_has_upstreams_flag_key_and_default() {
    let defaults = options(&[]);
    for &(flag, key, default, word, set) in OPTIONS {
        assert_eq!(answer(&defaults, key).as_deref(), Some(default), "{key}");
        let given = options(&[&format!("--{flag}={word}")]);
        assert_eq!(answer(&given, key).as_deref(), Some(set), "{flag}");
    }
    let named: Vec<_> = TABLE
        .flags()
        .iter()
        .filter_map(nsq_flags::Flag::file_key)
        .collect();
    // Two more have a default that depends on the machine.
    assert_eq!(named.len(), OPTIONS.len() + 2);
}

#[test]
fn the_machine_gives_the_node_id_and_the_broadcast_address() {
    let defaults = options(&[]);
    let hostname = nsq_app::hostname();
    assert_eq!(i64::from(defaults.node_id), host::node_id(&hostname));
    assert_eq!(answer(&defaults, "id"), Some(defaults.node_id.to_string()));
    assert_eq!(defaults.broadcast_address, hostname);

    let given = options(&["--node-id=12", "--broadcast-address=::1"]);
    assert_eq!((given.node_id, given.broadcast_address.as_str()), (12, "::1"));
}

#[test]
fn what_is_no_option_is_not_answered() {
    let defaults = options(&[]);
    for key in [
        "version",
        "config",
        "verbose",
        "worker_id",
        "node_id",
        "node-id",
        "log-level",
        "nope",
        "",
    ] {
        assert_eq!(answer(&defaults, key), None, "{key}");
    }
}

#[test]
fn defaults_validate_to_what_they_say() {
    let options = options(&[]);
    assert_eq!(options.msg_timeout, Duration::from_secs(60));
    assert_eq!(options.output_buffer_timeout, Duration::from_millis(250));
    assert_eq!((options.mem_queue_size, options.sync_every), (10_000, 2_500));
    assert_eq!(options.max_channel_consumers, None);
    assert_eq!(options.auth_http_request_method, AuthMethod::Get);
    assert_eq!(options.statsd, None);
    assert_eq!(options.tls, TlsOptions::default());
    assert!(!options.tls.is_enabled());
    assert!(options.deflate && options.snappy && !options.topology_aware_consumption);
}

#[test]
fn flags_without_effect_are_accepted() {
    options(&["--verbose", "--worker-id"]);
    // It is a switch: a number after it ends the flags.
    assert_eq!(
        options(&["--worker-id", "5", "--node-id=2000"]).node_id,
        options(&[]).node_id
    );
    assert_eq!(
        exit_line(&["--worker-id=5"]),
        r#"invalid boolean value "5" for -worker-id: parse error"#
    );
}

#[test]
fn each_refusal_is_in_upstreams_words() {
    for (args, text) in [
        (
            &["--max-deflate-level=0"][..],
            "--max-deflate-level must be [1,9]",
        ),
        (&["--max-deflate-level=10"], "--max-deflate-level must be [1,9]"),
        (&["--max-deflate-level=258"], "--max-deflate-level must be [1,9]"),
        (&["--node-id=-1"], "--node-id must be [0,1024)"),
        (&["--node-id=1024"], "--node-id must be [0,1024)"),
        (&["--node-id=65536"], "--node-id must be [0,1024)"),
        (
            &["--tls-required"],
            "cannot require TLS client connections without TLS key and cert",
        ),
        (
            &["--tls-required=tcp-https"],
            "cannot require TLS client connections without TLS key and cert",
        ),
        (
            &["--tls-client-auth-policy=require"],
            "cannot require TLS client connections without TLS key and cert",
        ),
        (
            &["--auth-http-request-method=GET"],
            "--auth-http-request-method must be post or get",
        ),
        (
            &["--auth-http-request-method="],
            "--auth-http-request-method must be post or get",
        ),
        (
            &["--e2e-processing-latency-percentile=1.5"],
            "invalid E2E processing latency percentile: 1.5",
        ),
        (
            &["--e2e-processing-latency-percentile=0.5,0,1"],
            "invalid E2E processing latency percentile: 0",
        ),
        (
            &["--e2e-processing-latency-percentile=nan"],
            "invalid E2E processing latency percentile: NaN",
        ),
    ] {
        assert_eq!(refusal(args), text, "{args:?}");
    }
}

#[test]
fn values_that_upstream_cannot_work_with_are_refused() {
    for (args, text) in [
        (
            &["--mem-queue-size=-1"][..],
            "--mem-queue-size must be zero or more",
        ),
        (&["--sync-timeout=0"], "--sync-timeout must be positive"),
        (&["--sync-timeout=-1s"], "--sync-timeout must be positive"),
        (
            &["--output-buffer-timeout=0"],
            "--output-buffer-timeout must be positive",
        ),
        (
            &["--statsd-address=a:1", "--statsd-interval=1s"],
            "--statsd-interval must be longer than 1s",
        ),
        (
            &["--queue-scan-selection-count=0"],
            "--queue-scan-selection-count must be positive",
        ),
        (
            &["--queue-scan-worker-pool-max=0"],
            "--queue-scan-worker-pool-max must be positive",
        ),
        (
            &[
                "--e2e-processing-latency-percentile=1",
                "--e2e-processing-latency-window-time=0",
            ],
            "--e2e-processing-latency-window-time must be positive",
        ),
        (
            &["--max-msg-size=2147483622"],
            "--max-msg-size must be at most 2147483621",
        ),
        (&["--msg-timeout=-1ns"], "--msg-timeout must be zero or more"),
        (&["--max-rdy-count=-1"], "--max-rdy-count must be zero or more"),
        (
            &["--broadcast-tcp-port=65536"],
            "--broadcast-tcp-port must be [0,65535]",
        ),
        (
            &["--broadcast-http-port=-1"],
            "--broadcast-http-port must be [0,65535]",
        ),
        (
            &["--statsd-udp-packet-size=-1"],
            "--statsd-udp-packet-size must be zero or more",
        ),
        (
            &["--tls-client-auth-policy=request"],
            "--tls-client-auth-policy must be require or require-verify",
        ),
    ] {
        assert_eq!(refusal(args), text, "{args:?}");
    }
}

#[test]
fn what_is_off_is_not_checked() {
    options(&["--statsd-interval=0"]);
    options(&["--e2e-processing-latency-window-time=0"]);
}

#[test]
fn the_first_refusal_in_upstreams_order_is_the_one_that_is_told() {
    let mut bad = raw(&[
        "--max-deflate-level=0",
        "--node-id=-1",
        "--tls-required",
        "--auth-http-request-method=x",
        "--e2e-processing-latency-percentile=2",
        "--sync-timeout=0",
    ]);
    let mut told = Vec::new();
    let mut tell = |raw: &RawOptions| {
        let outcome = Options::validate(raw.clone(), |_| {
            Err::<(), _>(OptionsError::Tls("failed to build TLS config - no".to_owned()))
        });
        told.push(outcome.unwrap_err().to_string());
    };
    tell(&bad);
    bad.max_deflate_level = 1;
    tell(&bad);
    bad.node_id = 0;
    tell(&bad);
    bad.tls_cert = "c.pem".to_owned();
    tell(&bad);
    assert_eq!(
        told,
        [
            "--max-deflate-level must be [1,9]",
            "--node-id must be [0,1024)",
            "cannot require TLS client connections without TLS key and cert",
            "failed to build TLS config - no",
        ]
    );
    assert_eq!(
        validate(bad.clone()).unwrap_err().to_string(),
        "--auth-http-request-method must be post or get"
    );
    bad.auth_http_request_method = "get".to_owned();
    assert_eq!(
        validate(bad).unwrap_err().to_string(),
        "invalid E2E processing latency percentile: 2"
    );
}

#[test]
fn tls_is_built_from_the_validated_options_and_handed_back() {
    let raw = raw(&["--tls-key=k.pem", "--tls-client-auth-policy=require-verify"]);
    let (options, built) = Options::validate(raw, |tls| Ok(tls.clone())).unwrap();
    assert_eq!(options.tls, built);
    assert_eq!(built.client_auth_policy, ClientAuthPolicy::RequireVerify);
    assert!(built.is_enabled());
}

#[test]
fn a_client_authorization_policy_requires_tls_of_those_not_yet_required_to() {
    for (required, answered) in [("false", "2"), ("tcp-https", "1"), ("true", "2")] {
        let options = options(&[
            "--tls-cert=c",
            "--tls-client-auth-policy=require",
            &format!("--tls-required={required}"),
        ]);
        assert_eq!(
            answer(&options, "tls_required").as_deref(),
            Some(answered),
            "{required}"
        );
    }
}

#[test]
fn tls_required_is_a_switch_with_a_third_word() {
    let given = |args: &[&str]| raw(args).tls_required;
    for (args, required) in [
        (&[][..], TlsRequired::No),
        (&["--tls-required"], TlsRequired::Yes),
        (&["--tls-required=1"], TlsRequired::Yes),
        (&["--tls-required=TRUE"], TlsRequired::Yes),
        (&["--tls-required=0"], TlsRequired::No),
        (&["--tls-required=TCP-https"], TlsRequired::TcpHttps),
    ] {
        assert_eq!(given(args), required, "{args:?}");
    }
    // The word after a switch is none of its business, and ends the flags.
    let raw = raw(&["--tls-required", "tcp-https", "--node-id=5"]);
    assert_eq!(raw.tls_required, TlsRequired::Yes);
    assert_ne!(raw.node_id, 5);
}

#[test]
fn bad_enumerations_are_refused_in_upstreams_words() {
    for (arg, line) in [
        (
            "--tls-required=Foo",
            "invalid boolean value \"Foo\" for -tls-required: \
             strconv.ParseBool: parsing \"foo\": invalid syntax",
        ),
        (
            "--tls-min-version=SSL3.0",
            "invalid value \"SSL3.0\" for flag -tls-min-version: unknown tlsVersionOption \"ssl3.0\"",
        ),
        (
            "--log-level=verbose",
            "invalid value \"verbose\" for flag -log-level: \
             invalid log level 'verbose' (debug, info, warn, error, fatal)",
        ),
        ("--e2e-processing-latency-percentile=abc", "Could not parse: abc"),
    ] {
        assert_eq!(exit_line(&[arg]), line);
    }
}

#[test]
fn tls_versions_are_read_in_any_case_and_nothing_keeps_what_was_there() {
    for (args, version) in [
        (&["--tls-min-version=tls1.0"][..], TlsMinVersion::Tls10),
        (&["--tls-min-version=TLS1.1"], TlsMinVersion::Tls11),
        (&["--tls-min-version", "tls1.2"], TlsMinVersion::Tls12),
        (&["--tls-min-version=tls1.3"], TlsMinVersion::Tls13),
        (&["--tls-min-version="], TlsMinVersion::Tls10),
        (
            &["--tls-min-version=tls1.3", "--tls-min-version="],
            TlsMinVersion::Tls13,
        ),
    ] {
        assert_eq!(raw(args).tls_min_version, version, "{args:?}");
    }
}

#[test]
fn enumerations_in_the_file_take_their_words() {
    for (text, required) in [
        ("tls_required = true", TlsRequired::Yes),
        ("tls_required = 1", TlsRequired::Yes),
        ("tls_required = 0", TlsRequired::No),
        ("tls_required = \"T\"", TlsRequired::Yes),
        ("tls_required = \"tcp-https\"", TlsRequired::TcpHttps),
    ] {
        assert_eq!(raw_file(text).unwrap().tls_required, required, "{text}");
    }
    for (text, version) in [
        ("tls_min_version = \"\"", TlsMinVersion::Tls10),
        ("tls_min_version = \"tls1.2\"", TlsMinVersion::Tls12),
    ] {
        assert_eq!(raw_file(text).unwrap().tls_min_version, version, "{text}");
    }
    assert_eq!(
        raw_file("log_level = \"Warn\"").unwrap().log_level,
        LogLevel::Warn
    );
}

#[test]
fn bad_enumerations_in_the_file_are_fatal() {
    for (text, message) in [
        ("tls_required = 2", "failed parsing tls_required 2"),
        ("tls_required = \"x\"", "failed parsing tls_required x"),
        (
            "tls_min_version = \"ssl3.0\"",
            "failed parsing tls_min_version ssl3.0",
        ),
        ("log_level = 2", "failed parsing log_level 2"),
        ("id = \"abc\"\nlog_level = \"x\"", "failed parsing log_level x"),
    ] {
        assert_eq!(
            raw_file(text).unwrap_err(),
            Exit::fatal("nsqd", message),
            "{text}"
        );
    }
}

#[test]
fn a_bad_value_in_the_file_is_a_dated_line() {
    let line = "ERROR: Resolve failed to coerce value 60 (1m0s) for field MsgTimeout - \
                time: missing unit in duration \"60\"";
    assert_eq!(
        raw_file("msg_timeout = \"60\"").unwrap_err(),
        Exit::Dated(line.to_owned())
    );
}

#[test]
fn the_version_is_printed_unless_a_flag_is_bad() {
    let version = RawOptions::load(["--version".into()]).unwrap_err();
    assert_eq!(version, Exit::Version(nsq_app::version_line("nsqd")));
    assert_eq!(
        exit_line(&["--version", "--nope"]),
        "flag provided but not defined: -nope"
    );
    // Not even the file is looked at.
    let version = RawOptions::load(["--version".into(), "--config=/nonexistent".into()]).unwrap_err();
    assert_eq!(version.code(), 0);
}

/// All keys that upstream documents for the file, as in the sample that it ships.
const SAMPLE: &str = r#"
log_level = "info"
log_prefix = "[nsqd] "
id = 12
tcp_address = "0.0.0.0:4150"
http_address = "0.0.0.0:4151"
https_address = "0.0.0.0:4152"
broadcast_address = "node1"
nsqlookupd_tcp_addresses = [
    "127.0.0.1:4160"
]
http_client_connect_timeout = "2s"
http_client_request_timeout = "5s"
data_path = "/var/lib/nsq"
mem_queue_size = 10000
max_bytes_per_file = 104857600
sync_every = 2500
sync_timeout = "2s"
msg_timeout = "60s"
max_msg_timeout = "15m"
max_msg_size = 1024768
max_req_timeout = "1h"
max_body_size = 5123840
max_heartbeat_interval = "60s"
max_rdy_count = 2500
max_output_buffer_size = 65536
max_output_buffer_timeout = "1s"
statsd_address = "127.0.0.1:8125"
statsd_prefix = "nsq.%s"
statsd_interval = "60s"
statsd_mem_stats = true
e2e_processing_latency_percentiles = [
    1.0,
    0.99,
    0.95
]
e2e_processing_latency_window_time = "10m"
tls_cert = ""
tls_key = ""
tls_required = false
tls_min_version = ""
deflate = true
max_deflate_level = 6
snappy = true
"#;

#[test]
fn the_sample_file_loads() {
    let options = validate(raw_file(SAMPLE).unwrap()).unwrap();
    assert_eq!(options.node_id, 12);
    assert_eq!(options.nsqlookupd_tcp_addresses, ["127.0.0.1:4160"]);
    assert_eq!(options.msg_timeout, Duration::from_secs(60));
    assert_eq!(options.e2e_processing_latency_percentiles, [1.0, 0.99, 0.95]);
    assert_eq!(options.tls.min_version, TlsMinVersion::Tls10);
    let statsd = options.statsd.unwrap();
    assert_eq!(
        (statsd.address.as_str(), statsd.interval),
        ("127.0.0.1:8125", Duration::from_secs(60))
    );
}

#[test]
fn listening_completes_what_others_are_told() {
    let args = ["--broadcast-address=127.0.0.1", "--statsd-address=a:1"];
    let listening = options(&args).listening(Some(5150), Some(5151));
    assert_eq!(
        (listening.broadcast_tcp_port, listening.broadcast_http_port),
        (5150, 5151)
    );
    assert_eq!(answer(&listening, "broadcast_tcp_port").as_deref(), Some("5150"));
    assert_eq!(answer(&listening, "broadcast_http_port").as_deref(), Some("5151"));
    assert_eq!(
        answer(&listening, "statsd_prefix").as_deref(),
        Some(r#""nsq.127_0_0_1_5151.""#)
    );
    assert_eq!(listening.statsd.unwrap().prefix, "nsq.127_0_0_1_5151.");
}

#[test]
fn ports_that_were_set_stay_and_unix_sockets_have_none() {
    let set = options(&["--broadcast-tcp-port=1", "--broadcast-http-port=2"]).listening(Some(3), Some(4));
    assert_eq!((set.broadcast_tcp_port, set.broadcast_http_port), (1, 2));
    let unix = options(&[]).listening(None, None);
    assert_eq!((unix.broadcast_tcp_port, unix.broadcast_http_port), (0, 0));
}

#[test]
fn only_the_known_experiment_has_an_effect() {
    assert!(
        options(&[
            "--enable-experiment=x",
            "--enable-experiment=topology-aware-consumption"
        ])
        .topology_aware_consumption
    );
    assert!(!options(&["--enable-experiment=topology-aware-consumption,x"]).topology_aware_consumption);
}

#[test]
fn a_limit_of_consumers_is_a_number() {
    assert_eq!(
        options(&["--max-channel-consumers=3"]).max_channel_consumers,
        Some(3)
    );
}

#[test]
fn the_level_is_answered_as_a_number() {
    assert_eq!(Options::log_level_value(LogLevel::Error), ConfigValue::Int(4));
}
