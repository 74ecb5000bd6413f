//! Options that nsqadmin refuses to start with.

use std::fmt;

use nsq_net::AddressError;

use super::network::NetworkError;

/// Why the options do not make an nsqadmin. Shows as upstream's text, without the words
/// `failed to instantiate nsqadmin - ` that the line starts with.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OptionsError {
    /// There is nobody to ask.
    NobodyToAsk,
    /// Both nsqlookupds and nsqds are given.
    Both,
    /// A key without a certificate, or a certificate without its key. The flag that is missing, and the other one.
    Half(&'static str, &'static str),
    /// Files for TLS that cannot be used.
    Tls(String),
    /// An address that is none, or a name that is not known.
    Resolve {
        /// The flag, without dashes.
        flag: &'static str,
        /// The address as given.
        address: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The URL of Graphite is none.
    GraphiteUrl {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// What may change the configuration is no network.
    Network {
        /// The network as given.
        text: String,
        /// What is wrong with it.
        cause: NetworkError,
    },
    /// The address to listen on is none.
    Address {
        /// The address as given.
        address: String,
        /// What is wrong with it.
        cause: AddressError,
    },
    /// A value of a flag that only this nsqadmin has.
    Value {
        /// The flag, without dashes.
        flag: &'static str,
        /// What it has to be.
        wanted: &'static str,
    },
    /// A file that cannot be read.
    File {
        /// The flag, without dashes.
        flag: &'static str,
        /// What is wrong.
        cause: String,
    },
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyToAsk => f.write_str("--nsqd-http-address or --lookupd-http-address required"),
            Self::Both => f.write_str("use --nsqd-http-address or --lookupd-http-address not both"),
            Self::Half(missing, given) => write!(f, "--{missing} must be specified with --{given}"),
            Self::Tls(cause) => f.write_str(cause),
            Self::Resolve { flag, address, cause } => {
                write!(f, "failed to resolve --{flag} ({address}) - {cause}")
            }
            Self::GraphiteUrl { url, cause } => {
                write!(
                    f,
                    "failed to parse --graphite-url ({url}) - parse {url:?}: {cause}"
                )
            }
            Self::Network { text, cause } => {
                write!(f, "failed to parse --allow-config-from-cidr ({text}) - {cause}")
            }
            Self::Address { address, cause } => write!(f, "listen ({address}) failed - listen tcp: {cause}"),
            Self::Value { flag, wanted } => write!(f, "--{flag} must be {wanted}"),
            Self::File { flag, cause } => write!(f, "failed to read --{flag} - {cause}"),
        }
    }
}

impl std::error::Error for OptionsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Network { cause, .. } => Some(cause),
            Self::Address { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
