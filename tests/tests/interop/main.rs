//! Client libraries that others wrote, against the daemon under test.
//!
//! `.ci/interop` installs the clients; what is not installed is left out, and said so.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail like tests; Clippy exempts only the test functions"
)]

mod cluster;
mod prometheus;

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};

use nsq_tests::Nsqd;
use nsq_tests::process::Process;
use serde_json::json;

/// The programs of the scene, with the client each needs.
fn scenes() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/interop"))
}

/// Where `.ci/interop` has installed the clients.
fn installed() -> PathBuf {
    env::var_os("NSQ_INTEROP_DIR").map_or_else(|| scenes().join("../../target/interop"), PathBuf::from)
}

/// A program that `.ci/interop` has installed, or a note that its client is left out.
fn program(client: &str, program: &str) -> Option<PathBuf> {
    let program = installed().join(program);
    if program.exists() {
        return Some(program);
    }
    // Written past the capture of the test harness: a test that was left out must be seen.
    let _ = writeln!(
        std::io::stderr(),
        "LEFT OUT: {client} is not installed; run .ci/interop"
    );
    None
}

/// Runs one client's program through the scene and compares its story with the daemon's.
fn play(client: &str, program: &str, arguments: &[&str]) {
    let Some(program) = self::program(client, program) else {
        return;
    };
    let nsqd = Nsqd::with(&["--msg-timeout=2s"]);
    let address = nsqd.tcp_address();
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let arguments: Vec<&str> = arguments
        .iter()
        .copied()
        .chain([host.as_str(), &port, "scene", client])
        .collect();

    let exit = Process::run(&program, &installed(), &arguments);
    assert!(exit.status.success(), "{client}: {exit:?}\n{}", exit.stderr);
    let mut finished: Vec<&str> = exit
        .stdout
        .lines()
        .filter(|line| line.starts_with("finished "))
        .collect();
    finished.sort_unstable();
    let expected = [
        "deferred 1",
        "finish 1",
        "multi-1 1",
        "multi-2 1",
        "requeue 2",
        "touch 1",
    ];
    assert_eq!(
        finished,
        expected.map(|line| format!("finished {line}")),
        "{}",
        exit.stderr
    );
    nsqd.await_channel(
        "scene",
        client,
        &json!({
            "depth": 0, "in_flight_count": 0, "deferred_count": 0, "client_count": 0,
            "message_count": 6, "requeue_count": 1, "timeout_count": 0,
        }),
    );
}

/// The path of a scene program as an argument.
fn scene(file: &str) -> String {
    scenes().join(file).to_str().unwrap().to_owned()
}

#[test]
fn pynsq_publishes_consumes_requeues_and_touches() {
    play("pynsq", "venv/bin/python", &[&scene("pynsq_scene.py")]);
}

#[test]
fn gnsq_publishes_consumes_requeues_and_touches() {
    play("gnsq", "venv/bin/python", &[&scene("gnsq_scene.py")]);
}

#[test]
fn ansq_publishes_consumes_requeues_and_touches() {
    play("ansq", "venv/bin/python", &[&scene("ansq_scene.py")]);
}

#[test]
fn nsqjs_publishes_consumes_requeues_and_touches() {
    play("nsqjs", "node/run", &[&scene("nsqjs_scene.js")]);
}

#[test]
fn tokio_nsq_publishes_consumes_requeues_and_touches() {
    play("tokio-nsq", "tokio-nsq/debug/tokio-nsq-scene", &[]);
}
