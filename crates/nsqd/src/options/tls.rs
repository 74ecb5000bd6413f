//! Transport security: who has to use it, and how.

use std::path::PathBuf;

use nsq_flags::text::{NumberError, parse_bool, quote};
use nsq_flags::{ConfigValue, SetError, Value};

/// Certificates, and who has to use TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// The certificate chain, PEM; empty if it was not given.
    pub cert: PathBuf,
    /// Its private key, PEM; empty if it was not given.
    pub key: PathBuf,
    /// What clients have to show.
    pub client_auth_policy: ClientAuthPolicy,
    /// Authorities for client certificates and for outgoing HTTPS, PEM; empty for the system's.
    pub root_ca_file: PathBuf,
    /// Who has to use TLS; not [`TlsRequired::No`] if there is a client authorization policy.
    pub required: TlsRequired,
    /// The oldest version that is spoken.
    pub min_version: TlsMinVersion,
}

impl TlsOptions {
    /// Whether TLS is offered: either file was given. Using them may still fail.
    pub fn is_enabled(&self) -> bool {
        !(self.cert.as_os_str().is_empty() && self.key.as_os_str().is_empty())
    }
}

/// What clients have to show during a TLS handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuthPolicy {
    /// Nothing.
    #[default]
    None,
    /// A certificate, by whomever.
    Require,
    /// A certificate that an authority has signed and that is valid now.
    RequireVerify,
}

impl ClientAuthPolicy {
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "" => Some(Self::None),
            "require" => Some(Self::Require),
            "require-verify" => Some(Self::RequireVerify),
            _ => None,
        }
    }
}

/// Who has to use TLS. A switch: alone it means [`Yes`](Self::Yes).
///
/// Upstream: nsqd/options.go, `TLSRequired`; apps/nsqd/options.go, `tlsRequiredOption`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsRequired {
    /// Nobody.
    #[default]
    No = 0,
    /// V2 clients; plain HTTP is served.
    TcpHttps = 1,
    /// Everybody; plain HTTP is refused.
    Yes = 2,
}

impl Value for TlsRequired {
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        let word = text.to_lowercase();
        *self = match (word.as_str(), parse_bool(&word)) {
            ("tcp-https", _) => Self::TcpHttps,
            (_, Some(true)) => Self::Yes,
            (_, Some(false)) => Self::No,
            (_, None) => {
                return Err(SetError::Invalid(format!(
                    "strconv.ParseBool: parsing {}: {}",
                    quote(&word),
                    NumberError::Syntax
                )));
            }
        };
        Ok(())
    }

    fn is_switch(&self) -> bool {
        true
    }

    fn is_checked_first(&self) -> bool {
        true
    }

    fn usage_name(&self) -> &'static str {
        ""
    }

    fn text(&self) -> String {
        match self {
            Self::No => "false",
            Self::TcpHttps => "tcp-https",
            Self::Yes => "true",
        }
        .to_owned()
    }

    fn is_zero(&self) -> bool {
        *self == Self::No
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Int(*self as i64)
    }
}

/// The oldest version of TLS that is spoken.
///
/// Upstream: apps/nsqd/options.go, `tlsMinVersionOption`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsMinVersion {
    /// TLS 1.0.
    #[default]
    Tls10 = 0x301,
    /// TLS 1.1.
    Tls11 = 0x302,
    /// TLS 1.2.
    Tls12 = 0x303,
    /// TLS 1.3.
    Tls13 = 0x304,
}

impl Value for TlsMinVersion {
    /// Nothing leaves the version as it is.
    fn set(&mut self, text: &str) -> Result<(), SetError> {
        let word = text.to_lowercase();
        *self = match word.as_str() {
            "" => return Ok(()),
            "tls1.0" => Self::Tls10,
            "tls1.1" => Self::Tls11,
            "tls1.2" => Self::Tls12,
            "tls1.3" => Self::Tls13,
            _ => {
                return Err(SetError::Invalid(format!(
                    "unknown tlsVersionOption {}",
                    quote(&word)
                )));
            }
        };
        Ok(())
    }

    fn is_checked_first(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        match self {
            Self::Tls10 => "tls1.0",
            Self::Tls11 => "tls1.1",
            Self::Tls12 => "tls1.2",
            Self::Tls13 => "tls1.3",
        }
        .to_owned()
    }

    fn is_zero(&self) -> bool {
        false
    }

    fn config_value(&self) -> ConfigValue {
        ConfigValue::Int(*self as i64)
    }
}
