//! What the command line and the configuration file say.

use std::ffi::OsString;

use nsq_app::{Exit, hostname};
use nsq_flags::{GoDuration, LogLevel};

use super::TABLE;

/// The value of every flag, before any is checked. The default is upstream's.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each field is a flag, and TABLE holds its help text")]
pub struct RawOptions {
    pub version: bool,
    pub config: String,
    pub verbose: bool,

    pub log_level: LogLevel,
    pub log_prefix: String,
    pub tcp_address: String,
    pub http_address: String,
    pub broadcast_address: String,
    pub inactive_producer_timeout: GoDuration,
    pub tombstone_lifetime: GoDuration,
}

impl RawOptions {
    /// Reads the command line, without the program's name, and the configuration file it names.
    ///
    /// # Errors
    /// There is nothing to run: `--version`, `-h`, a bad flag, a bad file.
    pub fn load(args: impl IntoIterator<Item = OsString>) -> Result<Self, Exit> {
        nsq_app::load(
            "nsqlookupd",
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
            log_prefix: "[nsqlookupd] ".to_owned(),
            tcp_address: "0.0.0.0:4160".to_owned(),
            http_address: "0.0.0.0:4161".to_owned(),
            broadcast_address: hostname(),
            inactive_producer_timeout: GoDuration::from_secs(300),
            tombstone_lifetime: GoDuration::from_secs(45),
        }
    }
}
