//! TLS.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tempfile::TempDir;

use super::{Layer, broken};
use crate::error::{Doing, Error, Result};

/// The certificate of a server, made for one run.
#[derive(Debug)]
pub(crate) struct Certificate {
    directory: TempDir,
    der: CertificateDer<'static>,
}

impl Certificate {
    /// Makes one, of the kind that most servers have: ECDSA with P-256.
    pub(crate) fn new() -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])
            .map_err(|error| broken("making a certificate", error))?;
        let directory =
            TempDir::with_prefix("nsq-bench-").doing(|| "creating a directory for a certificate")?;
        let certificate = Self {
            directory,
            der: made.cert.der().clone(),
        };
        fs::write(certificate.file("cert.pem"), made.cert.pem()).doing(|| "writing a certificate")?;
        fs::write(certificate.file("key.pem"), made.signing_key.serialize_pem()).doing(|| "writing a key")?;
        Ok(certificate)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What tells an nsqd to show it.
    pub(crate) fn flags(&self) -> [String; 2] {
        [("--tls-cert", "cert.pem"), ("--tls-key", "key.pem")]
            .map(|(flag, name)| format!("{flag}={}", self.file(name).display()))
    }

    /// A client that trusts it alone.
    pub(crate) fn client(&self) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.der.clone())
            .map_err(|error| broken("TLS", error))?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| broken("TLS", error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

#[derive(Debug)]
pub(super) struct Tls(ClientConnection);

impl Tls {
    /// Performs a handshake on a socket that blocks.
    pub(super) fn connect(config: &Arc<ClientConfig>, socket: &mut TcpStream) -> Result<Self> {
        let name = ServerName::try_from("localhost").map_err(|error| broken("TLS", error))?;
        let mut connection =
            ClientConnection::new(Arc::clone(config), name).map_err(|error| broken("TLS", error))?;
        connection.set_buffer_limit(None);
        while connection.is_handshaking() {
            connection.complete_io(socket).doing(|| "shaking hands")?;
        }
        Ok(Self(connection))
    }
}

impl Layer for Tls {
    fn encode(&mut self, plain: &[u8], coded: &mut Vec<u8>) -> Result<()> {
        self.0.writer().write_all(plain).doing(|| "encrypting")?;
        while self.0.wants_write() {
            self.0.write_tls(coded).doing(|| "encrypting")?;
        }
        Ok(())
    }

    fn decode(&mut self, mut coded: &[u8], plain: &mut Vec<u8>) -> Result<()> {
        loop {
            if !coded.is_empty() {
                self.0.read_tls(&mut coded).doing(|| "decrypting")?;
            }
            let state = self
                .0
                .process_new_packets()
                .map_err(|error| broken("TLS", error))?;
            let waiting = state.plaintext_bytes_to_read();
            let read = self.0.reader().take(waiting as u64).read_to_end(plain);
            read.doing(|| "decrypting")?;
            if coded.is_empty() {
                return Ok(());
            }
            if state.peer_has_closed() {
                return Err(Error::Server("the server ended TLS".to_owned()));
            }
        }
    }
}
