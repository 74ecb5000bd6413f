//! The admin daemon: what a cluster is doing, and changes to it.
//!
//! [`api`] answers what Go's nsqadmin answers, by asking nsqlookupds and nsqds for every request. The web pages, which are
//! [embedded](nsqadmin_ui), use the extension API, described in `docs/nsqadmin-api.md`.
//!
//! [`start`](daemon::start) makes an nsqadmin from [`Options`](options::Options);
//! [`Daemon::serve`](daemon::Daemon::serve) runs it.

mod access;
mod activity;
pub mod api;
mod assets;
mod caller;
mod collector;
mod compress;
mod config;
pub mod daemon;
mod ext;
mod graphite;
mod health;
mod history;
mod metrics;
mod notify;
pub mod options;
mod page;
mod service;
mod snapshot;
mod tail;
