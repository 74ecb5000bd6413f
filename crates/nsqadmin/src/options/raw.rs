//! What the command line and the configuration file say.

use std::ffi::OsString;

use nsq_app::Exit;
use nsq_flags::{GoDuration, LogLevel, StringList};

use super::TABLE;

/// The value of every flag, before any is checked. The default is upstream's.
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

    pub log_level: LogLevel,
    pub log_prefix: String,
    pub http_address: String,
    pub base_path: String,
    pub dev_static_dir: String,
    pub graphite_url: String,
    pub proxy_graphite: bool,
    pub statsd_prefix: String,
    pub statsd_counter_format: String,
    pub statsd_gauge_format: String,
    pub statsd_interval: GoDuration,
    pub nsqlookupd_http_addresses: StringList,
    pub nsqd_http_addresses: StringList,
    pub http_client_connect_timeout: GoDuration,
    pub http_client_request_timeout: GoDuration,
    pub http_client_tls_insecure_skip_verify: bool,
    pub http_client_tls_root_ca_file: String,
    pub http_client_tls_cert: String,
    pub http_client_tls_key: String,
    pub allow_config_from_cidr: String,
    pub notification_http_endpoint: String,
    pub acl_http_header: String,
    pub admin_users: StringList,

    pub stats_interval: GoDuration,
    pub stats_memory: i64,
    pub tail_access: String,
    pub tail_max_sessions: i64,
    pub publish_access: String,
    pub nsqd_tls: bool,
    pub nsqd_tls_insecure_skip_verify: bool,
    pub nsqd_tls_root_ca_file: String,
    pub nsqd_tls_cert: String,
    pub nsqd_tls_key: String,
    pub nsqd_auth_secret_file: String,
    pub frame_ancestors: String,
    pub external_links: StringList,
}

impl RawOptions {
    /// Reads the command line, without the program's name, and the configuration file it names.
    ///
    /// # Errors
    /// There is nothing to run: `--version`, `-h`, a bad flag, a bad file.
    pub fn load(args: impl IntoIterator<Item = OsString>) -> Result<Self, Exit> {
        nsq_app::load(
            "nsqadmin",
            &TABLE,
            args,
            |raw: &Self| raw.version,
            |raw| raw.config.clone(),
        )
    }
}

impl Default for RawOptions {
    fn default() -> Self {
        Self {
            version: false,
            config: String::new(),
            verbose: false,

            log_level: LogLevel::Info,
            log_prefix: "[nsqadmin] ".to_owned(),
            http_address: "0.0.0.0:4171".to_owned(),
            base_path: "/".to_owned(),
            dev_static_dir: String::new(),
            graphite_url: String::new(),
            proxy_graphite: false,
            statsd_prefix: "nsq.%s".to_owned(),
            statsd_counter_format: "stats.counters.%s.count".to_owned(),
            statsd_gauge_format: "stats.gauges.%s".to_owned(),
            statsd_interval: GoDuration::from_secs(60),
            nsqlookupd_http_addresses: StringList::default(),
            nsqd_http_addresses: StringList::default(),
            http_client_connect_timeout: GoDuration::from_secs(2),
            http_client_request_timeout: GoDuration::from_secs(5),
            http_client_tls_insecure_skip_verify: false,
            http_client_tls_root_ca_file: String::new(),
            http_client_tls_cert: String::new(),
            http_client_tls_key: String::new(),
            allow_config_from_cidr: "127.0.0.1/8".to_owned(),
            notification_http_endpoint: String::new(),
            acl_http_header: "X-Forwarded-User".to_owned(),
            admin_users: StringList::default(),

            stats_interval: GoDuration::from_secs(10),
            stats_memory: 64 << 20,
            tail_access: "admin".to_owned(),
            tail_max_sessions: 8,
            publish_access: "admin".to_owned(),
            nsqd_tls: false,
            nsqd_tls_insecure_skip_verify: false,
            nsqd_tls_root_ca_file: String::new(),
            nsqd_tls_cert: String::new(),
            nsqd_tls_key: String::new(),
            nsqd_auth_secret_file: String::new(),
            frame_ancestors: "'self'".to_owned(),
            external_links: StringList::default(),
        }
    }
}
