//! A blocking HTTP client for what is not measured, or measured one request at a time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::{Doing, Error, Result};
use crate::wire::command;
use crate::wire::response;

/// A server that does not answer for this long is broken.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// One keep-alive connection.
#[derive(Debug)]
pub(crate) struct Admin {
    stream: TcpStream,
    inbox: Vec<u8>,
}

impl Admin {
    /// Connects.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).doing(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true).doing(|| "setting TCP_NODELAY")?;
        stream
            .set_read_timeout(Some(ANSWER_MAX))
            .doing(|| "setting a read timeout")?;
        Ok(Self {
            stream,
            inbox: Vec::new(),
        })
    }

    /// `POST target` with an empty body.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] for any status but 200.
    pub(crate) fn post(&mut self, target: &str) -> Result<()> {
        let mut request = Vec::new();
        command::http_post(&mut request, target, 0);
        self.exchange(target, &request)
    }

    /// `GET /ping`.
    pub(crate) fn ping(&mut self) -> Result<()> {
        self.exchange("/ping", b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1:4151\r\n\r\n")
    }

    /// Creates a topic.
    pub(crate) fn create_topic(&mut self, topic: &str) -> Result<()> {
        self.post(&format!("/topic/create?topic={topic}"))
    }

    /// Creates a channel, and with it its topic.
    pub(crate) fn create_channel(&mut self, topic: &str, channel: &str) -> Result<()> {
        self.create_topic(topic)?;
        self.post(&format!("/channel/create?topic={topic}&channel={channel}"))
    }

    fn exchange(&mut self, target: &str, request: &[u8]) -> Result<()> {
        self.stream
            .write_all(request)
            .doing(|| format!("requesting {target}"))?;
        loop {
            if let Some((answer, length)) = response::parse(&self.inbox)? {
                let status = answer.status;
                if status != 200 {
                    let body = String::from_utf8_lossy(answer.body);
                    return Err(Error::Protocol(format!("{target} answered {status} {body}")));
                }
                self.inbox.drain(..length);
                return Ok(());
            }
            let mut bytes = [0; 4096];
            let count = self
                .stream
                .read(&mut bytes)
                .doing(|| format!("awaiting the answer of {target}"))?;
            if count == 0 {
                return Err(Error::Server(format!(
                    "the server closed the connection instead of answering {target}"
                )));
            }
            self.inbox
                .extend_from_slice(bytes.get(..count).unwrap_or_default());
        }
    }
}
