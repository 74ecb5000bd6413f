//! What nsqd needs in order to speak TLS, made from its options.

use std::path::{Path, PathBuf};

use nsq_net::tls::{Acceptor, ClientAuth, ClientSettings, Connector, MinVersion, ServerSettings};
use nsq_runtime::spawn_thread;
use tokio::sync::oneshot;

use crate::options::{ClientAuthPolicy, OptionsError, TlsMinVersion, TlsOptions};

/// Both ends of TLS: for clients of this nsqd, and for servers that it asks.
#[derive(Clone, Debug)]
pub struct Tls {
    acceptor: Option<Acceptor>,
    connector: Connector,
}

impl Tls {
    /// Reads the files.
    ///
    /// Upstream: `nsqd/nsqd.go`, `buildTLSConfig` and `buildClientTLSConfig`.
    ///
    /// # Errors
    /// One of them cannot be read or used.
    pub fn load(options: &TlsOptions) -> Result<Self, OptionsError> {
        let acceptor = options
            .is_enabled()
            .then(|| Acceptor::load(server_settings(options)))
            .transpose()
            .map_err(|error| OptionsError::Tls(format!("failed to build TLS config - {error}")))?;
        let connector = Connector::load(client_settings(options))
            .map_err(|error| OptionsError::Tls(format!("failed to build client TLS config - {error}")))?;
        Ok(Self { acceptor, connector })
    }

    /// Performs the handshakes of clients; `None` if there is no certificate.
    pub fn acceptor(&self) -> Option<&Acceptor> {
        self.acceptor.as_ref()
    }

    /// Performs the handshakes with servers.
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Reads the certificate and the authorities again, for new connections. What cannot be used is logged,
    /// and what is in use stays in use.
    pub(crate) async fn reload(&self) {
        let Some(acceptor) = self.acceptor.clone() else {
            return tracing::info!("SIGHUP: there is no certificate to read again");
        };
        let (done, outcome) = oneshot::channel();
        // Files are not read on a thread that serves clients.
        let started = spawn_thread("nsq-tls", move || {
            // Who asked may have gone.
            let _ = done.send(acceptor.reload().map_err(|error| error.to_string()));
        });
        let outcome = match started {
            Ok(_) => outcome.await.unwrap_or_else(|_| Err("panic".to_owned())),
            Err(error) => Err(error.to_string()),
        };
        match outcome {
            Ok(()) => tracing::info!("SIGHUP: the certificate has been read again"),
            Err(error) => tracing::error!("SIGHUP: failed to build TLS config - {error}"),
        }
    }
}

/// Says so if versions are configured that are not spoken any more.
pub(crate) fn log_raised_version(options: &TlsOptions) {
    if options.is_enabled() && options.min_version < TlsMinVersion::Tls12 {
        tracing::info!(
            "TLS: the oldest version spoken is TLS 1.2, though --tls-min-version allows older ones"
        );
    }
}

fn server_settings(options: &TlsOptions) -> ServerSettings {
    ServerSettings {
        cert: options.cert.clone(),
        key: options.key.clone(),
        client_auth: match options.client_auth_policy {
            ClientAuthPolicy::None => ClientAuth::None,
            ClientAuthPolicy::Require => ClientAuth::Require,
            ClientAuthPolicy::RequireVerify => ClientAuth::RequireVerify,
        },
        root_ca_file: given(&options.root_ca_file),
        min_version: min_version(options.min_version),
    }
}

fn client_settings(options: &TlsOptions) -> ClientSettings {
    ClientSettings {
        root_ca_file: given(&options.root_ca_file),
        min_version: min_version(options.min_version),
        ..ClientSettings::default()
    }
}

/// A file whose name may be empty for none.
fn given(file: &Path) -> Option<PathBuf> {
    Some(file.to_owned()).filter(|file| !file.as_os_str().is_empty())
}

fn min_version(version: TlsMinVersion) -> MinVersion {
    match version {
        TlsMinVersion::Tls10 | TlsMinVersion::Tls11 | TlsMinVersion::Tls12 => MinVersion::Tls12,
        TlsMinVersion::Tls13 => MinVersion::Tls13,
    }
}
