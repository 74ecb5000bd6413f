//! The server's end.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nsq_runtime::Clock;
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, UnbufferedServerConnection};
use rustls::sign::SingleCertAndKey;

use super::codec::Engine;
use super::error::{HandshakeError, SetupError};
use super::files::{Authorities, certified_key};
use super::handshake::perform;
use super::verify::ClientVerifier;
use super::{MinVersion, Session, provider};
use crate::Stream;

/// What clients have to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// Nothing; they are not asked.
    #[default]
    None,
    /// A certificate, by whomever, and that they have its key.
    Require,
    /// A certificate that one of the authorities has signed and that is valid now, and its key.
    RequireVerify,
}

/// Where a server has its certificate, and what it asks of clients.
#[derive(Clone, Debug, Default)]
pub struct ServerSettings {
    /// The certificate chain, PEM, the server's own first.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// What clients have to show.
    pub client_auth: ClientAuth,
    /// Who may have signed what they show, PEM; `None` for whom the system trusts.
    pub root_ca_file: Option<PathBuf>,
    /// The oldest version that is spoken.
    pub min_version: MinVersion,
}

/// Performs the handshakes of a server. Clones share one certificate.
///
/// Clients that come back may resume their session for as long as the process runs and its certificate has
/// not been [reloaded](Self::reload).
#[derive(Clone)]
pub struct Acceptor {
    shared: Arc<Shared>,
}

struct Shared {
    settings: ServerSettings,
    config: RwLock<Arc<ServerConfig>>,
}

impl Acceptor {
    /// Reads the files.
    ///
    /// # Errors
    /// One of them cannot be read or used. Shows in upstream's words, without
    /// `failed to build TLS config - `.
    pub fn load(settings: ServerSettings) -> Result<Self, SetupError> {
        let config = RwLock::new(build(&settings)?);
        Ok(Self {
            shared: Arc::new(Shared { settings, config }),
        })
    }

    /// Reads the files again. Connections that exist are not touched; new ones get what was read.
    ///
    /// # Errors
    /// As for [`load`](Self::load). What was read before stays in use.
    pub fn reload(&self) -> Result<(), SetupError> {
        let config = build(&self.shared.settings)?;
        *self.shared.config.write() = config;
        Ok(())
    }

    /// Performs the server's part of a handshake within `limit`; what passes through `stream` from then on is
    /// encrypted. `received` came from it already, and is the client's part of the handshake and perhaps
    /// more.
    ///
    /// # Errors
    /// The client does not do its part. It has been told by an alert, where there is one for it. The stream
    /// may still be written to, in plain text; what was read from it is lost.
    ///
    /// # Cancel safety
    /// Not cancel safe: what was read from the stream is lost.
    pub async fn accept(
        &self,
        stream: &mut Stream,
        received: Vec<u8>,
        limit: Duration,
        clock: &Clock,
    ) -> Result<Session, HandshakeError> {
        let config = Arc::clone(&self.shared.config.read());
        let engine = Engine::Server(UnbufferedServerConnection::new(config)?);
        perform(engine, stream, received, limit, clock).await
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

fn build(settings: &ServerSettings) -> Result<Arc<ServerConfig>, SetupError> {
    let provider = provider();
    let certified_key = certified_key(&settings.cert, &settings.key, &provider)?;
    // Read in any case, as upstream: a file that cannot be used is a mistake.
    let authorities = settings
        .root_ca_file
        .as_deref()
        .map(Authorities::load)
        .transpose()?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(settings.min_version.versions())
        .map_err(|error| SetupError::new(error.to_string()))?;
    let builder = match settings.client_auth {
        ClientAuth::None => builder.with_no_client_auth(),
        ClientAuth::Require => {
            builder.with_client_cert_verifier(Arc::new(ClientVerifier::of_anyone(&provider)))
        }
        ClientAuth::RequireVerify => {
            let authorities = authorities.unwrap_or_else(Authorities::of_system);
            builder.with_client_cert_verifier(Arc::new(ClientVerifier::of(authorities, &provider)?))
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified_key)));
    // Sessions are kept by the clients, in tickets: a server that many come back to holds nothing for them.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer =
        rustls::crypto::ring::Ticketer::new().map_err(|error| SetupError::new(error.to_string()))?;
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}
