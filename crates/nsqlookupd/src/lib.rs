//! The discovery daemon.
//!
//! nsqds come in over V1 TCP, a `session` each, and say which topics and channels they have; consumers and
//! operators ask over [`http`] who has what. In between is the [`registration_db`], which is all there is: it
//! lives in memory, and a restarted nsqlookupd hears everything again from the nsqds.
//!
//! [`start`](daemon::start) makes an nsqlookupd from [`Options`](options::Options);
//! [`Daemon::serve`](daemon::Daemon::serve) runs it.

pub mod daemon;
pub mod http;
pub mod options;
mod producer;
pub mod registration_db;
mod session;

pub use producer::Producer;
