//! Flags and configuration of nsqlookupd.
//!
//! [`TABLE`] lists every flag once. [`RawOptions`] holds what the command line and the configuration file say;
//! [`Options::validate`] turns it into what the daemon works with, once and for all.

mod error;
mod raw;
mod table;
#[cfg(test)]
mod tests;

pub use error::OptionsError;
pub use raw::RawOptions;
pub use table::TABLE;

use std::time::Duration;

use nsq_flags::{GoDuration, LogLevel};
use nsq_net::HostPort;

/// The validated options of one nsqlookupd. They do not change while it runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The least serious kind of line that is logged.
    pub log_level: LogLevel,
    /// What every log line starts with.
    pub log_prefix: String,
    /// Where nsqds register.
    pub tcp_address: HostPort,
    /// Where HTTP is served.
    pub http_address: HostPort,
    /// The host that nsqds are told to reach this nsqlookupd by.
    pub broadcast_address: String,
    /// How long after its last sign of life a producer is still listed.
    pub inactive_producer_timeout: Duration,
    /// How long a tombstone hides a producer of a topic.
    pub tombstone_lifetime: Duration,
}

impl Options {
    /// Checks `raw`.
    ///
    /// # Errors
    /// The first value that is refused.
    ///
    /// # Differs from upstream
    /// Negative times are refused; there they hide every producer, or make tombstones void.
    pub fn validate(raw: RawOptions) -> Result<Self, OptionsError> {
        Ok(Self {
            log_level: raw.log_level,
            log_prefix: raw.log_prefix,
            tcp_address: address(&raw.tcp_address)?,
            http_address: address(&raw.http_address)?,
            broadcast_address: raw.broadcast_address,
            inactive_producer_timeout: span("inactive-producer-timeout", raw.inactive_producer_timeout)?,
            tombstone_lifetime: span("tombstone-lifetime", raw.tombstone_lifetime)?,
        })
    }
}

fn address(text: &str) -> Result<HostPort, OptionsError> {
    // Go's listener takes no address at all for every interface and any port.
    let text = if text.is_empty() { ":0" } else { text };
    HostPort::parse(text).map_err(|cause| OptionsError::Address {
        address: text.to_owned(),
        cause,
    })
}

fn span(flag: &'static str, value: GoDuration) -> Result<Duration, OptionsError> {
    value.to_std().ok_or(OptionsError::Negative { flag })
}
