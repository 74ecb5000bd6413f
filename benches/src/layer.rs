//! What may lie between a connection and its socket: TLS, snappy, deflate.
//!
//! Like the rest of the generator this shares no code with what it measures, but for the libraries of the formats.

mod deflate;
mod snappy;
mod tls;

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use serde_json::Value;

use self::deflate::Deflate;
use self::snappy::Snappy;
use self::tls::Tls;
use crate::error::{Doing, Error, Result};
use crate::wire::command::{self, MAGIC};
use crate::wire::frame::{self, Frame};

pub(crate) use self::tls::Certificate;

/// A handshake that takes longer has failed.
const STEP_MAX: Duration = Duration::from_secs(30);

/// Which layers a client asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layers {
    /// Encrypt, and trust what this says.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// Compress, inside of that.
    pub(crate) compression: Option<Compression>,
}

/// A way to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Snappy,
    Deflate,
}

/// One layer. It holds nothing back: what has been encoded can be decoded to the end.
pub(crate) trait Layer: fmt::Debug + Send {
    /// Appends what `plain` becomes to `coded`.
    ///
    /// # Errors
    /// The library refuses.
    fn encode(&mut self, plain: &[u8], coded: &mut Vec<u8>) -> Result<()>;

    /// Takes everything in `coded` and appends to `plain` what can be had so far.
    ///
    /// # Errors
    /// The server breaks the format.
    fn decode(&mut self, coded: &[u8], plain: &mut Vec<u8>) -> Result<()>;
}

/// The layers of a connection.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    /// The innermost first.
    layers: Vec<Box<dyn Layer>>,
    buffer: Vec<u8>,
    other: Vec<u8>,
}

impl Layers {
    /// Whether there are none.
    pub(crate) fn is_none(&self) -> bool {
        self.tls.is_none() && self.compression.is_none()
    }

    /// Opens a V2 connection on a socket that blocks, and agrees on the layers.
    pub(crate) fn negotiate(&self, socket: &mut TcpStream) -> Result<Stack> {
        socket
            .set_read_timeout(Some(STEP_MAX))
            .doing(|| "setting a read timeout")?;
        let mut request = MAGIC.to_vec();
        command::identify(&mut request, &self.identify());
        socket.write_all(&request).doing(|| "identifying")?;
        let mut stack = Stack::default();
        let (granted, ahead) = stack.read_response(socket, &[])?;
        self.expect_granted(&granted)?;
        if let Some(config) = &self.tls {
            stack.layers.push(Box::new(Tls::connect(config, socket)?));
        }
        let ahead = if self.tls.is_some() {
            stack.expect_ok(socket, &[])?
        } else {
            ahead
        };
        if let Some(compression) = self.compression {
            let mut layer: Box<dyn Layer> = match compression {
                Compression::Snappy => Box::new(Snappy::default()),
                Compression::Deflate => Box::new(Deflate::default()),
            };
            // The server waits for nothing before it goes on inside the new layer.
            let mut plain = Vec::new();
            layer.decode(&ahead, &mut plain)?;
            stack.layers.insert(0, layer);
            stack.expect_ok(socket, &plain)?;
        }
        Ok(stack)
    }

