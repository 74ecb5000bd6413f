//! `nsq-bench`: load generation and limit servers for measuring NSQ daemons.
//!
//! The generator drives any NSQ-compatible nsqd, given as a binary that it starts afresh for every run or as the
//! address of one that runs. It verifies what it measures: every workload checks counts and contents, and a server
//! that loses, repeats or changes a message fails instead of being fast.

mod cli;
mod client;
mod clock;
mod error;
mod histogram;
mod layer;
mod library;
mod limit;
mod link;
mod process;
mod report;
mod runner;
mod wire;
mod workload;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if standard error is gone too.
            let _ = writeln!(std::io::stderr(), "nsq-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
