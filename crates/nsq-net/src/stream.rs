//! A socket together with the layers negotiated for it.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Peer, Socket};

/// Bytes in, other bytes out: TLS or compression on top of a [`Stream`].
///
/// A layer keeps everything that it has not delivered yet, so that dropping a read or a write at any
/// point loses nothing.
pub trait Layer: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<L: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Layer for L {}

/// The bytes of one connection.
///
/// Layers are added early in a connection's life, by [`wrap`](Self::wrap). A stream without
/// layers talks to its socket directly: one branch, no indirection and no allocation.
#[derive(Debug)]
pub struct Stream {
    inner: Inner,
    peer: Peer,
}

#[derive(Debug)]
enum Inner {
    Plain(Socket),
    Layered(Box<dyn Layer>),
}

impl Stream {
    /// Puts a layer on top of this stream; `layer` gets the stream as it is now and returns what
    /// reads and writes through it.
    pub fn wrap<L: Layer + 'static>(&mut self, layer: impl FnOnce(Self) -> L) {
        let beneath = Self {
            // Nothing that has a size is allocated for what is there meanwhile.
            inner: std::mem::replace(&mut self.inner, Inner::Layered(Box::new(tokio::io::empty()))),
            peer: self.peer,
        };
        self.inner = Inner::Layered(Box::new(layer(beneath)));
    }

    /// A stream over something that is no socket, for tests: its peer shows as that of a unix socket.
    pub fn over(layer: impl Layer + 'static) -> Self {
        Self {
            inner: Inner::Layered(Box::new(layer)),
            peer: Peer::Unix,
        }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// This end of a stream without layers; `None` for a unix socket.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match &self.inner {
            Inner::Plain(socket) => socket.local_addr(),
            Inner::Layered(_) => None,
        }
    }
}

impl From<Socket> for Stream {
    fn from(socket: Socket) -> Self {
        Self {
            peer: socket.peer(),
            inner: Inner::Plain(socket),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Inner::Layered(layer) => Pin::new(layer).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().inner {
            Inner::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Inner::Layered(layer) => Pin::new(layer).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().inner {
            Inner::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
            Inner::Layered(layer) => Pin::new(layer).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.inner {
            Inner::Plain(socket) => socket.is_write_vectored(),
            Inner::Layered(layer) => layer.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Inner::Layered(layer) => Pin::new(layer).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Inner::Layered(layer) => Pin::new(layer).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nsq_runtime::Clock;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};

    use super::*;
    use crate::{Address, Listener};

    #[tokio::test]
    async fn a_layer_sits_between_the_stream_and_its_socket() {
        let listener = Listener::bind(&Address::parse("127.0.0.1:0")).await.unwrap();
        let address = Address::parse(&listener.local_addr().to_string());
        let clock = Clock::system();
        let (client, server) = tokio::join!(
            Socket::connect(&address, Duration::from_secs(30), &clock),
            listener.accept()
        );
        let mut client = Stream::from(client.unwrap());
        client.wrap(BufStream::new);
        let mut server = Stream::from(server.unwrap());
        assert_eq!(client.peer().to_string(), address.to_string());

        client.write_all(b"kept back until flushed").await.unwrap();
        client.flush().await.unwrap();
        let mut received = [0; 23];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"kept back until flushed");
    }
}
