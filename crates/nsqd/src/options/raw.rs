//! What the command line and the configuration file say.

use std::ffi::OsString;

use nsq_app::{Exit, hostname};
use nsq_flags::{FloatList, GoDuration, LogLevel, StringList};

use super::TABLE;
use super::host::node_id;
use super::tls::{TlsMinVersion, TlsRequired};

/// The value of every flag, before any is checked.
///
/// Numbers and durations are Go's signed ones: that a size is negative is for
/// [`Options::validate`](super::Options::validate) to say. The default is upstream's.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each field is a flag, and TABLE holds its help text")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct RawOptions {
    pub version: bool,
    pub config: String,
    pub verbose: bool,
    pub worker_id: bool,

    pub node_id: i64,
    pub log_level: LogLevel,
    pub log_prefix: String,
    pub tcp_address: String,
    pub http_address: String,
    pub https_address: String,
    pub broadcast_address: String,
    pub broadcast_tcp_port: i64,
    pub broadcast_http_port: i64,
    pub nsqlookupd_tcp_addresses: StringList,
    pub auth_http_addresses: StringList,
    pub auth_http_request_method: String,
    pub http_client_connect_timeout: GoDuration,
    pub http_client_request_timeout: GoDuration,
    pub topology_region: String,
    pub topology_zone: String,
    pub data_path: String,
    pub mem_queue_size: i64,
    pub max_bytes_per_file: i64,
    pub sync_every: i64,
    pub sync_timeout: GoDuration,
    pub queue_scan_worker_pool_max: i64,
    pub queue_scan_selection_count: i64,
    pub msg_timeout: GoDuration,
    pub max_msg_timeout: GoDuration,
    pub max_msg_size: i64,
    pub max_body_size: i64,
    pub max_req_timeout: GoDuration,
    pub max_heartbeat_interval: GoDuration,
    pub max_rdy_count: i64,
    pub max_output_buffer_size: i64,
    pub max_output_buffer_timeout: GoDuration,
    pub min_output_buffer_timeout: GoDuration,
    pub output_buffer_timeout: GoDuration,
    pub max_channel_consumers: i64,
    pub statsd_address: String,
    pub statsd_prefix: String,
    pub statsd_interval: GoDuration,
    pub statsd_mem_stats: bool,
    pub statsd_udp_packet_size: i64,
    pub statsd_exclude_ephemeral: bool,
    pub e2e_processing_latency_window_time: GoDuration,
    pub e2e_processing_latency_percentiles: FloatList,
    pub tls_cert: String,
    pub tls_key: String,
    pub tls_client_auth_policy: String,
    pub tls_root_ca_file: String,
    pub tls_required: TlsRequired,
    pub tls_min_version: TlsMinVersion,
    pub deflate: bool,
    pub max_deflate_level: i64,
    pub snappy: bool,
    pub experiments: StringList,
    pub requeue_on_disconnect: bool,
    pub durability: String,
    pub keep_deferred: bool,
    pub min_free_disk_space: i64,
}

impl RawOptions {
    /// Reads the command line, without the program's name, and the configuration file it names.
    ///
    /// # Errors
    /// There is nothing to run: `--version`, `-h`, a bad flag, a bad file.
    pub fn load(args: impl IntoIterator<Item = OsString>) -> Result<Self, Exit> {
        nsq_app::load(
            "nsqd",
            &TABLE,
            args,
            |raw: &Self| raw.version,
            |raw| raw.config.clone(),
        )
    }
}

impl Default for RawOptions {
    fn default() -> Self {
        let hostname = hostname();
        Self {
            version: false,
            config: String::new(),
            verbose: false,
            worker_id: false,

            node_id: node_id(&hostname),
            log_level: LogLevel::Info,
            log_prefix: "[nsqd] ".to_owned(),
            tcp_address: "0.0.0.0:4150".to_owned(),
            http_address: "0.0.0.0:4151".to_owned(),
            https_address: "0.0.0.0:4152".to_owned(),
            broadcast_address: hostname,
            broadcast_tcp_port: 0,
            broadcast_http_port: 0,
            nsqlookupd_tcp_addresses: StringList::default(),
            auth_http_addresses: StringList::default(),
            auth_http_request_method: "get".to_owned(),
            http_client_connect_timeout: GoDuration::from_secs(2),
            http_client_request_timeout: GoDuration::from_secs(5),
            topology_region: String::new(),
            topology_zone: String::new(),
            data_path: String::new(),
            mem_queue_size: 10_000,
            max_bytes_per_file: 100 << 20,
            sync_every: 2_500,
            sync_timeout: GoDuration::from_secs(2),
            queue_scan_worker_pool_max: 4,
            queue_scan_selection_count: 20,
            msg_timeout: GoDuration::from_secs(60),
            max_msg_timeout: GoDuration::from_secs(15 * 60),
            max_msg_size: 1 << 20,
            max_body_size: 5 << 20,
            max_req_timeout: GoDuration::from_secs(60 * 60),
            max_heartbeat_interval: GoDuration::from_secs(60),
            max_rdy_count: 2_500,
            max_output_buffer_size: 64 << 10,
            max_output_buffer_timeout: GoDuration::from_secs(30),
            min_output_buffer_timeout: GoDuration::from_millis(25),
            output_buffer_timeout: GoDuration::from_millis(250),
            max_channel_consumers: 0,
            statsd_address: String::new(),
            statsd_prefix: "nsq.%s".to_owned(),
            statsd_interval: GoDuration::from_secs(60),
            statsd_mem_stats: true,
            statsd_udp_packet_size: 508,
            statsd_exclude_ephemeral: false,
            e2e_processing_latency_window_time: GoDuration::from_secs(10 * 60),
            e2e_processing_latency_percentiles: FloatList::default(),
            tls_cert: String::new(),
            tls_key: String::new(),
            tls_client_auth_policy: String::new(),
            tls_root_ca_file: String::new(),
            tls_required: TlsRequired::No,
            tls_min_version: TlsMinVersion::Tls10,
            deflate: true,
            max_deflate_level: 6,
            snappy: true,
            experiments: StringList::default(),
            requeue_on_disconnect: false,
            durability: "go".into(),
            keep_deferred: true,
            min_free_disk_space: 0,
        }
    }
}