    fn identify(&self) -> String {
        let [snappy, deflate] =
            [Compression::Snappy, Compression::Deflate].map(|it| self.compression == Some(it));
        let tls = self.tls.is_some();
        format!(r#"{{"feature_negotiation":true,"tls_v1":{tls},"snappy":{snappy},"deflate":{deflate}}}"#)
    }

    fn expect_granted(&self, answer: &[u8]) -> Result<()> {
        let granted: Value = serde_json::from_slice(answer).unwrap_or_default();
        let wanted = [
            ("tls_v1", self.tls.is_some()),
            ("snappy", self.compression == Some(Compression::Snappy)),
            ("deflate", self.compression == Some(Compression::Deflate)),
        ];
        match wanted
            .into_iter()
            .find(|(layer, wanted)| granted.get(layer).and_then(Value::as_bool) != Some(*wanted))
        {
            None => Ok(()),
            Some((layer, _)) => Err(Error::Protocol(format!(
                "the server does not agree about {layer}: {}",
                String::from_utf8_lossy(answer)
            ))),
        }
    }
}

impl Stack {
    /// Appends to `wire` what `plain` becomes.
    pub(crate) fn encode(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> Result<()> {
        let Some((outermost, inner)) = self.layers.split_last_mut() else {
            wire.extend_from_slice(plain);
            return Ok(());
        };
        let mut coded = plain;
        for layer in inner {
            self.other.clear();
            layer.encode(coded, &mut self.other)?;
            std::mem::swap(&mut self.buffer, &mut self.other);
            coded = &self.buffer;
        }
        outermost.encode(coded, wire)
    }

    /// Appends to `plain` what `wire` holds.
    pub(crate) fn decode(&mut self, wire: &[u8], plain: &mut Vec<u8>) -> Result<()> {
        let Some((innermost, outer)) = self.layers.split_first_mut() else {
            plain.extend_from_slice(wire);
            return Ok(());
        };
        let mut coded = wire;
        for layer in outer.iter_mut().rev() {
            self.other.clear();
            layer.decode(coded, &mut self.other)?;
            std::mem::swap(&mut self.buffer, &mut self.other);
            coded = &self.buffer;
        }
        innermost.decode(coded, plain)
    }

    /// Reads an `OK`, as [`read_response`](Self::read_response) does. Returns what is behind it.
    fn expect_ok(&mut self, socket: &mut TcpStream, ahead: &[u8]) -> Result<Vec<u8>> {
        match self.read_response(socket, ahead)? {
            (response, behind) if response == b"OK" => Ok(behind),
            (other, _) => Err(frame::unexpected(&other)),
        }
    }

    /// Reads one response, the beginning of which may be known already. Returns it and what was read behind it.
    fn read_response(&mut self, socket: &mut TcpStream, ahead: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
        let mut plain = ahead.to_vec();
        let mut bytes = [0; 4096];
        let mut received = 0;
        loop {
            // Even without new bytes: the handshake may have received all of it.
            self.decode(bytes.get(..received).unwrap_or_default(), &mut plain)?;
            match frame::parse(&plain)? {
                Some((Frame::Response(data), length)) => {
                    let behind = plain.get(length..).unwrap_or_default();
                    return Ok((data.to_vec(), behind.to_vec()));
                }
                Some((Frame::Error(data), _)) => return Err(frame::refused(data)),
                Some((Frame::Message(_), _)) => return Err(frame::unexpected(b"a message")),
                None => {}
            }
            received = socket.read(&mut bytes).doing(|| "agreeing on layers")?;
            if received == 0 {
                return Err(Error::Server(
                    "the server closed a connection during its upgrade".to_owned(),
                ));
            }
        }
    }
}

/// The server breaks a format.
fn broken(layer: &str, cause: impl fmt::Display) -> Error {
    Error::Protocol(format!("{layer}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends pieces of all kinds through a layer, cut anywhere.
    fn expect_same(mut sender: impl Layer, mut receiver: impl Layer) {
        for size in [1, 16, 17, 1_000, 65_536, 65_537, 300_000] {
            let plain: Vec<u8> = (0..size)
                .map(|index: u32| (index.wrapping_mul(index) >> 5).to_be_bytes()[3])
                .collect();
            let mut coded = Vec::new();
            sender.encode(&plain, &mut coded).unwrap();
            let mut decoded = Vec::new();
            for piece in coded.chunks(coded.len() / 3 + 1) {
                receiver.decode(piece, &mut decoded).unwrap();
            }
            assert_eq!(decoded, plain);
        }
    }

    #[test]
    fn what_is_compressed_comes_out_again() {
        expect_same(Snappy::default(), Snappy::default());
        expect_same(Deflate::default(), Deflate::default());
    }

    #[test]
    fn the_inner_layer_is_applied_first() {
        let stack = || Stack {
            layers: vec![Box::new(Snappy::default()), Box::new(Deflate::default())],
            ..Stack::default()
        };
        let mut wire = Vec::new();
        stack().encode(b"hello", &mut wire).unwrap();
        let mut snappy = Vec::new();
        Deflate::default().decode(&wire, &mut snappy).unwrap();
        assert_eq!(&snappy[4..10], b"sNaPpY");
        let mut plain = Vec::new();
        stack().decode(&wire, &mut plain).unwrap();
        assert_eq!(plain, b"hello");
    }
}
