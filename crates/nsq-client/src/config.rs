//! Every knob, with its default and its range.

mod error;
mod option;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use nsq_net::tls;
use nsq_protocol::identify::IdentifyRequest;

pub use self::error::ConfigError;

/// Frames above this are refused when [`Config::max_msg_size`] sets no limit: a peer that announces more
/// is out of its mind, and the room would be reserved for it.
const FRAME_SIZE_MAX: usize = 256 * 1024 * 1024;

/// How long the pauses of a consumer grow whose handler fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackoffStrategy {
    /// [`backoff_multiplier`](Config::backoff_multiplier) · 2^level.
    #[default]
    Exponential,
    /// Anything up to what `Exponential` gives, at random: consumers that fail together do not come back
    /// together.
    FullJitter,
}

/// The settings of producers and consumers.
///
/// A configuration is plain data; what it is given to keeps a copy. Set the fields, or use
/// [`set`](Self::set) with the names and the text that the official clients take. Whether everything is in
/// range is checked where the configuration is used, and by [`validate`](Self::validate).
///
/// ```
/// use std::time::Duration;
/// use nsq_client::Config;
///
/// let mut config = Config::default();
/// config.max_in_flight = 200;
/// config.set("msg_timeout", "90s")?;
/// config.set_pair("tls_v1")?;
/// assert_eq!(config.msg_timeout, Duration::from_secs(90));
/// assert_eq!(
///     config.set_pair("lookupd-poll-jitter,5").unwrap_err().to_string(),
///     "invalid lookupd_poll_jitter ! 5 > 1"
/// );
/// # Ok::<(), nsq_client::ConfigError>(())
/// ```
///
/// Upstream: go-nsq config.go.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the fields are the options of the official clients"
)]
pub struct Config {
    /// How long connecting to nsqd may take. 1 s.
    pub dial_timeout: Duration,
    /// How long nsqd may be silent; its heartbeats count. 60 s, from 100 ms to 5 min.
    pub read_timeout: Duration,
    /// How long nsqd may not take what is sent to it. 1 s, from 100 ms to 5 min.
    pub write_timeout: Duration,
    /// Where connections to nsqd come from. Any address.
    pub local_addr: Option<SocketAddr>,

    /// How often nsqlookupd is asked for the nsqds of a topic. 60 s, from 10 ms to 5 min.
    pub lookupd_poll_interval: Duration,
    /// The part of the poll interval that the first poll is put off by, at random, so that consumers which
    /// start together do not ask together. 0.3, from 0 to 1.
    pub lookupd_poll_jitter: f64,
    /// How long nsqlookupd may take to answer. 1 min.
    pub lookupd_poll_timeout: Duration,
    /// Whether the secret is also sent to nsqlookupd. `true`.
    ///
    /// # Differs from upstream
    /// Upstream calls this `skip_lookupd_authorization`, though `true`, its default, sends the secret.
    /// [`set`](Config::set) takes that name with that meaning, and `lookupd_authorization` as well.
    pub lookupd_authorization: bool,

    /// The longest delay of a message that is requeued without a delay of its own. 15 min, up to 60 min.
    pub max_requeue_delay: Duration,
    /// The delay of a message that is requeued without one of its own, for each attempt it has had. 90 s,
    /// up to 60 min.
    pub default_requeue_delay: Duration,
    /// How the pauses of a consumer grow whose handler fails.
    pub backoff_strategy: BackoffStrategy,
    /// The longest pause of a consumer whose handler fails; zero for no pauses. 2 min, up to 60 min.
    pub max_backoff_duration: Duration,
    /// The unit of those pauses; the first is twice as long. 1 s, up to 60 min.
    pub backoff_multiplier: Duration,
    /// How often a message is tried before it is given up; 0 for no limit. 5.
    pub max_attempts: u16,

    /// A connection without a message for this long gives its turn to another while there are more
    /// connections than messages may be in flight. 10 s, from 1 s to 5 min.
    pub low_rdy_idle_timeout: Duration,
    /// A connection gives up its turn after this long in any case then. 30 s, from 1 s to 5 min.
    pub low_rdy_timeout: Duration,
    /// How often turns are looked at. 5 s, from 1 ms to 5 s.
    pub rdy_redistribute_interval: Duration,

    /// What this client calls itself. The host name up to its first dot.
    pub client_id: String,
    /// Where this client runs. The host name.
    pub hostname: String,
    /// The program and the library, and their versions.
    pub user_agent: String,

    /// How often nsqd asks whether the client is alive; `None` for never, with which nsqd lets nobody
    /// consume. 30 s, at most `read_timeout`.
    pub heartbeat_interval: Option<Duration>,
    /// The percentage of messages to be delivered; 0 for all. nsqd drops the others. 0, up to 99.
    pub sample_rate: u8,

    /// Ask for TLS.
    pub tls_v1: bool,
    /// Who may have signed the certificate of nsqd, a PEM file; whom the system trusts if `None`.
    pub tls_root_ca_file: Option<PathBuf>,
    /// The certificate of this client, a PEM file; used together with `tls_key`.
    pub tls_cert: Option<PathBuf>,
    /// The key of this client's certificate, a PEM file.
    pub tls_key: Option<PathBuf>,
    /// Take any server for the right one.
    pub tls_insecure_skip_verify: bool,
    /// The oldest version of TLS.
    ///
    /// # Differs from upstream
    /// [`set`](Config::set) takes `ssl3.0`, `tls1.0` and `tls1.1` for TLS 1.2, since nothing older is
    /// spoken; and TLS 1.3 is spoken whatever else is set.
    pub tls_min_version: tls::MinVersion,

