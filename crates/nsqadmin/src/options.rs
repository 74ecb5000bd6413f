//! Flags and configuration of nsqadmin.
//!
//! [`TABLE`] lists every flag once. [`RawOptions`] holds what the command line and the configuration file say;
//! [`Options::validate`] turns it into what the daemon works with, once and for all.

mod error;
mod graphite;
mod network;
mod raw;
mod table;
#[cfg(test)]
mod tests;

pub use error::OptionsError;
pub use graphite::GraphiteUrl;
pub use network::{Network, NetworkError};
pub use raw::RawOptions;
pub use table::TABLE;

use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::time::Duration;

use nsq_flags::{GoDuration, LogLevel};
use nsq_net::HostPort;
use nsq_net::tls::{ClientSettings, Connector};

/// Go's clients take no timeout for none at all. Nobody waits for longer.
const ENDLESS: Duration = Duration::from_secs(24 * 60 * 60);

/// Beyond this many there would be no memory for their messages.
const TAIL_SESSIONS_MAX: usize = 100;

/// Who may do something that is more than looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Those who may change things.
    Admin,
    /// Everyone.
    All,
    /// Nobody.
    Off,
}

impl Access {
    fn from_word(flag: &'static str, word: &str) -> Result<Self, OptionsError> {
        match word {
            "admin" => Ok(Self::Admin),
            "all" => Ok(Self::All),
            "off" => Ok(Self::Off),
            _ => Err(OptionsError::Value {
                flag,
                wanted: "admin, all or off",
            }),
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::All => "all",
            Self::Off => "off",
        }
    }
}

/// The validated options of one nsqadmin. They do not change while it runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The least serious kind of line that is logged, at first.
    pub log_level: LogLevel,
    /// What every log line starts with.
    pub log_prefix: String,
    /// Where HTTP is served.
    pub http_address: HostPort,
    /// The path that everything is below, without a trailing slash; empty for the root.
    pub base_path: String,
    /// Where the web pages are read from while they are being developed.
    pub dev_static_dir: Option<PathBuf>,
    /// Where Graphite is.
    pub graphite: Option<GraphiteUrl>,
    /// Whether browsers get there by way of nsqadmin.
    pub proxy_graphite: bool,
    /// Time between what nsqd sends to statsd, at least a second.
    pub statsd_interval: Duration,
    /// The nsqlookupds, at first.
    pub nsqlookupd_http_addresses: Vec<String>,
    /// The nsqds, if there are no nsqlookupds.
    pub nsqd_http_addresses: Vec<String>,
    /// How long connecting to anyone may take.
    pub connect_timeout: Duration,
    /// How long an answer may take, connecting included.
    pub request_timeout: Duration,
    /// Encrypts connections to nsqds that want it.
    pub connector: Connector,
    /// Who may read and change the configuration; `None` is everyone.
    pub config_network: Option<Network>,
    /// Who is told of changes; empty for nobody.
    pub notification_http_endpoint: String,
    /// The header with the name of the user.
    pub acl_http_header: String,
    /// Who may change things; empty for everyone.
    pub admin_users: Vec<String>,
    /// Time between two looks at everyone; `None` for only when a page is open.
    pub stats_interval: Option<Duration>,
    /// Memory for history, in bytes.
    pub stats_memory: usize,
    /// Who may watch messages.
    pub tail_access: Access,
    /// How many may do so at once.
    pub tail_sessions_max: usize,
    /// Who may publish.
    pub publish_access: Access,
    /// What nsqds are told that ask for authorization.
    pub nsqd_auth_secret: Option<String>,
    /// Who may show the pages in a frame.
    pub frame_ancestors: String,
    /// Names and URLs of links elsewhere.
    pub external_links: Vec<(String, String)>,
    raw: RawOptions,
}

