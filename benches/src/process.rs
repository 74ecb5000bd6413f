//! The measured processes: how they are started, stopped and metered.

pub(crate) mod client;
pub(crate) mod server;
pub(crate) mod target;
pub(crate) mod usage;
