//! Options that nsqd refuses to start with.

use std::fmt;

use nsq_flags::text::format_float;

/// Why the options do not make an nsqd. Shows as upstream's text, without the words
/// `failed to instantiate nsqd - ` that the line starts with.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OptionsError {
    /// A value outside what its flag allows.
    OutOfRange {
        /// The flag, without dashes.
        flag: &'static str,
        /// What follows `must be`.
        must_be: &'static str,
    },
    /// TLS is asked of clients, but there is nothing to do it with.
    TlsRequiredWithoutCertificate,
    /// A quantile that is not above 0 and at most 1.
    Percentile(f64),
    /// The files that TLS needs cannot be used; the whole text.
    Tls(String),
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { flag, must_be } => write!(f, "--{flag} must be {must_be}"),
            Self::TlsRequiredWithoutCertificate => {
                f.write_str("cannot require TLS client connections without TLS key and cert")
            }
            Self::Percentile(quantile) => write!(
                f,
                "invalid E2E processing latency percentile: {}",
                format_float(*quantile)
            ),
            Self::Tls(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for OptionsError {}
