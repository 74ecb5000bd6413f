//! The TOML file behind `--config`.

use nsq_tests::process::Exit;
use nsq_tests::{Nsqd, Setup, deviates};

use super::expect_value;

/// A setup whose `--config` file, in the data directory, has this content.
fn with_file(content: &str) -> Setup {
    let setup = Setup::new();
    setup.write("nsqd.cfg", content);
    let path = setup.data_path().join("nsqd.cfg").display().to_string();
    setup.flag(format!("--config={path}"))
}

/// Asserts that a file is accepted and gives an option this value.
#[track_caller]
fn expect_option(content: &str, option: &str, value: &str) {
    expect_value(&with_file(content).start(), option, value, content);
}

/// Asserts that a file refuses the start.
#[track_caller]
fn expect_failure(content: &str) -> Exit {
    let exit = with_file(content).run();
    assert_eq!(exit.status.code(), Some(1), "{content}: {exit:?}");
    exit
}

/// Asserts that a value is refused in one line that ends so.
#[track_caller]
fn expect_coercion_failure(content: &str, text: &str) {
    let exit = expect_failure(content);
    let line = exit.stderr.lines().last().unwrap_or_default();
    assert!(
        line.ends_with(&format!(" ERROR: Resolve failed to coerce value {text}")),
        "{content}: {}",
        exit.stderr
    );
}

#[test]
fn a_missing_file_is_fatal() {
    let exit = Setup::new().flag("--config=/nonexistent.cfg").run();
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    let text = "FATAL: failed to load config file /nonexistent.cfg - open /nonexistent.cfg: no such file or directory\n";
    assert!(
        exit.stderr.starts_with("[nsqd] ") && exit.stderr.ends_with(text),
        "{}",
        exit.stderr
    );
}

#[test]
fn a_malformed_file_is_fatal_and_named() {
    for content in ["this is not toml", "a = ", "= 1", "[x", "a = 1\na = 2"] {
        let setup = with_file(content);
        let exit = setup.run();
        assert_eq!(exit.status.code(), Some(1), "{content}: {exit:?}");
        let path = setup.data_path().join("nsqd.cfg");
        let text = format!(" FATAL: failed to load config file {} - ", path.display());
        assert!(exit.stderr.contains(&text), "{content}: {}", exit.stderr);
    }
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let nsqd = with_file("max_rdy_count = 7\nmax_msg_size = 8\n")
        .flag("--max-rdy-count=9")
        .start();
    expect_value(&nsqd, "max_rdy_count", "9", "flag and file");
    expect_value(&nsqd, "max_msg_size", "8", "file");
    expect_value(&nsqd, "max_body_size", "5242880", "default");
}

