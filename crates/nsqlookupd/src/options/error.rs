//! Options that nsqlookupd refuses to start with.

use std::fmt;

use nsq_net::AddressError;

/// Why the options do not make an nsqlookupd. Shows as upstream's text, without the words
/// `failed to instantiate nsqlookupd - ` that the line starts with.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OptionsError {
    /// An address to listen on is none. Unlike nsqd, nsqlookupd knows no unix sockets.
    Address {
        /// The address as given.
        address: String,
        /// What is wrong with it.
        cause: AddressError,
    },
    /// A time that is less than none.
    Negative {
        /// The flag, without dashes.
        flag: &'static str,
    },
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { address, cause } => write!(f, "listen ({address}) failed - listen tcp: {cause}"),
            Self::Negative { flag } => write!(f, "--{flag} must be zero or more"),
        }
    }
}

impl std::error::Error for OptionsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Address { cause, .. } => Some(cause),
            Self::Negative { .. } => None,
        }
    }
}
