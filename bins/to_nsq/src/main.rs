//! Publishes standard input to NSQ.

use std::process::ExitCode;

use nsq_runtime::Clock;
use nsq_tools::to_nsq;

fn main() -> ExitCode {
    let clock = Clock::system();
    to_nsq::run(std::env::args_os(), &clock).unwrap_or_else(|exit| exit.report(&clock))
}
