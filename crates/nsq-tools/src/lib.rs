//! The utilities around NSQ, one module per program.
//!
//! A module holds all of its program: flags, work, exit. The mains in `bins/` only call it.

mod client_options;
mod consume;
mod log;
pub mod nsq_stat;
pub mod nsq_tail;
pub mod nsq_to_file;
pub mod nsqauthd;
mod progress;
mod shell;
pub mod to_nsq;

pub use client_options::ClientOptions;
