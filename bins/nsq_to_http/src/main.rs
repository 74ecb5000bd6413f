//! Sends the messages of an NSQ topic to HTTP servers.

use std::process::ExitCode;

use nsq_runtime::Clock;
use nsq_tools::nsq_to_http;

fn main() -> ExitCode {
    let clock = Clock::system();
    nsq_to_http::run(std::env::args_os(), &clock).unwrap_or_else(|exit| exit.report(&clock))
}