#[test]
fn a_list_of_flags_replaces_that_of_the_file() {
    let file = r#"enable_experiment = ["a", "b"]"#;
    expect_option(file, "enable_experiment", r#"["a","b"]"#);
    let nsqd = with_file(file).flag("--enable-experiment=c").start();
    expect_value(&nsqd, "enable_experiment", r#"["c"]"#, "flag and file");
}

#[test]
fn unknown_keys_tables_and_keys_of_flags_alone_are_ignored() {
    let nsqd = with_file(
        "unknown = 1\nmax-rdy-count = 5\nnode_id = 5\nversion = true\nverbose = 5\nworker_id = \"x\"\nconfig = 1\n\
         lookupd_tcp_address = 1\n\n[section]\nmax_rdy_count = 6\n",
    )
    .start();
    expect_value(&nsqd, "max_rdy_count", "2500", "keys that are none");
}

#[test]
fn options_with_a_key_of_another_name() {
    for (content, option, value) in [
        ("id = 12", "id", "12"),
        (
            r#"nsqlookupd_tcp_addresses = ["127.0.0.1:1"]"#,
            "nsqlookupd_tcp_addresses",
            r#"["127.0.0.1:1"]"#,
        ),
        (
            r#"auth_http_addresses = ["127.0.0.1:1"]"#,
            "auth_http_addresses",
            r#"["127.0.0.1:1"]"#,
        ),
        (
            "e2e_processing_latency_percentiles = [0.5, 1.0, 0.95]",
            "e2e_processing_latency_percentiles",
            "[0.5,1,0.95]",
        ),
    ] {
        expect_option(content, option, value);
    }
}

#[test]
fn integers() {
    expect_option("max_rdy_count = 7", "max_rdy_count", "7");
    expect_option(r#"max_rdy_count = "7""#, "max_rdy_count", "7");
    expect_coercion_failure(
        r#"mem_queue_size = "abc""#,
        r#"abc (10000) for field MemQueueSize - strconv.ParseInt: parsing "abc": invalid syntax"#,
    );
    expect_coercion_failure(
        "mem_queue_size = 1.5",
        "1.5 (10000) for field MemQueueSize - invalid int64 value type float64",
    );
}

#[test]
fn durations() {
    expect_option(r#"msg_timeout = "1m30s""#, "msg_timeout", "90000000000");
    // Integers are milliseconds.
    expect_option("msg_timeout = 60000", "msg_timeout", "60000000000");
    expect_coercion_failure(
        r#"msg_timeout = "60""#,
        r#"60 (1m0s) for field MsgTimeout - time: missing unit in duration "60""#,
    );
    expect_coercion_failure(
        "msg_timeout = 1.5",
        "1.5 (1m0s) for field MsgTimeout - invalid time.Duration value type float64",
    );
}

#[test]
fn booleans() {
    expect_option("snappy = false", "snappy", "false");
    expect_option(r#"snappy = "F""#, "snappy", "false");
    expect_option(r#"snappy = "1""#, "snappy", "true");
    expect_coercion_failure(
        r#"deflate = "yes""#,
        r#"yes (true) for field DeflateEnabled - strconv.ParseBool: parsing "yes": invalid syntax"#,
    );
    expect_coercion_failure(
        "deflate = 1.5",
        "1.5 (true) for field DeflateEnabled - invalid bool value type float64",
    );
}

#[test]
fn an_integer_for_a_boolean_is_not_its_opposite() {
    deviates!(FileValuesMeanWhatTheySay);
    // Either a clear refusal or the obvious meaning.
    for (content, value) in [("snappy = 0", "false"), ("snappy = 1", "true")] {
        let setup = with_file(content);
        let exit = setup.spawn();
        if exit.log().await_line(" ").contains("ERROR") {
            continue;
        }
        drop(exit);
        expect_value(&setup.start(), "snappy", value, content);
    }
}

#[test]
fn lists_of_strings() {
    for (content, value) in [
        (r#"enable_experiment = "a, b""#, r#"["a"," b"]"#),
        ("enable_experiment = []", "null"),
        (r#"enable_experiment = ["a"]"#, r#"["a"]"#),
    ] {
        expect_option(content, "enable_experiment", value);
    }
}

#[test]
fn lists_of_floats() {
    for (content, value) in [
        (r#"e2e_processing_latency_percentiles = "0.5, 1.0""#, "[0.5,1]"),
        ("e2e_processing_latency_percentiles = [0.5]", "[0.5]"),
        ("e2e_processing_latency_percentiles = []", "null"),
    ] {
        expect_option(content, "e2e_processing_latency_percentiles", value);
    }
}

#[test]
fn values_of_the_wrong_kind_in_a_list_do_not_crash_the_start() {
    deviates!(FileValuesMeanWhatTheySay);
    for content in [r#"enable_experiment = ["a", 1]"#, "enable_experiment = [[]]"] {
        let exit = expect_failure(content);
        assert!(
            exit.stderr.contains("enable_experiment")
                || exit.stderr.contains("EnableExperiment")
                || exit.stderr.contains("Experiment"),
            "{}",
            exit.stderr
        );
    }
    expect_option(
        "e2e_processing_latency_percentiles = [1]",
        "e2e_processing_latency_percentiles",
        "[1]",
    );
}

#[test]
fn options_of_few_words() {
    for (content, option, value) in [
        ("log_level = \"INFO\"", "log_level", "2"),
        ("log_level = \"debug\"", "log_level", "1"),
        ("tls_min_version = \"tls1.2\"", "tls_min_version", "771"),
        ("tls_min_version = \"\"", "tls_min_version", "769"),
        ("tls_required = false", "tls_required", "0"),
        ("tls_required = 0", "tls_required", "0"),
        ("tls_required = \"f\"", "tls_required", "0"),
    ] {
        expect_option(content, option, value);
    }
    for (content, key, value) in [
        ("log_level = \"verbose\"", "log_level", "verbose"),
        ("log_level = 2", "log_level", "2"),
        ("tls_min_version = \"ssl3.0\"", "tls_min_version", "ssl3.0"),
        ("tls_required = \"maybe\"", "tls_required", "maybe"),
    ] {
        let exit = expect_failure(content);
        let text = format!(" FATAL: failed parsing {key} {value}");
        let line = exit.stderr.lines().last().unwrap_or_default();
        assert!(line.contains(&text), "{content}: {}", exit.stderr);
    }
}

#[test]
fn the_sample_file_of_the_original_is_accepted() {
    let sample = r#"
log_level = "info"
## unique identifier (int) for this worker
id = 12
tcp_address = "127.0.0.1:0"
http_address = "127.0.0.1:0"
broadcast_address = "127.0.0.1"
nsqlookupd_tcp_addresses = [
    "127.0.0.1:1"
]
http_client_connect_timeout = "2s"
http_client_request_timeout = "5s"
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
statsd_udp_packet_size = 508
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
    let nsqd: Nsqd = with_file(sample).start();
    expect_value(&nsqd, "id", "12", "the sample");
    expect_value(&nsqd, "max_output_buffer_timeout", "1000000000", "the sample");
    expect_value(
        &nsqd,
        "e2e_processing_latency_percentiles",
        "[1,0.99,0.95]",
        "the sample",
    );
}
