//! Raw peers that speak bytes, not types.
//!
//! A [`Peer`] is one end of a connection on which a test writes exactly the bytes it wants and states exactly
//! the bytes it must get back. It deliberately shares nothing with `nsq-protocol`: what it expects is taken
//! from the description of the protocol, so a mistake there cannot hide itself here.
//!
//! Everything blocks, bounded by the peer's *patience*: a read that sees no byte for that long fails the test.
//! Every failure names the caller's line and shows both sides as escaped bytes.
//!
//! ```no_run
//! use nsq_testkit::peer::{Peer, command};
//!
//! let mut peer = Peer::connect_v2(([127, 0, 0, 1], 4150).into());
//! peer.send(command::publish("orders", b"hi"));
//! peer.expect_ok();
//! peer.send("SUB orders\n");
//! peer.expect_fatal("E_INVALID SUB insufficient number of parameters");
//! ```

pub mod command;
mod layer;
mod server;
mod stopwatch;
mod stream;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub use self::layer::tls_connection;
pub use self::server::IDENTIFIED;
pub use self::stopwatch::Stopwatch;
use self::stream::Stream;
pub use self::v2::{Frame, Message};

/// How long a read waits for the next byte before the test fails. It is far above anything a healthy peer
/// needs, including a queue scan of the original, which notices timeouts up to five seconds late.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// One end of a connection, driven by a test.
pub struct Peer {
    stream: Stream,
    patience: Duration,
}