    /// Ask for compression with deflate.
    pub deflate: bool,
    /// How much to compress with deflate. 6, from 1 to 9.
    pub deflate_level: u8,
    /// Ask for compression with snappy.
    pub snappy: bool,

    /// Bytes that nsqd gathers before it writes to the client; -1 for none. 16384.
    pub output_buffer_size: i32,
    /// How long nsqd keeps what it gathers; `None` for ever. 250 ms.
    pub output_buffer_timeout: Option<Duration>,

    /// How many messages a consumer may hold, over all its connections; 0 pauses it. 1.
    pub max_in_flight: u32,
    /// How long a message may be held; zero for what nsqd is set to.
    pub msg_timeout: Duration,
    /// The secret for nsqds that want one.
    pub auth_secret: String,

    /// Where this client runs, coarsely.
    pub topology_region: String,
    /// Where this client runs, finely.
    pub topology_zone: String,
    /// The largest frame that is taken from nsqd, in bytes; 0 for 256 MiB. 0.
    pub max_msg_size: u32,
}

impl Default for Config {
    fn default() -> Self {
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self {
            dial_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(1),
            local_addr: None,
            lookupd_poll_interval: Duration::from_secs(60),
            lookupd_poll_jitter: 0.3,
            lookupd_poll_timeout: Duration::from_secs(60),
            lookupd_authorization: true,
            max_requeue_delay: Duration::from_secs(15 * 60),
            default_requeue_delay: Duration::from_secs(90),
            backoff_strategy: BackoffStrategy::Exponential,
            max_backoff_duration: Duration::from_secs(2 * 60),
            backoff_multiplier: Duration::from_secs(1),
            max_attempts: 5,
            low_rdy_idle_timeout: Duration::from_secs(10),
            low_rdy_timeout: Duration::from_secs(30),
            rdy_redistribute_interval: Duration::from_secs(5),
            client_id: hostname.split('.').next().unwrap_or_default().to_owned(),
            hostname,
            user_agent: concat!("nsq-rs/", env!("CARGO_PKG_VERSION")).to_owned(),
            heartbeat_interval: Some(Duration::from_secs(30)),
            sample_rate: 0,
            tls_v1: false,
            tls_root_ca_file: None,
            tls_cert: None,
            tls_key: None,
            tls_insecure_skip_verify: false,
            tls_min_version: tls::MinVersion::default(),
            deflate: false,
            deflate_level: 6,
            snappy: false,
            output_buffer_size: 16 * 1024,
            output_buffer_timeout: Some(Duration::from_millis(250)),
            max_in_flight: 1,
            msg_timeout: Duration::ZERO,
            auth_secret: String::new(),
            topology_region: String::new(),
            topology_zone: String::new(),
            max_msg_size: 0,
        }
    }
}

impl Config {
    /// Sets the option called `key` to what `value` says, as the official clients read it: durations with a
    /// unit such as `1m30s`, Go's spellings of a boolean. A dash in `key` stands for an underscore.
    ///
    /// # Errors
    /// There is no such option, or its value cannot be read or is out of range. Nothing has changed then.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        option::set(self, key, Some(value))
    }

    /// Sets an option from `key,value`, as `--consumer-opt` and `--producer-opt` give it. The value may
    /// hold commas; without one, the option is a boolean that becomes true.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_pair(&mut self, pair: &str) -> Result<(), ConfigError> {
        match pair.split_once(',') {
            Some((key, value)) => option::set(self, key, Some(value)),
            None => option::set(self, pair, None),
        }
    }

    /// Checks every range, and that heartbeats come in time.
    ///
    /// # Errors
    /// The first option that is out of range, under upstream's name of the field.
    pub fn validate(&self) -> Result<(), ConfigError> {
        option::validate(self)
    }

    /// The largest frame, its type included.
    pub(crate) fn frame_size_max(&self) -> usize {
        match usize::try_from(self.max_msg_size) {
            Ok(0) | Err(_) => FRAME_SIZE_MAX,
            Ok(size) => size,
        }
    }

    /// What a handshake needs, read from the files.
    pub(crate) fn tls_connector(&self) -> Result<tls::Connector, ConfigError> {
        tls::Connector::load(tls::ClientSettings {
            root_ca_file: self.tls_root_ca_file.clone(),
            insecure_skip_verify: self.tls_insecure_skip_verify,
            cert_and_key: self.tls_cert.clone().zip(self.tls_key.clone()),
            min_version: self.tls_min_version,
        })
        .map_err(|error| ConfigError::Tls(error.to_string()))
    }

    /// What is said to nsqd.
    pub(crate) fn identify(&self) -> IdentifyRequest {
        IdentifyRequest {
            client_id: self.client_id.clone(),
            hostname: self.hostname.clone(),
            user_agent: self.user_agent.clone(),
            feature_negotiation: true,
            heartbeat_interval_ms: self.heartbeat_interval.map_or(-1, millis),
            output_buffer_size: self.output_buffer_size.into(),
            output_buffer_timeout_ms: self.output_buffer_timeout.map_or(-1, millis),
            tls_v1: self.tls_v1,
            snappy: self.snappy,
            deflate: self.deflate,
            deflate_level: self.deflate_level.into(),
            sample_rate: self.sample_rate.into(),
            msg_timeout_ms: millis(self.msg_timeout),
            topology_region: self.topology_region.clone(),
            topology_zone: self.topology_zone.clone(),
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
