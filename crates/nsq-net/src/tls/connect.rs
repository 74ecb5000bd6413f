//! The client's end.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nsq_runtime::Clock;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, SupportedProtocolVersion};

use super::codec::Engine;
use super::error::{HandshakeError, SetupError};
use super::files::{Authorities, certified_key};
use super::handshake::perform;
use super::verify::ServerVerifier;
use super::{MinVersion, Session, provider};
use crate::Stream;

/// Whom a client trusts, and who it is.
#[derive(Clone, Debug, Default)]
pub struct ClientSettings {
    /// Who may have signed the certificate of a server, PEM; `None` for whom the system trusts.
    pub root_ca_file: Option<PathBuf>,
    /// Take any server for the right one.
    pub insecure_skip_verify: bool,
    /// The client's own certificate chain and its key, PEM, for servers that ask.
    pub cert_and_key: Option<(PathBuf, PathBuf)>,
    /// The oldest version that is spoken.
    pub min_version: MinVersion,
}

/// Performs the handshakes of a client.
#[derive(Clone)]
pub struct Connector {
    shared: Arc<Shared>,
}

struct Shared {
    settings: ClientSettings,
    /// Made at the first use if it takes whom the system trusts: reading hundreds of certificates is not
    /// worth it for a program that never connects.
    config: OnceLock<Result<Arc<ClientConfig>, SetupError>>,
}

impl Connector {
    /// Reads the files.
    ///
    /// # Errors
    /// One of them cannot be read or used. Shows in upstream's words, without
    /// `failed to build client TLS config - `.
    pub fn load(settings: ClientSettings) -> Result<Self, SetupError> {
        let reads_system = settings.root_ca_file.is_none() && !settings.insecure_skip_verify;
        let config = OnceLock::new();
        if !reads_system || settings.cert_and_key.is_some() {
            let built = build(&settings)?;
            config.get_or_init(|| Ok(built));
        }
        Ok(Self {
            shared: Arc::new(Shared { settings, config }),
        })
    }

    /// A client that speaks nothing newer than TLS 1.2.
    #[cfg(test)]
    pub(super) fn of_tls12(settings: ClientSettings) -> Result<Self, SetupError> {
        let config = OnceLock::from(Ok(build_for(&settings, &[&rustls::version::TLS12])?));
        Ok(Self {
            shared: Arc::new(Shared { settings, config }),
        })
    }

    /// Performs the client's part of a handshake within `limit`; what passes through `stream` from then on is
    /// encrypted. `host` is what the server is called, a name or an IP address. `received` came from the
    /// stream already, and is the server's part of the handshake.
    ///
    /// # Errors
    /// The server is not who it should be, or does not do its part.
    ///
    /// # Cancel safety
    /// Not cancel safe: what was read from the stream is lost.
    pub async fn connect(
        &self,
        host: &str,
        stream: &mut Stream,
        received: Vec<u8>,
        limit: Duration,
        clock: &Clock,
    ) -> Result<Session, HandshakeError> {
        perform(self.engine(host)?, stream, received, limit, clock).await
    }

    /// One end of a connection to a server of this name.
    pub(super) fn engine(&self, host: &str) -> Result<Engine, HandshakeError> {
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| HandshakeError::ServerName(host.to_owned()))?;
        let Shared { settings, config } = &*self.shared;
        let config = config
            .get_or_init(|| build(settings))
            .clone()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(Engine::Client(UnbufferedClientConnection::new(config, name)?))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

fn build(settings: &ClientSettings) -> Result<Arc<ClientConfig>, SetupError> {
    build_for(settings, settings.min_version.versions())
}

fn build_for(
    settings: &ClientSettings,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<Arc<ClientConfig>, SetupError> {
    let provider = provider();
    // Read in any case, as upstream: a file that cannot be used is a mistake.
    let authorities = settings
        .root_ca_file
        .as_deref()
        .map(Authorities::load)
        .transpose()?;
    let verifier = if settings.insecure_skip_verify {
        ServerVerifier::of_anyone(&provider)
    } else {
        ServerVerifier::of(authorities.unwrap_or_else(Authorities::of_system), &provider)?
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| SetupError::new(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match &settings.cert_and_key {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let certified_key = certified_key(cert, key, &provider)?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified_key)))
        }
    };
    Ok(Arc::new(config))
}
