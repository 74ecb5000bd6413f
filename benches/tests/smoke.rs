//! The whole instrument against its own limit servers: generator, checks, process handling and every workload that
//! does not need a daemon.

use std::io;
use std::process::Command;

/// Whether `nsq-bench smoke` passed, and what it printed.
fn smoke(target: &str) -> io::Result<(bool, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_nsq-bench"))
        .args(["smoke", "--nsqd", target])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Ok((output.status.success(), text.into_owned()))
}

#[test]
fn every_workload_for_the_relay_passes_its_own_checks() {
    let (passed, text) = smoke("limit:relay").unwrap();
    assert!(passed, "{text}");
    for workload in ["mpub-1", "http-pub-64", "drain-4", "latency-5k", "large", "flood"] {
        assert!(
            text.contains(&format!("ok  {workload}\n")),
            "{workload} did not run:\n{text}"
        );
    }
}

#[test]
fn a_program_that_is_no_nsqd_is_reported_and_not_waited_for() {
    let (passed, text) = smoke("/bin/true").unwrap();
    assert!(!passed);
    assert!(text.contains("/bin/true did not start"), "{text}");
}
