//! An nsqd as nsqlookupd sees it, and a consumer that asks for one. Both block.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::{Doing, Error, Result};
use crate::wire::{command, response};

/// A server that does not answer for this long is broken.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// Commands that are written before their answers are read: few enough for the buffers of both sockets.
const BATCH: usize = 500;

/// The answer to a command.
const OK: &[u8] = b"\0\0\0\x02OK";

/// A connection that keeps topics registered until it is dropped.
#[derive(Debug)]
pub(crate) struct Registrant {
    _stream: TcpStream,
}

impl Registrant {
    /// Identifies as nsqd `number` and registers `topics`.
    pub(crate) fn register(address: SocketAddr, number: u64, topics: &[String]) -> Result<Self> {
        let mut stream = connect(address)?;
        let json = format!(
            r#"{{"broadcast_address":"node-{number:04}.example","hostname":"node-{number:04}","tcp_port":4150,"http_port":4151,"version":"1.3.0"}}"#
        );
        let size = u32::try_from(json.len()).unwrap_or(0).to_be_bytes();
        let identify = [b"  V1IDENTIFY\n", &size[..], json.as_bytes()].concat();
        stream.write_all(&identify).doing(|| "identifying")?;
        let mut size = [0; 4];
        stream.read_exact(&mut size).doing(|| "identifying")?;
        let mut answer = vec![0; usize::try_from(u32::from_be_bytes(size)).unwrap_or(0)];
        stream.read_exact(&mut answer).doing(|| "identifying")?;
        for batch in topics.chunks(BATCH) {
            let mut commands = Vec::new();
            for topic in batch {
                command::register(&mut commands, topic);
            }
            stream.write_all(&commands).doing(|| "registering")?;
            let mut answers = vec![0; batch.len() * OK.len()];
            stream.read_exact(&mut answers).doing(|| "registering")?;
            if answers.chunks(OK.len()).any(|answer| answer != OK) {
                return Err(Error::Protocol(format!(
                    "the server answered {}",
                    answers.escape_ascii()
                )));
            }
        }
        Ok(Self { _stream: stream })
    }
}

/// The body of `GET target`, over a connection of its own as client libraries ask.
///
/// # Errors
///
/// [`Error::Protocol`] for any status but 200.
pub(crate) fn get(address: SocketAddr, target: &str) -> Result<Vec<u8>> {
    let mut stream = connect(address)?;
    let request = format!("GET {target} HTTP/1.0\r\nHost: 127.0.0.1:4161\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .doing(|| format!("requesting {target}"))?;
    let mut answer = Vec::with_capacity(512 * 1024);
    stream
        .read_to_end(&mut answer)
        .doing(|| format!("awaiting the answer of {target}"))?;
    let head = response::head_length(&answer).unwrap_or(0);
    let body = answer.split_off(head);
    let is_ok = answer.get(8..13) == Some(b" 200 ");
    if is_ok {
        Ok(body)
    } else {
        let head = String::from_utf8_lossy(&answer);
        Err(Error::Protocol(format!("{target} answered {head}")))
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).doing(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true).doing(|| "setting TCP_NODELAY")?;
    stream
        .set_read_timeout(Some(ANSWER_MAX))
        .doing(|| "setting a read timeout")?;
    Ok(stream)
}