impl Options {
    /// Checks `raw`, in upstream's order.
    ///
    /// # Errors
    /// The first value that is refused.
    pub fn validate(raw: RawOptions) -> Result<Self, OptionsError> {
        let nsqlookupds = raw.nsqlookupd_http_addresses.as_slice();
        let nsqds = raw.nsqd_http_addresses.as_slice();
        if nsqlookupds.is_empty() && nsqds.is_empty() {
            return Err(OptionsError::NobodyToAsk);
        }
        if !nsqlookupds.is_empty() && !nsqds.is_empty() {
            return Err(OptionsError::Both);
        }
        let connector = connector(&Tls {
            flags: ["http-client-tls-cert", "http-client-tls-key"],
            cert: &raw.http_client_tls_cert,
            key: &raw.http_client_tls_key,
            root_ca_file: &raw.http_client_tls_root_ca_file,
            insecure_skip_verify: raw.http_client_tls_insecure_skip_verify,
        })?;
        resolve("lookupd-http-address", nsqlookupds)?;
        resolve("nsqd-http-address", nsqds)?;
        let graphite = match raw.graphite_url.as_str() {
            "" => None,
            url => Some(
                GraphiteUrl::parse(url).map_err(|cause| OptionsError::GraphiteUrl {
                    url: url.to_owned(),
                    cause,
                })?,
            ),
        };
        let config_network = match raw.allow_config_from_cidr.as_str() {
            "" => None,
            text => Some(Network::parse(text).map_err(|cause| OptionsError::Network {
                text: text.to_owned(),
                cause,
            })?),
        };
        if raw.nsqd_tls {
            // Read again for each session: what is wrong with the files is said now.
            connector_of_nsqds(&raw)?;
        }
        Ok(Self {
            log_level: raw.log_level,
            log_prefix: raw.log_prefix.clone(),
            http_address: address(&raw.http_address)?,
            base_path: clean_path(&raw.base_path),
            dev_static_dir: (!raw.dev_static_dir.is_empty()).then(|| PathBuf::from(&raw.dev_static_dir)),
            graphite,
            proxy_graphite: raw.proxy_graphite,
            statsd_interval: span("statsd-interval", raw.statsd_interval)?.max(Duration::from_secs(1)),
            nsqlookupd_http_addresses: nsqlookupds.to_vec(),
            nsqd_http_addresses: nsqds.to_vec(),
            connect_timeout: timeout("http-client-connect-timeout", raw.http_client_connect_timeout)?,
            request_timeout: timeout("http-client-request-timeout", raw.http_client_request_timeout)?,
            connector,
            config_network,
            notification_http_endpoint: raw.notification_http_endpoint.clone(),
            acl_http_header: raw.acl_http_header.clone(),
            admin_users: raw.admin_users.as_slice().to_vec(),
            stats_interval: stats_interval(raw.stats_interval)?,
            stats_memory: usize::try_from(raw.stats_memory).map_err(|_| OptionsError::Value {
                flag: "stats-memory",
                wanted: "zero or more",
            })?,
            tail_access: Access::from_word("tail-access", &raw.tail_access)?,
            tail_sessions_max: usize::try_from(raw.tail_max_sessions)
                .ok()
                .filter(|sessions| *sessions <= TAIL_SESSIONS_MAX)
                .ok_or(OptionsError::Value {
                    flag: "tail-max-sessions",
                    wanted: "in [0,100]",
                })?,
            publish_access: Access::from_word("publish-access", &raw.publish_access)?,
            nsqd_auth_secret: secret(&raw.nsqd_auth_secret_file)?,
            frame_ancestors: frame_ancestors(&raw.frame_ancestors)?,
            external_links: raw
                .external_links
                .as_slice()
                .iter()
                .map(|link| external_link(link))
                .collect::<Result<_, _>>()?,
            raw,
        })
    }

    /// What the flags say, for what is shown and handed on as it was given.
    pub fn raw(&self) -> &RawOptions {
        &self.raw
    }
}

fn connector_of_nsqds(raw: &RawOptions) -> Result<Connector, OptionsError> {
    connector(&Tls {
        flags: ["nsqd-tls-cert", "nsqd-tls-key"],
        cert: &raw.nsqd_tls_cert,
        key: &raw.nsqd_tls_key,
        root_ca_file: &raw.nsqd_tls_root_ca_file,
        insecure_skip_verify: raw.nsqd_tls_insecure_skip_verify,
    })
}

/// The TLS flags of one kind of connection.
struct Tls<'a> {
    /// Those of the certificate and of its key.
    flags: [&'static str; 2],
    cert: &'a str,
    key: &'a str,
    root_ca_file: &'a str,
    insecure_skip_verify: bool,
}

