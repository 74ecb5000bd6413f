//! What is put on top of a connection: TLS, and compression.
//!
//! The codecs are other implementations than nsqd's layers wherever there are any: the frames and streams of the
//! crates themselves, blocking.

use std::fmt;
use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::sync::Arc;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use snap::read::FrameDecoder;
use snap::write::FrameEncoder;

use super::Peer;
use super::stream::Stream;

/// A transport for bytes.
pub(super) trait Layer: Read + Write + fmt::Debug + Send {}

impl<L: Read + Write + fmt::Debug + Send> Layer for L {}

impl Peer {
    /// Encrypts the connection, as a client of the server that is called `localhost`.
    ///
    /// # Errors
    /// The handshake fails. The peer is gone then; [`try_tls`](Self::try_tls) keeps it.
    pub fn start_tls(mut self, config: &Arc<ClientConfig>) -> Result<Self> {
        let socket = self.socket();
        let mut connection = tls_connection(config);
        connection.complete_io(&mut self.stream)?;
        let top = StreamOwned::new(connection, self.stream);
        Ok(Self {
            stream: Stream::Layered {
                top: Box::new(top),
                socket,
            },
            patience: self.patience,
        })
    }

    /// Performs the client's part of a handshake and stays on the bare connection, whatever comes of it.
    ///
    /// # Errors
    /// The handshake fails.
    pub fn try_tls(&mut self, config: &Arc<ClientConfig>) -> Result<()> {
        self.set_patience();
        tls_connection(config).complete_io(&mut self.stream).map(drop)
    }

    /// Compresses the connection with snappy, in frames.
    pub fn start_snappy(self) -> Self {
        self.layered(|beneath| {
            Box::new(Snappy {
                decoder: FrameDecoder::new(beneath),
                encoder: FrameEncoder::new(Vec::new()),
            })
        })
    }

    /// Compresses the connection with raw deflate.
    pub fn start_deflate(self, level: u32) -> Self {
        self.layered(|beneath| {
            Box::new(Deflate {
                decoder: DeflateDecoder::new(beneath),
                encoder: DeflateEncoder::new(Vec::new(), Compression::new(level)),
            })
        })
    }

    fn layered(self, layer: impl FnOnce(Stream) -> Box<dyn Layer>) -> Self {
        let socket = self.socket();
        Self {
            stream: Stream::Layered {
                top: layer(self.stream),
                socket,
            },
            patience: self.patience,
        }
    }

    fn socket(&self) -> TcpStream {
        self.set_patience();
        let socket = match &self.stream {
            Stream::Tcp(socket) | Stream::Layered { socket, .. } => socket.try_clone(),
            Stream::Unix(_) => panic!("layers are for TCP"),
        };
        socket.expect("another handle of the socket")
    }

    fn set_patience(&self) {
        self.stream
            .set_read_timeout(Some(self.patience))
            .expect("set the read timeout");
    }
}

/// The client's end of a connection to `localhost` that has not begun.
///
/// # Panics
/// If the configuration cannot be used.
pub fn tls_connection(config: &Arc<ClientConfig>) -> ClientConnection {
    let name = ServerName::try_from("localhost").expect("a valid name");
    ClientConnection::new(Arc::clone(config), name).expect("a usable configuration")
}

struct Snappy {
    decoder: FrameDecoder<Stream>,
    encoder: FrameEncoder<Vec<u8>>,
}

impl Read for Snappy {
    fn read(&mut self, block: &mut [u8]) -> Result<usize> {
        self.decoder.read(block)
    }
}

impl Write for Snappy {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.encoder.write_all(bytes)?;
        self.encoder.flush()?;
        let encoded = std::mem::take(self.encoder.get_mut());
        self.decoder.get_mut().write_all(&encoded)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.decoder.get_mut().flush()
    }
}

impl fmt::Debug for Snappy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Snappy")
    }
}

#[derive(Debug)]
struct Deflate {
    decoder: DeflateDecoder<Stream>,
    encoder: DeflateEncoder<Vec<u8>>,
}

impl Read for Deflate {
    fn read(&mut self, block: &mut [u8]) -> Result<usize> {
        self.decoder.read(block)
    }
}

impl Write for Deflate {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.encoder.write_all(bytes)?;
        self.encoder.flush()?;
        let encoded = std::mem::take(self.encoder.get_mut());
        self.decoder.get_mut().write_all(&encoded)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.decoder.get_mut().flush()
    }
}
