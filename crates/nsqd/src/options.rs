//! Flags and configuration of nsqd.
//!
//! [`TABLE`] lists every flag once. [`RawOptions`] holds what the command line and the configuration
//! file say, in Go's types; [`Options::validate`] turns it into what the daemon works with, once and
//! for all: nothing else in this crate looks at a raw value.

mod auth;
mod error;
mod host;
mod raw;
mod statsd;
mod table;
mod tls;
mod validate;

pub use auth::AuthMethod;
pub use error::OptionsError;

pub use raw::RawOptions;
pub use statsd::StatsdOptions;
pub use table::TABLE;
pub use tls::{ClientAuthPolicy, TlsMinVersion, TlsOptions, TlsRequired};

use std::path::PathBuf;
use std::time::Duration;

use nsq_core::Durability;
use nsq_flags::{ConfigValue, LogLevel, Value};

/// What `--enable-experiment` may switch on. Other names are accepted and mean nothing.
const TOPOLOGY_AWARE_CONSUMPTION: &str = "topology-aware-consumption";

/// The validated options of one nsqd. They do not change while it runs.
///
/// Two options have a successor at run time that is kept elsewhere: the log level and the addresses of
/// nsqlookupd, both changed by `PUT /config`.
///
/// The flags about scanning queues (`--queue-scan-…`) are read and checked, and answered by
/// `GET /config`, but have no effect: nothing is scanned here.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Clone, Debug)]
pub struct Options {
    /// Part of every message id, below 1024.
    pub node_id: u16,
    /// The least serious kind of line that is logged at the start.
    pub log_level: LogLevel,
    /// What every log line starts with.
    pub log_prefix: String,

    /// Where V2 clients connect: `host:port`, or else the path of a unix socket.
    pub tcp_address: String,
    /// Where HTTP is served: `host:port`, or else the path of a unix socket; empty for not at all.
    pub http_address: String,
    /// Where HTTPS is served, if TLS is on: `host:port`; empty for not at all.
    pub https_address: String,

    /// The host that others are told to reach this nsqd by.
    pub broadcast_address: String,
    /// The V2 port that others are told; 0 until [`listening`](Self::listening) unless it was set.
    pub broadcast_tcp_port: u16,
    /// The HTTP port that others are told; 0 until [`listening`](Self::listening) unless it was set.
    pub broadcast_http_port: u16,
    /// Where to register at the start, in the order given, duplicates included.
    pub nsqlookupd_tcp_addresses: Vec<String>,

    /// Servers that are asked what a client may do: `host:port` or a URL. None for no authorization.
    pub auth_http_addresses: Vec<String>,
    /// How they are asked.
    pub auth_http_request_method: AuthMethod,
    /// How long a connection to them, or to a nsqlookupd's HTTP, may take.
    pub http_client_connect_timeout: Duration,
    /// How long a whole request to them may take.
    pub http_client_request_timeout: Duration,

    /// The region this nsqd is in, empty if unknown.
    pub topology_region: String,
    /// The zone within the region, empty if unknown.
    pub topology_zone: String,
    /// Whether consumers near by are served before others.
    pub topology_aware_consumption: bool,

    /// Where the files are; empty for the working directory.
    pub data_path: PathBuf,
    /// Messages that each topic and each channel keeps in memory before it writes to disk.
    pub mem_queue_size: usize,
    /// Size at which a disk queue starts its next file.
    pub max_bytes_per_file: u64,
    /// Disk queue operations after which files are synced; 0 for each.
    pub sync_every: u64,
    /// Time after which files are synced.
    pub sync_timeout: Duration,

    /// Time a message may be in flight, unless the client asks for another.
    pub msg_timeout: Duration,
    /// The most a client may ask for, and the most that touching may extend it to.
    pub max_msg_timeout: Duration,
    /// Bytes of one message body.
    pub max_msg_size: usize,
    /// Bytes of one command body, which may hold several messages.
    pub max_body_size: usize,
    /// The longest time a message may be requeued or deferred for.
    pub max_req_timeout: Duration,

    /// The longest heartbeat interval a client may ask for.
    pub max_heartbeat_interval: Duration,
    /// The largest ready count.
    pub max_rdy_count: u64,
    /// The largest output buffer a client may ask for, in bytes.
    pub max_output_buffer_size: usize,
    /// The longest time a client may ask its output to be buffered for.
    pub max_output_buffer_timeout: Duration,
    /// The shortest time a client may ask its output to be buffered for.
    pub min_output_buffer_timeout: Duration,
    /// How long output is buffered for at most, unless the client asks for another time.
    pub output_buffer_timeout: Duration,
    /// Consumers that a channel admits; `None` for any number.
    pub max_channel_consumers: Option<usize>,
    /// Whether messages in flight return to their channel when their client's connection ends, instead
    /// of after their timeout. Upstream has no such option.
    pub requeue_on_disconnect: bool,
    /// What is true of a message when its publisher is told OK. Upstream knows the first level only.
    pub durability: Durability,
    /// Whether messages that are deferred at a clean stop are deferred after the next start, too. Upstream delivers
    /// them at once then, and has no such option.
    pub keep_deferred: bool,
    /// Publishers are refused while less is free on the disk of `data_path`, in bytes; 0 for no such bound.
    /// Upstream has no such option.
    pub min_free_disk_space: u64,

    /// Quantiles of the end-to-end latency to keep, each above 0 and at most 1; none for no tracking.
    pub e2e_processing_latency_percentiles: Vec<f64>,
    /// The time over which they are kept. Positive if there are any.
    pub e2e_processing_latency_window_time: Duration,

    /// Statistics pushed over UDP, if they are.
    pub statsd: Option<StatsdOptions>,
    /// Certificates, and who has to use TLS.
    pub tls: TlsOptions,
    /// Whether clients may ask for deflate.
    pub deflate: bool,
    /// The highest deflate level a client may ask for, 1 to 9.
    pub max_deflate_level: u8,
    /// Whether clients may ask for snappy.
    pub snappy: bool,

    /// What `GET /config` answers from.
    raw: RawOptions,
}

impl Options {
    /// Completes the options once the listeners are bound: broadcast ports that were not set are the
    /// real ones (`None` for a unix socket or no listener), and the statsd prefix is expanded with them.
    pub fn listening(mut self, tcp_port: Option<u16>, http_port: Option<u16>) -> Self {
        if self.broadcast_tcp_port == 0 {
            self.broadcast_tcp_port = tcp_port.unwrap_or(0);
        }
        if self.broadcast_http_port == 0 {
            self.broadcast_http_port = http_port.unwrap_or(0);
        }
        self.raw.broadcast_tcp_port = i64::from(self.broadcast_tcp_port);
        self.raw.broadcast_http_port = i64::from(self.broadcast_http_port);
        self.raw.statsd_prefix = statsd::expand_prefix(
            &self.raw.statsd_prefix,
            &self.broadcast_address,
            self.broadcast_http_port,
        );
        if let Some(statsd) = &mut self.statsd {
            statsd.prefix.clone_from(&self.raw.statsd_prefix);
        }
        self
    }

    /// The option that the configuration file calls `key`, as `GET /config/<key>` answers it; `None` if
    /// there is none.
    ///
    /// `log_level` and `nsqlookupd_tcp_addresses` are the values at the start.
    pub fn config_value(&self, key: &str) -> Option<ConfigValue> {
        TABLE.config_value(&self.raw, key)
    }

    /// The answer to `GET /config/log_level` while the level is `level`.
    pub fn log_level_value(level: LogLevel) -> ConfigValue {
        level.config_value()
    }
}

#[cfg(test)]
mod tests;
