//! Looks into the disk queues of an nsqd that is not running.

use std::process::ExitCode;

use nsq_runtime::Clock;
use nsq_tools::nsq_diskqueue;

fn main() -> ExitCode {
    nsq_diskqueue::run(std::env::args_os()).unwrap_or_else(|exit| exit.report(&Clock::system()))
}
