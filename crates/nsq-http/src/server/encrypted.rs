//! Connections that begin with a TLS handshake.

use std::sync::Arc;
use std::time::Duration;

use nsq_net::{Stream, tls};
use nsq_runtime::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Service, Shared, connection};

/// What a client is told that speaks HTTP where TLS is spoken. Upstream: net/http, `conn.serve`.
const NOT_ENCRYPTED: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// How much longer such a client is listened to: closing while it sends would destroy the answer.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 64 * 1024;

/// Serves `stream` as [`connection::serve`] does, once it is encrypted.
pub(super) async fn serve<S: Service>(
    shared: Arc<Shared<S>>,
    mut stream: Stream,
    acceptor: tls::Acceptor,
    stop: Shutdown,
) {
    let peer = stream.peer();
    // Boxed: once it is over, nothing of it is to be kept.
    let handshake =
        Box::pin(acceptor.accept(&mut stream, Vec::new(), shared.limits.head_time, &shared.clock));
    let outcome = tokio::select! {
        outcome = handshake => outcome,
        () = stop.triggered() => return,
    };
    match outcome {
        Ok(_) => connection::serve(shared, stream, stop).await,
        Err(error) if error.is_http() => {
            tracing::warn!(
                "http: TLS handshake error from {peer}: client sent an HTTP request to an HTTPS server"
            );
            tokio::select! {
                () = Box::pin(refuse(stream)) => {}
                () = shared.clock.sleep(LINGER_TIME) => {}
                () = stop.triggered() => {}
            }
        }
        Err(error) => tracing::warn!("http: TLS handshake error from {peer}: {error}"),
    }
}

async fn refuse(mut stream: Stream) {
    if stream.write_all(NOT_ENCRYPTED).await.is_err() || stream.shutdown().await.is_err() {
        return;
    }
    let mut discarded = [0; 1024];
    let mut count = 0;
    while let Ok(read @ 1..) = stream.read(&mut discarded).await {
        count += read;
        if count > LINGER_BYTES_MAX {
            return;
        }
    }
}
