//! The queue daemon around nsq-core.
//!
//! [`start`](daemon::start) makes an nsqd from [`Options`](options::Options) and a locked data directory;
//! [`Daemon::serve`](daemon::Daemon::serve) runs it. Clients come in over V2 TCP, a `session` each, and over
//! [`http`]; both act on the topics of one [`Nsqd`](daemon::Nsqd). What messages do inside a topic is left
//! to `nsq-core`.

mod auth;
pub mod client;
pub mod daemon;
pub mod dirlock;
pub mod http;
mod lookup;
pub mod metadata;
pub mod options;
mod session;
pub mod stats;
mod statsd;
pub mod tls;
