//! An authorization server for nsqd.

use std::process::ExitCode;

use nsq_runtime::Clock;
use nsq_tools::nsqauthd;

fn main() -> ExitCode {
    let clock = Clock::system();
    nsqauthd::run(std::env::args_os().skip(1), &clock).unwrap_or_else(|exit| exit.report(&clock))
}
