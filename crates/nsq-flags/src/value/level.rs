//! How much a program logs.

use std::fmt;
use std::str::FromStr;

use super::{ConfigValue, SetError, Value};

/// The least serious kind of line that is still logged. Upstream: internal/lg, `LogLevel`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LogLevel {
    /// Every command and message.
    Debug = 1,
    /// What happens to connections, topics and channels.
    #[default]
    Info = 2,
    /// What an operator may want to change.
    Warn = 3,
    /// What failed.
    Error = 4,
    /// What ends the process.
    Fatal = 5,
}

impl LogLevel {
    /// The number that `GET /config/log_level` answers.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name in log lines and usage text: `WARNING`, where flags say `warn`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARNING",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLevelError(String);

impl fmt::Display for LogLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid log level '{}' (debug, info, warn, error, fatal)",
            self.0
        )
    }
}

impl std::error::Error for LogLevelError {}

impl FromStr for LogLevel {
    type Err = LogLevelError;

    /// Reads `debug`, `info`, `warn`, `error` or `fatal`, in any case.
    fn from_str(word: &str) -> Result<Self, LogLevelError> {
        Ok(match word.to_lowercase().as_str() {
            "debug" => Self::Debug,
            "info" => Self::Info,
            "warn" => Self::Warn,
            "error" => Self::Error,
            "fatal" => Self::Fatal,
            _ => return Err(LogLevelError(word.to_owned())),
        })
    }
}

impl Value for LogLevel {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        *self = text
            .parse()
            .map_err(|error: LogLevelError| SetError::Invalid(error.to_string()))?;
        Ok(())
    }

    fn is_checked_first(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        self.name().to_owned()
    }

    fn is_zero(&self) -> bool {
        false
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Int(i64::from(self.number()))
    }
}
