//! Harness shared by the black-box tests of the daemons.
//!
//! A test starts a real daemon as a child process, talks to it over sockets, and compares bytes:
//!
//! ```no_run
//! use nsq_tests::Nsqd;
//!
//! let nsqd = Nsqd::start();
//! let mut consumer = nsqd.connect();
//! consumer.subscribe("orders", "billing");
//! consumer.ready(1);
//! nsqd.http().post("/pub?topic=orders", "hi").expect_text(200, "OK");
//! consumer.expect_message_of("hi", 1);
//! ```
//!
//! - [`Nsqd`] and [`Setup`]: one daemon on ports of its own, with a data directory that outlives restarts.
//! - [`Nsq`]: a whole NSQ in one process.
//! - [`Nsqlookupd`]: one discovery daemon, and producers that register with it.
//! - [`Nsqadmin`]: one admin daemon, and a [`Cluster`] for it to look at.
//! - [`process`]: any program as a child that cannot outlive its test, with its output by line.
//! - [`http`]: an HTTP client that hides nothing.
//! - [`Nsqauthd`]: one authorization server of ours.
//! - [`auth_server`]: an authorization server that does what a test tells it.
//! - [`load`]: clients that go on while daemons come and go, with a ledger of what they publish and receive.
//! - [`Disk`]: a file system of a test's own, which can be full or lose its power.
//! - [`terminal`]: a terminal for programs that behave differently at one.
//! - [`metrics`]: a strict reader of what Prometheus reads.
//! - [`pki`]: certificates made for one test, and clients that trust them.
//! - [`program`]: where the daemon under test comes from; `NSQD_BIN` puts another implementation in its place.
//! - [`FakeLookupd`]: an nsqlookupd that the test plays.
//! - [`upstream`]: an nsqd or nsqlookupd that the test plays for nsqadmin, well or badly.
//! - [`deviation`]: what this nsqd does better than the original on purpose, so that the same tests can run
//!   against the original and say what they left out.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a harness fails tests by panicking; documenting it on every function would say nothing"
)]

pub mod auth_server;
pub mod deviation;
mod disk;
mod fake_lookupd;
pub mod http;
pub mod load;
pub mod metrics;
mod nsq;
mod nsqadmin;
mod nsqauthd;
mod nsqd;
pub mod nsqlookupd;
pub mod pki;
pub mod poll;
pub mod process;
pub mod program;
mod stats;
pub mod terminal;
pub mod upstream;

pub use nsq_testkit::peer::{self, Message, Peer, Stopwatch, command};

pub use self::disk::Disk;
pub use self::fake_lookupd::{FakeLookupd, await_identified, expect_command};
pub use self::nsq::Nsq;
pub use self::nsqadmin::{Cluster, Nsqadmin, await_json};
pub use self::nsqauthd::Nsqauthd;
pub use self::nsqd::{Nsqd, Setup, Stopped};
pub use self::nsqlookupd::Nsqlookupd;
