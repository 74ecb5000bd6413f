//! The flags of the program.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use nsq_app::Exit;
use nsq_flags::{Flag, LogLevel, Table, field};
use nsq_net::HostPort;

type Row = Flag<RawOptions>;

/// The flags, once each. There is no configuration file.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print the version"),
    Row::new(
        "data-path",
        field!(data_path),
        "directory for the files of nsqd, made if there is none",
    )
    .documented_default("`$XDG_DATA_HOME/nsq`, or `~/.local/share/nsq`"),
    Row::new(
        "listen-address",
        field!(listen_address),
        "host name or IP address that all of them listen on; 0.0.0.0 for every interface",
    ),
    Row::new(
        "broadcast-address",
        field!(broadcast_address),
        "address at which consumers find nsqd; without it the address listened on, or the host name if that is every \
         interface",
    ),
    Row::new(
        "nsqd-tcp-port",
        field!(nsqd_tcp_port),
        "port of nsqd for clients; 0 for any that is free",
    ),
    Row::new(
        "nsqd-http-port",
        field!(nsqd_http_port),
        "port of nsqd for HTTP; 0 for any that is free",
    ),
    Row::new(
        "nsqlookupd-tcp-port",
        field!(nsqlookupd_tcp_port),
        "port of nsqlookupd for nsqds; 0 for any that is free",
    ),
    Row::new(
        "nsqlookupd-http-port",
        field!(nsqlookupd_http_port),
        "port of nsqlookupd for HTTP; 0 for any that is free",
    ),
    Row::new(
        "nsqadmin-http-port",
        field!(nsqadmin_http_port),
        "port of nsqadmin, for a browser; 0 for any that is free",
    ),
    Row::new(
        "log-level",
        field!(log_level),
        "least serious kind of log line: debug, info, warn, error or fatal",
    ),
]);

/// The value of every flag, before any is checked.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each field is a flag, and TABLE holds its help text")]
pub struct RawOptions {
    pub version: bool,
    pub data_path: String,
    pub listen_address: String,
    pub broadcast_address: String,
    pub nsqd_tcp_port: i64,
    pub nsqd_http_port: i64,
    pub nsqlookupd_tcp_port: i64,
    pub nsqlookupd_http_port: i64,
    pub nsqadmin_http_port: i64,
    pub log_level: LogLevel,
}

impl RawOptions {
    /// Reads the command line, without the program's name.
    ///
    /// # Errors
    /// There is nothing to run: `--version`, `-h`, a bad flag.
    pub fn load(args: impl IntoIterator<Item = OsString>) -> Result<Self, Exit> {
        nsq_app::load(super::PROGRAM, &TABLE, args, |raw| raw.version, |_| String::new())
    }
}

impl Default for RawOptions {
    fn default() -> Self {
        Self {
            version: false,
            data_path: String::new(),
            // Nobody but this machine: what is tried out has no password.
            listen_address: "127.0.0.1".to_owned(),
            broadcast_address: String::new(),
            nsqd_tcp_port: 4150,
            nsqd_http_port: 4151,
            nsqlookupd_tcp_port: 4160,
            nsqlookupd_http_port: 4161,
            nsqadmin_http_port: 4171,
            // What to know is printed once; the log is for what goes wrong.
            log_level: LogLevel::Warn,
        }
    }
}

/// The validated options.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) data_path: PathBuf,
    /// `None` if the daemons are to take their default.
    pub(crate) broadcast_address: Option<String>,
    pub(crate) nsqd_tcp: HostPort,
    pub(crate) nsqd_http: HostPort,
    pub(crate) nsqlookupd_tcp: HostPort,
    pub(crate) nsqlookupd_http: HostPort,
    pub(crate) nsqadmin_http: HostPort,
    pub(crate) log_level: LogLevel,
}

