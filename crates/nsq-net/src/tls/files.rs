//! Certificates and keys in PEM files.
//!
//! Everything that can be wrong with them is said in the words of Go's `tls.LoadX509KeyPair`.

use std::fs;
use std::path::Path;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::certificate::Certificate;
use super::error::SetupError;
use crate::error::system_text;

/// A certificate chain with the key of its first certificate.
pub(super) fn certified_key(
    cert: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, SetupError> {
    // Both are read before either is looked at, as upstream.
    let cert_pem = read(cert)?;
    let key_pem = read(key)?;
    let chain = certificates(&cert_pem);
    let Some(leaf) = chain.first() else {
        return Err(no_certificate(&labels(&cert_pem)));
    };
    let leaf = Certificate::parse(leaf).ok_or_else(|| SetupError::new("x509: malformed certificate"))?;
    let key = private_key(&key_pem)?;
    let signing_key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|_| unusable_key())?;
    let is_other = signing_key
        .public_key()
        .is_some_and(|public_key| *public_key != *leaf.public_key_info);
    if is_other {
        return Err(SetupError::new("tls: private key does not match public key"));
    }
    Ok(CertifiedKey::new(chain, signing_key))
}

/// Certificates that others may be signed by.
pub(super) struct Authorities {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) store: RootCertStore,
}

impl Authorities {
    /// Those in a file.
    pub(super) fn load(file: &Path) -> Result<Self, SetupError> {
        let authorities = Self::of(certificates(&read(file)?));
        if authorities.store.is_empty() {
            return Err(SetupError::new("failed to append certificate to pool"));
        }
        Ok(authorities)
    }

    /// Those that the operating system trusts. There may be none.
    pub(super) fn of_system() -> Self {
        Self::of(rustls_native_certs::load_native_certs().certs)
    }

    fn of(certificates: Vec<CertificateDer<'static>>) -> Self {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certificates.iter().cloned());
        Self { certificates, store }
    }
}

fn read(file: &Path) -> Result<Vec<u8>, SetupError> {
    fs::read(file).map_err(|error| {
        // Opening a directory succeeds.
        let call = match error.kind() {
            std::io::ErrorKind::IsADirectory => "read",
            _ => "open",
        };
        SetupError::new(format!("{call} {}: {}", file.display(), system_text(&error)))
    })
}

/// All certificates, leaving out whatever else there is and what cannot be decoded.
fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .collect()
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, SetupError> {
    let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem);
    let key = sections.filter_map(Result::ok).find(|(kind, _)| {
        matches!(
            kind,
            SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey
        )
    });
    match key {
        // What it says to be is not always what it is.
        Some((_, key)) => PrivateKeyDer::try_from(key).map_err(|_| unusable_key()),
        None => Err(no_key(&labels(pem))),
    }
}

/// What the sections of a PEM file say that they are.
fn labels(pem: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(pem)
        .lines()
        .filter_map(|line| {
            let label = line.trim_end().strip_prefix("-----BEGIN ")?;
            label.strip_suffix("-----").map(str::to_owned)
        })
        .collect()
}

fn is_key(label: &str) -> bool {
    label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY")
}

fn no_certificate(labels: &[String]) -> SetupError {
    match labels {
        [] => SetupError::new("tls: failed to find any PEM data in certificate input"),
        [only] if is_key(only) => SetupError::new(
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM \
             inputs may have been switched",
        ),
        _ if labels.iter().any(|label| label == "CERTIFICATE") => {
            SetupError::new("x509: malformed certificate")
        }
        _ => SetupError::new(format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of \
             the following types: [{}]",
            labels.join(" ")
        )),
    }
}

fn no_key(labels: &[String]) -> SetupError {
    match labels {
        [] => SetupError::new("tls: failed to find any PEM data in key input"),
        [only] if only == "CERTIFICATE" => {
            SetupError::new("tls: found a certificate rather than a key in the PEM for the private key")
        }
        _ if labels.iter().any(|label| is_key(label)) => unusable_key(),
        _ => SetupError::new(format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM \
             blocks of the following types: [{}]",
            labels.join(" ")
        )),
    }
}

fn unusable_key() -> SetupError {
    SetupError::new("tls: failed to parse private key")
}
