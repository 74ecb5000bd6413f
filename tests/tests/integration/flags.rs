//! The command line and the configuration file: what starts, with which options, and what is refused how.

mod config_file;
mod syntax;
mod validation;

use std::path::Path;
use std::time::Duration;

use nsq_tests::process::{Exit, Process};
use nsq_tests::{Nsqd, program};
use tempfile::TempDir;

/// How long an nsqd may take that is to end by itself; one that starts to serve instead is killed then.
const END_MAX: Duration = Duration::from_secs(10);

/// Runs nsqd to its end in an empty directory.
#[track_caller]
fn run(arguments: &[&str]) -> Exit {
    let directory = TempDir::with_prefix("nsqd-").unwrap();
    run_in(directory.path(), arguments)
}

/// Runs nsqd to its end in `directory`.
#[track_caller]
fn run_in(directory: &Path, arguments: &[&str]) -> Exit {
    Process::start_with_limit(program::nsqd(), directory, arguments, END_MAX).wait()
}

/// Asserts that these flags are accepted and give an option this value in `GET /config/<option>`.
#[track_caller]
fn expect_option(flags: &[&str], option: &str, value: &str) {
    expect_value(&Nsqd::with(flags), option, value, &format!("{flags:?}"));
}

#[track_caller]
fn expect_value(nsqd: &Nsqd, option: &str, value: &str, context: &str) {
    let response = nsqd.http().get(&format!("/config/{option}"));
    assert_eq!(
        (response.status(), response.text()),
        (200, value),
        "{option} with {context}"
    );
}
