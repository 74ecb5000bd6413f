//! How arguments are read: Go's flag dialect.

use nsq_tests::{Nsqd, Peer, Setup, http, program};

use super::{expect_option, run};

/// Asserts that an argument is refused with this message, the usage, and exit code 2.
#[track_caller]
fn expect_refused(arguments: &[&str], message: &str) {
    let exit = run(arguments);
    assert_eq!(exit.status.code(), Some(2), "{arguments:?}: {exit:?}");
    let mut lines = exit.stderr.lines();
    assert_eq!(lines.next(), Some(message), "{arguments:?}: {}", exit.stderr);
    assert_eq!(
        lines.next(),
        Some("Usage of nsqd:"),
        "{arguments:?}: {}",
        exit.stderr
    );
    assert_eq!(exit.stdout, "", "{arguments:?}");
}

#[test]
fn version_is_one_line_on_standard_output() {
    for argument in ["--version", "-version", "--version=true", "-version=1"] {
        let exit = run(&[argument]);
        assert_eq!(exit.status.code(), Some(0), "{exit:?}");
        assert_eq!(
            (exit.stdout, exit.stderr),
            (format!("{}\n", program::banner()), String::new())
        );
    }
    assert!(
        program::banner().starts_with("nsqd v") && program::banner().ends_with(')'),
        "{}",
        program::banner()
    );
    assert!(program::banner().contains(" (built w/"), "{}", program::banner());
}

#[test]
fn help_prints_the_usage_on_standard_error() {
    for argument in ["-h", "-help", "--help"] {
        let exit = run(&[argument]);
        assert_eq!(exit.status.code(), Some(0), "{exit:?}");
        assert_eq!(exit.stdout, "");
        assert!(exit.stderr.starts_with("Usage of nsqd:\n"), "{}", exit.stderr);
    }
}

