//! A whole NSQ in one process.

use std::process::ExitCode;

use nsq_runtime::Clock;

fn main() -> ExitCode {
    let clock = Clock::system();
    nsq::run(std::env::args_os().skip(1), &clock).unwrap_or_else(|exit| exit.report(&clock))
}
