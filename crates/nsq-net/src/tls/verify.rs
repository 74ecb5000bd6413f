//! Whose certificate is accepted.
//!
//! Chains are verified as the web does. Where that refuses what Go and OpenSSL accept, and NSQ's users
//! have, there is a second look: a certificate that is itself one of the authorities, and one of version 1
//! that an authority has signed directly.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::certificate::Certificate;
use super::error::SetupError;
use super::files::Authorities;

/// Whom to believe.
enum Trust<V: ?Sized> {
    /// Everybody who has a key to their certificate.
    Anyone,
    Authorities {
        /// Follows chains.
        chains: Arc<V>,
        certificates: Vec<CertificateDer<'static>>,
    },
}

/// Asks for a certificate of a client, and judges it.
pub(super) struct ClientVerifier {
    trust: Trust<dyn ClientCertVerifier>,
    signatures: Signatures,
}

impl ClientVerifier {
    /// Accepts any certificate. Its owner has to have its key.
    pub(super) fn of_anyone(provider: &CryptoProvider) -> Self {
        Self {
            trust: Trust::Anyone,
            signatures: Signatures::of(provider),
        }
    }

    /// Accepts what one of `authorities` has signed.
    pub(super) fn of(authorities: Authorities, provider: &Arc<CryptoProvider>) -> Result<Self, SetupError> {
        let chains =
            WebPkiClientVerifier::builder_with_provider(Arc::new(authorities.store), Arc::clone(provider))
                .build()
                .map_err(|error| SetupError::new(error.to_string()))?;
        Ok(Self {
            trust: Trust::Authorities {
                chains,
                certificates: authorities.certificates,
            },
            signatures: Signatures::of(provider),
        })
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match &self.trust {
            Trust::Anyone => &[],
            Trust::Authorities { chains, .. } => chains.root_hint_subjects(),
        }
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let Trust::Authorities { chains, certificates } = &self.trust else {
            return Ok(ClientCertVerified::assertion());
        };
        chains
            .verify_client_cert(end_entity, intermediates, now)
            .or_else(|error| {
                let accepted = is_authority(end_entity, certificates)
                    || self.signatures.is_version_1_of(end_entity, certificates, now);
                if accepted {
                    check_dates(end_entity, now).map(|()| ClientCertVerified::assertion())
                } else {
                    Err(objection(error, end_entity))
                }
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls12(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.0.supported_schemes()
    }
}

/// Judges the certificate of a server.
pub(super) struct ServerVerifier {
    trust: Trust<WebPkiServerVerifier>,
    signatures: Signatures,
}

impl ServerVerifier {
    /// Accepts any certificate. Its owner has to have its key.
    pub(super) fn of_anyone(provider: &CryptoProvider) -> Self {
        Self {
            trust: Trust::Anyone,
            signatures: Signatures::of(provider),
        }
    }

    /// Accepts what one of `authorities` has signed for the name of the server.
    pub(super) fn of(authorities: Authorities, provider: &Arc<CryptoProvider>) -> Result<Self, SetupError> {
        let chains =
            WebPkiServerVerifier::builder_with_provider(Arc::new(authorities.store), Arc::clone(provider))
                .build()
                .map_err(|error| SetupError::new(error.to_string()))?;
        Ok(Self {
            trust: Trust::Authorities {
                chains,
                certificates: authorities.certificates,
            },
            signatures: Signatures::of(provider),
        })
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Authorities { chains, certificates } = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        chains
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .or_else(|error| {
                if !is_authority(end_entity, certificates) {
                    return Err(objection(error, end_entity));
                }
                check_dates(end_entity, now)?;
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls12(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.0.supported_schemes()
    }
}

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientVerifier").finish_non_exhaustive()
    }
}

impl fmt::Debug for ServerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerVerifier").finish_non_exhaustive()
    }
}

/// Whether a certificate is itself among those that are trusted, as a self-signed one has to be.
fn is_authority(certificate: &CertificateDer<'_>, authorities: &[CertificateDer<'_>]) -> bool {
    authorities
        .iter()
        .any(|authority| authority.as_ref() == certificate.as_ref())
}

/// What there is to say against a certificate. Where the chain was not looked at because of the certificate's
/// form alone, the second look has found that nobody vouches for it.
fn objection(error: Error, certificate: &CertificateDer<'_>) -> Error {
    let is_odd = Certificate::parse(certificate)
        .is_some_and(|certificate| certificate.is_version_1 || certificate.issuer == certificate.subject);
    match error {
        Error::InvalidCertificate(CertificateError::Other(_)) if is_odd => {
            CertificateError::UnknownIssuer.into()
        }
        error => error,
    }
}

fn check_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    match Certificate::parse(certificate) {
        Some(certificate) if certificate.is_valid_at(now) => Ok(()),
        Some(_) => Err(CertificateError::Expired.into()),
        None => Err(CertificateError::BadEncoding.into()),
    }
}

/// Signatures of handshakes and certificates. The key is taken from certificates of any version.
struct Signatures(WebPkiSupportedAlgorithms);

impl Signatures {
    fn of(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }

    fn verify_tls12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify(message, certificate, signed, self.algorithms(signed.scheme))
    }

    /// TLS 1.3 ties the curve of a key to the signature scheme, of which only the first algorithm counts.
    fn verify_tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = self.algorithms(signed.scheme);
        verify(
            message,
            certificate,
            signed,
            algorithms.get(..1).unwrap_or_default(),
        )
    }

    fn algorithms(&self, wanted: SignatureScheme) -> &[&'static dyn SignatureVerificationAlgorithm] {
        let known = self.0.mapping.iter().find(|(scheme, _)| *scheme == wanted);
        known.map_or(&[], |(_, algorithms)| algorithms)
    }

    /// Whether this is a certificate of version 1 that one of `authorities`, valid now, has signed.
    fn is_version_1_of(
        &self,
        certificate: &CertificateDer<'_>,
        authorities: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> bool {
        let Some(certificate) = Certificate::parse(certificate).filter(|it| it.is_version_1) else {
            return false;
        };
        let mut authorities = authorities.iter().filter_map(|it| Certificate::parse(it));
        authorities.any(|authority| {
            authority.subject == certificate.issuer
                && authority.is_valid_at(now)
                && self.has_signed(&authority, &certificate)
        })
    }

    fn has_signed(&self, authority: &Certificate<'_>, certificate: &Certificate<'_>) -> bool {
        self.0.all.iter().any(|algorithm| {
            *algorithm.signature_alg_id() == *certificate.signature_algorithm
                && *algorithm.public_key_alg_id() == *authority.key_algorithm
                && algorithm
                    .verify_signature(authority.public_key, certificate.signed, certificate.signature)
                    .is_ok()
        })
    }
}

fn verify(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &[&'static dyn SignatureVerificationAlgorithm],
) -> Result<HandshakeSignatureValid, Error> {
    let certificate = Certificate::parse(certificate).ok_or(CertificateError::BadEncoding)?;
    let is_valid = algorithms.iter().any(|algorithm| {
        *algorithm.public_key_alg_id() == *certificate.key_algorithm
            && algorithm
                .verify_signature(certificate.public_key, message, signed.signature())
                .is_ok()
    });
    if is_valid {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(CertificateError::BadSignature.into())
    }
}