fn connector(tls: &Tls<'_>) -> Result<Connector, OptionsError> {
    let [cert_flag, key_flag] = tls.flags;
    let cert_and_key = match (tls.cert, tls.key) {
        ("", "") => None,
        (_, "") => return Err(OptionsError::Half(key_flag, cert_flag)),
        ("", _) => return Err(OptionsError::Half(cert_flag, key_flag)),
        (cert, key) => Some((PathBuf::from(cert), PathBuf::from(key))),
    };
    if cert_and_key.is_some() {
        // Alone, so that the error is that of the key pair.
        let settings = ClientSettings {
            cert_and_key: cert_and_key.clone(),
            insecure_skip_verify: true,
            ..ClientSettings::default()
        };
        Connector::load(settings).map_err(|error| {
            OptionsError::Tls(format!(
                "failed to LoadX509KeyPair {}, {} - {error}",
                tls.cert, tls.key
            ))
        })?;
    }
    let settings = ClientSettings {
        cert_and_key,
        insecure_skip_verify: tls.insecure_skip_verify,
        root_ca_file: (!tls.root_ca_file.is_empty()).then(|| PathBuf::from(tls.root_ca_file)),
        ..ClientSettings::default()
    };
    Connector::load(settings).map_err(|error| {
        let file = tls.root_ca_file;
        let cause = error.to_string();
        OptionsError::Tls(if cause.starts_with("open ") || cause.starts_with("read ") {
            format!("failed to read TLS root CA file {file} - {cause}")
        } else {
            format!("failed to AppendCertsFromPEM {file}")
        })
    })
}

/// Looks every address up: a name that nobody knows is a mistake, as upstream.
fn resolve(flag: &'static str, addresses: &[String]) -> Result<(), OptionsError> {
    for address in addresses {
        let failed = |cause: String| OptionsError::Resolve {
            flag,
            address: address.clone(),
            cause,
        };
        let parsed = HostPort::parse(address).map_err(|cause| failed(cause.to_string()))?;
        let host = match parsed.host() {
            "" => "localhost",
            host => host,
        };
        let port = parsed
            .port()
            .parse()
            .map_err(|_| failed(format!("address {}: invalid port", parsed.port())))?;
        (host, port)
            .to_socket_addrs()
            .map_err(|_| failed(format!("lookup {host}: no such host")))?;
    }
    Ok(())
}

fn address(text: &str) -> Result<HostPort, OptionsError> {
    // Go's listener takes no address at all for every interface and any port.
    let text = if text.is_empty() { ":0" } else { text };
    HostPort::parse(text).map_err(|cause| OptionsError::Address {
        address: text.to_owned(),
        cause,
    })
}

/// The path without empty and dot segments and without a trailing slash.
fn clean_path(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    segments.iter().flat_map(|segment| ["/", segment]).collect()
}

fn span(flag: &'static str, value: GoDuration) -> Result<Duration, OptionsError> {
    value.to_std().ok_or(OptionsError::Value {
        flag,
        wanted: "zero or more",
    })
}

fn timeout(flag: &'static str, value: GoDuration) -> Result<Duration, OptionsError> {
    let timeout = span(flag, value)?;
    Ok(if timeout.is_zero() { ENDLESS } else { timeout })
}

fn stats_interval(value: GoDuration) -> Result<Option<Duration>, OptionsError> {
    let interval = span("stats-interval", value)?;
    match interval {
        Duration::ZERO => Ok(None),
        interval if interval >= Duration::from_secs(1) => Ok(Some(interval)),
        _ => Err(OptionsError::Value {
            flag: "stats-interval",
            wanted: "0, or at least 1s",
        }),
    }
}

fn secret(file: &str) -> Result<Option<String>, OptionsError> {
    if file.is_empty() {
        return Ok(None);
    }
    let secret = std::fs::read_to_string(file).map_err(|error| OptionsError::File {
        flag: "nsqd-auth-secret-file",
        cause: error.to_string(),
    })?;
    Ok(Some(secret.trim().to_owned()))
}

/// It goes into a header among other directives.
fn frame_ancestors(text: &str) -> Result<String, OptionsError> {
    let is_value = text
        .bytes()
        .all(|byte| byte == b' ' || (byte.is_ascii_graphic() && !matches!(byte, b';' | b',')));
    if is_value && !text.trim().is_empty() {
        Ok(text.to_owned())
    } else {
        Err(OptionsError::Value {
            flag: "frame-ancestors",
            wanted: "a list of origins, 'self' or 'none'",
        })
    }
}

fn external_link(link: &str) -> Result<(String, String), OptionsError> {
    let named = link.split_once('=').filter(|(name, url)| {
        !name.is_empty() && (url.starts_with("http://") || url.starts_with("https://"))
    });
    named
        .map(|(name, url)| (name.to_owned(), url.to_owned()))
        .ok_or(OptionsError::Value {
            flag: "external-link",
            wanted: "<name>=<http or https URL>",
        })
}
