//! A non-blocking socket with its two buffers, and the loop that waits for many of them.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::error::{Doing, Error, Result};
use crate::layer::{Layers, Stack};

/// Receive buffers: large enough that a saturated socket is emptied in few calls.
const BUFFER_BYTES: usize = 256 * 1024;

/// A receive buffer never grows beyond this; it holds one whole request or frame.
const BUFFER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Spare receive buffers that are kept; more are given back to the allocator.
const POOLED_MAX: usize = 64;

/// Receive buffers that no connection needs at the moment, so that an idle connection holds none.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    spare: Vec<Vec<u8>>,
}

impl Pool {
    fn take(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_else(|| vec![0; BUFFER_BYTES])
    }

    fn give(&mut self, buffer: Vec<u8>) {
        if self.spare.len() < POOLED_MAX && buffer.len() == BUFFER_BYTES {
            self.spare.push(buffer);
        }
    }
}

/// Received bytes that were not consumed yet.
#[derive(Debug, Default)]
struct Inbox {
    /// Empty while nothing is held.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Room to read into.
    fn room(&mut self, pool: &mut Pool) -> Result<&mut [u8]> {
        if self.buffer.is_empty() {
            self.buffer = pool.take();
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        // A short tail would make a short read of a stream that has more to give.
        if self.buffer.len() - self.end < self.buffer.len() / 4 {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            if self.end > self.buffer.len() / 2 {
                if self.buffer.len() >= BUFFER_BYTES_MAX {
                    return Err(Error::Protocol(format!(
                        "a unit of more than {BUFFER_BYTES_MAX} bytes arrived"
                    )));
                }
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        Ok(self.buffer.get_mut(self.end..).unwrap_or_default())
    }

    /// Puts `bytes` behind the others.
    fn append(&mut self, mut bytes: &[u8], pool: &mut Pool) -> Result<()> {
        while !bytes.is_empty() {
            let room = self.room(pool)?;
            let count = room.len().min(bytes.len());
            let (now, later) = bytes.split_at(count);
            if let Some(front) = room.get_mut(..count) {
                front.copy_from_slice(now);
            }
            self.end += count;
            bytes = later;
        }
        Ok(())
    }

    fn release(&mut self, pool: &mut Pool) {
        if self.start == self.end && !self.buffer.is_empty() {
            pool.give(std::mem::take(&mut self.buffer));
            (self.start, self.end) = (0, 0);
        }
    }
}

/// What one read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Bytes arrived and more may be waiting.
    More,
    /// The socket is empty; the poller tells when that changes.
    Drained,
    /// The peer closed its side.
    Closed,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    inbox: Inbox,
    /// Bytes to send, from `sent` on.
    outbox: Vec<u8>,
    sent: usize,
    /// What lies in between, if anything does.
    coded: Option<Box<Coded>>,
}

/// Layers, and what is on its way through them.
#[derive(Debug)]
struct Coded {
    stack: Stack,
    /// Received bytes that have been decoded, while they are handed over.
    plain: Vec<u8>,
    /// Encoded bytes to send, from `sent` on.
    wire: Vec<u8>,
    sent: usize,
}

/// Bytes that are encoded at once.
const ENCODED_BYTES: usize = 64 * 1024;

impl Link {
    /// Takes over a connected socket.
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            inbox: Inbox::default(),
            outbox: Vec::new(),
            sent: 0,
            coded: None,
        }
    }