impl Peer {
    /// Connects over TCP and sends nothing.
    ///
    /// # Panics
    /// If the connection is refused.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        let stream =
            TcpStream::connect(address).unwrap_or_else(|err| panic!("cannot connect to {address}: {err}"));
        Self::from_tcp(stream)
    }

    /// Connects over TCP and sends the magic of the V2 protocol.
    ///
    /// # Panics
    /// If the connection is refused.
    #[track_caller]
    pub fn connect_v2(address: SocketAddr) -> Self {
        let mut peer = Self::connect(address);
        peer.send(command::MAGIC_V2);
        peer
    }

    /// Connects to a unix stream socket and sends nothing.
    ///
    /// # Panics
    /// If the connection is refused.
    #[track_caller]
    pub fn connect_unix(path: &Path) -> Self {
        let stream = UnixStream::connect(path)
            .unwrap_or_else(|err| panic!("cannot connect to unix socket {}: {err}", path.display()));
        Self {
            stream: Stream::Unix(stream),
            patience: PATIENCE,
        }
    }

    /// Waits for the next connection to `listener`, for tests that play the server.
    ///
    /// # Panics
    /// If accepting fails.
    #[track_caller]
    pub fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().expect("accept a connection");
        Self::from_tcp(stream)
    }

    fn from_tcp(stream: TcpStream) -> Self {
        // Scripts are written one command at a time; Nagle's algorithm would add its delay to every answer.
        stream.set_nodelay(true).expect("set TCP_NODELAY");
        Self {
            stream: Stream::Tcp(stream),
            patience: PATIENCE,
        }
    }

    /// Sets how long a read waits for the next byte.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The address of this end as the other end sees it; `None` for unix sockets.
    ///
    /// # Panics
    /// If the operating system does not know it.
    pub fn local_address(&self) -> Option<SocketAddr> {
        match &self.stream {
            Stream::Tcp(stream) => Some(stream.local_addr().expect("local address")),
            Stream::Layered { socket, .. } => Some(socket.local_addr().expect("local address")),
            Stream::Unix(_) => None,
        }
    }

    /// Writes all of `bytes`.
    ///
    /// # Panics
    /// If the other end does not accept them.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        if let Err(err) = self.stream.write_all(bytes) {
            panic!("sending {} failed: {err}", escape(bytes));
        }
    }

    /// Writes `bytes` in as many writes as there are bytes, so that the other end sees every possible split.
    ///
    /// # Panics
    /// If the other end does not accept them.
    #[track_caller]
    pub fn send_byte_by_byte(&mut self, bytes: impl AsRef<[u8]>) {
        for byte in bytes.as_ref() {
            self.send([*byte]);
        }
    }

    /// Writes `bytes` to an end that may already have closed; whether they arrive is not checked.
    pub fn send_if_open(&mut self, bytes: impl AsRef<[u8]>) {
        // The other end may close between two writes; that is what such a test is about.
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Writes at most until the other end stops taking bytes for `patience`; returns how many it took.
    ///
    /// # Panics
    /// If the write fails for any other reason than a full or closed connection.
    #[track_caller]
    pub fn send_until_stalled(&mut self, bytes: &[u8], patience: Duration) -> usize {
        self.stream
            .set_write_timeout(Some(patience))
            .expect("set the write timeout");
        let mut sent = 0;
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(written) => sent += written,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) if is_timeout(err.kind()) || is_closed(err.kind()) => break,
                Err(err) => panic!("writing failed after {sent} bytes: {err}"),
            }
        }
        self.stream
            .set_write_timeout(None)
            .expect("clear the write timeout");
        sent
    }

    /// Closes the sending direction; the other end sees the end of the stream.
    pub fn finish_sending(&mut self) {
        // A connection that is already gone has also finished sending.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Asserts that the next bytes are exactly `expected`.
    ///
    /// # Panics
    /// If other bytes, fewer bytes or the end of the stream arrive.
    #[track_caller]
    pub fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let received = self.read(expected.len(), &format_args!("{}", escape(expected)));
        assert!(
            received == expected,
            "unexpected bytes\n expected: {}\n received: {}",
            escape(expected),
            escape(&received)
        );
    }

    /// Reads exactly `count` bytes.
    ///
    /// # Panics
    /// If fewer arrive.
    #[track_caller]
    pub fn expect_bytes(&mut self, count: usize) -> Vec<u8> {
        self.read(count, &format_args!("{count} bytes"))
    }

    /// Asserts that the other end closes the connection without sending anything more.
    ///
    /// A reset counts as closed: it is what a close with unread input looks like from here.
    ///
    /// # Panics
    /// If bytes arrive, or the connection stays open.
    #[track_caller]
    pub fn expect_closed(&mut self) {
        self.expect_closed_within(self.patience);
    }

    /// Like [`expect_closed`](Self::expect_closed) with its own patience.
    ///
    /// # Panics
    /// If bytes arrive, or the connection stays open.
    #[track_caller]
    pub fn expect_closed_within(&mut self, patience: Duration) {
        let unexpected = self.read_to_close(patience);
        assert!(
            unexpected.is_empty(),
            "expected the end of the stream, received: {}",
            escape(&unexpected)
        );
    }

    /// Reads everything up to the close of the connection.
    ///
    /// # Panics
    /// If the connection stays open without a byte for `patience`.
    #[track_caller]
    pub fn read_to_close(&mut self, patience: Duration) -> Vec<u8> {
        self.stream
            .set_read_timeout(Some(patience))
            .expect("set the read timeout");
        let mut received = Vec::new();
        let mut block = [0; 4096];
        loop {
            match self.stream.read(&mut block) {
                Ok(0) => return received,
                Ok(count) => received.extend_from_slice(&block[..count]),
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) if is_closed(err.kind()) => return received,
                Err(err) => panic!(
                    "expected the end of the stream within {patience:?}: {err}; received so far: {}",
                    escape(&received)
                ),
            }
        }
    }

    /// Asserts that nothing arrives and the connection stays open for `duration`.
    ///
    /// There is no event for "nothing happens", so this one waits; prefer a command with an answer behind the
    /// place where nothing must come.
    ///
    /// # Panics
    /// If bytes arrive or the connection is closed.
    #[track_caller]
    pub fn expect_silence(&mut self, duration: Duration) {
        self.stream
            .set_read_timeout(Some(duration))
            .expect("set the read timeout");
        let mut block = [0; 4096];
        match self.stream.read(&mut block) {
            Ok(0) => panic!("expected silence, the connection was closed"),
            Ok(count) => panic!("expected silence, received: {}", escape(&block[..count])),
            Err(err) => assert!(
                is_timeout(err.kind()),
                "expected silence, the connection failed: {err}"
            ),
        }
    }

    #[track_caller]
    fn read(&mut self, count: usize, wanted: &dyn fmt::Display) -> Vec<u8> {
        self.stream
            .set_read_timeout(Some(self.patience))
            .expect("set the read timeout");
        let mut received = vec![0; count];
        let mut filled = 0;
        while filled < count {
            match self.stream.read(&mut received[filled..]) {
                Ok(0) => panic!(
                    "the connection was closed\n expected: {wanted}\n received: {}",
                    escape(&received[..filled])
                ),
                Ok(more) => filled += more,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) => panic!(
                    "{err}\n expected: {wanted}\n received: {}",
                    escape(&received[..filled])
                ),
            }
        }
        received
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn is_closed(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted
    )
}

/// Bytes as a person reads them in a failure: ASCII as it is, the rest as `\xNN`, long runs cut in the middle.
pub(crate) fn escape(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 600;
    if bytes.len() <= SHOWN_MAX {
        return format!("\"{}\" ({} bytes)", bytes.escape_ascii(), bytes.len());
    }
    let (head, _) = bytes.split_at(SHOWN_MAX / 2);
    let (_, tail) = bytes.split_at(bytes.len() - SHOWN_MAX / 2);
    format!(
        "\"{} ... {}\" ({} bytes)",
        head.escape_ascii(),
        tail.escape_ascii(),
        bytes.len()
    )
}
