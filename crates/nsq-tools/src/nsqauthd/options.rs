//! The flags of nsqauthd.

use std::ffi::OsString;
use std::path::PathBuf;

use nsq_app::Exit;
use nsq_flags::{Flag, LogLevel, Table, field};

type Row = Flag<RawOptions>;

/// The flags of nsqauthd, once each. There is no configuration file beside the data file.
pub static TABLE: Table<RawOptions> = Table::new(&[
    Row::new("version", field!(version), "print the version"),
    Row::new(
        "check",
        field!(check),
        "read the data file, say what is in it or what is wrong with it, and end",
    ),
    Row::new(
        "http-address",
        field!(http_address),
        "<addr>:<port> to listen on for nsqds, or the path of a unix socket",
    ),
    Row::new(
        "data-file",
        field!(data_file),
        "file that says who may do what: TOML if its name ends in .toml, else CSV",
    ),
    Row::new(
        "ttl",
        field!(ttl),
        "seconds after which nsqd asks again about a client",
    ),
    Row::new(
        "anchor",
        field!(anchor),
        "let the patterns of a CSV file match whole names only, as those of TOML always do",
    ),
    Row::new(
        "log-level",
        field!(log_level),
        "least serious kind of log line: debug, info, warn, error or fatal",
    ),
    Row::new("log-prefix", field!(log_prefix), "text before each log line"),
]);

/// The value of every flag, before any is checked.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each field is a flag, and TABLE holds its help text")]
pub struct RawOptions {
    pub version: bool,
    pub check: bool,
    pub http_address: String,
    pub data_file: String,
    pub ttl: i64,
    pub anchor: bool,
    pub log_level: LogLevel,
    pub log_prefix: String,
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
            check: false,
            http_address: "0.0.0.0:4181".to_owned(),
            data_file: String::new(),
            ttl: 3600,
            anchor: false,
            log_level: LogLevel::Info,
            log_prefix: "[nsqauthd] ".to_owned(),
        }
    }
}

/// The options of one nsqauthd.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) http_address: String,
    pub(super) data_file: PathBuf,
    /// More than zero.
    pub(super) ttl_s: u64,
    pub(super) anchor: bool,
    pub(super) log_level: LogLevel,
    pub(super) log_prefix: String,
}

impl Options {
    /// Checks `raw`.
    pub(super) fn validate(raw: RawOptions) -> Result<Self, Exit> {
        if raw.data_file.is_empty() {
            return Err(Exit::Dated("--data-file is required".to_owned()));
        }
        let ttl_s = u64::try_from(raw.ttl)
            .ok()
            .filter(|ttl| *ttl > 0)
            .ok_or_else(|| Exit::Dated("--ttl must be >0".to_owned()))?;
        Ok(Self {
            http_address: raw.http_address,
            data_file: raw.data_file.into(),
            ttl_s,
            anchor: raw.anchor,
            log_level: raw.log_level,
            log_prefix: raw.log_prefix,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut RawOptions)) -> Exit {
        let mut raw = RawOptions {
            data_file: "users.csv".to_owned(),
            ..RawOptions::default()
        };
        change(&mut raw);
        Options::validate(raw).unwrap_err()
    }

    #[test]
    fn there_has_to_be_a_file_and_a_time_to_live() {
        assert_eq!(
            refusal(|raw| raw.data_file.clear()),
            Exit::Dated("--data-file is required".to_owned())
        );
        for ttl in [0, -1] {
            assert_eq!(
                refusal(|raw| raw.ttl = ttl),
                Exit::Dated("--ttl must be >0".to_owned())
            );
        }
    }
}
