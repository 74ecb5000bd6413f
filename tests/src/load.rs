//! Messages that flow while daemons come and go, and a ledger of each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nsq_testkit::peer::{Message, PATIENCE, Stopwatch, command};
use parking_lot::{Condvar, Mutex};

use crate::poll;

/// How far publishing may be ahead of consuming.
const AHEAD_MAX: usize = 200;

/// The time between two messages: enough of them to be busy, and few enough for a slow machine to look at each.
const PACE: Duration = Duration::from_millis(2);

/// How many messages a consumer takes at once.
pub const READY_COUNT: usize = 10;

/// A producer and consumers that go on when their nsqd is exchanged, as client libraries do.
///
/// The producer publishes one message at a time and takes it for published when it has the `OK`; without one it goes to
/// the next nsqd. Each nsqd has one consumer, which finishes what it gets.
#[derive(Debug)]
pub struct Load {
    topic: String,
    ledger: Arc<Ledger>,
    producer: JoinHandle<()>,
    consumers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Ledger {
    books: Mutex<Books>,
    changed: Condvar,
}

/// What has been published and consumed.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Bodies that were answered with `OK`.
    pub published: BTreeSet<String>,
    /// Bodies that were sent and not answered: each may be there or not.
    pub unanswered: BTreeSet<String>,
    /// How often each body was received.
    pub received: BTreeMap<String, u32>,
    /// Bodies that are published and have not been received.
    waiting: BTreeSet<String>,
    producer_stops: bool,
    producer_ended: bool,
    consumers_stop: bool,
}

impl Load {
    /// Publishes to `topic` on all of these nsqds, and consumes its channel `channel`.
    pub fn start(topic: &str, channel: &str, nsqds: &[SocketAddr]) -> Self {
        let ledger = Arc::new(Ledger::default());
        let producer = {
            let (ledger, topic, nsqds) = (Arc::clone(&ledger), topic.to_owned(), nsqds.to_vec());
            thread::spawn(move || ledger.produce(&topic, &nsqds))
        };
        let consumers = nsqds.iter().map(|&nsqd| {
            let (ledger, topic, channel) = (Arc::clone(&ledger), topic.to_owned(), channel.to_owned());
            thread::spawn(move || ledger.consume(&topic, &channel, nsqd))
        });
        Self {
            topic: topic.to_owned(),
            consumers: consumers.collect(),
            ledger,
            producer,
        }
    }

    /// The topic that is published to.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Waits until this many more messages have been received.
    #[track_caller]
    pub fn await_more(&self, count: usize) {
        let wanted = self.ledger.books.lock().received.len() + count;
        self.ledger.await_books(|books| books.received.len() >= wanted);
    }

    /// Ends the producer, waits until all that it has published was received, and gives the books.
    #[track_caller]
    pub fn settle(&mut self) -> Books {
        self.ledger.books.lock().producer_stops = true;
        self.ledger.changed.notify_all();
        self.ledger.await_books(|books| {
            books
                .published
                .iter()
                .all(|body| books.received.contains_key(body))
        });
        self.ledger.books.lock().clone()
    }

    /// Lets the consumers end with their connections, which are then to be closed by stopping the daemons.
    pub fn end_with_daemons(self, stop: impl FnOnce()) {
        self.ledger.books.lock().consumers_stop = true;
        stop();
        for thread in self.consumers.into_iter().chain([self.producer]) {
            thread.join().expect("a client of the load has not failed");
        }
    }
}

impl Ledger {
    #[track_caller]
    fn await_books(&self, is_so: impl Fn(&Books) -> bool) {
        let mut books = self.books.lock();
        let late = self
            .changed
            .wait_while_for(&mut books, |books| !is_so(books), PATIENCE);
        assert!(
            !late.timed_out(),
            "{} were published and {} received; not these: {:?}",
            books.published.len(),
            books.received.len(),
            books.waiting
        );
    }

    fn produce(&self, topic: &str, nsqds: &[SocketAddr]) {
        let mut number = 0;
        let mut connection = None;
        // Others are tried while one is down.
        let mut next = nsqds.iter().cycle();
        loop {
            {
                let mut books = self.books.lock();
                let began = Stopwatch::start();
                self.changed.wait_while_for(
                    &mut books,
                    |books| !books.producer_stops && began.elapsed() < PACE,
                    PACE,
                );
                self.changed.wait_while(&mut books, |books| {
                    !books.producer_stops && books.waiting.len() >= AHEAD_MAX
                });
                if books.producer_stops {
                    books.producer_ended = true;
                    self.changed.notify_all();
                    return;
                }
            }
            let body = format!("{number:06}");
            number += 1;
            // Alternately, so that each nsqd gets its share.
            if number % 20 == 0 {
                connection = None;
            }
            let there = connection
                .take()
                .or_else(|| Connection::open(*next.next().expect("an endless iterator")).ok());
            let Some(mut there) = there else { continue };
            let outcome = there.publish(topic, &body);
            let mut books = self.books.lock();
            if outcome.is_ok() {
                if !books.received.contains_key(&body) {
                    books.waiting.insert(body.clone());
                }
                books.published.insert(body);
                connection = Some(there);
            } else {
                books.unanswered.insert(body);
            }
        }
    }

    fn consume(&self, topic: &str, channel: &str, nsqd: SocketAddr) {
        loop {
            let connection = poll::until(|| {
                if self.books.lock().consumers_stop {
                    return Ok(None);
                }
                Connection::open(nsqd)
                    .map(Some)
                    .map_err(|error| format!("cannot connect to {nsqd}: {error}"))
            });
            let Some(mut connection) = connection else { return };
            // Whatever ends the connection, the next one goes on.
            let _ = connection.consume(topic, channel, |message| {
                let mut books = self.books.lock();
                books.waiting.remove(message.text());
                *books.received.entry(message.text().to_owned()).or_default() += 1;
                self.changed.notify_all();
            });
        }
    }
}

/// A connection that may end at any time, unlike that of a [`Peer`](crate::Peer).
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(nsqd: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect_timeout(&nsqd, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.write_all(b"  V2")?;
        Ok(Self(BufReader::new(stream)))
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// The next frame that is no heartbeat: its type and its data.
    fn read(&mut self) -> io::Result<(u32, Vec<u8>)> {
        loop {
            let (size, kind) = (self.read_number()?, self.read_number()?);
            let mut data = vec![0; (size as usize).saturating_sub(4)];
            self.0.read_exact(&mut data)?;
            if data != b"_heartbeat_" {
                return Ok((kind, data));
            }
            self.send(b"NOP\n")?;
        }
    }

    fn read_number(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.0.read_exact(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn expect_ok(&mut self) -> io::Result<()> {
        match self.read()? {
            (0, data) if data == b"OK" => Ok(()),
            (_, data) => Err(io::Error::other(data.escape_ascii().to_string())),
        }
    }

    fn publish(&mut self, topic: &str, body: &str) -> io::Result<()> {
        self.send(&command::publish(topic, body))?;
        self.expect_ok()
    }

    fn consume(&mut self, topic: &str, channel: &str, mut receive: impl FnMut(&Message)) -> io::Result<()> {
        self.send(command::subscribe(topic, channel).as_bytes())?;
        self.expect_ok()?;
        self.send(format!("RDY {READY_COUNT}\n").as_bytes())?;
        loop {
            let (kind, data) = self.read()?;
            if kind == 2 {
                let message = Message::parse(&data);
                receive(&message);
                self.send(message.fin().as_bytes())?;
            }
        }
    }
}
