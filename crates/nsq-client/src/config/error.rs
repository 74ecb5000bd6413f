//! What is wrong with an option.

use std::fmt;

/// An option that is unknown, cannot be read, or is out of its range.
///
/// Displays as go-nsq words it, which operators know from `--consumer-opt` and `--producer-opt`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no option of this name.
    Unknown {
        /// The name as it was given.
        key: String,
    },
    /// The value is not of the option's type.
    Coerce {
        /// The option.
        key: String,
        /// The value as it was given.
        value: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// The value is below what the option allows.
    Below {
        /// The option when it is being set; upstream's name of the field when a configuration is checked.
        name: String,
        /// The value.
        value: String,
        /// The least that is allowed.
        min: String,
    },
    /// The value is above what the option allows.
    Above {
        /// The option when it is being set; upstream's name of the field when a configuration is checked.
        name: String,
        /// The value.
        value: String,
        /// The most that is allowed.
        max: String,
    },
    /// Heartbeats come less often than reads time out.
    HeartbeatAboveReadTimeout {
        /// How often heartbeats come.
        heartbeat_interval: String,
        /// When reads time out.
        read_timeout: String,
    },
    /// Certificates, keys or authorities that cannot be used.
    Tls(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { key } => write!(f, "invalid option {key}"),
            Self::Coerce { key, value, reason } => {
                write!(f, "failed to coerce option {key} ({value}) - {reason}")
            }
            Self::Below { name, value, min } => write!(f, "invalid {name} ! {value} < {min}"),
            Self::Above { name, value, max } => write!(f, "invalid {name} ! {value} > {max}"),
            Self::HeartbeatAboveReadTimeout {
                heartbeat_interval,
                read_timeout,
            } => write!(
                f,
                "HeartbeatInterval {heartbeat_interval} must be less than ReadTimeout {read_timeout}"
            ),
            Self::Tls(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ConfigError {}