impl Options {
    /// Checks `raw`.
    pub(crate) fn validate(raw: RawOptions) -> Result<Self, OptionsError> {
        let host = raw.listen_address.as_str();
        let address = |flag, port: i64| match u16::try_from(port) {
            Ok(port) => Ok(HostPort::new(host, port)),
            Err(_) => Err(OptionsError::Port { flag }),
        };
        Ok(Self {
            nsqd_tcp: address("nsqd-tcp-port", raw.nsqd_tcp_port)?,
            nsqd_http: address("nsqd-http-port", raw.nsqd_http_port)?,
            nsqlookupd_tcp: address("nsqlookupd-tcp-port", raw.nsqlookupd_tcp_port)?,
            nsqlookupd_http: address("nsqlookupd-http-port", raw.nsqlookupd_http_port)?,
            nsqadmin_http: address("nsqadmin-http-port", raw.nsqadmin_http_port)?,
            data_path: match raw.data_path.as_str() {
                "" => default_data_path(|name| env::var_os(name)).ok_or(OptionsError::NoHome)?,
                path => path.into(),
            },
            broadcast_address: match raw.broadcast_address {
                given if !given.is_empty() => Some(given),
                _ if is_every_interface(host) => None,
                _ => Some(host.to_owned()),
            },
            log_level: raw.log_level,
        })
    }
}

/// Whether to listen on `host` is to listen on all there are. Nobody can connect to such an address from elsewhere.
fn is_every_interface(host: &str) -> bool {
    matches!(host, "" | "0.0.0.0" | "::")
}

/// Where the data of the user's programs is kept, by the XDG base directory specification, which takes relative paths
/// for none.
fn default_data_path(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let directory = |name| {
        let path = PathBuf::from(variable(name)?);
        // What is not UTF-8 could be given to nsqd no more than on its command line.
        (path.is_absolute() && path.to_str().is_some()).then_some(path)
    };
    let data_home = directory("XDG_DATA_HOME").or_else(|| Some(directory("HOME")?.join(".local/share")))?;
    Some(data_home.join(super::PROGRAM))
}

/// Options that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OptionsError {
    /// No port has this number.
    Port {
        /// The flag, without dashes.
        flag: &'static str,
    },
    /// There is no place for data where there is no user.
    NoHome,
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { flag } => write!(f, "--{flag} must be [0,65535]"),
            Self::NoHome => {
                f.write_str("there is no home directory, say where data is kept with --data-path")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validated(change: impl FnOnce(&mut RawOptions)) -> Result<Options, OptionsError> {
        let mut raw = RawOptions {
            data_path: "/data".to_owned(),
            ..RawOptions::default()
        };
        change(&mut raw);
        Options::validate(raw)
    }

    #[test]
    fn a_port_has_sixteen_bits() {
        for port in [-1, 65_536] {
            let error = validated(|raw| raw.nsqlookupd_http_port = port).unwrap_err();
            assert_eq!(error.to_string(), "--nsqlookupd-http-port must be [0,65535]");
        }
    }

    #[test]
    fn consumers_are_sent_to_the_address_listened_on_unless_that_is_no_place() {
        let broadcast = |listen: &str| {
            let options = validated(|raw| raw.listen_address = listen.to_owned()).unwrap();
            options.broadcast_address
        };
        assert_eq!(broadcast("127.0.0.1"), Some("127.0.0.1".to_owned()));
        for every in ["", "0.0.0.0", "::"] {
            assert_eq!(broadcast(every), None, "{every:?}");
        }
        let options = validated(|raw| raw.broadcast_address = "mq.example".to_owned()).unwrap();
        assert_eq!(options.broadcast_address, Some("mq.example".to_owned()));
    }

    #[test]
    fn data_is_kept_where_the_user_keeps_data() {
        let path = |data_home: &'static str, home: &'static str| {
            default_data_path(|name| match name {
                "XDG_DATA_HOME" => Some(data_home.into()),
                _ => Some(home.into()),
            })
        };
        assert_eq!(path("/data", "/home/me"), Some("/data/nsq".into()));
        assert_eq!(
            path("relative", "/home/me"),
            Some("/home/me/.local/share/nsq".into())
        );
        assert_eq!(path("", ""), None);
        assert_eq!(default_data_path(|_| None), None);
    }
}
