//! A whole NSQ in one process: nsqlookupd, nsqd and nsqadmin on their default ports, with a data directory of their
//! own.
//!
//! For trying NSQ out, for development, and for machines that need no more. The daemons are the very ones that run
//! alone; they talk to each other over TCP as they always do, and each can later be replaced by a process of its own.
//! Flags that are not about all of them are left to those processes.

mod data_directory;
mod options;
mod stack;
mod welcome;

pub use options::{RawOptions, TABLE};

use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;

use nsq_app::{Exit, Log};
use nsq_runtime::Clock;

use options::Options;
use stack::Stack;

const PROGRAM: &str = "nsq";

/// Runs the program with these arguments, its own name left out, until it is told to stop.
///
/// # Errors
/// It ends before it serves: by a flag that only asks, or because an option, the data directory or a port cannot be
/// used.
pub fn run(args: impl IntoIterator<Item = OsString>, clock: &Clock) -> Result<ExitCode, Exit> {
    let raw = RawOptions::load(args)?;
    let options = Options::validate(raw).map_err(not_started)?;
    let lock = data_directory::take(&options.data_path).map_err(not_started)?;
    let log = Log::stderr(format!("[{PROGRAM}] "), options.log_level, clock.clone());
    log.install().map_err(not_started)?;
    nsq_app::run(|shutdown| async move {
        let stack = Stack::start(&options, lock, log, clock)
            .await
            .map_err(not_started)?;
        welcome::print(&stack.welcome(&options));
        Ok(stack.serve(shutdown).await)
    })
    .map_err(not_started)?
}

fn not_started(cause: impl fmt::Display) -> Exit {
    Exit::fatal(PROGRAM, format!("failed to start - {cause}"))
}
