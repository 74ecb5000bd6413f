//! TLS on a [`Stream`](crate::Stream), for servers and clients.
//!
//! An [`Acceptor`] holds the certificate of a server and reads it again when asked to; a [`Connector`]
//! holds whom a client trusts. Both turn a stream into one whose bytes are encrypted, and leave it without
//! if that fails: nsqd then tells its client why, in plain text.
//!
//! It is rustls that speaks TLS, 1.2 and 1.3, through its interface without buffers: records are decrypted
//! where they were received and encrypted to where they are sent from, in buffers lent by the thread. An
//! idle connection holds what rustls needs to know, some 3 KiB, and no buffer.
//!
//! The cryptography is ring's. aws-lc-rs, the alternative, is as fast within a tenth here except for
//! handshakes, of which it does four where ring does three; building it takes three times as long and
//! more C than a C compiler alone is comfortable with. What is lost are keys on curve P-521.
//!
//! # Differs from upstream
//! TLS 1.0 and 1.1, cipher suites without forward secrecy, RSA keys below 2048 bits and signatures with
//! SHA-1 are refused.

mod accept;
mod certificate;
mod codec;
mod connect;
mod error;
mod files;
mod handshake;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{CommonState, ProtocolVersion, SupportedProtocolVersion};

pub use self::accept::{Acceptor, ClientAuth, ServerSettings};
use self::certificate::Certificate;
pub use self::connect::{ClientSettings, Connector};
pub use self::error::{HandshakeError, SetupError};

/// The oldest version that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinVersion {
    /// TLS 1.2, and TLS 1.3 with peers that speak it.
    #[default]
    Tls12,
    /// TLS 1.3 only.
    Tls13,
}

static FROM_TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];
static FROM_TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

impl MinVersion {
    fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => FROM_TLS12,
            Self::Tls13 => FROM_TLS13,
        }
    }
}

/// What was agreed in a handshake, and with whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `TLS1.2` or `TLS1.3`.
    pub version: &'static str,
    /// The name that the registry of cipher suites gives it, such as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: String,
    /// The common name in the peer's certificate; `None` if it has shown none.
    pub peer_common_name: Option<String>,
}

impl Session {
    fn of(connection: &CommonState) -> Self {
        let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
        Self {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLS1.2",
                _ => "TLS1.3",
            },
            cipher_suite: suite
                .and_then(|suite| suite.as_str())
                .map_or_else(String::new, |name| name.replacen("TLS13_", "TLS_", 1)),
            peer_common_name: connection
                .peer_certificates()
                .and_then(|chain| chain.first())
                .and_then(|certificate| Certificate::parse(certificate))
                .and_then(|certificate| certificate.common_name()),
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
