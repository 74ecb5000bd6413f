//! The utilities around NSQ, one module per program.
//!
//! A module holds all of its program: flags, work, exit. The mains in `bins/` only call it.

mod chance;
mod client_options;
mod consume;
mod consumer_flags;
mod host_pool;
mod log;
pub mod nsq_diskqueue;
pub mod nsq_stat;
pub mod nsq_tail;
pub mod nsq_to_file;
pub mod nsq_to_http;
pub mod nsq_to_nsq;
pub mod nsqauthd;
mod progress;
mod shell;
mod status;
pub mod to_nsq;

pub use client_options::ClientOptions;
pub use consumer_flags::ConsumerFlags;
pub use host_pool::Mode;
