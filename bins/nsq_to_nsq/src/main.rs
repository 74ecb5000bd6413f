//! Publishes the messages of NSQ topics to other nsqds.

use std::process::ExitCode;

use nsq_runtime::Clock;
use nsq_tools::nsq_to_nsq;

fn main() -> ExitCode {
    let clock = Clock::system();
    nsq_to_nsq::run(std::env::args_os(), &clock).unwrap_or_else(|exit| exit.report(&clock))
}
