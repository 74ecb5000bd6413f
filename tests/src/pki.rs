//! Certificates made for one test, and clients that trust them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;

use crate::nsqd::Setup;

/// An authority, and the certificate of a server called `localhost` that it has signed.
#[derive(Debug)]
pub struct Pki {
    directory: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Default for Pki {
    fn default() -> Self {
        Self::new()
    }
}

impl Pki {
    /// Makes the authority and the server's certificate.
    pub fn new() -> Self {
        Self::of("authority")
    }

    /// The same, of an authority of this name.
    pub fn of(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("generate a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("sign the authority");
        let pki = Self {
            directory: TempDir::with_prefix("pki-").expect("create a directory"),
            authority,
        };
        fs::write(pki.authority_file(), pki.authority.pem()).expect("write the authority");
        pki.renew_server();
        pki
    }

    /// Writes another certificate for the server, to the same files.
    pub fn renew_server(&self) {
        let server = self.issue("localhost");
        fs::write(self.cert_file(), server.certificate.pem()).expect("write the certificate");
        fs::write(self.key_file(), server.key.serialize_pem()).expect("write the key");
    }

    /// A certificate for whoever is called this.
    pub fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().expect("generate a key");
        let certificate = params(name)
            .signed_by(&key, &self.authority)
            .expect("sign a certificate");
        Identity { certificate, key }
    }

    /// The authority's own certificate.
    pub fn authority_file(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    /// The server's certificate.
    pub fn cert_file(&self) -> PathBuf {
        self.directory.path().join("server.pem")
    }

    /// The server's key.
    pub fn key_file(&self) -> PathBuf {
        self.directory.path().join("server.key")
    }

    /// An nsqd with the server's certificate.
    pub fn setup(&self) -> Setup {
        Setup::new()
            .flag("--https-address=127.0.0.1:0")
            .flag(format!("--tls-cert={}", self.cert_file().display()))
            .flag(format!("--tls-key={}", self.key_file().display()))
    }

    /// A client that trusts the authority.
    pub fn client(&self) -> Arc<ClientConfig> {
        Arc::new(self.builder(rustls::ALL_VERSIONS).with_no_client_auth())
    }

    /// The same, speaking nothing newer than TLS 1.2.
    pub fn client_of_tls12(&self) -> Arc<ClientConfig> {
        Arc::new(self.builder(&[&rustls::version::TLS12]).with_no_client_auth())
    }

    /// A client that trusts the authority and shows who it is.
    pub fn client_with(&self, identity: &Identity) -> Arc<ClientConfig> {
        let key = PrivateKeyDer::try_from(identity.key.serialize_der()).expect("a key");
        let config = self
            .builder(rustls::ALL_VERSIONS)
            .with_client_auth_cert(vec![identity.certificate.der().clone()], key)
            .expect("a usable certificate");
        Arc::new(config)
    }

    fn builder(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.authority.der().clone())
            .expect("a usable authority");
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("known versions")
            .with_root_certificates(roots)
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a valid name");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
