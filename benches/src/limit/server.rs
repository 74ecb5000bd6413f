//! The event loop of a limit server.

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;

use mio::Interest;
use mio::net::TcpListener;

use super::broker::Broker;
use super::session::Session;
use super::{Limit, http};
use crate::error::{Doing, Result};
use crate::link::{Filled, Link, Poller, Pool};

const TCP_KEY: usize = 0;
const HTTP_KEY: usize = 1;

/// Keys of connections begin here.
const CONNECTION_KEY: usize = 2;

/// Serves on free ports of 127.0.0.1 until the process is ended, and announces them on standard error as nsqd does.
pub(crate) fn serve(limit: Limit) -> Result<()> {
    let mut server = Server::bind(limit)?;
    let mut ready = Vec::new();
    loop {
        server.poller.wait(None, &mut ready)?;
        for event in &ready {
            match event.key {
                TCP_KEY => server.accept(Kind::Tcp)?,
                HTTP_KEY => server.accept(Kind::Http)?,
                key => server.serve_connection(key, event.readable),
            }
        }
        server.deliver();
    }
}

#[derive(Debug)]
struct Server {
    tcp: TcpListener,
    http: TcpListener,
    poller: Poller,
    pool: Pool,
    broker: Broker,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Connection {
    link: Link,
    /// `None` for HTTP. In a box, since most connections of some workloads are idle.
    session: Option<Box<Session>>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Tcp,
    Http,
}

impl Server {
    fn bind(limit: Limit) -> Result<Self> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listen = || TcpListener::bind(any).doing(|| "listening on 127.0.0.1");
        let mut server = Self {
            tcp: listen()?,
            http: listen()?,
            poller: Poller::new()?,
            pool: Pool::default(),
            broker: Broker::new(limit),
            connections: Vec::new(),
            free: Vec::new(),
        };
        server
            .poller
            .add_source(&mut server.tcp, TCP_KEY, Interest::READABLE)?;
        server
            .poller
            .add_source(&mut server.http, HTTP_KEY, Interest::READABLE)?;
        let mut log = std::io::stderr().lock();
        for (name, listener) in [("TCP", &server.tcp), ("HTTP", &server.http)] {
            let address = listener
                .local_addr()
                .doing(|| "asking for a listener's address")?;
            writeln!(log, "[limit:{limit}] INFO: {name}: listening on {address}")
                .doing(|| "writing the log")?;
        }
        Ok(server)
    }

    fn accept(&mut self, kind: Kind) -> Result<()> {
        let listener = match kind {
            Kind::Tcp => &self.tcp,
            Kind::Http => &self.http,
        };
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).doing(|| "accepting a connection"),
            };
            stream.set_nodelay(true).doing(|| "setting TCP_NODELAY")?;
            let slot = self.free.pop().unwrap_or(self.connections.len());
            let mut link = Link::new(stream);
            self.poller.add(&mut link, CONNECTION_KEY + slot)?;
            let session = matches!(kind, Kind::Tcp).then(Box::default);
            let connection = Some(Connection { link, session });
            match self.connections.get_mut(slot) {
                Some(place) => *place = connection,
                None => self.connections.push(connection),
            }
        }
    }

    fn serve_connection(&mut self, key: usize, readable: bool) {
        let slot = key - CONNECTION_KEY;
        let Some(place) = self.connections.get_mut(slot) else {
            return;
        };
        let Some(connection) = place else { return };
        let alive = !readable || connection.receive(slot, &mut self.pool, &mut self.broker);
        let flushed = alive.then(|| connection.link.flush());
        if let Some(Ok(is_empty)) = flushed {
            if let Some((topic, _)) = connection.subscription()
                && is_empty
            {
                self.broker.touch(topic);
            }
            return;
        }
        if let Some((topic, channel)) = connection.subscription() {
            self.broker.unsubscribe(topic, channel, slot);
        }
        *place = None;
        self.free.push(slot);
    }

    fn deliver(&mut self) {
        // Both closures look at connections, one after the other.
        let connections = std::cell::RefCell::new(&mut self.connections);
        self.broker.deliver(
            |slot| match connections.borrow().get(slot) {
                Some(Some(connection)) if connection.link.unsent() == 0 => connection.credit(),
                _ => 0,
            },
            |slot, bytes, count| {
                if let Some(Some(connection)) = connections.borrow_mut().get_mut(slot) {
                    connection.send(bytes, count);
                }
            },
        );
    }
}

impl Connection {
    fn subscription(&self) -> Option<(usize, usize)> {
        self.session.as_ref()?.subscription
    }

    fn credit(&self) -> u32 {
        self.session.as_ref().map_or(0, |session| session.credit())
    }

    /// Reads and executes; false when the connection is over.
    fn receive(&mut self, slot: usize, pool: &mut Pool, broker: &mut Broker) -> bool {
        loop {
            let Ok(filled) = self.link.fill(pool) else {
                return false;
            };
            let (bytes, out) = self.link.exchange();
            let taken = match &mut self.session {
                Some(session) => session.execute(bytes, out, broker, slot),
                None => http::execute(bytes, out, broker),
            };
            let Ok(taken) = taken else { return false };
            self.link.consume(taken);
            match filled {
                Filled::More => {}
                Filled::Drained => break,
                Filled::Closed => return false,
            }
        }
        self.link.release(pool);
        true
    }

    /// Sends frames straight from the log; what the socket does not take is copied and sent when it does.
    fn send(&mut self, bytes: &[u8], count: u32) {
        // A failed write is seen again, and handled, when the poller reports the socket.
        let sent = self.link.send(bytes).unwrap_or(bytes.len());
        self.link
            .outbox()
            .extend_from_slice(bytes.get(sent..).unwrap_or_default());
        if let Some(session) = &mut self.session {
            session.on_sent(count);
        }
    }
}
