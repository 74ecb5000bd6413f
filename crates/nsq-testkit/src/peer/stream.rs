//! TCP and unix streams, and what is put on top of them, behind one type.

use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::layer::Layer;

/// The transport under a peer.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Layered {
        top: Box<dyn Layer>,
        /// Another handle of the socket beneath.
        socket: TcpStream,
    },
}

impl Stream {
    pub(super) fn set_read_timeout(&self, timeout: Option<Duration>) -> Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(timeout),
            Self::Unix(stream) => stream.set_read_timeout(timeout),
            Self::Layered { socket, .. } => socket.set_read_timeout(timeout),
        }
    }

    pub(super) fn set_write_timeout(&self, timeout: Option<Duration>) -> Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(timeout),
            Self::Unix(stream) => stream.set_write_timeout(timeout),
            Self::Layered { socket, .. } => socket.set_write_timeout(timeout),
        }
    }

    pub(super) fn shutdown(&self, direction: Shutdown) -> Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(direction),
            Self::Unix(stream) => stream.shutdown(direction),
            Self::Layered { socket, .. } => socket.shutdown(direction),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, block: &mut [u8]) -> Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(block),
            Self::Unix(stream) => stream.read(block),
            Self::Layered { top, .. } => top.read(block),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
            Self::Layered { top, .. } => top.write(bytes),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Unix(stream) => stream.flush(),
            Self::Layered { top, .. } => top.flush(),
        }
    }
}
