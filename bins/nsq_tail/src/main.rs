//! Prints the messages of NSQ topics.

use std::process::ExitCode;

use nsq_runtime::Clock;
use nsq_tools::nsq_tail;

fn main() -> ExitCode {
    let clock = Clock::system();
    nsq_tail::run(std::env::args_os(), &clock).unwrap_or_else(|exit| exit.report(&clock))
}
