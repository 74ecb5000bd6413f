//! From a stream to an encrypted one.

use std::time::Duration;

use nsq_runtime::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Session;
use super::codec::{Engine, Tls};
use super::error::HandshakeError;
use crate::Stream;
use crate::coded::Coded;

/// Bytes of a handshake that have not been made sense of. rustls takes handshake messages of up to 64 KiB.
const RECEIVED_MAX: usize = 80 * 1024;

/// Bytes read at once, enough for the usual handshake message.
const READ_LEN: usize = 4 * 1024;

/// Bytes that the first record begins with: type, version and length.
const HEADER_LEN: usize = 5;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// There has never been a version 16 of TLS, and letters are greater. Upstream: crypto/tls,
/// `readRecordOrCCS`.
const MAJOR_VERSION_END: u8 = 0x10;

/// Performs the handshake of `engine` over `stream` within `limit`, which puts the layer on top of it.
pub(super) async fn perform(
    engine: Engine,
    stream: &mut Stream,
    mut received: Vec<u8>,
    limit: Duration,
    clock: &Clock,
) -> Result<Session, HandshakeError> {
    let is_server = matches!(engine, Engine::Server(_));
    let mut tls = Tls::new(engine);
    let outcome = tokio::select! {
        outcome = shake(&mut tls, stream, &mut received, is_server) => outcome,
        () = clock.sleep(limit) => Err(HandshakeError::TimedOut {
            local: stream.local_addr(),
            peer: stream.peer(),
        }),
    };
    outcome?;
    let session = Session::of(tls.state());
    stream.wrap(|beneath| Coded::new(tls, beneath, received));
    Ok(session)
}

async fn shake(
    tls: &mut Tls,
    stream: &mut Stream,
    received: &mut Vec<u8>,
    is_server: bool,
) -> Result<(), HandshakeError> {
    if is_server {
        // What is not TLS at all is told apart, to be answered in its own terms.
        while received.len() < HEADER_LEN {
            read(stream, received).await?;
        }
        check_first_record(received)?;
    }
    loop {
        let advanced = tls.advance_handshake(received);
        // An alert as well: it is all that the peer gets to know.
        let outgoing = tls.take_outgoing();
        if !outgoing.is_empty() {
            let sent = async {
                stream.write_all(&outgoing).await?;
                stream.flush().await
            };
            if let (Err(error), Ok(_)) = (sent.await, &advanced) {
                return Err(error.into());
            }
        }
        if advanced? {
            return Ok(());
        }
        if tls.peer_has_closed() {
            return Err(HandshakeError::Closed);
        }
        if received.len() > RECEIVED_MAX {
            return Err(rustls::Error::General("oversized handshake".to_owned()).into());
        }
        read(stream, received).await?;
    }
}

async fn read(stream: &mut Stream, received: &mut Vec<u8>) -> Result<(), HandshakeError> {
    received.reserve(READ_LEN);
    match stream.read_buf(received).await? {
        0 => Err(HandshakeError::Closed),
        _ => Ok(()),
    }
}

fn check_first_record(received: &[u8]) -> Result<(), HandshakeError> {
    match received.first_chunk::<HEADER_LEN>() {
        Some(&start @ [kind, major, ..])
            if !matches!(kind, ALERT | HANDSHAKE) || major >= MAJOR_VERSION_END =>
        {
            Err(HandshakeError::NotTls(start))
        }
        _ => Ok(()),
    }
}
