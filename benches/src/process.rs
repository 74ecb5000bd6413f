//! The measured process: how it is started, stopped and metered.

pub(crate) mod server;
pub(crate) mod target;
pub(crate) mod usage;
