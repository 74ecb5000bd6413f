//! What goes wrong with TLS, in the words of Go's `crypto/tls` where operators know them.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use crate::Peer;
use crate::error::system_text;

/// Certificates, keys or authorities that cannot be used. Displays as the reason alone, as upstream words
/// it after `failed to build TLS config - `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupError(String);

impl SetupError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SetupError {}

/// Why a handshake failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer did not come to the end of it in time.
    TimedOut {
        /// This end of the connection; `None` for a unix socket.
        local: Option<SocketAddr>,
        /// The other end.
        peer: Peer,
    },
    /// The first bytes are not TLS; these are they.
    NotTls([u8; 5]),
    /// The peer closed the connection.
    Closed,
    /// The connection failed.
    Io(io::Error),
    /// The two do not get together, or the peer breaks the protocol.
    Tls(Error),
    /// What the server is called cannot be the name in a certificate.
    ServerName(String),
}

impl HandshakeError {
    /// Whether the peer speaks HTTP, which deserves an answer that it understands.
    pub fn is_http(&self) -> bool {
        matches!(self, Self::NotTls(start) if HTTP_STARTS.contains(&start))
    }
}

/// How requests begin. Upstream: net/http, `tlsRecordHeaderLooksLikeHTTP`.
const HTTP_STARTS: &[&[u8; 5]] = &[b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO"];

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { local, peer } => {
                let network = if local.is_some() { "tcp" } else { "unix" };
                match local {
                    Some(local) => write!(f, "read {network} {local}->{peer}: i/o timeout"),
                    None => write!(f, "read {network} ->{peer}: i/o timeout"),
                }
            }
            Self::NotTls(_) => f.write_str("tls: first record does not look like a TLS handshake"),
            Self::Closed => f.write_str("EOF"),
            Self::Io(error) => f.write_str(&system_text(error)),
            Self::Tls(error) => write_tls(f, error),
            Self::ServerName(name) => write!(f, "tls: {name:?} is not the name of a server"),
        }
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Tls(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for HandshakeError {
    fn from(error: Error) -> Self {
        Self::Tls(error)
    }
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn write_tls(f: &mut fmt::Formatter<'_>, error: &Error) -> fmt::Result {
    let certificate = |f: &mut fmt::Formatter<'_>, reason: &str| {
        write!(f, "tls: failed to verify certificate: x509: {reason}")
    };
    match error {
        Error::AlertReceived(alert) => write!(f, "remote error: tls: {}", alert_text(*alert)),
        Error::NoCertificatesPresented => f.write_str("tls: client didn't provide a certificate"),
        // A bad signature is that of another authority of the same name.
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            certificate(f, "certificate signed by unknown authority")
        }
        Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => certificate(f, "certificate has expired or is not yet valid"),
        Error::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        ) => certificate(f, "certificate specifies an incompatible key usage"),
        Error::InvalidCertificate(reason) => {
            write!(f, "tls: failed to verify certificate: {reason}")
        }
        Error::PeerIncompatible(
            PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::Tls13RequiredForQuic
            | PeerIncompatible::ServerDoesNotSupportTls12Or13,
        ) => f.write_str("tls: client offered only unsupported versions"),
        Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon) => {
            f.write_str("tls: no cipher suite supported by both client and server")
        }
        error => write!(f, "tls: {error}"),
    }
}

/// Upstream: crypto/tls, `alertText`.
fn alert_text(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnexpectedMessage => "unexpected message",
        AlertDescription::BadRecordMac => "bad record MAC",
        AlertDescription::RecordOverflow => "record overflow",
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "revoked certificate",
        AlertDescription::CertificateExpired => "expired certificate",
        AlertDescription::CertificateUnknown => "unknown certificate",
        AlertDescription::IllegalParameter => "illegal parameter",
        AlertDescription::UnknownCA => "unknown certificate authority",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::DecodeError => "error decoding message",
        AlertDescription::DecryptError => "error decrypting message",
        AlertDescription::ProtocolVersion => "protocol version not supported",
        AlertDescription::InsufficientSecurity => "insufficient security level",
        AlertDescription::InternalError => "internal error",
        AlertDescription::UserCanceled => "user canceled",
        AlertDescription::MissingExtension => "missing extension",
        AlertDescription::UnsupportedExtension => "unsupported extension",
        AlertDescription::UnrecognisedName => "unrecognized name",
        AlertDescription::CertificateRequired => "certificate required",
        alert => return format!("alert({})", u8::from(alert)),
    }
    .to_owned()
}
