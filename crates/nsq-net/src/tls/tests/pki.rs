//! Certificates made for one test.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use tempfile::TempDir;

/// An authority, and files of what it has signed.
pub(super) struct Pki {
    directory: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    pub(super) fn new() -> Self {
        Self::of("authority")
    }

    /// An authority of another name.
    pub(super) fn of_stranger() -> Self {
        Self::of("stranger")
    }

    fn of(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(directory.path().join("authority.pem"), authority.pem()).unwrap();
        Self { directory, authority }
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The authority's own certificate.
    pub(super) fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    /// A certificate for a server of this name, and its key.
    pub(super) fn server(&self, name: &str) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue("server", &params)
    }

    /// A certificate for a client of this name, and its key.
    pub(super) fn client(&self, name: &str) -> (PathBuf, PathBuf) {
        let mut params = named(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue("client", &params)
    }

    /// The same, but no longer valid.
    pub(super) fn expired_client(&self) -> (PathBuf, PathBuf) {
        let mut params = named("late");
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
        self.issue("expired", &params)
    }

    /// A certificate that is its own authority, as `openssl req -x509` makes it, and its key.
    pub(super) fn self_signed(&self, name: &str) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        self.write("self-signed", &certificate.pem(), &key.serialize_pem())
    }

    fn issue(&self, file: &str, params: &CertificateParams) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        self.write(file, &certificate.pem(), &key.serialize_pem())
    }

    pub(super) fn write(&self, file: &str, certificate: &str, key: &str) -> (PathBuf, PathBuf) {
        let cert_path = self.directory.path().join(format!("{file}.pem"));
        let key_path = self.directory.path().join(format!("{file}.key"));
        fs::write(&cert_path, certificate).unwrap();
        fs::write(&key_path, key).unwrap();
        (cert_path, key_path)
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
