//! Peers that take too long, and servers that stop.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Running, passing_time, read_to_end, read_until, start, start_with};
use nsq_http::{Body, Limits, Request, Response, Service, read_body, reply};
use nsq_net::Peer;
use nsq_runtime::{Clock, ManualClock};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

/// Answers by path: `/pub` reads a body, `/big` sends for ever, `/slow` waits to be released.
#[derive(Default)]
struct Daemon {
    slow_entered: Arc<Notify>,
    slow_released: Arc<Notify>,
    slow_finished: Arc<Notify>,
    big_dropped: Arc<Notify>,
}

/// Tells when what owns it is dropped.
struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Service for Daemon {
    async fn call(&self, request: Request, _peer: Peer) -> Response {
        match request.uri().path() {
            "/pub" => match read_body(request.into_body(), 1 << 20).await {
                Ok(_) => reply::text("OK"),
                Err(error) => reply::text(error.to_string()),
            },
            "/big" => {
                let dropped = OnDrop(Arc::clone(&self.big_dropped));
                reply::text(Body::pieces(std::iter::repeat_with(move || {
                    let _ = &dropped;
                    vec![b'x'; 65536].into()
                })))
            }
            "/slow" => {
                self.slow_entered.notify_one();
                self.slow_released.notified().await;
                self.slow_finished.notify_one();
                reply::text("done")
            }
            _ => reply::plain("OK"),
        }
    }
}

const GET: &[u8] = b"GET /ping HTTP/1.1\r\nHost: nsq\r\n\r\n";

async fn start_manual() -> (Running, ManualClock) {
    let manual = ManualClock::new();
    let server = start_with(Daemon::default(), manual.clock(), Limits::default()).await;
    (server, manual)
}

#[tokio::test]
async fn a_connection_that_sends_nothing_is_closed() {
    let (server, manual) = start_manual().await;
    let mut stream = server.connect().await;
    let (reply, waited) = passing_time(&manual, read_to_end(&mut stream)).await;
    assert_eq!(reply, "");
    assert!(waited >= Limits::default().head_time, "{waited:?}");
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_off_in_time() {
    let (server, manual) = start_manual().await;
    let stream = server.connect().await;
    let (mut read, mut write) = stream.into_split();
    let trickle = async {
        // One byte at a time, for ever, so that every wait of the server ends with progress.
        let _ = write.write_all(b"GET /ping HTTP/1.1\r\nX: ").await;
        while write.write_all(b"x").await.is_ok() {
            manual.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    let closed = async {
        let mut bytes = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut bytes).await;
        bytes
    };
    let started = manual.clock().now();
    let (bytes, ()) = tokio::join!(closed, trickle);
    assert_eq!(bytes, b"");
    assert!(manual.clock().now() - started >= Limits::default().head_time);
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_minutes_and_then_closed() {
    let (server, manual) = start_manual().await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    read_until(&mut stream, "\r\n\r\nOK").await;
    let (reply, waited) = passing_time(&manual, read_to_end(&mut stream)).await;
    assert_eq!(reply, "");
    assert!(waited >= Limits::default().idle_time, "{waited:?}");
}

#[tokio::test]
async fn a_body_that_stalls_is_cut_off() {
    let (server, manual) = start_manual().await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"POST /pub HTTP/1.1\r\nHost: nsq\r\nContent-Length: 100\r\n\r\nhalf")
        .await
        .unwrap();
    let (reply, waited) = passing_time(&manual, read_to_end(&mut stream)).await;
    assert_eq!(reply, "");
    assert!(waited >= Limits::default().stall_time, "{waited:?}");
}

#[tokio::test]
async fn a_reply_that_is_not_taken_is_given_up() {
    let manual = ManualClock::new();
    let daemon = Daemon::default();
    let dropped = Arc::clone(&daemon.big_dropped);
    let server = start_with(daemon, manual.clock(), Limits::default()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /big HTTP/1.1\r\nHost: nsq\r\n\r\n")
        .await
        .unwrap();
    let ((), waited) = passing_time(&manual, dropped.notified()).await;
    assert!(waited >= Limits::default().stall_time, "{waited:?}");
}

#[tokio::test]
async fn stopping_closes_idle_connections_and_answers_what_is_in_progress() {
    let daemon = Daemon::default();
    let (entered, released) = (
        Arc::clone(&daemon.slow_entered),
        Arc::clone(&daemon.slow_released),
    );
    let server = start(daemon).await;
    let mut idle = server.connect().await;
    idle.write_all(GET).await.unwrap();
    read_until(&mut idle, "\r\n\r\nOK").await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: nsq\r\n\r\n")
        .await
        .unwrap();
    entered.notified().await;

    server.stop.trigger();
    assert_eq!(read_to_end(&mut idle).await, "");
    released.notify_one();
    let reply = read_to_end(&mut busy).await;
    assert!(
        reply.contains("Connection: close\r\n") && reply.ends_with("done"),
        "{reply}"
    );
    assert_eq!(
        server.tasks.wait(&Clock::system(), Duration::from_secs(30)).await,
        0
    );
    assert!(tokio::net::TcpStream::connect(&server.addr).await.is_err());
}

#[tokio::test]
async fn stopping_does_not_wait_for_requests_that_do_not_end() {
    let manual = ManualClock::new();
    let daemon = Daemon::default();
    let entered = Arc::clone(&daemon.slow_entered);
    let server = start_with(daemon, manual.clock(), Limits::default()).await;
    let mut stuck = server.connect().await;
    stuck
        .write_all(b"GET /slow HTTP/1.1\r\nHost: nsq\r\n\r\n")
        .await
        .unwrap();
    entered.notified().await;
    let mut half_sent = server.connect().await;
    half_sent
        .write_all(b"POST /pub HTTP/1.1\r\nHost: nsq\r\nContent-Le")
        .await
        .unwrap();

    server.stop.trigger();
    let clock = Clock::system();
    let ended = server.tasks.wait(&clock, Duration::from_secs(30));
    let (left, waited) = passing_time(&manual, ended).await;
    assert_eq!(left, 0);
    assert!(waited >= Limits::default().drain_time, "{waited:?}");
    assert_eq!(read_to_end(&mut stuck).await, "");
}

#[tokio::test]
async fn a_handler_finishes_although_its_client_has_gone() {
    let daemon = Daemon::default();
    let (entered, released) = (
        Arc::clone(&daemon.slow_entered),
        Arc::clone(&daemon.slow_released),
    );
    let finished = Arc::clone(&daemon.slow_finished);
    let server = start(daemon).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"POST /slow HTTP/1.1\r\nHost: nsq\r\n\r\n")
        .await
        .unwrap();
    entered.notified().await;
    drop(stream);
    // The server has every chance to notice before the handler goes on.
    assert!(server.ask("GET", "/ping").await.ends_with("OK"));
    released.notify_one();
    finished.notified().await;
}
