//! The shell of every process: command line, log, signals, version line, exit codes.
//!
//! A main reads its options with [`load`], starts a [`Log`], and hands its work to [`run`]; whatever
//! goes wrong before that is an [`Exit`], which knows what to print and the code to end with. What the
//! process does in between, and the order in which it stops, belong to the daemon.

mod command_line;
mod exit;
mod host;
pub mod log;
pub mod metrics;
mod run;
mod time;
mod version;

pub use command_line::load;
pub use exit::Exit;
pub use host::hostname;
pub use log::Log;
pub use run::{Hangups, run};
pub use time::LocalTime;
pub use version::{VERSION, version_line};
