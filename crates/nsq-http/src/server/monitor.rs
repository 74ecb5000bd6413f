//! What a connection is doing, told by its stream and its requests to the one who keeps its time.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use nsq_net::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The next request, of which nothing has come yet.
    Idle,
    /// The rest of a request's head.
    Head,
    /// More of a request's body.
    Body,
    /// A handler.
    Handler,
    /// The peer to take what is being sent.
    Writing,
    /// The peer to stop sending what nobody reads.
    Lingering,
}

/// What a connection has come to; two equal ones mean that nothing happened in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) phase: Phase,
    /// Requests whose head was complete.
    pub(super) requests: u64,
    /// Bytes read and written.
    pub(super) transferred: u64,
}

/// The state of one connection, written by its stream and its requests while the connection is
/// polled, read by its driver afterwards. All of it happens on the connection's own task; the
/// atomics only let the parts be shared.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    requests: AtomicU64,
    transferred: AtomicU64,
    /// Bytes of the request head being read; 0 while a request is handled.
    head_bytes: AtomicU64,
    in_handler: AtomicBool,
    reading_body: AtomicBool,
    write_blocked: AtomicBool,
    lingering: AtomicBool,
    /// The peer may be sending the rest of a body that nobody will read.
    input_abandoned: AtomicBool,
    /// The server is stopping and does not wait for a peer to close its side.
    hurried: AtomicBool,
}

impl Monitor {
    pub(super) fn begin_request(&self) {
        self.requests.store(self.requests.load(Relaxed) + 1, Relaxed);
        self.head_bytes.store(0, Relaxed);
        self.in_handler.store(true, Relaxed);
        self.input_abandoned.store(false, Relaxed);
    }

    pub(super) fn end_request(&self) {
        self.in_handler.store(false, Relaxed);
        self.reading_body.store(false, Relaxed);
    }

    pub(crate) fn set_reading_body(&self, waiting: bool) {
        self.reading_body.store(waiting, Relaxed);
    }

    pub(crate) fn abandon_input(&self) {
        self.input_abandoned.store(true, Relaxed);
    }

    pub(super) fn hurry(&self) {
        self.hurried.store(true, Relaxed);
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            phase: self.phase(),
            requests: self.requests.load(Relaxed),
            transferred: self.transferred.load(Relaxed),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        if self.lingering.load(Relaxed) {
            Phase::Lingering
        } else if self.write_blocked.load(Relaxed) {
            Phase::Writing
        } else if self.reading_body.load(Relaxed) {
            Phase::Body
        } else if self.in_handler.load(Relaxed) {
            Phase::Handler
        } else if self.head_bytes.load(Relaxed) > 0 {
            Phase::Head
        } else {
            Phase::Idle
        }
    }

    /// Whether closing at once could destroy a reply on its way: the system answers bytes that
    /// arrive for a closed socket by a reset, which makes the peer discard what it has not read yet.
    fn wants_to_linger(&self) -> bool {
        let refused_head = self.head_bytes.load(Relaxed) > 0;
        (refused_head || self.input_abandoned.load(Relaxed)) && !self.hurried.load(Relaxed)
    }

    fn on_read(&self, bytes: usize) {
        self.add_transferred(bytes);
        if !self.in_handler.load(Relaxed) {
            let head_bytes = self.head_bytes.load(Relaxed) + bytes as u64;
            self.head_bytes.store(head_bytes, Relaxed);
        }
    }

    fn on_write(&self, polled: &Poll<io::Result<usize>>) {
        self.write_blocked.store(polled.is_pending(), Relaxed);
        if let Poll::Ready(Ok(bytes)) = polled {
            self.add_transferred(*bytes);
        }
    }

    fn add_transferred(&self, bytes: usize) {
        let transferred = self.transferred.load(Relaxed) + bytes as u64;
        self.transferred.store(transferred, Relaxed);
    }
}

/// A stream that tells its monitor what passes.
#[derive(Debug)]
pub(super) struct Monitored {
    stream: Stream,
    monitor: Arc<Monitor>,
}

impl Monitored {
    pub(super) fn new(stream: Stream, monitor: Arc<Monitor>) -> Self {
        Self { stream, monitor }
    }
}

impl AsyncRead for Monitored {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if polled.is_ready() {
            self.monitor.on_read(buf.filled().len() - before);
        }
        polled
    }
}

impl AsyncWrite for Monitored {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let own = refusal(buf);
        let sent = own.as_deref().unwrap_or(buf);
        let polled = Pin::new(&mut self.stream).poll_write(cx, sent);
        self.monitor.on_write(&polled);
        match own {
            Some(_) => polled.map_ok(|_| buf.len()),
            None => polled,
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [single] = bufs {
            return self.poll_write(cx, single);
        }
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.monitor.on_write(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Closes the sending side and, where the reply would otherwise be lost, takes in what the peer
    /// still sends until it closes its side too.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        let mut discarded = [MaybeUninit::uninit(); 8192];
        while self.monitor.wants_to_linger() {
            self.monitor.lingering.store(true, Relaxed);
            let mut buf = ReadBuf::uninit(&mut discarded);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf))?;
            if buf.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What Go answers to a request that is not HTTP, if `head` is what hyper answers by itself.
///
/// hyper writes such a reply before any service sees it. It is told apart by being without a body
/// although it is an error: replies of services always say something.
fn refusal(head: &[u8]) -> Option<Vec<u8>> {
    let status = head.strip_prefix(b"HTTP/1.1 4")?;
    let end = status.windows(2).position(|pair| pair == b"\r\n")?;
    let (status, rest) = status.split_at(end);
    if !rest.starts_with(b"\r\nConnection: close\r\nContent-Length: 0\r\n") {
        return None;
    }
    Some(
        [
            b"HTTP/1.1 4",
            status,
            b"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n4",
            status,
        ]
        .concat(),
    )
}
