//! Options that are well-formed and still refused.

use std::fs;
use std::net::TcpListener;

use nsq_tests::{Nsqd, Setup, deviates};
use tempfile::TempDir;

use super::run_in;

/// Asserts that nsqd refuses to start with these flags, in one line on standard error and with exit code 1.
#[track_caller]
fn expect_refused(flags: &[&str], text: &str) {
    let directory = TempDir::with_prefix("nsqd-").unwrap();
    let mut arguments = vec!["--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0"];
    arguments.extend(flags);
    let exit = run_in(directory.path(), &arguments);
    assert_eq!(exit.status.code(), Some(1), "{flags:?}: {exit:?}");
    let line = exit.stderr.lines().last().unwrap_or_default();
    assert!(
        line.starts_with("[nsqd] ") && line.ends_with(&format!(" FATAL: {text}")),
        "{flags:?}: {}",
        exit.stderr
    );
}

#[track_caller]
fn expect_not_instantiated(flags: &[&str], text: &str) {
    expect_refused(flags, &format!("failed to instantiate nsqd - {text}"));
}

#[test]
fn the_data_directory_must_exist() {
    expect_not_instantiated(
        &["--data-path=/nonexistent-dir"],
        "failed to lock data-path: open /nonexistent-dir: no such file or directory",
    );
}

#[test]
fn limits_of_options() {
    for (flag, text) in [
        ("--max-deflate-level=0", "--max-deflate-level must be [1,9]"),
        ("--max-deflate-level=10", "--max-deflate-level must be [1,9]"),
        ("--node-id=-1", "--node-id must be [0,1024)"),
        ("--node-id=1024", "--node-id must be [0,1024)"),
        (
            "--auth-http-request-method=GET",
            "--auth-http-request-method must be post or get",
        ),
        (
            "--auth-http-request-method=",
            "--auth-http-request-method must be post or get",
        ),
        (
            "--e2e-processing-latency-percentile=0",
            "invalid E2E processing latency percentile: 0",
        ),
        (
            "--e2e-processing-latency-percentile=1.1",
            "invalid E2E processing latency percentile: 1.1",
        ),
        (
            "--e2e-processing-latency-percentile=-0.5",
            "invalid E2E processing latency percentile: -0.5",
        ),
    ] {
        expect_not_instantiated(&[flag], text);
    }
}

#[test]
fn limits_of_options_are_inclusive() {
    let _nsqd = Nsqd::with(&[
        "--max-deflate-level=9",
        "--node-id=1023",
        "--e2e-processing-latency-percentile=1.0",
    ]);
    let _nsqd = Nsqd::with(&[
        "--max-deflate-level=1",
        "--node-id=0",
        "--auth-http-request-method=post",
    ]);
}

#[test]
fn tls_needs_its_files() {
    expect_not_instantiated(
        &["--tls-cert=/nonexistent", "--tls-key=/nonexistent"],
        "failed to build TLS config - open /nonexistent: no such file or directory",
    );
    for flag in [
        "--tls-required",
        "--tls-required=tcp-https",
        "--tls-client-auth-policy=require",
    ] {
        expect_not_instantiated(
            &[flag],
            "cannot require TLS client connections without TLS key and cert",
        );
    }
}

#[test]
fn the_checks_come_in_order() {
    let flags = [
        "--max-deflate-level=0",
        "--node-id=1024",
        "--tls-required",
        "--auth-http-request-method=put",
        "--e2e-processing-latency-percentile=2",
    ];
    for (first, text) in [
        "--max-deflate-level must be [1,9]",
        "--node-id must be [0,1024)",
        "cannot require TLS client connections without TLS key and cert",
        "--auth-http-request-method must be post or get",
        "invalid E2E processing latency percentile: 2",
    ]
    .iter()
    .enumerate()
    {
        expect_not_instantiated(&flags[first..], text);
    }
    let all = [&flags[..], &["--data-path=/nonexistent-dir"]].concat();
    expect_not_instantiated(
        &all,
        "failed to lock data-path: open /nonexistent-dir: no such file or directory",
    );
}

#[test]
fn an_address_in_use_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    for flag in ["--tcp-address", "--http-address"] {
        let exit = Setup::new().flag(format!("{flag}={address}")).run();
        assert_eq!(exit.status.code(), Some(1), "{exit:?}");
        let text = format!(
            "FATAL: failed to instantiate nsqd - listen ({address}) failed - listen tcp {address}: bind: address already in use\n"
        );
        assert!(exit.stderr.ends_with(&text), "{}", exit.stderr);
        // Listeners come after the banner.
        assert!(exit.stderr.contains(" INFO: ID: "), "{}", exit.stderr);
    }
}

#[test]
fn fatal_lines_keep_their_prefix_whatever_the_log_prefix_is() {
    expect_not_instantiated(
        &["--log-prefix=<x>", "--node-id=1024"],
        "--node-id must be [0,1024)",
    );
}

#[test]
fn options_that_could_never_work_are_refused_at_the_start() {
    deviates!(HopelessOptionsAreRefused);
    for (flags, name) in [
        (&["--mem-queue-size=-1"][..], "mem-queue-size"),
        (&["--sync-timeout=0"], "sync-timeout"),
        (&["--sync-timeout=-1s"], "sync-timeout"),
        (&["--output-buffer-timeout=0"], "output-buffer-timeout"),
        (
            &["--statsd-address=127.0.0.1:1", "--statsd-interval=1s"],
            "statsd-interval",
        ),
        (&["--queue-scan-selection-count=-1"], "queue-scan-selection-count"),
        (&["--queue-scan-worker-pool-max=0"], "queue-scan-worker-pool-max"),
        (
            &[
                "--e2e-processing-latency-percentile=0.5",
                "--e2e-processing-latency-window-time=0",
            ],
            "e2e-processing-latency-window-time",
        ),
        (&["--max-msg-size=2147483622"], "max-msg-size"),
    ] {
        let directory = TempDir::with_prefix("nsqd-").unwrap();
        let exit = run_in(
            directory.path(),
            &[
                &["--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0"],
                flags,
            ]
            .concat(),
        );
        assert_eq!(exit.status.code(), Some(1), "{flags:?}: {exit:?}");
        let line = exit.stderr.lines().last().unwrap_or_default();
        assert!(
            line.contains(" FATAL: failed to instantiate nsqd - ") && line.contains(name),
            "{flags:?}: {}",
            exit.stderr
        );
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            0,
            "nothing is written before the options are good"
        );
    }
}

#[test]
fn a_limit_of_no_message_at_all_is_a_choice() {
    let nsqd = Nsqd::with(&["--max-msg-size=0", "--max-rdy-count=0"]);
    nsqd.http()
        .post("/pub?topic=t", "x")
        .expect_error(413, "MSG_TOO_BIG");
    let mut peer = nsqd.connect();
    peer.subscribe("t", "c");
    peer.ready(1);
    peer.expect_fatal("E_INVALID RDY count 1 out of range 0-0");
}
