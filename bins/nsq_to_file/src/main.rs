//! Writes the messages of NSQ topics to files.

use std::process::ExitCode;

use nsq_runtime::Clock;
use nsq_tools::nsq_to_file;

fn main() -> ExitCode {
    let clock = Clock::system();
    nsq_to_file::run(std::env::args_os(), &clock).unwrap_or_else(|exit| exit.report(&clock))
}
