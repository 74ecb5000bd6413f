//! Starting and stopping.

use std::time::Duration;

use nsq_tests::process::Exit;
use nsq_tests::{Nsqlookupd, Peer};
use rustix::process::Signal;

#[test]
fn a_signal_ends_it_cleanly_whoever_is_connected() {
    for signal in [Signal::TERM, Signal::INT] {
        let lookupd = Nsqlookupd::start();
        let mut silent = Peer::connect(lookupd.tcp_address());
        let mut producer = lookupd.producer("n1.local");
        let _idle = lookupd.http().connect();
        let exit = lookupd.end(signal);
        assert!(exit.status.success(), "{exit:?}");
        assert!(exit.took < Duration::from_secs(5), "{exit:?}");
        silent.expect_closed();
        producer.expect_closed();
        assert!(exit.stderr.contains(" INFO: TCP: closing "), "{exit:?}");
        assert!(exit.stderr.contains(" INFO: HTTP: closing "), "{exit:?}");
    }
}

#[track_caller]
fn expect_failure(exit: &Exit, code: i32, part: &str) {
    assert_eq!(exit.status.code(), Some(code), "{exit:?}");
    assert!(exit.stderr.contains(part), "{exit:?}");
}

#[test]
fn what_cannot_be_listened_on_is_fatal() {
    let lookupd = Nsqlookupd::start();
    let address = lookupd.tcp_address();
    let taken = Nsqlookupd::run(&[&format!("--tcp-address={address}"), "--log-prefix=x "]);
    expect_failure(
        &taken,
        1,
        &format!(
            "FATAL: failed to instantiate nsqlookupd - listen ({address}) failed - listen tcp {address}: bind: \
             address already in use\n"
        ),
    );
    assert!(taken.stderr.contains("\n[nsqlookupd] "), "{taken:?}");
    expect_failure(
        &Nsqlookupd::run(&["--http-address=nowhere"]),
        1,
        "FATAL: failed to instantiate nsqlookupd - listen (nowhere) failed - listen tcp: address nowhere: missing \
         port in address\n",
    );
}

#[test]
fn bad_flags_and_files_are_told() {
    expect_failure(
        &Nsqlookupd::run(&["-nope"]),
        2,
        "flag provided but not defined: -nope\nUsage of nsqlookupd:\n",
    );
    expect_failure(&Nsqlookupd::run(&["--help"]), 0, "Usage of nsqlookupd:\n");
    expect_failure(
        &Nsqlookupd::run(&["--config=/nonexistent"]),
        1,
        "FATAL: failed to load config file /nonexistent - open /nonexistent: no such file or directory\n",
    );
    let version = Nsqlookupd::run(&["--version"]);
    assert!(version.status.success());
    assert!(
        version.stdout.starts_with("nsqlookupd v1.3.0 (built w/"),
        "{version:?}"
    );
}
