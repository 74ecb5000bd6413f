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
type Outcome = Result<(Stream, Session), Refused>;

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
    let clock = Clock::system();
    tokio::join!(
        acceptor.accept(one, Vec::new(), PATIENCE, &clock),
        connector.connect("localhost", other, Vec::new(), PATIENCE, &clock),
    )
}

fn on_runtime<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// The error of the side that refused.
#[track_caller]
fn refusal(outcome: Outcome) -> String {
    outcome.unwrap_err().to_string()
}

fn text(error: &io::Error) -> String {
    error.to_string()
}
