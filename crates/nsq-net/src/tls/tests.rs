mod files;
mod handshakes;
mod pki;
mod records;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use nsq_runtime::Clock;

use self::pki::Pki;
use super::*;
use crate::Stream;
use crate::coded::tests::pair;

const PATIENCE: Duration = Duration::from_secs(30);

/// What came of a handshake, at either end.
type Outcome = Result<(Stream, Session), HandshakeError>;

/// Performs the handshake of a server over `stream`.
async fn accept(acceptor: &Acceptor, mut stream: Stream, received: Vec<u8>) -> Outcome {
    let session = acceptor
        .accept(&mut stream, received, PATIENCE, &Clock::system())
        .await?;
    Ok((stream, session))
}

/// Performs the handshake of a client over `stream`.
async fn connect(connector: &Connector, mut stream: Stream, host: &str) -> Outcome {
    let session = connector
        .connect(host, &mut stream, Vec::new(), PATIENCE, &Clock::system())
        .await?;
    Ok((stream, session))
}

/// Settings of a server called `localhost`.
fn server_settings(pki: &Pki) -> ServerSettings {
    let (cert, key) = pki.server("localhost");
    ServerSettings {
        cert,
        key,
        ..ServerSettings::default()
    }
}

/// Settings of a client that trusts the authority.
fn client_settings(pki: &Pki) -> ClientSettings {
    ClientSettings {
        root_ca_file: Some(pki.authority()),
        ..ClientSettings::default()
    }
}

/// Lets a client connect to a server called `localhost`. The client's first read tells it what TLS 1.3 does
/// not wait for: whether the server has accepted it.
async fn meet(server: ServerSettings, client: ClientSettings) -> (Outcome, Outcome) {
    let (one, other) = pair(16 * 1024);
    let (acceptor, connector) = (Acceptor::load(server).unwrap(), Connector::load(client).unwrap());
    tokio::join!(
        accept(&acceptor, one, Vec::new()),
        connect(&connector, other, "localhost"),
    )
}

/// The error of the side that refused.
#[track_caller]
fn refusal(outcome: Outcome) -> String {
    outcome.unwrap_err().to_string()
}

fn text(error: &io::Error) -> String {
    error.to_string()
}
