//! Prints how an NSQ channel is doing.

use std::process::ExitCode;

use nsq_runtime::Clock;
use nsq_tools::nsq_stat;

fn main() -> ExitCode {
    let clock = Clock::system();
    nsq_stat::run(std::env::args_os(), &clock).unwrap_or_else(|exit| exit.report(&clock))
}