    /// Connects, waits until connected, and turns `TCP_NODELAY` on.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        Self::connect_through(address, &Layers::default())
    }

    /// The same, through `layers`; if there are any, the client has identified itself.
    pub(crate) fn connect_through(address: SocketAddr, layers: &Layers) -> Result<Self> {
        let mut stream =
            std::net::TcpStream::connect(address).doing(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true).doing(|| "setting TCP_NODELAY")?;
        let coded = if layers.is_none() {
            None
        } else {
            Some(Box::new(Coded::new(layers.negotiate(&mut stream)?)))
        };
        stream
            .set_nonblocking(true)
            .doing(|| "making a socket non-blocking")?;
        Ok(Self {
            coded,
            ..Self::new(TcpStream::from_std(stream))
        })
    }

    /// Reads once into the receive buffer.
    pub(crate) fn fill(&mut self, pool: &mut Pool) -> Result<Filled> {
        let mut spare = self.coded.is_some().then(|| pool.take());
        let room = match &mut spare {
            Some(spare) => spare,
            None => self.inbox.room(pool)?,
        };
        let wanted = room.len();
        let read = self.stream.read(room);
        if let (Some(coded), Some(wire)) = (&mut self.coded, spare) {
            if let Ok(count) = read {
                coded.decode(wire.get(..count).unwrap_or_default())?;
                self.inbox.append(&coded.plain, pool)?;
            }
            pool.give(wire);
        } else if let Ok(count) = read {
            self.inbox.end += count;
        }
        match read {
            Ok(0) => Ok(Filled::Closed),
            Ok(count) => {
                // A short read of a stream socket means that it is empty; asking again would cost a call to learn it.
                Ok(if count < wanted {
                    Filled::Drained
                } else {
                    Filled::More
                })
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Filled::Drained),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Filled::More),
            Err(source) => Err(Error::Io {
                doing: "reading from a connection".to_owned(),
                source,
            }),
        }
    }

    /// Received bytes that were not consumed yet, and the buffer for what answers them.
    pub(crate) fn exchange(&mut self) -> (&[u8], &mut Vec<u8>) {
        (self.inbox.bytes(), &mut self.outbox)
    }

    /// Forgets the first `count` received bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        self.inbox.consume(count);
    }

    /// Gives the receive buffer back if it holds nothing.
    pub(crate) fn release(&mut self, pool: &mut Pool) {
        self.inbox.release(pool);
    }

    /// The buffer that [`Link::flush`] sends.
    pub(crate) fn outbox(&mut self) -> &mut Vec<u8> {
        &mut self.outbox
    }

    /// Bytes that were not sent yet.
    pub(crate) fn unsent(&self) -> usize {
        let coded = self
            .coded
            .as_ref()
            .map_or(0, |coded| coded.wire.len() - coded.sent);
        self.outbox.len() - self.sent + coded
    }

    /// Sends what the buffer holds; true when nothing is left.
    pub(crate) fn flush(&mut self) -> Result<bool> {
        while self.sent < self.outbox.len() {
            let rest = self.outbox.get(self.sent..).unwrap_or_default();
            let count = match &mut self.coded {
                Some(coded) => coded.send(rest, &mut self.stream)?,
                None => write(&mut self.stream, rest)?,
            };
            if count == 0 {
                return Ok(false);
            }
            self.sent += count;
        }
        self.outbox.clear();
        self.sent = 0;
        match &mut self.coded {
            Some(coded) => coded.flush(&mut self.stream),
            None => Ok(true),
        }
    }

    /// Sends as much of `bytes` as the socket takes, past the buffer, which the caller knows to be empty; 0 when it
    /// takes none.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<usize> {
        match &mut self.coded {
            Some(coded) => coded.send(bytes, &mut self.stream),
            None => write(&mut self.stream, bytes),
        }
    }
}

impl Coded {
    fn new(stack: Stack) -> Self {
        Self {
            stack,
            plain: Vec::new(),
            wire: Vec::new(),
            sent: 0,
        }
    }

    /// Decodes what was received into `plain`.
    fn decode(&mut self, wire: &[u8]) -> Result<()> {
        self.plain.clear();
        self.stack.decode(wire, &mut self.plain)
    }

    /// Encodes some of `bytes` if everything before them has gone. Returns how many; they may not have gone yet.
    fn send(&mut self, bytes: &[u8], stream: &mut TcpStream) -> Result<usize> {
        if !self.flush(stream)? {
            return Ok(0);
        }
        let now = bytes.get(..ENCODED_BYTES).unwrap_or(bytes);
        self.stack.encode(now, &mut self.wire)?;
        self.flush(stream)?;
        Ok(now.len())
    }

    /// Sends what is encoded; true when nothing is left.
    fn flush(&mut self, stream: &mut TcpStream) -> Result<bool> {
        while self.sent < self.wire.len() {
            let count = write(stream, self.wire.get(self.sent..).unwrap_or_default())?;
            if count == 0 {
                return Ok(false);
            }
            self.sent += count;
        }
        self.wire.clear();
        self.sent = 0;
        Ok(true)
    }
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> Result<usize> {
    loop {
        match stream.write(bytes) {
            Ok(count) => return Ok(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(Error::Io {
                    doing: "writing to a connection".to_owned(),
                    source,
                });
            }
        }
    }
}

/// Waits for many sockets, each under a number of its own.
#[derive(Debug)]
pub(crate) struct Poller {
    poll: Poll,
    events: Events,
}

/// One socket that has something to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    /// The number it was registered under.
    pub(crate) key: usize,
    /// Whether reading is worth trying.
    pub(crate) readable: bool,
}

impl Poller {
    /// An empty set.
    pub(crate) fn new() -> Result<Self> {
        let poll = Poll::new().doing(|| "creating a poller")?;
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
        })
    }

    /// Adds a connection.
    pub(crate) fn add(&mut self, link: &mut Link, key: usize) -> Result<()> {
        self.add_source(&mut link.stream, key, Interest::READABLE | Interest::WRITABLE)
    }

    /// Adds anything that can be waited for.
    pub(crate) fn add_source(
        &mut self,
        source: &mut impl Source,
        key: usize,
        interest: Interest,
    ) -> Result<()> {
        self.poll
            .registry()
            .register(source, Token(key), interest)
            .doing(|| "registering a socket")
    }

    /// Waits until something is ready or `limit` has passed, and lists what is into `ready`.
    pub(crate) fn wait(&mut self, limit: Option<Duration>, ready: &mut Vec<Ready>) -> Result<()> {
        ready.clear();
        match self.poll.poll(&mut self.events, limit) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other.doing(|| "waiting for sockets")?,
        }
        ready.extend(self.events.iter().map(|event| Ready {
            key: event.token().0,
            readable: event.is_readable() || event.is_read_closed() || event.is_error(),
        }));
        Ok(())
    }
}
