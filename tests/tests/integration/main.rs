//! The daemons as their clients see them: bytes in, bytes out, files on disk.
//!
//! One module per area. `NSQD_BIN` runs everything against another nsqd, the original for instance; what that one is
//! known to do worse is left out and said so.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail like tests; Clippy exempts only the test functions themselves"
)]

mod auth;
mod client;
mod delivery;
mod discovery;
mod flags;
mod hostile;
mod http;
mod lookupd;
mod migration;
mod nsq;
mod nsqadmin;
mod persistence;
mod protocol;
mod refusals;
mod security;
mod shutdown;
mod statsd;
mod utilities;
