//! The utilities around NSQ, one module per program.
//!
//! A module holds all of its program: flags, work, exit. The mains in `bins/` only call it.

pub mod nsq_stat;
pub mod nsqauthd;
mod shell;