#[test]
fn the_usage_lists_every_flag_by_name() {
    let usage = run(&["--help"]).stderr;
    let names: Vec<&str> = usage
        .lines()
        .filter_map(|line| line.strip_prefix("  -"))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    let expected = [
        "auth-http-address",
        "auth-http-request-method",
        "broadcast-address",
        "broadcast-http-port",
        "broadcast-tcp-port",
        "config",
        "data-path",
        "deflate",
        "e2e-processing-latency-percentile",
        "e2e-processing-latency-window-time",
        "enable-experiment",
        "http-address",
        "http-client-connect-timeout",
        "http-client-request-timeout",
        "https-address",
        "log-level",
        "log-prefix",
        "lookupd-tcp-address",
        "max-body-size",
        "max-bytes-per-file",
        "max-channel-consumers",
        "max-deflate-level",
        "max-heartbeat-interval",
        "max-msg-size",
        "max-msg-timeout",
        "max-output-buffer-size",
        "max-output-buffer-timeout",
        "max-rdy-count",
        "max-req-timeout",
        "mem-queue-size",
        "min-output-buffer-timeout",
        "msg-timeout",
        "node-id",
        "output-buffer-timeout",
        "queue-scan-selection-count",
        "queue-scan-worker-pool-max",
        "snappy",
        "statsd-address",
        "statsd-exclude-ephemeral",
        "statsd-interval",
        "statsd-mem-stats",
        "statsd-prefix",
        "statsd-udp-packet-size",
        "sync-every",
        "sync-timeout",
        "tcp-address",
        "tls-cert",
        "tls-client-auth-policy",
        "tls-key",
        "tls-min-version",
        "tls-required",
        "tls-root-ca-file",
        "topology-region",
        "topology-zone",
        "verbose",
        "version",
        "worker-id",
    ];
    for name in expected {
        assert!(names.contains(&name), "{name} is not in:\n{usage}");
    }
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn malformed_arguments_are_refused_with_the_usage() {
    for (arguments, message) in [
        (&["--nope"][..], "flag provided but not defined: -nope"),
        (&["-nope=1"], "flag provided but not defined: -nope"),
        (&["--Node-ID=1"], "flag provided but not defined: -Node-ID"),
        (&["--node"], "flag provided but not defined: -node"),
        (&["--node-id"], "flag needs an argument: -node-id"),
        (&["--data-path"], "flag needs an argument: -data-path"),
        (&["--log-level"], "flag needs an argument: -log-level"),
        (&["---version"], "bad flag syntax: ---version"),
        (&["-=x"], "bad flag syntax: -=x"),
        (&["--=x"], "bad flag syntax: --=x"),
    ] {
        expect_refused(arguments, message);
    }
}

#[test]
fn values_of_the_wrong_type_are_refused_with_the_usage() {
    for (argument, message) in [
        (
            "--node-id=abc",
            r#"invalid value "abc" for flag -node-id: parse error"#,
        ),
        ("--node-id=", r#"invalid value "" for flag -node-id: parse error"#),
        (
            "--node-id=1.5",
            r#"invalid value "1.5" for flag -node-id: parse error"#,
        ),
        (
            "--mem-queue-size= 1",
            r#"invalid value " 1" for flag -mem-queue-size: parse error"#,
        ),
        (
            "--mem-queue-size=9223372036854775808",
            r#"invalid value "9223372036854775808" for flag -mem-queue-size: value out of range"#,
        ),
        (
            "--msg-timeout=60",
            r#"invalid value "60" for flag -msg-timeout: parse error"#,
        ),
        (
            "--msg-timeout=1x",
            r#"invalid value "1x" for flag -msg-timeout: parse error"#,
        ),
        (
            "--msg-timeout=",
            r#"invalid value "" for flag -msg-timeout: parse error"#,
        ),
        (
            "--deflate=maybe",
            r#"invalid boolean value "maybe" for -deflate: parse error"#,
        ),
        (
            "--deflate=tRUE",
            r#"invalid boolean value "tRUE" for -deflate: parse error"#,
        ),
        (
            "--worker-id=5",
            r#"invalid boolean value "5" for -worker-id: parse error"#,
        ),
        (
            "--tls-required=foo",
            r#"invalid boolean value "foo" for -tls-required: strconv.ParseBool: parsing "foo": invalid syntax"#,
        ),
        (
            "--tls-min-version=ssl3.0",
            r#"invalid value "ssl3.0" for flag -tls-min-version: unknown tlsVersionOption "ssl3.0""#,
        ),
        (
            "--log-level=verbose",
            r#"invalid value "verbose" for flag -log-level: invalid log level 'verbose' (debug, info, warn, error, fatal)"#,
        ),
    ] {
        expect_refused(&[argument], message);
    }
}

#[test]
fn arguments_are_read_from_left_to_right_and_the_first_bad_one_counts() {
    expect_refused(&["--version", "--nope"], "flag provided but not defined: -nope");
    expect_refused(
        &["--version", "--node-id=x"],
        r#"invalid value "x" for flag -node-id: parse error"#,
    );
    expect_refused(&["--nope", "--node-id=x"], "flag provided but not defined: -nope");
}

#[test]
fn a_percentile_that_is_no_number_is_refused_without_the_usage() {
    let exit = run(&["--e2e-processing-latency-percentile=abc"]);
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    assert!(
        exit.stderr.ends_with(" Could not parse: abc\n") && exit.stderr.lines().count() == 1,
        "{}",
        exit.stderr
    );
}

#[test]
fn one_dash_or_two_and_an_equals_sign_or_a_space() {
    for flags in [
        &["--max-rdy-count=7"][..],
        &["-max-rdy-count=7"],
        &["--max-rdy-count", "7"],
        &["-max-rdy-count", "7"],
        &["--max-rdy-count=5", "--max-rdy-count=7"],
    ] {
        expect_option(flags, "max_rdy_count", "7");
    }
    // A value may begin with a dash.
    expect_option(&["--log-prefix", "-x"], "log_prefix", "-x");
    expect_option(&["--log-prefix=a=b"], "log_prefix", "a=b");
}

#[test]
fn integers_in_every_base() {
    for (value, number) in [
        ("0x10", "16"),
        ("0X1f", "31"),
        ("0o17", "15"),
        ("0b101", "5"),
        ("017", "15"),
        ("1_000", "1000"),
        ("+5", "5"),
    ] {
        expect_option(&[&format!("--max-rdy-count={value}")], "max_rdy_count", number);
    }
}

#[test]
fn durations_are_sums_of_numbers_with_units() {
    for (value, nanoseconds) in [
        ("250ms", "250000000"),
        ("1h30m", "5400000000000"),
        ("1.5s", "1500000000"),
        ("100us", "100000"),
        ("100µs", "100000"),
        ("7ns", "7"),
        ("+1m", "60000000000"),
        (".5s", "500000000"),
        ("0", "0"),
    ] {
        expect_option(
            &[&format!("--max-req-timeout={value}")],
            "max_req_timeout",
            nanoseconds,
        );
    }
}

#[test]
fn booleans_take_their_value_with_an_equals_sign_alone() {
    for (flag, value) in [
        ("--snappy", "true"),
        ("--snappy=true", "true"),
        ("--snappy=T", "true"),
        ("--snappy=1", "true"),
        ("--snappy=FALSE", "false"),
        ("--snappy=f", "false"),
        ("--snappy=0", "false"),
    ] {
        expect_option(&[flag], "snappy", value);
    }
    // `false` ends the flags here, so the one behind it is not read.
    let nsqd = Nsqd::with(&["--snappy", "false", "--max-rdy-count=7"]);
    super::expect_value(&nsqd, "snappy", "true", "a value behind a space");
    super::expect_value(
        &nsqd,
        "max_rdy_count",
        "2500",
        "a flag behind a positional argument",
    );
}

#[test]
fn everything_behind_the_first_positional_argument_is_ignored() {
    for end in ["foo", "-", "--"] {
        let nsqd = Nsqd::with(&[
            "--max-rdy-count=7",
            end,
            "--max-rdy-count=8",
            "--nope",
            "--version",
        ]);
        super::expect_value(&nsqd, "max_rdy_count", "7", end);
    }
    let nsqd = Nsqd::with(&["--worker-id", "5", "--max-rdy-count=7"]);
    super::expect_value(&nsqd, "max_rdy_count", "2500", "--worker-id 5");
}

#[test]
fn lists_grow_with_every_repetition_and_are_not_split_at_commas() {
    expect_option(
        &["--enable-experiment=a,b", "--enable-experiment", "c"],
        "enable_experiment",
        r#"["a,b","c"]"#,
    );
    expect_option(
        &[
            "--e2e-processing-latency-percentile=0.5,0.99",
            "--e2e-processing-latency-percentile=1",
        ],
        "e2e_processing_latency_percentiles",
        "[1,0.99,0.5]",
    );
}

#[test]
fn levels_and_versions_are_words_in_any_case() {
    // At these levels the lines that tell the addresses are not printed, so only the change at run time can be seen.
    expect_option(&["--log-level=INFO"], "log_level", "2");
    expect_option(&["--log-level=Debug"], "log_level", "1");
    for (word, number) in [
        ("tls1.0", "769"),
        ("TLS1.1", "770"),
        ("tls1.2", "771"),
        ("tls1.3", "772"),
        ("", "769"),
    ] {
        expect_option(&[&format!("--tls-min-version={word}")], "tls_min_version", number);
    }
}

#[test]
fn a_higher_log_level_silences_the_start() {
    let setup = Setup::new();
    let socket = setup.data_path().join("http.sock");
    let process = setup
        .clone()
        .flag("--log-level=error")
        .flag(format!("--http-address={}", socket.display()))
        .spawn();
    // Nothing is printed about the start; the socket announces it.
    setup.await_file("http.sock");
    let mut connection = Peer::connect_unix(&socket);
    connection.send(http::request("GET", "/ping", ""));
    http::Response::read(&mut connection).expect_text(200, "OK");
    process.signal(rustix::process::Signal::TERM);
    let exit = process.wait();
    assert_eq!(exit.stderr, "", "{exit:?}");
}

#[test]
fn the_log_prefix_is_printed_as_it_is() {
    let setup = Setup::new().flag("--log-prefix=<x>");
    let nsqd = setup.start();
    let line = nsqd.log().await_line("TCP: listening on");
    let (stamp, _) = line.strip_prefix("<x>").unwrap().split_once(" INFO: ").unwrap();
    let shape: String = stamp
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000/00/00 00:00:00.000000");
}

#[test]
fn the_log_begins_with_version_and_node_id() {
    let nsqd = Nsqd::with(&["--node-id=7"]);
    let lines = nsqd.log().lines();
    assert!(
        lines[0].ends_with(&format!(" INFO: {}", program::banner())),
        "{lines:?}"
    );
    assert!(lines[1].ends_with(" INFO: ID: 7"), "{lines:?}");
}
